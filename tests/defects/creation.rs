//! Who creates, and how often: D1, D3, D4, D5, D9.

use std::{
    sync::{Arc, Mutex, atomic::Ordering::SeqCst},
    time::Duration,
};

use larder::{
    BackendExt, Failure, Invalidation, LayerExt, ManualClock, Memo, Options, PayloadExt, RedisLock,
    Region, Timestamp,
};
use tokio::{sync::Notify, task::yield_now};

use crate::support::{
    redis_server::RedisServer,
    region::{Pausing, Shared, Slow, an_hour, patient, process, process_with, unlocked, waiting},
    until,
};

type Asked = Arc<Mutex<Vec<Vec<&'static str>>>>;

/// A batch of `a` and `b` in a task of its own; notes what its creator is asked for.
fn batch(
    region: &Shared,
    slow: &Slow,
    asked: &Asked,
) -> tokio::task::JoinHandle<Vec<Option<String>>> {
    let (region, slow, asked) = (region.clone(), slow.clone(), Arc::clone(asked));
    tokio::spawn(async move {
        let create = async |missing: Vec<&'static str>| {
            asked.lock().unwrap().push(missing.clone());
            slow.create(()).await;
            missing.into_iter().map(|key| (key, format!("{key}!")))
        };
        region.get_or_create_multi(["a", "b"], create).await.unwrap()
    })
}

#[tokio::test]
async fn d01_waiters_of_a_batch_create_nothing_again() {
    let server = RedisServer::start();
    let regions = [process(&server), process(&server), process(&server), process(&server)];
    let (slow, asked) = (Slow::new(), Asked::default());
    let mut batches = vec![batch(&regions[0], &slow, &asked)];
    slow.called(1).await;
    for region in &regions {
        batches.push(batch(region, &slow, &asked));
    }
    for region in &regions[1..] {
        waiting(region, 1).await;
    }
    slow.go();
    for batch in batches {
        assert_eq!(batch.await.unwrap(), [Some("a!".into()), Some("b!".into())]);
    }
    assert_eq!(*asked.lock().unwrap(), [["a", "b"]], "one call for five batches in four processes");
}

#[tokio::test]
async fn d01_an_overlapping_batch_creates_only_what_nobody_else_does() {
    let server = RedisServer::start();
    let (one, other) = (process(&server), process(&server));
    let (slow, asked) = (Slow::new(), Asked::default());
    let first = batch(&one, &slow, &asked);
    slow.called(1).await;
    let second = tokio::spawn({
        let other = other.clone();
        async move {
            let create = async |missing: Vec<&'static str>| {
                assert_eq!(missing, ["c"], "others are at the rest");
                missing.into_iter().map(|key| (key, format!("{key}?")))
            };
            other.get_or_create_multi(["c", "b", "a"], create).await.unwrap()
        }
    });
    // It stores its own first and then waits for the others, so that no two wait for each other.
    let c = || server.call(&["EXISTS", "c"]).int();
    until("c", async || (c() == 1).then_some(())).await;
    waiting(&other, 1).await;
    slow.go();
    assert_eq!(first.await.unwrap().len(), 2);
    let values = second.await.unwrap();
    assert_eq!(values, [Some("c?".into()), Some("b!".into()), Some("a!".into())]);
    unlocked(&server).await;
}

#[tokio::test]
async fn d03_what_is_not_to_be_stored_is_made_once_for_all_who_wait() {
    let server = RedisServer::start();
    let region = process(&server).with(Options::new().should_cache(|_: &u64| false));
    let slow = Slow::new();
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (region, slow) = (region.clone(), slow.clone());
            tokio::spawn(async move { region.get_or_create("k", || slow.create(7_u64)).await })
        })
        .collect();
    slow.called(1).await;
    (0..20).for_each(|_| slow.go_once());
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), 7);
    }
    assert_eq!((slow.calls(), region.stats().shared), (1, 19));
    assert_eq!(region.get::<u64>("k").await.unwrap(), None);
}

#[tokio::test]
async fn d03_a_creator_that_fails_is_called_once_for_all_who_wait() {
    let server = RedisServer::start();
    let (region, slow) = (process(&server), Slow::new());
    let fail = async |slow: &Slow| slow.create(Err::<u64, _>("no database")).await;
    let singles: Vec<_> = (0..20)
        .map(|_| {
            let (region, slow) = (region.clone(), slow.clone());
            tokio::spawn(async move { region.try_get_or_create("k", || fail(&slow)).await })
        })
        .collect();
    slow.called(1).await;
    let batch = tokio::spawn({
        let region = region.clone();
        async move {
            let create = async |missing: Vec<&'static str>| {
                assert_eq!(missing, ["l"], "the failure of k is shared with the batch");
                Ok::<_, &str>([("l", 1_u64)])
            };
            region.try_get_or_create_multi(["k", "l"], create).await
        }
    });
    until("l", async || region.get::<u64>("l").await.unwrap()).await;
    slow.go();
    for single in singles {
        assert_eq!(single.await.unwrap().unwrap_err().creator(), Some(&"no database"));
    }
    let batch = batch.await.unwrap();
    assert!(matches!(&batch[0], Err(Failure::Creator(error)) if **error == "no database"));
    assert_eq!(batch[1].as_ref().unwrap(), &Some(1));
    assert_eq!((slow.calls(), region.stats().failures), (1, 1));
    unlocked(&server).await;
}

#[tokio::test]
async fn d04_a_stale_value_stands_in_for_one_that_cannot_be_made() {
    let server = RedisServer::start();
    let region = process(&server);
    for key in ["k", "l"] {
        region.set(key, 1_u64).await.unwrap();
    }
    region.invalidate(Invalidation::Soft).await.unwrap();
    let fail = async || Err::<u64, _>("no database");
    assert_eq!(region.try_get_or_create("k", fail).await.unwrap(), 1);
    let fail_all = async |_| Err::<[(&str, u64); 0], _>("no database");
    let batch = region.try_get_or_create_multi(["k", "l"], fail_all).await;
    assert!(batch.iter().all(|answer| matches!(answer, Ok(Some(1)))), "{batch:?}");
    let behind = || async { Err::<u64, _>("no database") };
    assert_eq!(region.try_get_or_create_in_background("k", behind).await.unwrap(), 1);
    until("the failure in the background", async || {
        (region.stats().failures == 3 && region.in_flight() == 0).then_some(())
    })
    .await;
    // It is still stale, so the next caller tries again; and who would rather know can.
    assert!(region.entry::<u64>("k").await.unwrap().unwrap().is_stale());
    let told = region.with(Options::new().stale_on_error(false));
    assert_eq!(
        told.try_get_or_create("k", fail).await.unwrap_err().creator(),
        Some(&"no database")
    );
    unlocked(&server).await;
}

#[tokio::test]
async fn d05_an_expired_value_is_made_anew_once() {
    let server = RedisServer::start();
    let time = ManualClock::new(Timestamp::from_secs(1_700_000_000));
    let one = process_with(&server, |builder| an_hour(builder).clock(time.clock()));
    // The other process stops with the stale value in hand.
    let redis = patient(server.unix_url());
    let lock = RedisLock::new(&redis);
    let pausing = Pausing::new(redis);
    let other = Region::builder(Arc::clone(&pausing).json().full_dict())
        .lock(lock)
        .expire_after(Duration::from_secs(3600))
        .clock(time.clock())
        .build()
        .unwrap();
    one.set("k", 1_u64).await.unwrap();
    time.advance(Duration::from_secs(3601));
    pausing.armed.store(true, SeqCst);
    let late = tokio::spawn({
        let other = other.clone();
        async move { other.get_or_create("k", async || 3_u64).await.unwrap() }
    });
    pausing.read.notified().await;
    assert_eq!(one.get_or_create("k", async || 2_u64).await.unwrap(), 2);
    pausing.go.notify_one();
    assert_eq!(late.await.unwrap(), 2, "it looks again once it has the lock");
    assert_eq!(other.stats().creations, 0);
    unlocked(&server).await;
}

#[tokio::test]
async fn d09_batches_pair_values_by_key() {
    let region = Memo::<u64>::new().region();
    // In another order, one too few, one too many, one twice.
    let create = async |missing: Vec<u64>| {
        assert_eq!(missing, [10, 2, 33, 4]);
        [("33", 330), ("5", 50), ("10", 1), ("2", 20), ("10", 100)]
    };
    let keys = [10_u64, 2, 33, 2, 4];
    let names: Vec<String> = keys.iter().map(u64::to_string).collect();
    let found = region
        .get_or_create_multi(names.iter().map(String::as_str), async |missing: Vec<&str>| {
            create(missing.iter().map(|name| name.parse().unwrap()).collect()).await
        })
        .await
        .unwrap();
    assert_eq!(found, [Some(100), Some(20), Some(330), Some(20), None]);
    assert_eq!(region.get("5").await.unwrap(), None, "nobody asked for it");
    // Keys with and without a space go together, and any iterator does.
    let keys = [("s", "n"), ("n", "s")].map(larder::Key::from);
    let mixed = keys.into_iter().chain([larder::Key::from("n")]);
    let lengths = region
        .get_or_create_multi(mixed, async |missing: Vec<larder::Key<'_>>| {
            missing.into_iter().map(|key| (key, key.flat().len() as u64)).rev().collect::<Vec<_>>()
        })
        .await
        .unwrap();
    assert_eq!(lengths, [Some(3), Some(3), Some(1)]);
}

#[tokio::test]
async fn d09_a_method_creates_for_its_own_keys() {
    struct Squares(Region<Memo<u64>>);
    impl Squares {
        async fn of(&self, numbers: [u64; 3]) -> Vec<Option<u64>> {
            let keys = numbers.map(|n| n.to_string());
            let create = async |missing: Vec<String>| {
                missing.into_iter().map(|key| {
                    let n: u64 = key.parse().unwrap();
                    (key, n * n)
                })
            };
            self.0.get_or_create_multi(keys, create).await.unwrap()
        }
    }
    let squares = Squares(Memo::new().region());
    assert_eq!(squares.of([3, 1, 2]).await, [Some(9), Some(1), Some(4)]);
    assert_eq!(squares.of([2, 20, 3]).await, [Some(4), Some(400), Some(9)]);
}

#[tokio::test]
async fn d03_who_waits_for_a_creator_that_is_dropped_does_not_queue_up() {
    let region = Memo::<u64>::new().region();
    let (slow, gone) = (Slow::new(), Arc::new(Notify::new()));
    let leader = tokio::spawn({
        let (region, gone) = (region.clone(), Arc::clone(&gone));
        async move {
            let create = async || {
                gone.notify_one();
                std::future::pending::<u64>().await
            };
            region.get_or_create("k", create).await
        }
    });
    gone.notified().await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (region, slow) = (region.clone(), slow.clone());
            tokio::spawn(async move { region.get_or_create("k", || slow.create(7)).await })
        })
        .collect();
    yield_now().await;
    leader.abort();
    slow.called(1).await;
    slow.go();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), 7);
    }
    assert_eq!(slow.calls(), 1);
}
