//! What becomes of locks and of those who wait for them: D2, D8, D10.

use std::time::{Duration, Instant};

use larder::{
    BackendExt, ErrorKind, Lock, Memory, OnTimeout, Options, PayloadExt, Redis, RedisLock, Region,
};

use crate::support::{
    redis_server::{RedisServer, free_port},
    region::{Slow, locks, patient, process, process_with, unlocked, waiting},
    until,
};

const BRIEF: Duration = Duration::from_millis(50);

#[tokio::test]
async fn d02_a_lost_lock_throws_nothing_away() {
    let server = RedisServer::start();
    let region = process(&server);
    let ways: [&[&str]; 3] =
        [&["DEL", "larder:lock:k"], &["FLUSHDB"], &["SET", "larder:lock:k", "another", "PX", "50"]];
    for lost in ways {
        let create = async || {
            server.call(lost);
            7_u64
        };
        let before = region.stats().voided;
        assert_eq!(region.get_or_create("k", create).await.unwrap(), 7, "{lost:?}");
        assert_eq!(region.stats().voided, before + 1, "{lost:?}");
        assert_eq!(region.get::<u64>("k").await.unwrap(), None, "others may have been at it");
        unlocked(&server).await;
    }
}

#[tokio::test]
async fn d02_who_lost_its_lock_leaves_the_next_owner_alone() {
    let server = RedisServer::start();
    let (one, other) = (process(&server), process(&server));
    let (slow, next) = (Slow::new(), Slow::new());
    let first = tokio::spawn({
        let slow = slow.clone();
        async move { one.get_or_create("k", || slow.create(1_u64)).await }
    });
    slow.called(1).await;
    server.call(&["DEL", "larder:lock:k"]);
    let second = tokio::spawn({
        let (other, next) = (other.clone(), next.clone());
        async move { other.get_or_create("k", || next.create(2_u64)).await }
    });
    next.called(1).await;
    let owner = server.call(&["GET", "larder:lock:k"]).text();
    slow.go();
    assert_eq!(first.await.unwrap().unwrap(), 1, "its caller gets what was created");
    assert_eq!(server.call(&["GET", "larder:lock:k"]).text(), owner, "nobody took it away");
    assert_eq!(other.get::<u64>("k").await.unwrap(), None, "and nothing overtook it");
    next.go();
    assert_eq!(second.await.unwrap().unwrap(), 2);
    assert_eq!(other.get::<u64>("k").await.unwrap(), Some(2));
    unlocked(&server).await;
}

#[tokio::test]
async fn d02_nothing_stays_locked_when_one_lock_of_a_batch_is_lost() {
    let server = RedisServer::start();
    let region = process(&server);
    let create = async |missing: Vec<&'static str>| {
        assert_eq!(locks(&server).len(), 3);
        server.call(&["DEL", "larder:lock:f1"]);
        missing.into_iter().map(|key| (key, 1_u64))
    };
    let values = region.get_or_create_multi(["f1", "f2", "f3"], create).await.unwrap();
    assert_eq!(values, [Some(1), Some(1), Some(1)]);
    assert_eq!(locks(&server), [""; 0], "given back before the batch returns");
    let stored = region.get_multi::<u64>(["f1", "f2", "f3"]).await.unwrap();
    assert_eq!(stored, [None, Some(1), Some(1)]);
}

#[tokio::test]
async fn d02_nothing_stays_locked_when_a_creator_fails_panics_or_is_dropped() {
    let server = RedisServer::start();
    let region = process(&server);
    let keys = ["f1", "f2", "f3"];
    let fail = async |_| Err::<[(&str, u64); 0], _>("no database");
    assert!(region.try_get_or_create_multi(keys, fail).await.iter().all(Result::is_err));
    assert_eq!(locks(&server), [""; 0]);

    let panics = tokio::spawn({
        let region = region.clone();
        async move {
            let create = async |_| -> Vec<(&str, u64)> { panic!("on purpose") };
            region.get_or_create_multi(keys, create).await
        }
    });
    assert!(panics.await.unwrap_err().is_panic());
    unlocked(&server).await;

    let slow = Slow::new();
    let dropped = tokio::spawn({
        let (region, slow) = (region.clone(), slow.clone());
        async move {
            let create = async |_| {
                slow.create(()).await;
                [("f1", 1_u64)]
            };
            region.get_or_create_multi(keys, create).await
        }
    });
    slow.called(1).await;
    assert_eq!(locks(&server).len(), 3);
    dropped.abort();
    unlocked(&server).await;
}

#[tokio::test]
async fn d02_nothing_stays_locked_when_the_connection_breaks() {
    let server = RedisServer::start();
    let redis =
        Redis::builder(server.unix_url()).response_timeout(Duration::from_millis(100)).build();
    let redis = redis.unwrap();
    let lock = RedisLock::builder(&redis).lease(Duration::from_millis(500)).build().unwrap();
    let region = Region::builder(redis.json().full_dict()).lock(lock).build().unwrap();
    let create = async |missing: Vec<&'static str>| missing.into_iter().map(|key| (key, 1_u64));
    region.get_or_create_multi(["a", "b"], create).await.unwrap();
    // The server takes requests and answers none, so that nobody knows who has the locks.
    server.hang();
    let values = region.get_or_create_multi(["f1", "f2", "f3"], create).await.unwrap();
    server.resume();
    assert_eq!(values, [Some(1), Some(1), Some(1)]);
    assert!(region.stats().bypassed > 0);
    unlocked(&server).await;
    // In the middle of a creation, they are lost.
    let create = async |missing: Vec<&'static str>| {
        server.call(&["CLIENT", "KILL", "TYPE", "normal"]);
        create(missing).await
    };
    let values = region.get_or_create_multi(["g1", "g2"], create).await.unwrap();
    assert_eq!(values, [Some(1), Some(1)]);
    assert_eq!(region.get_multi::<u64>(["g1", "g2"]).await.unwrap(), [Some(1), Some(1)]);
    unlocked(&server).await;
}

#[tokio::test]
async fn d08_who_gives_up_waiting_has_done_no_work() {
    let server = RedisServer::start();
    let (one, other) = (process(&server), process(&server));
    let slow = Slow::new();
    let first = tokio::spawn({
        let (one, slow) = (one.clone(), slow.clone());
        async move { one.get_or_create("k", || slow.create(1_u64)).await }
    });
    slow.called(1).await;
    let hasty = other.with(Options::new().wait_timeout(BRIEF));
    let error = hasty.get_or_create("k", async || -> u64 { unreachable!() }).await.unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Timeout, Some("k".into())), "{error}");
    let nothing = async |_| -> Vec<(&str, u64)> { unreachable!() };
    let error = hasty.get_or_create_multi(["k"], nothing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    // A patience of its own is not forgotten either.
    let stale = hasty.with(Options::new().on_timeout(OnTimeout::Stale));
    assert_eq!(
        stale.get_or_create("k", async || 3_u64).await.unwrap_err().kind(),
        ErrorKind::Timeout
    );
    slow.go();
    assert_eq!(first.await.unwrap().unwrap(), 1);
    assert_eq!(other.get::<u64>("k").await.unwrap(), Some(1));
}

#[tokio::test]
async fn d08_who_takes_over_stores_and_returns_its_value_and_so_nobody_fails() {
    let server = RedisServer::start();
    let one = process(&server);
    let other =
        process_with(&server, |builder| builder.wait_timeout(BRIEF).on_timeout(OnTimeout::Create));
    let slow = Slow::new();
    let first = tokio::spawn({
        let (one, slow) = (one.clone(), slow.clone());
        async move { one.get_or_create("k", || slow.create(1_u64)).await }
    });
    slow.called(1).await;
    assert_eq!(other.get_or_create("k", async || 2_u64).await.unwrap(), 2);
    assert_eq!(one.get::<u64>("k").await.unwrap(), Some(2));
    slow.go();
    assert_eq!(first.await.unwrap().unwrap(), 1, "no error after all the work");
    assert_eq!(one.get::<u64>("k").await.unwrap(), Some(2), "what came later stays");
    assert_eq!(one.stats().voided, 1);
    unlocked(&server).await;
}

#[tokio::test]
async fn d10_a_lock_goes_to_the_next_as_soon_as_it_is_free() {
    let server = RedisServer::start();
    let regions = [process(&server), process(&server)];
    let slow = Slow::new();
    let first = tokio::spawn({
        let (one, slow) = (regions[0].clone(), slow.clone());
        async move { one.try_get_or_create("k", || slow.create(Err::<u64, _>("no"))).await }
    });
    slow.called(1).await;
    let second = tokio::spawn({
        let other = regions[1].clone();
        async move {
            let value = other.get_or_create("k", async || 2_u64).await.unwrap();
            (value, Instant::now())
        }
    });
    waiting(&regions[1], 1).await;
    let released = Instant::now();
    slow.go();
    assert!(first.await.unwrap().is_err());
    let (value, created) = second.await.unwrap();
    assert_eq!(value, 2);
    let waited = created.saturating_duration_since(released);
    assert!(waited < Duration::from_millis(500), "woken by a push, not by a timer: {waited:?}");
}

#[tokio::test]
async fn d10_keys_of_any_length_have_locks() {
    let server = RedisServer::start();
    let (one, other) = (process(&server), process(&server));
    for length in [0, 1, 245, 250, 251, 10_000] {
        let (key, slow) = ("k".repeat(length), Slow::new());
        let creation = tokio::spawn({
            let (one, key, slow) = (one.clone(), key.clone(), slow.clone());
            async move { one.get_or_create(&key, || slow.create(1_u64)).await }
        });
        slow.called(1).await;
        assert!(other.key_is_locked(&key).await.unwrap(), "{length}");
        slow.go();
        assert_eq!(creation.await.unwrap().unwrap(), 1);
        assert!(!other.key_is_locked(&key).await.unwrap(), "{length}");
    }
}

#[tokio::test]
async fn d10_a_lock_server_that_is_dead_or_hangs_hangs_nobody() {
    let hanging = RedisServer::start();
    patient(hanging.unix_url()).ping().await.unwrap();
    hanging.hang();
    let dead = format!("redis://127.0.0.1:{}", free_port());
    for url in [dead, hanging.unix_url()] {
        let redis = Redis::new(&url).unwrap();
        let stack = Memory::new().json().full_dict();
        let region = Region::builder(stack).lock(RedisLock::new(&redis)).build().unwrap();
        let start = Instant::now();
        assert_eq!(region.get_or_create("k", async || 1_u64).await.unwrap(), 1);
        let create = async |missing: Vec<&'static str>| missing.into_iter().map(|key| (key, 2_u64));
        let batch = region.get_or_create_multi(["k", "l"], create).await.unwrap();
        assert_eq!(batch, [Some(1), Some(2)]);
        region.set("m", 3_u64).await.unwrap();
        region.delete("m").await.unwrap();
        assert_eq!(region.get::<u64>("k").await.unwrap(), Some(1), "it was stored");
        assert!(start.elapsed() < Duration::from_secs(10), "{url}: {:?}", start.elapsed());
    }
    hanging.resume();
}

#[tokio::test]
async fn d10_an_owner_that_ended_cannot_release_the_lock_of_the_next() {
    let server = RedisServer::start();
    let redis = patient(server.unix_url());
    let lock = RedisLock::builder(&redis).lease(Duration::from_millis(100)).build().unwrap();
    let (gone, next) = (lock.lease("k".into()), lock.lease("k".into()));
    assert_eq!(lock.acquire(std::slice::from_ref(&gone)).await.unwrap(), [true]);
    until("the end of the lease", async || {
        (lock.acquire(std::slice::from_ref(&next)).await.unwrap() == [true]).then_some(())
    })
    .await;
    server.call(&["PERSIST", "larder:lock:k"]);
    lock.release(&[gone]).await.unwrap();
    assert!(lock.is_locked("k".into()).await.unwrap());
}
