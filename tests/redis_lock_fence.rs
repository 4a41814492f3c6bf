//! Writes to `Redis` under a lease: carried out while it is held, refused afterwards.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]
#![cfg(all(unix, feature = "backend-redis"))]

#[cfg(test)]
mod support;

use std::time::Duration;

use larder::{
    Backend, Bytes, ErrorKind, HashBackend, HashExpiry, Key, Lease, Level, Put, Redis, Result,
    WriteOpts,
};
use support::{
    DEADLINE,
    proxy::CountingProxy,
    redis_server::{RedisServer, Reply},
    until,
};

const MINUTE: Option<Duration> = Some(Duration::from_secs(60));
// `PerField` has tests of its own, in `redis_fields.rs`.
const POLICIES: [HashExpiry; 3] = [HashExpiry::Never, HashExpiry::OnCreate, HashExpiry::Always];

/// A client for a busy machine.
fn patient(url: String) -> Redis {
    let builder = Redis::builder(url).connect_timeout(DEADLINE).response_timeout(DEADLINE);
    builder.build().unwrap()
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn lease<'a>(key: impl Into<Key<'a>>, name: &str) -> Lease {
    Lease::new(key.into(), name.as_bytes())
}

/// Makes `lease` the one that is held.
fn hold(server: &RedisServer, lease: &Lease) {
    let token = lease.token();
    server.raw().call(&[b"SET", lease.name(), token.as_bytes()]);
}

/// What a fenced write says: whether it was carried out.
fn written(set: Result<()>, key: Key<'_>) -> bool {
    set.map_err(|error| {
        assert_eq!((error.kind(), error.layer()), (ErrorKind::LeaseLost, "redis"), "{error}");
        assert_eq!(error.key(), Some(key));
    })
    .is_ok()
}

#[tokio::test]
async fn a_write_needs_its_lease() {
    let server = RedisServer::start();
    let redis = patient(server.unix_url());
    let key = Key::from("k");
    let lease = lease(key, "lock:k");
    let opts = WriteOpts::keep_for(MINUTE).fenced(&lease);
    let set = async |value| written(redis.set(key, bytes(value), opts).await, key);

    assert!(!set("never held").await);
    assert_eq!(redis.get(key).await.unwrap(), None);
    hold(&server, &lease);
    assert!(set("held").await);
    assert!((1..=60_000).contains(&server.call(&["PTTL", "k"]).int()));
    // Somebody seized it.
    server.call(&["SET", "lock:k", "another"]);
    assert!(!set("seized").await);
    // It ended.
    hold(&server, &lease);
    server.call(&["PEXPIRE", "lock:k", "20"]);
    until("the end", async || (!set("held").await).then_some(())).await;
    // It was deleted, and there is another kind of value.
    server.call(&["DEL", "lock:k"]);
    assert!(!set("deleted").await);
    server.call(&["RPUSH", "lock:k", "1"]);
    assert!(!set("no token").await);
    assert_eq!(redis.get(key).await.unwrap(), Some(bytes("held")));

    // Without a lifetime, over a value of another type, as without a lease.
    hold(&server, &lease);
    server.call(&["DEL", "k"]);
    server.call(&["RPUSH", "k", "1"]);
    let opts = WriteOpts::default().fenced(&lease);
    redis.set(key, bytes("for ever"), opts).await.unwrap();
    assert_eq!(redis.get(key).await.unwrap(), Some(bytes("for ever")));
    assert_eq!(server.call(&["PTTL", "k"]).int(), -1);
    // A plain backend keeps a space in the name.
    redis.set(("s", "n").into(), bytes("v"), opts).await.unwrap();
    assert_eq!(redis.get(("s", "n").into()).await.unwrap(), Some(bytes("v")));
    assert_eq!(server.call(&["EXISTS", "s"]).int(), 0);
}

#[tokio::test]
async fn a_field_needs_its_lease_under_each_policy() {
    let server = RedisServer::start();
    let redis = patient(server.unix_url());
    for policy in POLICIES {
        server.call(&["FLUSHALL"]);
        let key = Key::from(("h", ""));
        let lease = lease(key, "lock");
        let set = async |value, keep_for| {
            let opts = WriteOpts::keep_for(keep_for).fenced(&lease);
            written(redis.hash_set(key, bytes(value), opts, policy).await, key)
        };
        assert!(!set("not held", MINUTE).await);
        assert_eq!(server.call(&["EXISTS", "h"]).int(), 0, "{policy:?}");
        hold(&server, &lease);
        assert!(set("held", MINUTE).await);
        assert_eq!(redis.hash_get(key).await.unwrap(), Some(bytes("held")));
        let ttl = async || server.call(&["PTTL", "h"]).int();
        let first = ttl().await;
        assert!(set("again", Some(Duration::from_secs(600))).await);
        let second = ttl().await;
        let expected = match policy {
            HashExpiry::Never => first == -1 && second == -1,
            HashExpiry::OnCreate => first > 50_000 && (1..=first).contains(&second),
            HashExpiry::Always | HashExpiry::PerField => first > 50_000 && second > 590_000,
        };
        assert!(expected, "{policy:?}: {first}, then {second}");
        // A write without a lifetime leaves that of the hash alone.
        assert!(set("untimed", None).await);
        assert!((second - 10_000..=second).contains(&ttl().await));
        server.call(&["DEL", "lock"]);
        assert!(!set("lost", Some(Duration::from_secs(6000))).await);
        assert!(ttl().await <= second, "a refused write touches no lifetime");
        assert_eq!(redis.hash_get(key).await.unwrap(), Some(bytes("untimed")));
    }
}

#[tokio::test]
async fn the_same_commands_are_run_as_without_a_lease() {
    let server = RedisServer::start();
    let redis = patient(server.unix_url());
    let leases = [lease("p", "lock:p"), lease(("h", "1"), "lock:h1"), lease("q", "lock:q")];
    for lease in &leases[..2] {
        hold(&server, lease);
    }
    let mut monitor = server.raw().monitor();
    let put = |key, value, keep_for| Put::new(key, bytes(value), WriteOpts::keep_for(keep_for));
    let mut puts = [
        put(leases[0].key(), "a", MINUTE),
        put(leases[1].key(), "b", None),
        put(leases[2].key(), "c", None),
        put("free".into(), "d", None),
        put(("h", "2").into(), "e", Some(Duration::MAX)),
        put(("h", "3").into(), "f", MINUTE),
    ];
    for (put, lease) in puts.iter_mut().zip(&leases) {
        put.opts = put.opts.fenced(lease);
    }
    let error = redis.hash_set_multi(&puts, HashExpiry::OnCreate).await.unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::LeaseLost, Some("q".into())));
    let mut seen = monitor.seen(&server);
    assert!(seen[0].starts_with("EVAL "), "{}", seen[0]);
    #[rustfmt::skip]
    assert_eq!(seen.split_off(1), [
        "lua GET lock:p", "lua SET p a PX 60000",
        "lua GET lock:h1", "lua HSET h 1 b", "lua PEXPIRE h 9007199254740992 NX",
        "lua GET lock:q",
        "lua SET free d",
        "lua HSET h 2 e",
        "lua HSET h 3 f",
    ]);
    redis.hash_set_multi(&puts[4..], HashExpiry::Always).await.unwrap();
    let plain = ["HSET h 2 e 3 f", "PEXPIRE h 9007199254740992"];
    assert_eq!(monitor.seen(&server), plain, "no script where there is no lease");
}

#[tokio::test]
async fn a_batch_is_one_command_and_refuses_one_by_one() {
    const COUNT: usize = 1000;
    let server = RedisServer::start();
    let proxy = CountingProxy::start(server.port()).await;
    let redis = patient(proxy.url());
    redis.ping().await.unwrap();
    let names: Vec<String> = (0..COUNT).map(|n| n.to_string()).collect();
    let leases: Vec<Lease> = names.iter().map(|n| lease(n, &format!("lock:{n}"))).collect();
    for lease in leases.iter().skip(2) {
        hold(&server, lease);
    }
    let value = bytes("v");
    let puts = |opts: WriteOpts<'static>| -> Vec<Put<'_, Bytes>> {
        let fenced = |lease| Put::new(Lease::key(lease), value.clone(), opts.fenced(lease));
        leases.iter().map(fenced).collect()
    };
    let puts = puts(WriteOpts::keep_for(MINUTE));
    let mut monitor = server.raw().monitor();
    proxy.take();
    let error = redis.set_multi(&puts).await.unwrap_err();
    assert_eq!(proxy.take(), 1);
    assert_eq!((error.kind(), error.key()), (ErrorKind::LeaseLost, Some("0".into())));
    assert!(error.to_string().contains("2 of 1000"), "{error}");
    let seen = monitor.seen(&server);
    assert_eq!(seen.iter().filter(|line| !line.starts_with("lua ")).count(), 1);
    let keys: Vec<Key<'_>> = leases.iter().map(Lease::key).collect();
    for (at, found) in redis.get_multi(&keys).await.unwrap().into_iter().enumerate() {
        assert_eq!(found.unwrap().is_some(), at >= 2, "{at}");
    }

    // More than one script can hold: still one round trip.
    let twice = [puts.as_slice(), &puts[2..]].concat();
    proxy.take();
    let error = redis.hash_set_multi(&twice, HashExpiry::Always).await.unwrap_err();
    assert_eq!(proxy.take(), 1);
    assert!(error.to_string().contains("2 of 1998"), "{error}");
    let seen = monitor.seen(&server);
    assert_eq!(seen.iter().filter(|line| line.starts_with("EVAL ")).count(), 2);
    redis.set_multi(&twice[2..COUNT]).await.unwrap();
}

#[tokio::test]
async fn one_write_that_fails_does_not_stop_the_others() {
    let server = RedisServer::start();
    let redis = patient(server.unix_url());
    let lease = lease("k", "lock");
    let opts = WriteOpts::keep_for(MINUTE).fenced(&lease);
    hold(&server, &lease);
    server.call(&["RPUSH", "list", "1"]);
    let put = |key| Put::new(key, bytes("v"), opts);
    let puts = [put(("list", "f").into()), put("p".into()), put(("h", "f").into())];
    let error = redis.hash_set_multi(&puts, HashExpiry::OnCreate).await.unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Backend, Some(("list", "f").into())));
    assert!(error.to_string().contains("WRONGTYPE"), "{error}");
    for key in [puts[1].key, puts[2].key] {
        assert_eq!(redis.hash_get(key).await.unwrap(), Some(bytes("v")));
    }
    // A server that takes no writes says so.
    server.call(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = redis.set("k".into(), bytes("v"), opts).await.unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Backend, Some("k".into())));
    assert!(error.to_string().contains("OOM"), "{error}");
}

/// An ACL is asked about every key that a script is given.
#[tokio::test]
async fn needs_rights_to_nothing_but_entries_and_locks() {
    let server = RedisServer::start();
    let rules = ["ACL", "SETUSER", "u", "on", ">p", "~lock:*", "~entry", "~h", "+@all"];
    assert_eq!(server.call(&rules), Reply::Simple("OK".into()));
    let url = format!("redis://u:p@127.0.0.1:{}", server.port());
    let redis = patient(url);
    let lease = lease("entry", "lock:entry");
    hold(&server, &lease);
    let fenced = WriteOpts::default().fenced(&lease);
    let puts = [
        Put::new("entry".into(), bytes("v"), fenced),
        Put::new(("h", "f").into(), bytes("v"), WriteOpts::default()),
    ];
    redis.hash_set_multi(&puts, HashExpiry::Always).await.unwrap();
    let error = redis.set("other".into(), bytes("v"), fenced).await.unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Backend, Some("other".into())));
    assert!(error.to_string().contains("NOPERM"), "{error}");
}

#[test]
fn stores_of_one_database_are_one_domain() {
    let fence = |url: &str| Redis::new(url).unwrap().capabilities().fence.unwrap();
    assert_eq!(fence("redis://h/1"), fence("redis://user:password@h:6379/1"));
    for other in ["redis://h", "redis://g/1", "redis://h:6380/1", "unix:///h?db=1"] {
        assert_ne!(fence("redis://h/1"), fence(other), "{other}");
    }
}
