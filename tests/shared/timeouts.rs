//! Waits that last too long, for each `OnTimeout`.

use std::time::{Duration, Instant};

use larder::{
    BackendExt, ErrorKind, Invalidation, OnTimeout, Options, PayloadExt, RedisLock, Region,
};
use tokio::task::JoinHandle;

use crate::support::{
    DEADLINE,
    redis_server::RedisServer,
    region::{Shared, Slow, patient, process, process_with, unlocked, waiting},
    until,
};

const BRIEF: Duration = Duration::from_millis(50);
/// The patience of three processes. In between is time for what is to happen on a busy machine, and
/// after the last until who took over was waited for long enough.
const PATIENCE: [Duration; 3] =
    [Duration::from_secs(2), Duration::from_millis(2300), Duration::from_millis(2600)];

/// Three processes that take over.
fn impatient(server: &RedisServer) -> [Shared; 3] {
    PATIENCE.map(|patience| {
        let options = Options::new().wait_timeout(patience).on_timeout(OnTimeout::Create);
        process(server).with(options)
    })
}

/// A creation in a process of its own that does not end before `slow` says so.
async fn endless(server: &RedisServer, slow: &Slow) -> (Shared, JoinHandle<u64>) {
    let region = process(server);
    let task = tokio::spawn({
        let (region, slow) = (region.clone(), slow.clone());
        async move { region.get_or_create("k", || slow.create(1_u64)).await.unwrap() }
    });
    slow.called(1).await;
    (region, task)
}

async fn never() -> u64 {
    unreachable!("somebody else creates")
}

async fn no_batch(_: Vec<&'static str>) -> Vec<(&'static str, u64)> {
    unreachable!("somebody else creates")
}

#[tokio::test]
async fn fail_is_an_error_for_every_waiter_and_harms_nobody() {
    let server = RedisServer::start();
    let slow = Slow::new();
    let (_, first) = endless(&server, &slow).await;
    let other = process_with(&server, |builder| builder.wait_timeout(BRIEF));
    let start = Instant::now();
    let waiters: Vec<_> = (0..20)
        .map(|_| {
            let other = other.clone();
            tokio::spawn(async move { other.get_or_create("k", never).await })
        })
        .collect();
    for waiter in waiters {
        let error = waiter.await.unwrap().unwrap_err();
        assert_eq!((error.kind(), error.key()), (ErrorKind::Timeout, Some("k".into())));
    }
    let batch = other.get_or_create_multi(["k"], no_batch).await;
    assert_eq!(batch.unwrap_err().kind(), ErrorKind::Timeout);
    assert!((BRIEF * 2..Duration::from_secs(10)).contains(&start.elapsed()));
    slow.go();
    assert_eq!(first.await.unwrap(), 1);
    assert_eq!(other.get_or_create("k", never).await.unwrap(), 1);
    unlocked(&server).await;
}

#[tokio::test]
async fn stale_takes_what_is_there_even_if_it_was_invalidated() {
    let server = RedisServer::start();
    let slow = Slow::new();
    let (_, first) = endless(&server, &slow).await;
    let other =
        process_with(&server, |builder| builder.wait_timeout(BRIEF).on_timeout(OnTimeout::Stale));
    let error = other.get_or_create("k", never).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "there is nothing");
    slow.go();
    assert_eq!(first.await.unwrap(), 1);
    other.invalidate(Invalidation::Hard).await.unwrap();
    // Somebody is at it again, in a third process.
    let (third, again) = (process(&server), Slow::new());
    let refresh = tokio::spawn({
        let (third, again) = (third.clone(), again.clone());
        async move { third.refresh("k", || again.create(2_u64)).await.unwrap() }
    });
    again.called(1).await;
    assert_eq!(other.get_or_create("k", never).await.unwrap(), 1);
    assert_eq!(other.get_or_create_multi(["k"], no_batch).await.unwrap(), [Some(1)]);
    again.go();
    assert_eq!(refresh.await.unwrap(), 2);
    unlocked(&server).await;
}

/// Whoever hangs may well renew its lease.
#[tokio::test]
async fn an_owner_that_renews_is_taken_over_from() {
    let server = RedisServer::start();
    let redis = patient(server.unix_url());
    let lock = RedisLock::builder(&redis).lease(Duration::from_millis(150)).build().unwrap();
    let hanging = Region::builder(redis.json().full_dict()).lock(lock).build().unwrap();
    let slow = Slow::new();
    let hang = ["k", "in a batch"].map(|key| {
        let (hanging, slow) = (hanging.clone(), slow.clone());
        tokio::spawn(async move { hanging.get_or_create(key, || slow.create(1_u64)).await })
    });
    slow.called(2).await;
    let patience = Duration::from_millis(400);
    let other = process_with(&server, |builder| {
        builder.wait_timeout(patience).on_timeout(OnTimeout::Create)
    });
    let both = async {
        tokio::join!(
            other.get_or_create("k", async || 2),
            other
                .get_or_create_multi(["in a batch"], async |keys| keys.into_iter().map(|k| (k, 2))),
        )
    };
    let start = Instant::now();
    let made = tokio::time::timeout(DEADLINE, both).await.expect("it waits for ever");
    assert_eq!((made.0.unwrap(), made.1.unwrap()), (2, vec![Some(2)]));
    assert!(start.elapsed() >= patience);
    slow.go();
    for hang in hang {
        assert_eq!(hang.await.unwrap().unwrap(), 1);
    }
}

/// Waits until all have waited for as long as they do, and sees that the first who takes over has the
/// same time again.
async fn still_one(next: &Slow, all_wait: Instant) {
    until("the end of the patience of the last", async || {
        assert_eq!(next.calls(), 1, "the others wait for the one who took over");
        (all_wait.elapsed() > PATIENCE[2] + BRIEF).then_some(())
    })
    .await;
}

#[tokio::test]
async fn create_lets_one_caller_of_all_processes_take_over() {
    let server = RedisServer::start();
    let slow = Slow::new();
    let (_, first) = endless(&server, &slow).await;
    let regions = impatient(&server);
    let next = Slow::new();
    let waiters: Vec<_> = (0..30)
        .map(|n| {
            let (region, next) = (regions[n % 3].clone(), next.clone());
            tokio::spawn(async move { region.get_or_create("k", || next.create(2_u64)).await })
        })
        .collect();
    for region in &regions {
        waiting(region, 1).await;
    }
    let all_wait = Instant::now();
    next.called(1).await;
    still_one(&next, all_wait).await;
    next.go();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), 2);
    }
    slow.go();
    assert_eq!(first.await.unwrap(), 1, "who was too slow gets its own value");
    assert_eq!(regions[0].get("k").await.unwrap(), Some(2_u64));
    assert_eq!(regions.iter().map(|region| region.stats().voided).sum::<u64>(), 0);
    unlocked(&server).await;
}

#[tokio::test]
async fn create_lets_one_batch_of_all_processes_take_over() {
    let server = RedisServer::start();
    let slow = Slow::new();
    let (_, first) = endless(&server, &slow).await;
    let regions = impatient(&server);
    let next = Slow::new();
    let waiters: Vec<_> = (0..30)
        .map(|n| {
            let (region, next) = (regions[n % 3].clone(), next.clone());
            tokio::spawn(async move {
                let create = async |_| [("k", next.create(2_u64).await)];
                region.get_or_create_multi(["k"], create).await
            })
        })
        .collect();
    for region in &regions {
        waiting(region, 1).await;
    }
    let all_wait = Instant::now();
    next.called(1).await;
    still_one(&next, all_wait).await;
    next.go();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), [Some(2)]);
    }
    slow.go();
    assert_eq!(first.await.unwrap(), 1);
    assert_eq!(regions[0].get("k").await.unwrap(), Some(2_u64));
    unlocked(&server).await;
}
