//! `RedisLock::released`: what wakes a wait, and what becomes of it when things break.
//! What it does where the server does not push is in `redis_lock_poll.rs`.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]
#![cfg(all(unix, feature = "backend-redis"))]

#[cfg(test)]
mod support;

use std::{
    future::ready,
    time::{Duration, Instant},
};

use larder::{Key, Lease, Lock, Redis, RedisBuilder, RedisLock, Result, Seen};
use support::{
    DEADLINE,
    redis_server::{Monitor, RedisServer},
    until,
};
use tokio::task::JoinHandle;

const NAME: &str = "larder:lock:k";
/// So long nobody looks at a lock unless he is told.
const LONG: Duration = Duration::from_secs(60);
/// Promptly, on a machine that is busy: far below [`LONG`].
const PROMPTLY: Duration = Duration::from_secs(5);

/// Settings for a busy machine.
fn patient(url: String) -> RedisBuilder {
    Redis::builder(url).connect_timeout(DEADLINE).response_timeout(DEADLINE)
}

/// A lock that does not poll, with leases that do not end.
fn never_polling(redis: &Redis) -> RedisLock {
    RedisLock::builder(redis).lease(2 * LONG).poll_interval(LONG).build().unwrap()
}

fn lock(server: &RedisServer) -> RedisLock {
    never_polling(&patient(server.unix_url()).build().unwrap())
}

/// Takes the lock of `key` for somebody in another process.
async fn taken(server: &RedisServer, key: &str) -> (RedisLock, Lease) {
    let lock = lock(server);
    let lease = lock.lease(key.into());
    assert_eq!(lock.acquire(std::slice::from_ref(&lease)).await.unwrap(), [true]);
    (lock, lease)
}

/// A wait in a task of its own; it says how long it took.
fn wait(lock: &RedisLock, key: &'static str) -> JoinHandle<Result<Instant>> {
    let lock = lock.clone();
    tokio::spawn(async move {
        lock.released(key.into(), &mut Seen::default()).await.map(|()| Instant::now())
    })
}

/// How many keys the server says changes of.
fn tracked(server: &RedisServer) -> i64 {
    let stats = server.call(&["INFO", "stats"]).text();
    let count = stats.lines().find_map(|line| line.strip_prefix("tracking_total_keys:"));
    count.unwrap().parse().unwrap()
}

/// The connections that track, by the server's number.
fn pushing(server: &RedisServer) -> Vec<String> {
    let clients = server.call(&["CLIENT", "LIST"]).text();
    let tracks = |client: &&str| {
        let flags = client.split(' ').find_map(|field| field.strip_prefix("flags="));
        flags.unwrap().contains('t')
    };
    let number = |client: &str| client.split(' ').next().unwrap()["id=".len()..].to_owned();
    clients.lines().filter(tracks).map(number).collect()
}

/// Waits until the server knows that it is to say changes of `count` keys.
async fn settled(server: &RedisServer, count: i64) {
    until("the look", async || (tracked(server) == count).then_some(())).await;
}

/// Waits until somebody looked at the lock `count` times more.
async fn looks(server: &RedisServer, monitor: &mut Monitor, count: usize) {
    let mut looks = 0;
    until("the looks", || {
        let seen = monitor.seen(server);
        looks += seen.iter().filter(|line| **line == format!("PTTL {NAME}")).count();
        ready((looks >= count).then_some(()))
    })
    .await;
}

/// Waits for the end of a wait that `wakes` is to end; it may take no longer than [`PROMPTLY`].
async fn woken(waiting: JoinHandle<Result<Instant>>, wakes: impl AsyncFnOnce()) {
    assert!(!waiting.is_finished());
    let start = Instant::now();
    wakes().await;
    let took = waiting.await.unwrap().unwrap() - start;
    assert!(took < PROMPTLY, "woken after {took:?}");
}

#[tokio::test]
async fn what_is_free_is_not_waited_for() {
    let server = RedisServer::start();
    let lock = lock(&server);
    lock.released("k".into(), &mut Seen::default()).await.unwrap();
    assert_eq!(pushing(&server).len(), 1);
}

#[tokio::test]
async fn a_release_wakes_at_once() {
    let server = RedisServer::start();
    let (owner, lease) = taken(&server, "k").await;
    let lock = lock(&server);
    let waiting = wait(&lock, "k");
    settled(&server, 1).await;
    woken(waiting, async || owner.release(&[lease]).await.unwrap()).await;
}

#[tokio::test]
async fn a_foreign_delete_a_new_owner_and_a_flush_wake_at_once() {
    let server = RedisServer::start();
    let redis = patient(server.unix_url()).database(3).build().unwrap();
    let lock = never_polling(&redis);
    let mut raw = server.raw();
    raw.call(&["SELECT", "3"]);
    let wakes: [&[&str]; 4] =
        [&["DEL", NAME], &["SET", NAME, "other"], &["FLUSHDB"], &["FLUSHALL"]];
    for command in wakes {
        raw.call(&["SET", NAME, "python"]);
        let waiting = wait(&lock, "k");
        settled(&server, 1).await;
        woken(waiting, async || drop(raw.call(command))).await;
    }
}

#[tokio::test]
async fn a_lease_that_ends_wakes() {
    let server = RedisServer::start();
    let lock = lock(&server);
    let start = Instant::now();
    server.call(&["SET", NAME, "dead", "PX", "300"]);
    lock.released("k".into(), &mut Seen::default()).await.unwrap();
    assert!((Duration::from_millis(290)..PROMPTLY).contains(&start.elapsed()));
}

#[tokio::test]
async fn every_change_ends_a_wait_so_that_its_caller_looks() {
    let server = RedisServer::start();
    let (owner, lease) = taken(&server, "k").await;
    let lock = lock(&server);
    for _ in 0..3 {
        let waiting = wait(&lock, "k");
        settled(&server, 1).await;
        woken(waiting, async || {
            assert_eq!(owner.renew(std::slice::from_ref(&lease)).await.unwrap(), [true]);
        })
        .await;
    }
    let waiting = wait(&lock, "k");
    settled(&server, 1).await;
    woken(waiting, async || owner.release(&[lease]).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_waits_share_one_connection_and_leave_nothing() {
    const KEYS: [&str; 4] = ["a", "b", "c", "d"];
    let server = RedisServer::start();
    let (owner, _) = taken(&server, "k").await;
    let leases = KEYS.map(|key| owner.lease(key.into()));
    assert_eq!(owner.acquire(&leases).await.unwrap(), [true; 4]);
    let lock = lock(&server);
    let waits: Vec<_> = KEYS.iter().cycle().take(200).map(|key| wait(&lock, key)).collect();
    let abandoned: Vec<_> = (0..50).map(|_| wait(&lock.clone(), "k")).collect();
    settled(&server, 5).await;
    assert_eq!(pushing(&server).len(), 1);
    let is_waiting = |count| format!("{lock:?}").contains(&format!("waiting: {count},"));
    assert!(is_waiting(5), "{lock:?}");
    for wait in abandoned {
        wait.abort();
        assert!(wait.await.unwrap_err().is_cancelled());
    }
    assert!(is_waiting(4), "{lock:?}");
    owner.release(&leases[..2]).await.unwrap();
    until("the first two", async || is_waiting(2).then_some(())).await;
    owner.release(&leases[2..]).await.unwrap();
    for wait in waits {
        wait.await.unwrap().unwrap();
    }
    assert!(is_waiting(0), "{lock:?}");
    // With the last clone goes the connection.
    drop(lock);
    until("the end of it", async || pushing(&server).is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_lost_connection_loses_no_wait() {
    let server = RedisServer::start();
    let (owner, lease) = taken(&server, "k").await;
    let lock = lock(&server);
    let waiting = wait(&lock, "k");
    settled(&server, 1).await;
    for _ in 0..3 {
        let before = pushing(&server);
        let mut monitor = server.raw().monitor();
        assert_eq!(server.call(&["CLIENT", "KILL", "ID", &before[0]]).int(), 1);
        looks(&server, &mut monitor, 1).await;
        let after = pushing(&server);
        assert!(after.len() == 1 && after != before, "{before:?}, then {after:?}");
    }
    woken(waiting, async || owner.release(&[lease]).await.unwrap()).await;
}

/// A release while the connection is away is seen by the look that follows.
#[tokio::test]
async fn a_restart_of_the_server_ends_the_wait() {
    let mut server = RedisServer::start();
    let (_owner, _lease) = taken(&server, "k").await;
    let lock = lock(&server);
    let waiting = wait(&lock, "k");
    settled(&server, 1).await;
    let start = Instant::now();
    server.restart();
    // It looked while the server was away, which is an error, or afterwards, when all was gone.
    let _ = waiting.await.unwrap();
    until("the recovery", async || lock.released("k".into(), &mut Seen::default()).await.ok())
        .await;
    assert!(start.elapsed() < DEADLINE);
}

#[tokio::test]
async fn a_server_that_died_or_hangs_is_an_error_soon() {
    let mut server = RedisServer::start();
    let limit = Duration::from_millis(300);
    let quick = || Redis::builder(server.tcp_url()).connect_timeout(limit).response_timeout(limit);
    let lock = until("a first answer", async || {
        let redis = quick().build().unwrap();
        // The poll finds a server out that hangs.
        let lock = RedisLock::builder(&redis).poll_interval(limit).build().unwrap();
        lock.released("k".into(), &mut Seen::default()).await.ok().map(|()| lock)
    })
    .await;
    server.call(&["SET", NAME, "other"]);
    for kill in [false, true] {
        let waiting = wait(&lock, "k");
        until("the wait", async || format!("{lock:?}").contains("waiting: 1,").then_some(())).await;
        let start = Instant::now();
        if kill {
            server.kill();
        } else {
            server.hang();
        }
        let error = waiting.await.unwrap().unwrap_err();
        assert!(error.is_transient() && error.key() == Some(Key::from("k")), "{error}");
        assert!(start.elapsed() < PROMPTLY, "{:?}", start.elapsed());
        assert!(format!("{lock:?}").contains("waiting: 0,"), "{lock:?}");
        if !kill {
            server.resume();
            until("the recovery", async || lock.is_locked("k".into()).await.ok()).await;
        }
    }
}

#[tokio::test]
async fn enters_as_the_backend_does() {
    let server = RedisServer::start_with(&["--requirepass", "s3cret"]);
    let redis = patient(server.unix_url()).password("s3cret").database(2).build().unwrap();
    let lock = never_polling(&redis);
    let mut raw = server.raw();
    raw.call(&["AUTH", "s3cret"]);
    raw.call(&["SELECT", "2"]);
    raw.call(&["SET", NAME, "other"]);
    let waiting = wait(&lock, "k");
    until("the look", || {
        let stats = raw.call(&["INFO", "stats"]).text();
        ready(stats.contains("tracking_total_keys:1").then_some(()))
    })
    .await;
    woken(waiting, async || drop(raw.call(&["DEL", NAME]))).await;

    let stranger = never_polling(&patient(server.unix_url()).password("wr0ng").build().unwrap());
    let error = stranger.released("k".into(), &mut Seen::default()).await.unwrap_err();
    assert!(error.to_string().contains("WRONGPASS"), "{error}");
    assert!(!format!("{error} {error:?}").contains("wr0ng"), "{error:?}");
}

#[cfg(feature = "backend-redis-tls")]
#[tokio::test]
async fn pushes_come_through_tls() {
    let folder = support::redis_server::certificates();
    let authority = std::fs::read(folder.path().join("ca.pem")).unwrap();
    let server = RedisServer::start_tls(folder);
    let url = format!("rediss://localhost:{}", server.port());
    let lock = never_polling(&patient(url).ca_certificate(authority).build().unwrap());
    server.call(&["SET", NAME, "other"]);
    let waiting = wait(&lock, "k");
    settled(&server, 1).await;
    woken(waiting, async || drop(server.call(&["DEL", NAME]))).await;
}

/// The connection lives in the runtime of the wait that made it, and ends with it.
#[test]
fn a_runtime_that_ends_takes_no_wait_of_another_with_it() {
    let server = RedisServer::start();
    let lock = lock(&server);
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let (first, second) = (runtime().unwrap(), runtime().unwrap());
    first.block_on(lock.released("k".into(), &mut Seen::default())).unwrap();
    server.call(&["SET", NAME, "other"]);
    let waiting = second.spawn({
        let lock = lock.clone();
        async move { lock.released("k".into(), &mut Seen::default()).await }
    });
    second.block_on(settled(&server, 1));
    let before = pushing(&server);
    drop(first);
    second.block_on(until("a connection of its own", async || {
        let now = pushing(&server);
        (now.len() == 1 && now != before && tracked(&server) == 1).then_some(())
    }));
    server.call(&["DEL", NAME]);
    let start = Instant::now();
    second.block_on(waiting).unwrap().unwrap();
    assert!(start.elapsed() < PROMPTLY);
}
