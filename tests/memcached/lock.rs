//! `MemcachedLock`: what it excludes, and that it never hangs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use larder::{
    BackendExt, ErrorKind, IntTime, Json, Lease, Lock, Memcached, MemcachedLock, PayloadExt,
    Region, Seen,
};

use crate::{
    common::{SECRET, client, patient},
    failures::assert_cheap,
    support::{DEADLINE, memcached_server::MemcachedServer, until},
};

type Shared = Region<IntTime<Json<Memcached>>, MemcachedLock>;

/// A region of a process of its own.
fn shared(url: &str) -> Shared {
    let memcached = client(url);
    let lock = MemcachedLock::new(&memcached);
    Region::builder(memcached.json().int_time()).lock(lock).build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_processes_creates() {
    let server = MemcachedServer::start();
    let made = Arc::new(AtomicUsize::new(0));
    let mut callers = Vec::new();
    for process in 0..4 {
        let region = shared(&server.url());
        for caller in 0..8 {
            let (region, made) = (region.clone(), Arc::clone(&made));
            callers.push(tokio::spawn(async move {
                let create = async || {
                    made.fetch_add(1, SeqCst);
                    tokio::time::sleep(Duration::from_millis(40)).await;
                    "made".to_owned()
                };
                if (process + caller) % 2 == 0 {
                    return region.get_or_create("two words", create).await.unwrap();
                }
                let many = async |_: Vec<&str>| [("two words", create().await)];
                let got = region.get_or_create_multi(["two words"], many).await.unwrap();
                got.into_iter().next().flatten().unwrap()
            }));
        }
    }
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "made");
    }
    assert_eq!(made.load(SeqCst), 1);
    // The name goes by what the store has, and is given back.
    let region = shared(&server.url());
    assert!(!region.key_is_locked("two words").await.unwrap());
    let stored = region.lock().lease("two%20words".into());
    assert!(region.lock().acquire(std::slice::from_ref(&stored)).await.unwrap()[0]);
    assert!(region.key_is_locked("two words").await.unwrap());
}

#[tokio::test]
async fn a_lease_that_changed_hands_is_not_touched() {
    let server = MemcachedServer::start();
    let lock = MemcachedLock::new(&client(server.url()));
    let [mine, other] = [(); 2].map(|()| [lock.lease("k".into())]);
    assert_eq!(lock.acquire(&mine).await.unwrap(), [true]);
    let name = "larder:lock:k";
    let token = |lease: &Lease| format!("{:?}", lease.token());
    assert_eq!(server.ask(&format!("mg {name} v")), format!("VA 32\r\n{}", token(&mine[0])));
    lock.seize(&other).await.unwrap();
    lock.release(&mine).await.unwrap();
    assert_eq!(lock.renew(&mine).await.unwrap(), [false]);
    assert_eq!(server.ask(&format!("mg {name} v")), format!("VA 32\r\n{}", token(&other[0])));
    // Something that is no lease at all.
    server.ask(&format!("set {name} 0 0 3\r\nabc"));
    assert_eq!(lock.renew(&other).await.unwrap(), [false]);
    lock.release(&other).await.unwrap();
    assert!(lock.is_locked("k".into()).await.unwrap());
    assert_eq!(lock.acquire(&mine).await.unwrap(), [false]);
}

#[tokio::test]
async fn leases_last_as_long_as_told_and_a_second_more() {
    let server = MemcachedServer::start();
    let memcached = client(server.url());
    let builder = MemcachedLock::builder(&memcached).lease(Duration::from_millis(9_500));
    let lock = builder.prefix("locks of mine/").build().unwrap();
    assert_eq!(lock.lasts(), Duration::from_secs(10));
    let lease = [lock.lease("k".into())];
    let left = || {
        let left = server.ask("mg locks%20of%20mine/k t");
        left.strip_prefix("HD t").expect("a lease").parse::<u64>().unwrap()
    };
    for _ in 0..2 {
        // The second time it is its own.
        assert_eq!(lock.acquire(&lease).await.unwrap(), [true]);
        assert!((9..=11).contains(&left()), "{}", left());
        server.ask("mg locks%20of%20mine/k T60");
    }
    assert_eq!(lock.renew(&lease).await.unwrap(), [true]);
    assert!((9..=11).contains(&left()), "{}", left());
    assert!(lock.domain().is_none(), "no store checks it");
}

/// Renewals of one lease meet each other, and each knows that it is held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renewals_that_meet_harm_nobody() {
    let server = MemcachedServer::start();
    let lock = MemcachedLock::new(&client(server.url()));
    let lease = lock.lease("k".into());
    assert_eq!(lock.acquire(std::slice::from_ref(&lease)).await.unwrap(), [true]);
    for _ in 0..50 {
        let one = std::slice::from_ref(&lease);
        let twice = [lease.clone(), lease.clone()];
        let (a, b) = tokio::join!(lock.renew(one), lock.renew(&twice));
        assert_eq!((a.unwrap(), b.unwrap()), (vec![true], vec![true, true]));
    }
    let (renewed, released) = {
        let one = std::slice::from_ref(&lease);
        tokio::join!(lock.renew(one), lock.release(one))
    };
    renewed.unwrap();
    released.unwrap();
    assert!(!lock.is_locked("k".into()).await.unwrap(), "a renewal undid the release");
}

/// Where `dogpile.cache` hangs: no lock can be taken because no server is there.
#[tokio::test]
async fn servers_that_are_down_are_errors_and_no_wait() {
    let mut servers = [(); 2].map(|()| MemcachedServer::start());
    let urls = servers.each_ref().map(MemcachedServer::url);
    let builder = Memcached::builder(urls).username("").password("");
    let memcached = builder.connect_timeout(DEADLINE).response_timeout(DEADLINE).build().unwrap();
    let lock = MemcachedLock::new(&memcached);
    let lease = [lock.lease("k".into()), lock.lease("l".into())];
    assert_eq!(lock.acquire(&lease).await.unwrap(), [true, true]);
    let waiting = tokio::spawn({
        let lock = lock.clone();
        async move { lock.released("k".into(), &mut Seen::default()).await }
    });
    servers.iter_mut().for_each(MemcachedServer::kill);
    // Who waits already notices, too.
    let error = tokio::time::timeout(DEADLINE, waiting).await.unwrap().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Unavailable, Some("k".into())));
    let mut took = Vec::new();
    for _ in 0..3 {
        macro_rules! fails {
            ($($call:expr),* $(,)?) => {$(
                let start = Instant::now();
                let error = $call.await.map(drop).expect_err(stringify!($call));
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                assert!(error.key().is_some());
                took.push(start.elapsed());
            )*};
        }
        fails!(
            lock.acquire(&lease),
            lock.seize(&lease),
            lock.renew(&lease),
            lock.release(&lease),
            lock.released("k".into(), &mut Seen::default()),
            lock.is_locked("k".into()),
        );
    }
    assert_cheap(took);
    // A region with such a lock creates without it.
    let region = Region::builder(memcached.json().int_time()).lock(lock.clone()).build().unwrap();
    let start = Instant::now();
    assert_eq!(region.get_or_create("k", async || 42_u32).await.unwrap(), 42);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());

    servers[1].restart();
    until("the recovery", || async { lock.acquire(&lease).await.ok() }).await;
    assert!(lock.is_locked("k".into()).await.unwrap());
}

#[tokio::test]
async fn a_server_that_hangs_holds_nobody_up() {
    let server = MemcachedServer::start();
    let limit = Duration::from_millis(200);
    let memcached = patient(server.url()).response_timeout(limit).build().unwrap();
    let lock = MemcachedLock::new(&memcached);
    lock.is_locked("k".into()).await.unwrap();
    server.hang();
    let start = Instant::now();
    let error = lock.acquire(&[lock.lease("k".into())]).await.unwrap_err();
    assert!(error.is_transient());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    server.resume();
    until("the recovery", || async { lock.is_locked("k".into()).await.ok() }).await;
}

#[test]
fn secrets_are_not_shown() {
    let memcached = patient("memcached://u:s3cret@h").build().unwrap();
    let lock = MemcachedLock::builder(&memcached);
    for text in [format!("{lock:?}"), format!("{:?}", MemcachedLock::new(&memcached))] {
        assert!(text.contains("h:11211") && !text.contains(SECRET), "{text}");
    }
}
