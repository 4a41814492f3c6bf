//! Writes and invalidations that meet creations: D6, D7, D13.

use larder::{
    Invalidation, Invalidator, LayerExt, ManualClock, Memo, RedisLock, Region, SharedMarks,
    Timestamp,
};
use tokio::task::JoinHandle;

use crate::support::{
    redis_server::RedisServer,
    region::{Shared, Slow, an_hour, patient, process, process_with, unlocked},
};

type Creation = JoinHandle<Option<u64>>;

/// Creates `k` in a task, alone or in a batch.
fn creation<I: Invalidator>(region: &Shared<I>, slow: &Slow, is_batch: bool) -> Creation {
    let (region, slow) = (region.clone(), slow.clone());
    tokio::spawn(async move {
        if !is_batch {
            return Some(region.get_or_create("k", || slow.create(1_u64)).await.unwrap());
        }
        let create = async |_| [("k", slow.create(1_u64).await)];
        region.get_or_create_multi(["k"], create).await.unwrap()[0]
    })
}

#[tokio::test]
async fn d06_a_write_during_a_creation_is_not_lost() {
    let server = RedisServer::start();
    let (one, other) = (process(&server), process(&server));
    // From this process and from another one, key by key and in a batch.
    for writer in [&one, &other] {
        for is_batch in [false, true] {
            for value in [None, Some(2_u64)] {
                let slow = Slow::new();
                let created = creation(&one, &slow, is_batch);
                slow.called(1).await;
                match (value, is_batch) {
                    (Some(value), false) => writer.set("k", value).await.unwrap(),
                    (Some(value), true) => writer.set_multi([("k", value)]).await.unwrap(),
                    (None, false) => writer.delete("k").await.unwrap(),
                    (None, true) => writer.delete_multi(["k"]).await.unwrap(),
                }
                slow.go();
                assert_eq!(created.await.unwrap(), Some(1), "its own callers get it");
                assert_eq!(other.get("k").await.unwrap(), value, "and it is not stored");
                other.delete("k").await.unwrap();
                unlocked(&server).await;
            }
        }
    }
    assert_eq!(one.stats().voided, 8);
}

#[tokio::test]
async fn d06_who_asks_after_a_delete_does_not_get_what_began_before_it() {
    let server = RedisServer::start();
    let (one, other) = (process(&server), process(&server));
    let (slow, next) = (Slow::new(), Slow::new());
    let before = creation(&one, &slow, false);
    slow.called(1).await;
    other.delete("k").await.unwrap();
    let after = tokio::spawn({
        let (other, next) = (other.clone(), next.clone());
        async move { other.get_or_create("k", || next.create(2_u64)).await.unwrap() }
    });
    next.called(1).await;
    slow.go();
    assert_eq!(before.await.unwrap(), Some(1));
    next.go();
    assert_eq!(after.await.unwrap(), 2);
    assert_eq!(one.get("k").await.unwrap(), Some(2_u64));
}

#[tokio::test]
async fn d06_an_invalidation_during_a_creation_is_not_lost() {
    let server = RedisServer::start();
    let time = ManualClock::new(Timestamp::from_secs(1_700_000_000));
    let region = || {
        process_with(&server, |builder| {
            let marks = SharedMarks::new(patient(server.unix_url()), "test");
            builder.clock(time.clock()).invalidator(marks)
        })
    };
    let (one, other) = (region(), region());
    for (how, is_batch) in [
        (Invalidation::Hard, false),
        (Invalidation::Hard, true),
        (Invalidation::Soft, false),
        (Invalidation::Soft, true),
    ] {
        for invalidator in [&one, &other] {
            let slow = Slow::new();
            let created = creation(&one, &slow, is_batch);
            slow.called(1).await;
            invalidator.invalidate(how).await.unwrap();
            slow.go();
            assert_eq!(created.await.unwrap(), Some(1));
            // What others have invalidated is known after the interval.
            time.advance(std::time::Duration::from_millis(101));
            for region in [&one, &other] {
                assert_eq!(region.get::<u64>("k").await.unwrap(), None, "{how} {is_batch}");
            }
            one.delete("k").await.unwrap();
            time.advance(std::time::Duration::from_millis(101));
        }
    }
}

#[tokio::test]
async fn d07_a_soft_invalidation_does_not_weaken_a_hard_one() {
    let region = Memo::<u64>::new().region();
    region.set("k", 1).await.unwrap();
    region.invalidate(Invalidation::Hard).await.unwrap();
    region.invalidate(Invalidation::Soft).await.unwrap();
    assert_eq!(region.get("k").await.unwrap(), None);
    assert_eq!(region.entry("k").await.unwrap(), None, "gone, not stale");
    assert_eq!(region.get_or_create("k", async || 2).await.unwrap(), 2);

    let server = RedisServer::start();
    let shared = || {
        let marks = SharedMarks::new(patient(server.unix_url()), "test");
        process_with(&server, |builder| builder.invalidator(marks))
    };
    let (one, other) = (shared(), shared());
    one.set("k", 1_u64).await.unwrap();
    one.invalidate(Invalidation::Hard).await.unwrap();
    one.invalidate(Invalidation::Soft).await.unwrap();
    for region in [&one, &other] {
        assert_eq!(region.entry::<u64>("k").await.unwrap(), None);
    }
}

#[tokio::test]
async fn d07_a_soft_invalidation_needs_no_expiry() {
    let server = RedisServer::start();
    let region = process(&server);
    // With nothing there, too.
    region.invalidate(Invalidation::Soft).await.unwrap();
    assert_eq!(region.get_or_create("k", async || 1_u64).await.unwrap(), 1);
    region.invalidate(Invalidation::Soft).await.unwrap();
    let slow = Slow::new();
    let refresh = tokio::spawn({
        let (region, slow) = (region.clone(), slow.clone());
        async move { region.get_or_create("k", || slow.create(2_u64)).await.unwrap() }
    });
    slow.called(1).await;
    let meanwhile = region.get_or_create("k", async || -> u64 { unreachable!() }).await.unwrap();
    assert_eq!(meanwhile, 1, "the others are served meanwhile");
    slow.go();
    assert_eq!(refresh.await.unwrap(), 2);
    assert_eq!(region.get("k").await.unwrap(), Some(2_u64));
}

#[tokio::test]
async fn d13_a_key_is_locked_during_its_creation_for_all_who_ask() {
    let server = RedisServer::start();
    let redis = patient(server.unix_url());
    let builders = || [RedisLock::builder(&redis), RedisLock::builder(&redis).prefix("p:")];
    for (here, there) in builders().into_iter().zip(builders()) {
        let one = process_with(&server, |builder| an_hour(builder).lock(here.build().unwrap()));
        let other = process_with(&server, |builder| an_hour(builder).lock(there.build().unwrap()));
        // A key as it stands in no store.
        for key in [larder::Key::from("k"), larder::Key::from(("a space", "ä name"))] {
            let seen = async |is_locked: bool| {
                for region in [&one, &one.clone(), &other] {
                    assert_eq!(region.key_is_locked(key).await.unwrap(), is_locked, "{key}");
                }
                let asked = tokio::spawn({
                    let (region, key) = (one.clone(), key.to_buf());
                    async move { region.key_is_locked(&key).await.unwrap() }
                });
                assert_eq!(asked.await.unwrap(), is_locked, "another task");
            };
            seen(false).await;
            // Missing the first time, stale the second.
            for _ in 0..2 {
                let slow = Slow::new();
                let creation = tokio::spawn({
                    let (one, slow, key) = (one.clone(), slow.clone(), key.to_buf());
                    async move { one.get_or_create(&key, || slow.create(1_u64)).await }
                });
                slow.called(1).await;
                seen(true).await;
                slow.go();
                creation.await.unwrap().unwrap();
                seen(false).await;
                one.invalidate(Invalidation::Soft).await.unwrap();
            }
            one.delete(key).await.unwrap();
        }
    }
    let alone: Region<Memo<u64>> = Memo::new().region();
    let create = async || u64::from(alone.key_is_locked("k").await.unwrap());
    assert_eq!(alone.get_or_create("k", create).await.unwrap(), 1);
}
