//! The server goes away in the middle of waits.

use std::time::{Duration, Instant};

use larder::{BackendExt, PayloadExt, Redis, RedisLock, Region};
use tokio::task::JoinHandle;

use crate::support::{
    redis_server::RedisServer,
    region::{Shared, Slow, locks, process, unlocked, waiting},
    until,
};

/// A process that does not wait for answers as long as others here.
fn hasty(server: &RedisServer) -> Shared {
    let redis = Redis::builder(server.unix_url()).response_timeout(Duration::from_secs(1));
    let redis = redis.build().unwrap();
    let lock = RedisLock::new(&redis);
    Region::builder(redis.json().full_dict()).lock(lock).build().unwrap()
}

fn ask(region: &Shared, slow: &Slow, value: u64) -> JoinHandle<u64> {
    let (region, slow) = (region.clone(), slow.clone());
    tokio::spawn(async move { region.get_or_create("k", || slow.create(value)).await.unwrap() })
}

fn ask_batch(region: &Shared, value: u64) -> JoinHandle<Vec<Option<u64>>> {
    let region = region.clone();
    tokio::spawn(async move {
        let create = async |missing: Vec<&'static str>| missing.into_iter().map(|key| (key, value));
        region.get_or_create_multi(["j", "k"], create).await.unwrap()
    })
}

#[tokio::test]
async fn when_the_server_is_killed_all_who_wait_are_served() {
    let mut server = RedisServer::start();
    let regions = [process(&server), process(&server), process(&server)];
    let (slow, free) = (Slow::new(), Slow::new());
    free.go();
    let first = ask(&regions[0], &slow, 1);
    slow.called(1).await;
    let waiters: Vec<_> = (0..20).map(|_| ask(&regions[1], &free, 2)).collect();
    let batch = ask_batch(&regions[2], 3);
    for region in &regions[1..] {
        waiting(region, 1).await;
    }
    server.kill();
    let killed = Instant::now();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), 2);
    }
    assert_eq!(batch.await.unwrap(), [Some(3), Some(3)]);
    slow.go();
    assert_eq!(first.await.unwrap(), 1);
    assert!(killed.elapsed() < Duration::from_secs(10), "{:?}", killed.elapsed());
    assert_eq!(free.calls(), 1, "one creates for all tasks of a process");
    for region in &regions {
        assert_eq!(region.in_flight(), 0);
    }
    // And it is used again when it is back.
    server.restart();
    until("a creation that is stored", async || {
        regions[1].get_or_create("l", async || 4_u64).await.unwrap();
        regions[2].get::<u64>("l").await.ok().flatten()
    })
    .await;
    unlocked(&server).await;
}

#[tokio::test]
async fn when_the_server_hangs_all_who_wait_are_served() {
    let server = RedisServer::start();
    let regions = [hasty(&server), hasty(&server)];
    let (slow, free) = (Slow::new(), Slow::new());
    free.go();
    let first = ask(&regions[0], &slow, 1);
    slow.called(1).await;
    let waiters: Vec<_> = (0..20).map(|_| ask(&regions[1], &free, 2)).collect();
    waiting(&regions[1], 1).await;
    server.hang();
    let hung = Instant::now();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), 2);
    }
    slow.go();
    assert_eq!(first.await.unwrap(), 1);
    assert!(hung.elapsed() < Duration::from_secs(15), "{:?}", hung.elapsed());
    assert_eq!(free.calls(), 1);
    server.resume();
    unlocked(&server).await;
}

#[tokio::test]
async fn waits_go_on_when_the_connections_break() {
    let server = RedisServer::start();
    let regions = [process(&server), process(&server)];
    let (slow, never) = (Slow::new(), Slow::new());
    let first = ask(&regions[0], &slow, 1);
    slow.called(1).await;
    let waiters: Vec<_> = (0..20).map(|_| ask(&regions[1], &never, 2)).collect();
    waiting(&regions[1], 1).await;
    for _ in 0..5 {
        server.call(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        until("the connections again", async || {
            regions[0].key_is_locked("k").await.ok().filter(|locked| *locked)
        })
        .await;
    }
    assert_eq!(locks(&server), ["larder:lock:k"]);
    slow.go();
    assert_eq!(first.await.unwrap(), 1);
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), 1);
    }
    assert_eq!(never.calls(), 0);
    unlocked(&server).await;
}
