//! `RedisLock` on a real server: what it sends and who it excludes.
//! Waiting is in `redis_lock_wait.rs`, fenced writes are in `redis_lock_fence.rs`.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]
#![cfg(all(unix, feature = "backend-redis"))]

#[cfg(test)]
mod support;

use std::time::Duration;

use larder::{
    Backend, Bytes, ErrorKind, Lease, Level, Lock, Put, Redis, RedisLock, RedisLockBuilder, Seen,
    WriteOpts,
};
use support::{
    DEADLINE,
    proxy::CountingProxy,
    redis_server::{RedisServer, Reply, free_port},
    until,
};

/// What redis-py sends, and with it dogpile, to give a lock back.
const PYTHON_RELEASE: &str = "\
    local token = redis.call('get', KEYS[1])
    if not token or token ~= ARGV[1] then return 0 end
    redis.call('del', KEYS[1]) return 1";
/// A token as `uuid.uuid1().hex` makes it.
const PYTHON_TOKEN: &str = "0f1e2d3c4b5a11ee8c990242ac120002";

/// A client for a busy machine.
fn patient(url: String) -> Redis {
    let builder = Redis::builder(url).connect_timeout(DEADLINE).response_timeout(DEADLINE);
    builder.build().unwrap()
}

fn builder(server: &RedisServer) -> RedisLockBuilder {
    RedisLock::builder(&patient(server.unix_url()))
}

fn plain(server: &RedisServer) -> RedisLock {
    RedisLock::new(&patient(server.unix_url()))
}

fn dogpile(server: &RedisServer) -> RedisLock {
    builder(server).dogpile().build().unwrap()
}

async fn acquire(lock: &RedisLock, lease: &Lease) -> bool {
    lock.acquire(std::slice::from_ref(lease)).await.unwrap() == [true]
}

async fn renew(lock: &RedisLock, lease: &Lease) -> bool {
    lock.renew(std::slice::from_ref(lease)).await.unwrap() == [true]
}

async fn release(lock: &RedisLock, lease: &Lease) {
    lock.release(std::slice::from_ref(lease)).await.unwrap();
}

async fn seize(lock: &RedisLock, lease: &Lease) {
    lock.seize(std::slice::from_ref(lease)).await.unwrap();
}

/// The token of `lease` as text.
fn token(lease: &Lease) -> String {
    String::from_utf8(lease.token().as_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn commands_are_exact_in_both_forms() {
    let server = RedisServer::start();
    for (lock, name, ms) in [
        (plain(&server), "larder:lock:k", 5000),
        (builder(&server).prefix("p ").lease(Duration::from_secs(9)).build().unwrap(), "p k", 9000),
        (dogpile(&server), "_lockk", 5000),
        (builder(&server).dogpile().prefix("lk.").build().unwrap(), "lk.k", 5000),
    ] {
        assert!(!lock.is_locked("k".into()).await.unwrap());
        let mut monitor = server.raw().monitor();
        // What the scripts run; each of them is one command of ours.
        let mut ran = || {
            let mut seen = monitor.seen(&server);
            let ours = seen.remove(0);
            assert!(ours.starts_with("EVAL "), "{ours}");
            seen.join(", ")
        };
        let lease = lock.lease("k".into());
        let token = token(&lease);
        assert_eq!((token.len(), token.as_bytes()[12]), (32, b'8'));
        assert!(token.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        assert!(acquire(&lock, &lease).await);
        assert_eq!(ran(), format!("lua SET {name} {token} NX PX {ms}"));
        assert!(renew(&lock, &lease).await);
        assert_eq!(ran(), format!("lua GET {name}, lua PEXPIRE {name} {ms}"));
        release(&lock, &lease).await;
        assert_eq!(ran(), format!("lua GET {name}, lua DEL {name}"));
        seize(&lock, &lease).await;
        let look = if format!("{lock:?}").contains("dogpile: true") {
            format!("lua GET {name}, ")
        } else {
            String::new()
        };
        assert_eq!(ran(), format!("{look}lua SET {name} {token} PX {ms}"));
        assert!(lock.is_locked("k".into()).await.unwrap());
        assert_eq!(monitor.seen(&server), [format!("EXISTS {name}")]);
        // A space goes into the name as it does into those of plain backends, or as a tuple does there.
        let pair = lock.lease(("s", "n").into());
        let prefix = name.strip_suffix('k').unwrap().as_bytes();
        let joined =
            if name.starts_with('_') || name.starts_with("lk.") { &b"s,n"[..] } else { b"s\xffn" };
        assert_eq!(pair.name(), [prefix, joined].concat());
        release(&lock, &lease).await;
    }
}

#[tokio::test]
async fn one_of_many_holds_it() {
    let server = RedisServer::start();
    let (here, there) = (plain(&server), plain(&server));
    let (one, other) = (here.lease("k".into()), there.lease("k".into()));
    assert!(acquire(&here, &one).await);
    assert!(!acquire(&there, &other).await);
    assert!(there.is_locked("k".into()).await.unwrap());
    // A request may be sent twice; the second time starts the lease anew.
    server.call(&["PEXPIRE", "larder:lock:k", "900"]);
    assert!(acquire(&here, &one).await);
    assert!(server.call(&["PTTL", "larder:lock:k"]).int() > 4000);
    // Another call of the same process is another owner.
    assert!(!acquire(&here, &here.lease("k".into())).await);

    release(&there, &other).await;
    assert!(there.is_locked("k".into()).await.unwrap(), "only the owner gives it back");
    release(&here, &one).await;
    release(&here, &one).await;
    assert!(!there.is_locked("k".into()).await.unwrap());
    assert!(acquire(&there, &other).await);

    // Of a hundred at once, one gets it; a batch says for each lease.
    let key = "contended".into();
    let leases: Vec<Lease> = (0..100).map(|_| here.lease(key)).collect();
    let held = here.acquire(&leases).await.unwrap();
    assert_eq!(held.iter().filter(|held| **held).count(), 1);
    let mixed = [here.lease("free".into()), here.lease("k".into()), leases[0].clone()];
    assert_eq!(here.acquire(&mixed).await.unwrap(), [true, false, held[0]]);
}

#[tokio::test]
async fn renewal_starts_the_time_anew_and_tells_of_a_loss() {
    let server = RedisServer::start();
    let lock = plain(&server);
    assert_eq!(lock.lasts(), Duration::from_secs(5));
    let name = "larder:lock:k";
    let lease = lock.lease("k".into());
    assert!(!renew(&lock, &lease).await, "never held");
    assert!(acquire(&lock, &lease).await);
    server.call(&["PEXPIRE", name, "900"]);
    assert!(renew(&lock, &lease).await);
    assert!((4000..=5000).contains(&server.call(&["PTTL", name]).int()));

    server.call(&["DEL", name]);
    assert!(!renew(&lock, &lease).await);
    assert_eq!(server.call(&["EXISTS", name]).int(), 0, "a lost lease does not come back");
    let lost: [&[&str]; 3] =
        [&["SET", name, "another"], &["RPUSH", name, "1"], &["HSET", name, "f", "1"]];
    for command in lost {
        server.call(&["DEL", name]);
        server.call(command);
        let before = server.call(&["DUMP", name]);
        assert!(!renew(&lock, &lease).await);
        release(&lock, &lease).await;
        assert!(!acquire(&lock, &lease).await, "taken, by whatever it is");
        assert_eq!(server.call(&["DUMP", name]), before);
        assert_eq!(server.call(&["PTTL", name]).int(), -1);
    }
    // A lease that ended is anyone's.
    let short = builder(&server).lease(Duration::from_millis(100)).build().unwrap();
    let lease = short.lease("short".into());
    assert!(acquire(&short, &lease).await);
    until("the end", async || (!short.is_locked("short".into()).await.unwrap()).then_some(()))
        .await;
    assert!(!renew(&short, &lease).await);
    assert!(acquire(&lock, &lock.lease("short".into())).await);
}

#[tokio::test]
async fn a_seized_lease_is_lost_and_its_writes_with_it() {
    let server = RedisServer::start();
    let redis = patient(server.unix_url());
    let lock = RedisLock::new(&redis);
    assert_eq!(lock.domain(), redis.capabilities().fence);
    assert!(lock.domain().is_some());
    let (creator, writer) = (lock.lease("k".into()), lock.lease("k".into()));
    let write = async |value: &'static str, lease: &Lease| {
        let opts = WriteOpts::default().fenced(lease);
        redis.set("k".into(), Bytes::from_static(value.as_bytes()), opts).await
    };
    assert!(acquire(&lock, &creator).await);
    write("early", &creator).await.unwrap();
    seize(&lock, &writer).await;
    assert_eq!(write("late", &creator).await.unwrap_err().kind(), ErrorKind::LeaseLost);
    assert!(!renew(&lock, &creator).await);
    release(&lock, &creator).await;
    write("written", &writer).await.unwrap();
    release(&lock, &writer).await;
    assert_eq!(write("later", &writer).await.unwrap_err().kind(), ErrorKind::LeaseLost);
    assert_eq!(redis.get("k".into()).await.unwrap(), Some(Bytes::from_static(b"written")));
    // What nobody holds, and what is no lock at all, can be seized too.
    server.call(&["RPUSH", "larder:lock:k", "1"]);
    seize(&lock, &creator).await;
    assert!(renew(&lock, &creator).await);
}

#[tokio::test]
async fn thousands_are_one_round_trip() {
    const COUNT: usize = 1000;
    let server = RedisServer::start();
    let proxy = CountingProxy::start(server.port()).await;
    let redis = patient(proxy.url());
    let lock = RedisLock::new(&redis);
    redis.ping().await.unwrap();
    let mut monitor = server.raw().monitor();
    for (count, commands) in [(COUNT, 1), (2 * COUNT + 1, 3)] {
        let names: Vec<String> = (0..count).map(|n| format!("user:{n}")).collect();
        let leases: Vec<Lease> = names.iter().map(|name| lock.lease(name.into())).collect();
        let value = Bytes::from_static(b"v");
        let put =
            |lease| Put::new(Lease::key(lease), value.clone(), WriteOpts::default().fenced(lease));
        let puts: Vec<Put<'_, Bytes>> = leases.iter().map(put).collect();
        let mut spoke = |what: &str| {
            assert_eq!(proxy.take(), 1, "{what} {count}");
            let seen = monitor.seen(&server);
            let ours = seen.iter().filter(|line| !line.starts_with("lua ")).count();
            assert_eq!(ours, commands, "{what} {count}");
        };
        proxy.take();
        assert_eq!(lock.acquire(&leases).await.unwrap(), vec![true; count]);
        spoke("acquire");
        assert_eq!(lock.renew(&leases).await.unwrap(), vec![true; count]);
        spoke("renew");
        redis.set_multi(&puts).await.unwrap();
        spoke("write");
        lock.release(&leases).await.unwrap();
        spoke("release");
        lock.seize(&leases).await.unwrap();
        spoke("seize");
        assert_eq!(server.call(&["DBSIZE"]).int(), 2 * i64::try_from(count).unwrap());
        server.call(&["FLUSHALL"]);
        monitor.seen(&server);
    }
    // Nothing to do is nothing to say.
    assert!(lock.acquire(&[]).await.unwrap().is_empty());
    assert!(lock.renew(&[]).await.unwrap().is_empty());
    lock.release(&[]).await.unwrap();
    lock.seize(&[]).await.unwrap();
    assert_eq!((proxy.take(), monitor.seen(&server)), (0, vec![]));
}

#[tokio::test]
async fn python_and_larder_exclude_each_other() {
    let server = RedisServer::start();
    let lock = dogpile(&server);
    let python_acquires =
        || server.call(&["SET", "_lockk", PYTHON_TOKEN, "NX", "PX", "60000"]) != Reply::Nil;
    let python_releases =
        |token: &str| server.call(&["EVAL", PYTHON_RELEASE, "1", "_lockk", token]).int() == 1;

    let ours = lock.lease("k".into());
    assert!(acquire(&lock, &ours).await);
    assert!(!python_acquires());
    assert!(!python_releases(PYTHON_TOKEN), "what it does not own it does not release");
    release(&lock, &ours).await;
    assert!(python_acquires());
    assert!(!acquire(&lock, &ours).await);
    assert!(lock.is_locked("k".into()).await.unwrap());
    // Python would raise an exception after all its work.
    seize(&lock, &ours).await;
    assert_eq!(server.call(&["GET", "_lockk"]).text(), PYTHON_TOKEN);
    assert!(!renew(&lock, &ours).await);
    release(&lock, &ours).await;
    assert!(python_releases(PYTHON_TOKEN));
    assert!(acquire(&lock, &ours).await);
    // From larder it is taken.
    let writer = lock.lease("k".into());
    seize(&lock, &writer).await;
    assert_eq!(server.call(&["GET", "_lockk"]).text(), token(&writer));
    assert!(python_releases(&token(&writer)), "larder's tokens are tokens to Python");
    seize(&lock, &writer).await;
    assert!(renew(&lock, &writer).await, "what is free can be seized");
    server.call(&["DEL", "_lockk"]);
    server.call(&["RPUSH", "_lockk", "1"]);
    seize(&lock, &writer).await;
    assert_eq!(server.call(&["LLEN", "_lockk"]).int(), 1);
}

#[tokio::test]
async fn a_server_that_is_away_or_refuses_is_an_error_with_the_key() {
    let lock = RedisLock::new(&Redis::new(format!("redis://127.0.0.1:{}", free_port())).unwrap());
    let lease = [lock.lease("k".into())];
    for error in [
        lock.acquire(&lease).await.unwrap_err(),
        lock.seize(&lease).await.unwrap_err(),
        lock.renew(&lease).await.unwrap_err(),
        lock.release(&lease).await.unwrap_err(),
        lock.released("k".into(), &mut Seen::default()).await.unwrap_err(),
        lock.is_locked("k".into()).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.layer()), (ErrorKind::Unavailable, "redis"), "{error}");
        assert_eq!(error.key(), Some("k".into()));
    }
    let server = RedisServer::start();
    let lock = plain(&server);
    let lease = [lock.lease("k".into())];
    server.call(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = lock.acquire(&lease).await.unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Backend, Some("k".into())));
    assert!(error.to_string().contains("OOM"), "{error}");
}

#[tokio::test]
async fn says_what_it_is_and_no_secrets() {
    let redis = Redis::new("redis://u:s3cret@localhost/2").unwrap();
    let lock = RedisLock::builder(&redis).lease(Duration::from_millis(700)).build().unwrap();
    let text = format!("{lock:?} {:?}", RedisLock::builder(&redis));
    for said in ["larder:lock:", "700ms", "localhost", "waiting: 0"] {
        assert!(text.contains(said), "{said} in {text}");
    }
    assert!(!text.contains("s3cret"), "{text}");
}
