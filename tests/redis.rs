//! `Redis` on a real server: what it sends, what it stores, how often it speaks.
//! What happens when things break is in `redis_failures.rs`.
#![cfg(all(unix, feature = "backend-redis"))]

#[cfg(test)]
mod support;

use std::time::Duration;

use larder::{
    Backend, Batch, Bytes, ErrorKind, Expires, HashBackend, HashExpiry, Key, Level, Put, Redis,
    WriteOpts,
};
use support::{
    DEADLINE,
    proxy::CountingProxy,
    redis_server::{RedisServer, Reply},
};

const MINUTE: Option<Duration> = Some(Duration::from_secs(60));
const FOREVER: WriteOpts = WriteOpts::keep_for(None);
const FOR_A_MINUTE: WriteOpts = WriteOpts::keep_for(MINUTE);
// `PerField` has tests of its own, in `redis_fields.rs`.
const POLICIES: [HashExpiry; 3] = [HashExpiry::Never, HashExpiry::OnCreate, HashExpiry::Always];

fn client(server: &RedisServer) -> Redis {
    patient(server.unix_url())
}

/// A client for a busy machine.
fn patient(url: String) -> Redis {
    let builder = Redis::builder(url).connect_timeout(DEADLINE).response_timeout(DEADLINE);
    builder.build().expect("a good URL")
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn put<'a>(key: impl Into<Key<'a>>, value: &str, keep_for: Option<Duration>) -> Put<'a, Bytes> {
    Put::new(key.into(), bytes(value), WriteOpts::keep_for(keep_for))
}

/// The values of a batch without errors, as text.
fn texts(batch: Batch<Bytes>) -> Vec<Option<String>> {
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).expect("text");
    batch.into_iter().map(|found| found.expect("a readable entry").map(text)).collect()
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

#[tokio::test]
async fn plain_commands_are_exact() {
    let server = RedisServer::start();
    let redis = client(&server);
    redis.ping().await.unwrap();
    let mut monitor = server.raw().monitor();

    let key = Key::from("k");
    assert_eq!(redis.get(key).await.unwrap(), None);
    redis.set(key, bytes("1"), FOREVER).await.unwrap();
    redis.set(key, bytes("2"), FOR_A_MINUTE).await.unwrap();
    assert_eq!(redis.get(key).await.unwrap(), Some(bytes("2")));
    redis.remove(key).await.unwrap();
    redis.remove(key).await.unwrap();
    #[rustfmt::skip]
    assert_eq!(
        monitor.seen(&server),
        ["GET k", "SET k 1", "SET k 2 PX 60000", "GET k", "DEL k", "DEL k"],
    );

    redis.set_multi(&[put("a", "1", MINUTE), put("b", "2", None)]).await.unwrap();
    let found = redis.get_multi(&["b".into(), "x".into(), "a".into(), "b".into()]).await.unwrap();
    assert_eq!(texts(found), [Some("2".into()), None, Some("1".into()), Some("2".into())]);
    redis.remove_multi(&["a".into(), "b".into(), "x".into()]).await.unwrap();
    #[rustfmt::skip]
    assert_eq!(
        monitor.seen(&server),
        ["SET a 1 PX 60000", "SET b 2", "MGET b x a b", "DEL a b x"],
    );
}

#[tokio::test]
async fn a_lifetime_is_neither_zero_nor_too_long() {
    let server = RedisServer::start();
    let redis = client(&server);
    redis.ping().await.unwrap();
    let mut monitor = server.raw().monitor();
    for keep_for in [Duration::ZERO, Duration::from_micros(999), Duration::MAX] {
        let opts = WriteOpts::keep_for(Some(keep_for));
        redis.set("k".into(), bytes("v"), opts).await.unwrap();
        redis.hash_set(("h", "f").into(), bytes("v"), opts, HashExpiry::Always).await.unwrap();
    }
    let sent = monitor.seen(&server);
    assert_eq!(sent[..3], ["SET k v PX 1", "HSET h f v", "PEXPIRE h 1"]);
    assert_eq!(
        sent[6..],
        ["SET k v PX 9007199254740992", "HSET h f v", "PEXPIRE h 9007199254740992"]
    );
    assert_eq!(redis.get("k".into()).await.unwrap(), Some(bytes("v")));
    assert_eq!(redis.hash_get(("h", "f").into()).await.unwrap(), Some(bytes("v")));
    assert_eq!(redis.capabilities().expires, Expires::Always);
}

#[tokio::test]
async fn hash_commands_are_exact() {
    let server = RedisServer::start();
    let redis = client(&server);
    redis.ping().await.unwrap();
    let mut monitor = server.raw().monitor();
    let key = Key::from(("h", "f"));
    let sent = [
        (HashExpiry::Never, MINUTE, vec!["HSET h f v"]),
        (HashExpiry::OnCreate, MINUTE, vec!["HSET h f v", "PEXPIRE h 60000 NX"]),
        (HashExpiry::Always, MINUTE, vec!["HSET h f v", "PEXPIRE h 60000"]),
        (HashExpiry::Never, None, vec!["HSET h f v"]),
        (HashExpiry::OnCreate, None, vec!["HSET h f v"]),
        (HashExpiry::Always, None, vec!["HSET h f v"]),
    ];
    for (expiry, keep_for, commands) in sent {
        redis.hash_set(key, bytes("v"), WriteOpts::keep_for(keep_for), expiry).await.unwrap();
        assert_eq!(monitor.seen(&server), commands, "{expiry:?} {keep_for:?}");
    }
    assert_eq!(redis.hash_get(key).await.unwrap(), Some(bytes("v")));
    redis.hash_remove(key).await.unwrap();
    redis.hash_set("p".into(), bytes("v"), FOR_A_MINUTE, HashExpiry::Always).await.unwrap();
    redis.hash_get("p".into()).await.unwrap();
    redis.hash_remove("p".into()).await.unwrap();
    let sent = monitor.seen(&server);
    assert_eq!(sent, ["HGET h f", "HDEL h f", "SET p v PX 60000", "GET p", "DEL p"]);

    let puts = [
        put(("h", "1"), "a", MINUTE),
        put("p", "b", MINUTE),
        put(("g", "1"), "c", None),
        put(("h", "2"), "d", Some(Duration::from_secs(90))),
    ];
    redis.hash_set_multi(&puts, HashExpiry::OnCreate).await.unwrap();
    let keys = [("h", "2").into(), "q".into(), ("g", "1").into(), ("h", "1").into(), "p".into()];
    redis.hash_get_multi(&keys).await.unwrap();
    redis.hash_remove_multi(&keys).await.unwrap();
    #[rustfmt::skip]
    assert_eq!(
        monitor.seen(&server),
        [
            "SET p b PX 60000", "HSET h 1 a 2 d", "PEXPIRE h 90000 NX", "HSET g 1 c",
            "MGET q p", "HMGET h 2 1", "HMGET g 1",
            "DEL q p", "HDEL h 2 1", "HDEL g 1",
        ],
    );
}

#[tokio::test]
async fn the_policy_decides_over_the_ttl_of_a_hash() {
    let server = RedisServer::start();
    let redis = client(&server);
    let ttl = |space: &str| server.call(&["PTTL", space]).int();
    let longer = WriteOpts::keep_for(Some(Duration::from_secs(600)));
    for (space, expiry) in ["never", "create", "always"].into_iter().zip(POLICIES) {
        redis.hash_set((space, "1").into(), bytes("v"), FOR_A_MINUTE, expiry).await.unwrap();
        redis.hash_set((space, "2").into(), bytes("v"), longer, expiry).await.unwrap();
        redis.hash_set((space, "3").into(), bytes("v"), FOREVER, expiry).await.unwrap();
    }
    assert_eq!(ttl("never"), -1);
    assert!((1..=60_000).contains(&ttl("create")), "runs down from the first write");
    assert!((60_001..=600_000).contains(&ttl("always")), "renewed by the second write");

    // A hash without a TTL gets one with the next write.
    server.call(&["PERSIST", "create"]);
    redis.hash_set(("create", "4").into(), bytes("v"), longer, HashExpiry::OnCreate).await.unwrap();
    assert!((60_001..=600_000).contains(&ttl("create")));
}

/// The system this one follows sends `EXPIRE h 0` when no TTL is configured, and so deletes what it
/// has just written.
#[tokio::test]
async fn no_hash_write_without_a_ttl_is_lost() {
    let server = RedisServer::start();
    let redis = client(&server);
    for expiry in POLICIES {
        for keep_for in [None, Some(Duration::from_secs(60))] {
            let opts = WriteOpts::keep_for(keep_for);
            redis.hash_set(("h", "1").into(), bytes("v"), opts, expiry).await.unwrap();
            redis.hash_set_multi(&[put(("h", "2"), "w", keep_for)], expiry).await.unwrap();
            let found = redis.hash_get_multi(&[("h", "1").into(), ("h", "2").into()]).await;
            assert_eq!(texts(found.unwrap()), some(&["v", "w"]), "{expiry:?} {keep_for:?}");
            server.call(&["DEL", "h"]);
        }
    }
}

#[tokio::test]
async fn mixed_batches_keep_order_and_duplicates() {
    let server = RedisServer::start();
    let redis = client(&server);
    let names: Vec<String> = (1..=20).map(|number| number.to_string()).collect();
    let plain = |range: std::ops::Range<usize>| names[range].iter().map(Key::from);
    let mut keys: Vec<Key<'_>> = plain(0..10).collect();
    keys.extend([("a", "10"), ("a", "30"), ("a", "20")].map(Key::from));
    let spaces = ["b", "c", "d", "e", "f", "g", "h", "i", "j"];
    keys.extend(spaces.iter().zip(names[..9].iter().rev()).map(Key::from));
    keys.extend(plain(10..20));
    assert_eq!(keys.len(), 32);

    let values: Vec<String> = keys.iter().map(|key| format!("value of {key}")).collect();
    let puts: Vec<_> = keys.iter().zip(&values).map(|(key, v)| put(*key, v, MINUTE)).collect();
    redis.hash_set_multi(&puts, HashExpiry::OnCreate).await.unwrap();
    let expected: Vec<_> = values.into_iter().map(Some).collect();
    assert_eq!(texts(redis.hash_get_multi(&keys).await.unwrap()), expected);

    // In another order, with everything twice and misses between.
    let order: Vec<usize> = (0..32).rev().chain((0..32).map(|n| n * 7 % 32)).collect();
    let mut asked: Vec<Key<'_>> = order.iter().map(|at| keys[*at]).collect();
    asked.splice(20..20, [("a", "x").into(), "x".into(), ("x", "x").into()]);
    let mut answers: Vec<_> = order.iter().map(|at| expected[*at].clone()).collect();
    answers.splice(20..20, [None, None, None]);
    assert_eq!(texts(redis.hash_get_multi(&asked).await.unwrap()), answers);

    // Of two writes of one key in a batch the later wins.
    let puts = [
        put(("a", "10"), "1", None),
        put("1", "1", None),
        put("1", "2", None),
        put(("a", "10"), "2", None),
    ];
    redis.hash_set_multi(&puts, HashExpiry::Always).await.unwrap();
    let found = redis.hash_get_multi(&[("a", "10").into(), "1".into()]).await.unwrap();
    assert_eq!(texts(found), some(&["2", "2"]));

    redis.hash_remove_multi(&asked).await.unwrap();
    assert_eq!(texts(redis.hash_get_multi(&keys).await.unwrap()), vec![None; 32]);
    assert_eq!(server.call(&["DBSIZE"]).int(), 0);
}

#[tokio::test]
async fn empty_batches_send_nothing() {
    // Nobody is there, which nobody notices.
    let redis = Redis::new("unix:///nowhere/at/all").unwrap();
    assert_eq!(redis.get_multi(&[]).await.unwrap().len(), 0);
    redis.set_multi(&[]).await.unwrap();
    redis.remove_multi(&[]).await.unwrap();
    assert_eq!(redis.hash_get_multi(&[]).await.unwrap().len(), 0);
    redis.hash_set_multi(&[], HashExpiry::Always).await.unwrap();
    redis.hash_remove_multi(&[]).await.unwrap();
}

#[tokio::test]
async fn everything_is_one_round_trip() {
    let server = RedisServer::start();
    let proxy = CountingProxy::start(server.port()).await;
    let redis = patient(proxy.url());
    redis.ping().await.unwrap();
    assert_eq!(proxy.take(), 2, "login and PING");

    let key = Key::from(("h", "f"));
    redis.set("k".into(), bytes("v"), FOR_A_MINUTE).await.unwrap();
    assert_eq!(proxy.take(), 1, "set");
    redis.get("k".into()).await.unwrap();
    assert_eq!(proxy.take(), 1, "get");
    for expiry in POLICIES {
        redis.hash_set(key, bytes("v"), FOR_A_MINUTE, expiry).await.unwrap();
        assert_eq!(proxy.take(), 1, "hash_set {expiry:?}");
    }
    redis.hash_get(key).await.unwrap();
    assert_eq!(proxy.take(), 1, "hash_get");
    redis.hash_remove(key).await.unwrap();
    assert_eq!(proxy.take(), 1, "hash_remove");
    redis.remove("k".into()).await.unwrap();
    assert_eq!(proxy.take(), 1, "remove");

    let names: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    let spaces = ["a", "b", "c", "d", "e"];
    let key = |at: usize| match at % 3 {
        0 => Key::from(&names[at]),
        _ => Key::from((spaces[at % 5], &names[at])),
    };
    let keys: Vec<Key<'_>> = (0..30).map(key).collect();
    let puts: Vec<_> = keys.iter().map(|key| put(*key, "v", MINUTE)).collect();
    for expiry in POLICIES {
        redis.hash_set_multi(&puts, expiry).await.unwrap();
        assert_eq!(proxy.take(), 1, "hash_set_multi {expiry:?}");
    }
    redis.hash_get_multi(&keys).await.unwrap();
    assert_eq!(proxy.take(), 1, "hash_get_multi");
    redis.hash_remove_multi(&keys).await.unwrap();
    assert_eq!(proxy.take(), 1, "hash_remove_multi");
    redis.set_multi(&puts).await.unwrap();
    assert_eq!(proxy.take(), 1, "set_multi");
    redis.get_multi(&keys).await.unwrap();
    assert_eq!(proxy.take(), 1, "get_multi");
    redis.remove_multi(&keys).await.unwrap();
    assert_eq!(proxy.take(), 1, "remove_multi");
}

#[tokio::test]
async fn odd_keys_and_big_values_come_back_whole() {
    let server = RedisServer::start();
    let redis = client(&server);
    let long = "x".repeat(100_000);
    let names =
        ["", " ", "\0", "\r\n", "$3\r\nfoo", "\u{7f}\u{80}", "ключ", "🗝️", "a\"b'c\\", &long];
    for name in names {
        for key in [Key::from(name), Key::from(("space", name)), Key::from((name, "name"))] {
            let value = bytes(&format!("value of {key}"));
            redis.set(key, value.clone(), FOREVER).await.unwrap();
            assert_eq!(redis.get(key).await.unwrap().as_ref(), Some(&value), "{key:?}");
            redis.remove(key).await.unwrap();
            redis.hash_set(key, value.clone(), FOREVER, HashExpiry::Never).await.unwrap();
            assert_eq!(redis.hash_get(key).await.unwrap(), Some(value), "{key:?}");
            redis.hash_remove(key).await.unwrap();
        }
    }
    assert_eq!(server.call(&["DBSIZE"]).int(), 0);

    let every_byte: Bytes = (0..=255).collect();
    let big: Bytes = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
    for value in [Bytes::new(), every_byte, big] {
        redis.set("k".into(), value.clone(), FOR_A_MINUTE).await.unwrap();
        assert!(redis.get("k".into()).await.unwrap() == Some(value.clone()), "{}", value.len());
        let puts = [Put::new(("h", "f").into(), value.clone(), FOREVER), put("p", "v", None)];
        redis.hash_set_multi(&puts, HashExpiry::OnCreate).await.unwrap();
        let found = redis.hash_get_multi(&["p".into(), ("h", "f").into()]).await.unwrap();
        assert!(found[1].as_ref().unwrap().as_ref() == Some(&value), "{}", value.len());
    }
}

/// A call is moved with the future of everything above it, so what only a failure needs is boxed.
#[test]
fn the_futures_of_calls_stay_small() {
    let redis = Redis::new("redis://localhost").unwrap();
    let (key, value) = (Key::from(("h", "f")), bytes("v"));
    // Most of it is the client's.
    for size in [
        size_of_val(&redis.get(key)),
        size_of_val(&redis.set(key, value.clone(), FOREVER)),
        size_of_val(&redis.hash_get(key)),
        size_of_val(&redis.hash_set(key, value, FOREVER, HashExpiry::Always)),
        size_of_val(&redis.hash_get_multi(&[key])),
    ] {
        assert!(size <= 2112, "{size} bytes");
    }
}

#[tokio::test]
async fn without_hashes_a_space_is_a_part_of_the_key() {
    let server = RedisServer::start();
    let redis = client(&server);
    redis.set(("s", "n").into(), bytes("v"), FOREVER).await.unwrap();
    redis.set_multi(&[put(("s", "m"), "w", None)]).await.unwrap();
    assert_eq!(server.raw().call(&[b"GET".as_slice(), b"s\xffn"]), Reply::from("v"));
    assert_eq!(server.raw().call(&[b"GET".as_slice(), b"s\xffm"]), Reply::from("w"));
    let found = redis.get_multi(&[("s", "m").into(), ("s", "n").into()]).await.unwrap();
    assert_eq!(texts(found), some(&["w", "v"]));
    redis.remove_multi(&[("s", "m").into()]).await.unwrap();
    redis.remove(("s", "n").into()).await.unwrap();
    assert_eq!(server.call(&["DBSIZE"]).int(), 0);
}

#[tokio::test]
async fn another_type_of_value_is_unreadable_and_fails_nothing_else() {
    let server = RedisServer::start();
    let redis = client(&server);
    server.call(&["RPUSH", "list", "1"]);
    redis.set("k".into(), bytes("v"), FOREVER).await.unwrap();
    redis.hash_set(("h", "f").into(), bytes("w"), FOREVER, HashExpiry::Never).await.unwrap();

    let error = redis.get("list".into()).await.unwrap_err();
    assert_eq!((error.kind(), error.layer()), (ErrorKind::Decode, "redis"));
    assert_eq!(error.key(), Some("list".into()));
    let error = redis.hash_get(("k", "f").into()).await.unwrap_err();
    assert!(error.is_unreadable(), "{error}");
    let found = redis.get_multi(&["list".into(), "k".into()]).await.unwrap();
    assert_eq!(texts(found), [None, Some("v".into())]);

    let keys = [("list", "f").into(), "k".into(), ("h", "f").into(), ("list", "g").into()];
    let found = redis.hash_get_multi(&keys).await.unwrap();
    for at in [0, 3] {
        let error = found[at].as_ref().unwrap_err();
        assert!(error.is_unreadable(), "{error}");
        assert_eq!(error.key(), Some(keys[at]));
    }
    assert_eq!(found[1].as_ref().unwrap(), &Some(bytes("v")));
    assert_eq!(found[2].as_ref().unwrap(), &Some(bytes("w")));

    // A write under such a space is refused; the others of its batch are carried out.
    let puts = [put(("list", "f"), "1", MINUTE), put("p", "2", None), put(("h", "g"), "3", None)];
    let error = redis.hash_set_multi(&puts, HashExpiry::Never).await.unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Backend, Some(("list", "f").into())));
    assert!(error.to_string().contains("WRONGTYPE"), "{error}");
    let found = redis.hash_get_multi(&["p".into(), ("h", "g").into()]).await.unwrap();
    assert_eq!(texts(found), some(&["2", "3"]));

    // A plain write overwrites whatever is there.
    redis.set("list".into(), bytes("v"), FOREVER).await.unwrap();
    assert_eq!(redis.get("list".into()).await.unwrap(), Some(bytes("v")));
}

#[cfg(feature = "codec-msgpack")]
#[tokio::test]
async fn a_full_stack_speaks_once() {
    use larder::{BackendExt, Entry, LayerExt, Meta, PayloadExt, Store};

    let server = RedisServer::start();
    let proxy = CountingProxy::start(server.port()).await;
    let stack = patient(proxy.url()).hstore().msgpack().int_time().logging();
    let key = Key::from(("user-15", "posts"));
    let entry = Entry::new(Some(vec![1_u8, 2]), Meta::new(larder::Timestamp::from_secs(1)));
    stack.write(key, &entry, FOR_A_MINUTE).await.unwrap();
    proxy.take();
    stack.write(key, &entry, FOR_A_MINUTE).await.unwrap();
    assert_eq!(proxy.take(), 1);
    let found: Option<Entry<Option<Vec<u8>>>> = stack.read(key).await.unwrap();
    assert_eq!((found.unwrap().value, proxy.take()), (Some(vec![1, 2]), 1));
    let keys = [key, "p".into(), ("user-16", "posts").into()];
    let found: Batch<Entry<Option<Vec<u8>>>> = stack.read_multi(&keys).await.unwrap();
    assert_eq!((found.len(), proxy.take()), (3, 1));
    let puts = keys.map(|key| Put::new(key, &entry, FOR_A_MINUTE));
    stack.write_multi(&puts).await.unwrap();
    assert_eq!(proxy.take(), 1);
    stack.remove_multi(&keys).await.unwrap();
    assert_eq!(proxy.take(), 1);
}
