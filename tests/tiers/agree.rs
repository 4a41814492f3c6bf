//! No copy is older than what this process knows.

use larder::testing::{Calls, Hold};
use tokio::task::JoinHandle;

use super::*;

/// Reads `k`, and stops with the answer of the second tier in hand.
async fn reader_in_the_middle(
    tiers: &Arc<Told>,
    chaos: &ChaosHandle,
) -> (Hold, JoinHandle<Option<String>>) {
    let hold = chaos.hold_answer(Calls::Reads);
    let tiers = Arc::clone(tiers);
    let reader = tokio::spawn(async move { get(&*tiers, "k").await });
    hold.reached().await;
    (hold, reader)
}

#[tokio::test]
async fn what_was_read_before_a_change_is_not_copied() {
    for change in ["write", "write many", "remove", "remove many", "push", "cut"] {
        let (truth, bell) = (truth(), Bell::default());
        let (other, _) = told(&truth, &bell);
        put(&other, "k", "old").await;
        let (tiers, chaos) = told(&truth, &bell);
        let tiers = Arc::new(tiers);
        let (hold, reader) = reader_in_the_middle(&tiers, &chaos).await;
        let new = entry("new");
        match change {
            "write" => put(&*tiers, "k", "new").await,
            "write many" => {
                let puts = [larder::Put::new("k".into(), &new, WriteOpts::default())];
                tiers.write_multi(&puts).await.unwrap();
            }
            "remove" => tiers.remove("k".into()).await.unwrap(),
            "remove many" => tiers.remove_multi(&["k".into()]).await.unwrap(),
            _ => {
                put(&other, "k", "new").await;
                if change == "push" { bell.ring("k") } else { bell.was_cut() }
            }
        }
        hold.release();
        assert_eq!(reader.await.unwrap().as_deref(), Some("old"), "it began before");
        let expected = (!change.starts_with("remove")).then_some("new");
        assert_eq!(get(&*tiers, "k").await.as_deref(), expected, "{change}");
    }
}

#[tokio::test]
async fn of_two_writers_nobody_keeps_a_copy_but_the_last() {
    let (truth, bell) = (truth(), Bell::default());
    let (tiers, chaos) = told(&truth, &bell);
    let tiers = Arc::new(tiers);
    // The first is done with the second tier, but has not heard of it.
    let hold = chaos.hold_answer(Calls::Writes);
    let first = {
        let tiers = Arc::clone(&tiers);
        tokio::spawn(async move { put(&*tiers, "k", "first").await })
    };
    hold.reached().await;
    put(&*tiers, "k", "second").await;
    hold.release();
    first.await.unwrap();
    assert_eq!(get(&*tiers, "k").await.as_deref(), Some("second"));
    assert_eq!(get(&*tiers, "k").await, get(tiers.l2(), "k").await);
}

#[tokio::test]
async fn a_dropped_write_leaves_no_old_copy() {
    for answered in [false, true] {
        let (truth, bell) = (truth(), Bell::default());
        let (tiers, chaos) = told(&truth, &bell);
        put(&tiers, "k", "old").await;
        let hold =
            if answered { chaos.hold_answer(Calls::Writes) } else { chaos.hold(Calls::Writes) };
        let new = entry("new");
        tokio::select! {
            biased;
            _ = tiers.write("k".into(), &new, WriteOpts::default()) => panic!("it was held"),
            () = hold.reached() => {}
        }
        drop(hold);
        assert_eq!(get(&tiers, "k").await, get(tiers.l2(), "k").await, "answered: {answered}");
        let reads = chaos.asked(Calls::Reads);
        assert!(reads >= 2, "it had to ask: {reads}");
    }
}

#[tokio::test]
async fn a_push_drops_copies_of_that_name_and_no_others() {
    let (truth, bell) = (truth(), Bell::default());
    let (other, _) = told(&truth, &bell);
    for n in 0..100 {
        put(&other, &n.to_string(), "old").await;
    }
    let (tiers, chaos) = told(&truth, &bell);
    for n in 0..100 {
        get(&tiers, &n.to_string()).await;
    }
    put(&other, "7", "new").await;
    bell.ring("7");
    bell.ring("unheard of");
    let before = chaos.asked(Calls::Reads);
    for n in 0..100 {
        let expected = if n == 7 { "new" } else { "old" };
        assert_eq!(get(&tiers, &n.to_string()).await.as_deref(), Some(expected));
    }
    assert_eq!(chaos.asked(Calls::Reads), before + 1);
}

#[tokio::test]
async fn a_hash_changes_as_a_whole_and_a_prefix_is_part_of_the_name() {
    use larder::{Hstore, LayerExt};

    let bell = Bell::default();
    let truth = truth();
    let hashes = || {
        let far = Hstore::<_>::new(Arc::clone(&truth)).prefixed("app:").postcard().framed();
        Tiered::new(Memo::<String>::new(), far).coherent(bell.clone()).unwrap()
    };
    let (one, other) = (hashes(), hashes());
    for field in ["1", "2"] {
        put(&other, ("user", field), "old").await;
        put(&other, ("else", field), "old").await;
        assert_eq!(get(&one, ("user", field)).await.as_deref(), Some("old"));
        assert_eq!(get(&one, ("else", field)).await.as_deref(), Some("old"));
        put(other.l2(), ("user", field), "new").await;
        put(other.l2(), ("else", field), "new").await;
    }
    bell.ring("user");
    assert_eq!(get(&one, ("user", "1")).await.as_deref(), Some("old"), "that is no name of ours");
    bell.ring("app:user");
    for field in ["1", "2"] {
        assert_eq!(get(&one, ("user", field)).await.as_deref(), Some("new"));
        assert_eq!(get(&one, ("else", field)).await.as_deref(), Some("old"));
    }
}

#[tokio::test]
async fn after_a_gap_nothing_from_before_is_left() {
    let (truth, bell) = (truth(), Bell::default());
    let (tiers, chaos) = told(&truth, &bell);
    for n in 0..1000 {
        put(&tiers, &n.to_string(), "old").await;
    }
    assert_eq!(tiers.l1().len(), 1000);
    bell.was_cut();
    assert_eq!(tiers.l1().len(), 0);
    let before = chaos.asked(Calls::Reads);
    assert_eq!(get(&tiers, "1").await.as_deref(), Some("old"));
    assert_eq!(chaos.asked(Calls::Reads), before + 1);
}

#[tokio::test]
async fn tiers_are_nested_behind_and_not_before() {
    let (truth, bell) = (truth(), Bell::default());
    let near = told(&truth, &bell).0;
    let error = Tiered::new(near, far(&truth).0).coherent(bell.clone()).err().unwrap();
    assert_eq!(error.kind(), larder::ErrorKind::Config);
    assert!(error.to_string().contains("nest"), "{error}");

    let middle = Arc::new(Memory::new());
    let behind = Tiered::new(Arc::clone(&middle).postcard().framed(), far(&truth).0);
    let behind = behind.coherent(bell.clone()).unwrap();
    let tiers = Tiered::new(Memo::<String>::new(), behind).coherent(bell.clone()).unwrap();
    put(&tiers, "k", "old").await;
    assert_eq!(get(&tiers, "k").await.as_deref(), Some("old"));
    put(&super::tiers(&truth).0, "k", "new").await;
    bell.ring("k");
    assert_eq!(get(&tiers, "k").await.as_deref(), Some("new"), "neither has a copy any more");
}

/// Whatever two processes do at the same time, when all is quiet both see the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_traffic_all_agree_in_the_end() {
    let (truth, bell) = (truth(), Bell::default());
    let processes: Vec<Arc<Told>> = (0..3).map(|_| Arc::new(told(&truth, &bell).0)).collect();
    let mut tasks = Vec::new();
    for (at, tiers) in processes.iter().enumerate() {
        for task in 0..4 {
            let (tiers, bell) = (Arc::clone(tiers), bell.clone());
            tasks.push(tokio::spawn(async move {
                for n in 0..2_000_u32 {
                    let key = ["a", "b", "c", "d", "e"][(n as usize * 7 + task) % 5];
                    match (n as usize + at + task) % 9 {
                        0 => {
                            put(&*tiers, key, &format!("{at} {task} {n}")).await;
                            bell.ring(key);
                        }
                        1 => {
                            tiers.remove(key.into()).await.unwrap();
                            bell.ring(key);
                        }
                        2 => tokio::task::yield_now().await,
                        _ => drop(get(&*tiers, key).await),
                    }
                }
            }));
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    for key in ["a", "b", "c", "d", "e"] {
        let truth = get(processes[0].l2(), key).await;
        for tiers in &processes {
            assert_eq!(get(&**tiers, key).await, truth, "{key}");
        }
    }
}
