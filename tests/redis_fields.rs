//! Fields with lifetimes of their own: on servers that have such, and on those that have not.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]
#![cfg(all(unix, feature = "backend-redis"))]

#[cfg(test)]
mod support;

use std::{ops::RangeInclusive, path::PathBuf, time::Duration};

use larder::{
    Backend, BackendExt, Bytes, Capabilities, ErrorKind, Expires, HashBackend, HashExpiry, Hstore,
    Key, Lease, Level, PerField, Put, Redis, WriteOpts,
};
use support::{
    DEADLINE,
    proxy::CountingProxy,
    redis_server::{RedisServer, Reply, newer},
    until,
};

const PER_FIELD: HashExpiry = HashExpiry::PerField;
const MINUTE: Option<Duration> = Some(Duration::from_secs(60));
const HOUR: Option<Duration> = Some(Duration::from_secs(3600));
const A_MINUTE: RangeInclusive<i64> = 30_000..=60_000;
const AN_HOUR: RangeInclusive<i64> = 3_000_000..=3_600_000;
const NONE: RangeInclusive<i64> = -1..=-1;
/// What stands for "no TTL" on a hash that must be told from a new one.
const LONGEST: RangeInclusive<i64> = (1 << 52)..=(1 << 53);

/// A server, and what it can do.
fn servers() -> Vec<(RedisServer, &'static str)> {
    // Redis 7.4 has the one command and not the other.
    let without_hsetex = ["--rename-command", "HSETEX", ""];
    let start = |name: &str| RedisServer::start_program(newer(name), &[]);
    vec![
        (RedisServer::start(), HASH),
        (start("valkey-8"), HASH),
        (start("redis-8"), HSETEX),
        (start("valkey-9"), HSETEX),
        (RedisServer::start_program(newer("redis-8"), &without_hsetex), HPEXPIRE),
        (RedisServer::start_program(newer("valkey-9"), &without_hsetex), HPEXPIRE),
    ]
}

const HSETEX: &str = "HSETEX";
const HPEXPIRE: &str = "HPEXPIRE";
const HASH: &str = "that of the hash";
const ASK: &str = "COMMAND INFO HSETEX HPEXPIRE";

/// A client for a busy machine.
fn patient(url: String) -> Redis {
    let builder = Redis::builder(url).connect_timeout(DEADLINE).response_timeout(DEADLINE);
    builder.build().unwrap()
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn put<'a>(key: impl Into<Key<'a>>, value: &str, keep_for: Option<Duration>) -> Put<'a, Bytes> {
    Put::new(key.into(), bytes(value), WriteOpts::keep_for(keep_for))
}

async fn set(redis: &Redis, key: (&str, &str), value: &str, keep_for: Option<Duration>) {
    let opts = WriteOpts::keep_for(keep_for);
    redis.hash_set(key.into(), bytes(value), opts, PER_FIELD).await.unwrap();
}

/// The TTL of a field, or of its hash where fields have none.
fn ttl(server: &RedisServer, can: &str, (space, field): (&str, &str)) -> i64 {
    if can == HASH {
        return server.call(&["PTTL", space]).int();
    }
    assert_eq!(server.call(&["PTTL", space]), Reply::Int(-1), "the hash itself has none");
    match server.call(&["HPTTL", space, "FIELDS", "1", field]) {
        Reply::Array(ttls) => ttls[0].int(),
        other => panic!("no TTLs: {other:?}"),
    }
}

fn shown(redis: &Redis) -> String {
    let shown = format!("{redis:?}");
    shown.split_once("field_ttl: ").unwrap().1.trim_end_matches(" }").to_owned()
}

#[tokio::test]
async fn each_write_sets_the_lifetime_of_its_field() {
    for (server, can) in servers() {
        let redis = patient(server.unix_url());
        // (what was written, the TTL that then is there, that of a hash that has one for all)
        let writes = [
            ("a", MINUTE, A_MINUTE, A_MINUTE),
            ("b", HOUR, AN_HOUR, AN_HOUR),
            ("a", MINUTE, A_MINUTE, AN_HOUR),
            ("b", MINUTE, A_MINUTE, AN_HOUR),
            ("a", None, NONE, LONGEST),
            ("a", HOUR, AN_HOUR, LONGEST),
            ("c", None, NONE, LONGEST),
            ("c", Some(Duration::ZERO), -2..=-2, LONGEST),
            ("d", Some(Duration::MAX), (1 << 44)..=(1 << 45), LONGEST),
        ];
        for (turn, (field, keep_for, own, of_hash)) in writes.into_iter().enumerate() {
            let value = turn.to_string();
            set(&redis, ("h", field), &value, keep_for).await;
            let wanted = if can == HASH { of_hash } else { own };
            if keep_for != Some(Duration::ZERO) {
                let found = redis.hash_get(("h", field).into()).await.unwrap();
                assert_eq!(found, Some(bytes(&value)), "{can}, write {turn}");
            } else if can != HASH {
                until("the end of a field", async || {
                    redis.hash_get(("h", field).into()).await.unwrap().is_none().then_some(())
                })
                .await;
            }
            let found = ttl(&server, can, ("h", field));
            assert!(wanted.contains(&found), "{can}, write {turn}: {found}");
        }
        assert_eq!(shown(&redis), can);
    }
}

#[tokio::test]
async fn commands_are_exact_and_the_question_is_asked_once() {
    for (server, can) in servers() {
        let redis = patient(server.unix_url());
        redis.ping().await.unwrap();
        let mut monitor = server.raw().monitor();

        // Whoever writes no such field is not asked to pay for the question.
        redis
            .hash_set(
                ("g", "f").into(),
                bytes("v"),
                WriteOpts::keep_for(MINUTE),
                HashExpiry::Always,
            )
            .await
            .unwrap();
        redis
            .hash_set("p".into(), bytes("v"), WriteOpts::keep_for(MINUTE), PER_FIELD)
            .await
            .unwrap();
        redis.hash_set_multi(&[put("p", "v", None)], PER_FIELD).await.unwrap();
        let seen = monitor.seen(&server);
        assert_eq!(seen, ["HSET g f v", "PEXPIRE g 60000", "SET p v PX 60000", "SET p v"]);
        assert_eq!(shown(&redis), "not asked yet");

        set(&redis, ("h", "f"), "v", MINUTE).await;
        set(&redis, ("h", "f"), "v", None).await;
        #[rustfmt::skip]
        let wanted: &[&str] = match can {
            HSETEX => &[ASK, "HSETEX h PX 60000 FIELDS 1 f v", "HSET h f v"],
            HPEXPIRE => &[ASK, "HSET h f v", "HPEXPIRE h 60000 FIELDS 1 f", "HSET h f v"],
            _ => &[
                ASK, "HSET h f v", "PEXPIRE h 60000 NX", "PEXPIRE h 60000 GT",
                "HSET h f v", "PEXPIRE h 9007199254740992 NX", "PEXPIRE h 9007199254740992 GT",
            ],
        };
        assert_eq!(monitor.seen(&server), wanted);

        // Grouped by lifetime; of two writes of a field the later one, whatever its group.
        let puts = [
            put(("h", "a"), "1", HOUR),
            put("p", "2", MINUTE),
            put(("h", "b"), "3", MINUTE),
            put(("h", "c"), "4", HOUR),
            put(("g", "a"), "5", None),
            put(("h", "b"), "6", HOUR),
            put(("h", "d"), "7", MINUTE),
            put(("h", "c"), "8", MINUTE),
        ];
        redis.hash_set_multi(&puts, PER_FIELD).await.unwrap();
        #[rustfmt::skip]
        let wanted: &[&str] = match can {
            HSETEX => &[
                "SET p 2 PX 60000",
                "HSETEX h PX 60000 FIELDS 2 d 7 c 8", "HSETEX h PX 3600000 FIELDS 2 a 1 b 6",
                "HSET g a 5",
            ],
            HPEXPIRE => &[
                "SET p 2 PX 60000",
                "HSET h a 1 b 6 d 7 c 8",
                "HPEXPIRE h 60000 FIELDS 2 d c", "HPEXPIRE h 3600000 FIELDS 2 a b",
                "HSET g a 5",
            ],
            _ => &[
                "SET p 2 PX 60000",
                "HSET h a 1 b 6 d 7 c 8", "PEXPIRE h 3600000 NX", "PEXPIRE h 3600000 GT",
                "HSET g a 5", "PEXPIRE g 9007199254740992 NX", "PEXPIRE g 9007199254740992 GT",
            ],
        };
        assert_eq!(monitor.seen(&server), wanted);
        let keys = ["a", "b", "c", "d"].map(|name| Key::from(("h", name)));
        let found = redis.hash_get_multi(&keys).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|found| found.unwrap().unwrap()).collect();
        assert_eq!(found, ["1", "6", "8", "7"].map(bytes));
    }
}

#[tokio::test]
async fn every_write_is_one_round_trip() {
    for (server, can) in servers() {
        let proxy = CountingProxy::start(server.port()).await;
        let redis = patient(proxy.url());
        redis.ping().await.unwrap();
        proxy.take();
        set(&redis, ("h", "f"), "v", MINUTE).await;
        assert_eq!(proxy.take(), 2, "{can}: with the question");
        for keep_for in [MINUTE, None, HOUR] {
            set(&redis, ("h", "f"), "v", keep_for).await;
            assert_eq!(proxy.take(), 1, "{can}: {keep_for:?}");
        }
        let names: Vec<String> = (0..300).map(|number| number.to_string()).collect();
        let puts: Vec<_> = (0_u64..)
            .zip(&names)
            .map(|(n, name)| {
                let key = if n % 3 == 0 { Key::from(name) } else { ("s", name.as_str()).into() };
                put(key, name, (n % 5 != 0).then(|| Duration::from_secs(60 + n % 7)))
            })
            .collect();
        redis.hash_set_multi(&puts, PER_FIELD).await.unwrap();
        assert_eq!(proxy.take(), 1, "{can}: a batch");
        let keys: Vec<_> = puts.iter().map(|put| put.key).collect();
        let found = redis.hash_get_multi(&keys).await.unwrap();
        for (found, put) in found.into_iter().zip(&puts) {
            assert_eq!(found.unwrap().as_ref(), Some(&put.value), "{can}");
        }
    }
}

#[tokio::test]
async fn many_first_writes_ask_once() {
    let server = RedisServer::start_program(newer("redis-8"), &[]);
    let redis = patient(server.unix_url());
    redis.ping().await.unwrap();
    let mut monitor = server.raw().monitor();
    let names: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    let mut writes = tokio::task::JoinSet::new();
    for name in names {
        let redis = redis.clone();
        writes.spawn(async move { set(&redis, ("h", &name), "v", MINUTE).await });
    }
    writes.join_all().await;
    let seen = monitor.seen(&server);
    assert_eq!((seen.len(), seen[0].as_str()), (51, ASK));
}

#[tokio::test]
async fn leases_fence_such_writes_too() {
    for (server, can) in servers() {
        let redis = patient(server.unix_url());
        let lease = |field: &str, name: &str| Lease::new(("h", field).into(), name.as_bytes());
        let leases = [lease("a", "lock:a"), lease("b", "lock:b"), lease("c", "lock:c")];
        for lease in &leases[..2] {
            server.raw().call(&[b"SET", lease.name(), lease.token().as_bytes()]);
        }
        let lifetimes = [MINUTE, None, HOUR];
        let puts = || {
            let puts = leases.iter().zip(lifetimes);
            puts.map(|(lease, keep_for)| {
                Put::new(lease.key(), bytes("v"), WriteOpts::keep_for(keep_for).fenced(lease))
            })
        };
        for (put, own) in puts().zip([A_MINUTE, NONE]) {
            redis.hash_set(put.key, put.value, put.opts, PER_FIELD).await.unwrap();
            let of_hash = if put.opts.keep_for.is_none() { LONGEST } else { A_MINUTE };
            let found = ttl(&server, can, ("h", put.key.name()));
            let wanted = if can == HASH { of_hash } else { own };
            assert!(wanted.contains(&found), "{can}, {}: {found}", put.key);
        }
        // In a batch: what is not held is not written.
        server.call(&["DEL", "h"]);
        let mut batch: Vec<_> = puts().collect();
        batch.push(put(("h", "d"), "v", HOUR));
        batch.push(put(("g", "d"), "v", HOUR));
        let error = redis.hash_set_multi(&batch, PER_FIELD).await.unwrap_err();
        assert_eq!((error.kind(), error.key()), (ErrorKind::LeaseLost, Some(("h", "c").into())));
        let all = redis.hash_get_multi(&batch.iter().map(|put| put.key).collect::<Vec<_>>()).await;
        let there: Vec<_> =
            all.unwrap().into_iter().map(|found| found.unwrap().is_some()).collect();
        assert_eq!(there, [true, true, false, true, true], "{can}");
        let wanted = match can {
            HASH => [LONGEST, LONGEST, LONGEST, AN_HOUR],
            _ => [A_MINUTE, NONE, AN_HOUR, AN_HOUR],
        };
        for (key, wanted) in
            [("h", "a"), ("h", "b"), ("h", "d"), ("g", "d")].into_iter().zip(wanted)
        {
            let found = ttl(&server, can, key);
            assert!(wanted.contains(&found), "{can}, {key:?}: {found}");
        }
        // One that fails stops no other.
        server.call(&["RPUSH", "list", "1"]);
        let mut puts = puts();
        let held = puts.next().unwrap();
        let bad = Put::new(("list", "f").into(), held.value.clone(), held.opts);
        server.call(&["HDEL", "h", "a"]);
        let error = redis.hash_set_multi(&[bad, held.clone()], PER_FIELD).await.unwrap_err();
        assert!(error.to_string().contains("WRONGTYPE"), "{can}: {error}");
        assert_eq!(error.key(), Some(("list", "f").into()));
        assert_eq!(redis.hash_get(held.key).await.unwrap(), Some(bytes("v")), "{can}");
    }
}

#[tokio::test]
async fn another_server_at_the_same_address_is_asked_anew() {
    let programs: [(PathBuf, &str); 4] = [
        (newer("redis-8"), HSETEX),
        ("redis-server".into(), HASH),
        (newer("valkey-9"), HSETEX),
        (newer("valkey-8"), HASH),
    ];
    let mut server = RedisServer::start_program(newer("redis-8"), &[]);
    let redis = patient(server.tcp_url());
    for (program, can) in programs {
        // The write finds the old connection and goes over a new one, in the words of its server.
        server.restart_as(program);
        until("a write", async || {
            let opts = WriteOpts::keep_for(MINUTE);
            redis
                .hash_set(("h", "f").into(), bytes("v"), opts, PER_FIELD)
                .await
                .map_err(|error| {
                    assert!(error.is_transient(), "{error}");
                })
                .ok()
        })
        .await;
        assert_eq!(shown(&redis), can);
        let found = ttl(&server, can, ("h", "f"));
        assert!(A_MINUTE.contains(&found), "{can}: {found}");
    }
}

/// Whoever may not ask, or is not answered, gets what every server can do.
#[tokio::test]
async fn no_right_to_ask_is_an_old_server() {
    let server = RedisServer::start_program(newer("redis-8"), &[]);
    let rules = ["ACL", "SETUSER", "u", "on", ">p", "~*", "+@all", "-command"];
    assert_eq!(server.call(&rules), Reply::Simple("OK".into()));
    let redis = patient(format!("redis://u:p@127.0.0.1:{}", server.port()));
    set(&redis, ("h", "f"), "v", MINUTE).await;
    assert_eq!(shown(&redis), HASH);
    assert!(A_MINUTE.contains(&ttl(&server, HASH, ("h", "f"))));
    let disabled = ["--rename-command", "COMMAND", ""];
    let server = RedisServer::start_program(newer("redis-8"), &disabled);
    let redis = patient(server.unix_url());
    redis.hash_set_multi(&[put(("h", "f"), "v", HOUR)], PER_FIELD).await.unwrap();
    assert_eq!(shown(&redis), HASH);
    assert!(AN_HOUR.contains(&ttl(&server, HASH, ("h", "f"))));
}

/// A server that is busy is asked again later.
#[tokio::test]
async fn a_busy_server_is_no_old_server() {
    let server = RedisServer::start_program(newer("redis-8"), &["--busy-reply-threshold", "1"]);
    let redis = patient(server.unix_url());
    redis.ping().await.unwrap();
    let mut busy = server.raw();
    let script = std::thread::spawn(move || busy.call(&["EVAL", "while true do end", "0"]));
    until("a busy server", async || {
        matches!(server.call(&["PING"]), Reply::Error(_)).then_some(())
    })
    .await;
    let opts = WriteOpts::keep_for(MINUTE);
    let error = redis.hash_set(("h", "f").into(), bytes("v"), opts, PER_FIELD).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(shown(&redis), "not asked yet");
    server.call(&["SCRIPT", "KILL"]);
    script.join().unwrap();
    set(&redis, ("h", "f"), "v", MINUTE).await;
    assert_eq!(shown(&redis), HSETEX);
}

#[tokio::test]
async fn the_policy_reaches_the_server_from_a_stack() {
    let server = RedisServer::start_program(newer("valkey-9"), &[]);
    let stack = Hstore::<_, PerField>::with_policy(patient(server.unix_url()));
    let opts = WriteOpts::keep_for(MINUTE);
    stack.set(("h", "f").into(), bytes("v"), opts).await.unwrap();
    assert!(A_MINUTE.contains(&ttl(&server, HSETEX, ("h", "f"))));
    // An older server could not keep what a newer one would.
    let Capabilities { expires, .. } = stack.capabilities();
    assert_eq!(expires, Expires::PlainKeys);
    #[cfg(feature = "codec-msgpack")]
    {
        use larder::{PayloadExt, Region};

        let region =
            Region::builder(stack.msgpack().no_meta()).expire_after(Duration::from_secs(1));
        assert_eq!(region.build().unwrap_err().kind(), ErrorKind::Config);
    }
}
