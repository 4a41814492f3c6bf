//! A near tier that takes its time to write.

use std::{future::poll_fn, task::Poll};

use larder::{
    ErrorKind,
    testing::{Calls, Fault, store_suite},
};

use super::*;
use crate::support::yielding::{Yielding, give_way, until};

type SlowNear = Chaos<Yielding<Memo<String>>>;
type Slow = Tiered<SlowNear, Far, Bell>;

/// Two tiers, and what happens to the first and to the second.
fn slow(truth: &Truth, bell: &Bell) -> (Slow, ChaosHandle, ChaosHandle) {
    let near = Chaos::new(Yielding(Memo::new()));
    let near_chaos = near.handle();
    let (far, chaos) = far(truth);
    let tiers = Tiered::new(near, far).coherent(bell.clone()).unwrap();
    (tiers, near_chaos, chaos)
}

#[tokio::test]
async fn keeps_the_promises_of_a_store() {
    let text = |number: u64| format!("value {number}");
    store_suite(|| async { slow(&truth(), &Bell::default()).0 }, text).await;
}

#[cfg(all(feature = "backend-file", unix))]
#[tokio::test]
async fn a_file_before_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let number = std::sync::atomic::AtomicUsize::new(0);
    let make = async || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let file = larder::File::open(folder.path().join(number.to_string())).unwrap();
        Tiered::new(file.postcard().framed(), far(&truth()).0)
    };
    store_suite(make, |number| format!("value {number}")).await;
}

#[tokio::test]
async fn a_push_while_a_copy_is_being_written() {
    for answered in [false, true] {
        let (truth, bell) = (truth(), Bell::default());
        put(&slow(&truth, &bell).0, "k", "old").await;
        let (tiers, near, far) = slow(&truth, &bell);
        let tiers = Arc::new(tiers);
        let hold =
            if answered { near.hold_answer(Calls::Writes) } else { near.hold(Calls::Writes) };
        let reader = {
            let tiers = Arc::clone(&tiers);
            tokio::spawn(async move { get(&*tiers, "k").await })
        };
        hold.reached().await;
        put(&super::tiers(&truth).0, "k", "new").await;
        bell.ring("k");
        // The old copy may be there already, but nobody gets it.
        let asked = far.asked(Calls::Reads);
        assert_eq!(get(&*tiers, "k").await.as_deref(), Some("new"), "answered: {answered}");
        assert_eq!(far.asked(Calls::Reads), asked + 1);
        hold.release();
        assert_eq!(reader.await.unwrap().as_deref(), Some("old"), "it began before");
        assert_eq!(get(&*tiers, "k").await.as_deref(), Some("new"));
    }
}

#[tokio::test]
async fn copies_are_passed_by_until_they_are_removed() {
    let (truth, bell) = (truth(), Bell::default());
    let (tiers, near, _) = slow(&truth, &bell);
    put(&tiers, "k", "old").await;
    put(&super::tiers(&truth).0, "k", "new").await;
    let hold = near.hold(Calls::Removals);
    bell.ring("k");
    hold.reached().await;
    assert_eq!(get(tiers.l1(), "k").await.as_deref(), Some("old"), "it is there still");
    assert_eq!(get(&tiers, "k").await.as_deref(), Some("new"));
    hold.release();
    support::until("the removal", async || get(tiers.l1(), "k").await.is_none().then_some(()))
        .await;
    assert_eq!(get(&tiers, "k").await.as_deref(), Some("new"));
    assert_eq!(get(tiers.l1(), "k").await.as_deref(), Some("new"), "there is a copy again");
}

#[tokio::test]
async fn a_dropped_reader_leaves_no_doubtful_copy() {
    let (truth, bell) = (truth(), Bell::default());
    put(&slow(&truth, &bell).0, "k", "old").await;
    let (tiers, near, far) = slow(&truth, &bell);
    let hold = near.hold_answer(Calls::Writes);
    tokio::select! {
        biased;
        _ = get(&tiers, "k") => panic!("it was held"),
        () = hold.reached() => {}
    }
    hold.release();
    put(&super::tiers(&truth).0, "k", "new").await;
    bell.ring("k");
    assert_eq!(get(&tiers, "k").await.as_deref(), Some("new"));
    // Copies are made again, once the removal is through.
    support::until("a copy", async || {
        get(&tiers, "k").await;
        let asked = far.asked(Calls::Reads);
        get(&tiers, "k").await;
        (far.asked(Calls::Reads) == asked).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_doubt_that_ends_while_a_copy_is_read_counts() {
    let near = Chaos::new(Memo::<String>::new());
    let near_chaos = near.handle();
    let tiers = Tiered::new(near, far(&truth()).0);
    put(&tiers, "k", "old").await;
    near_chaos.inject(Fault::Error(ErrorKind::Backend).on(Calls::Writes).times(1));
    tiers.write("k".into(), &entry("new"), WriteOpts::default()).await.unwrap_err();
    // A reader has the old copy in hand, which is removed before it goes on.
    let hold = near_chaos.hold_answer(Calls::Reads);
    let mut reader = Box::pin(get(&tiers, "k"));
    assert!(poll_fn(|cx| Poll::Ready(reader.as_mut().poll(cx).is_pending())).await);
    until(|| near_chaos.asked(Calls::Removals) > 0).await;
    give_way().await;
    assert!(tiers.l1().inner().is_empty(), "it was removed");
    hold.release();
    assert_eq!(reader.await.as_deref(), Some("new"));
}
