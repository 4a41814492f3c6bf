//! Keys that are tuples, as `dogpile_backend_redis_advanced` stores them.

use std::time::Duration;

use larder::{
    Always, BackendExt, Dogpile, ExpiryPolicy, FullDict, HashBackend, Hstore, Json, Never,
    OnCreate, PayloadExt, Redis, RedisLock, Region,
};
use serde_json::{Value, json};

use crate::{
    python::{Age, Python, redis},
    scene::{Shared, is_waiting},
    support::{
        redis_server::RedisServer,
        region::{Slow, patient, unlocked},
    },
};

const LIFETIME: u64 = 1000;

type Hashes<E> = Hstore<Redis, E>;

/// What each release calls its hash backend, and its locks.
const CURRENT: (Age, &str, &str) = (Age::Current, "dogpile_backend_redis_advanced.hstore", "_lok.");
const BEFORE: (Age, &str, &str) = (Age::Before, "dogpile_backend_redis_advanced_hstore", "_lock");

fn python(server: &RedisServer, (age, backend, _): (Age, &str, &str), expiry: &Value) -> Python {
    let arguments =
        json!({"redis_expiration_time": LIFETIME, "redis_expiration_time_hash": expiry});
    let mut settings = redis(server, backend, &arguments);
    if age == Age::Before {
        settings["serializer"] = json!("whole tuples");
    }
    Python::start(age, &settings)
}

fn region<S: Shared>(redis: &Redis, prefix: &str, stack: S) -> Region<S, RedisLock> {
    let lock = RedisLock::builder(redis).dogpile().prefix(prefix).build().unwrap();
    let builder = Region::builder(stack).lock(lock);
    builder.keep_for(Duration::from_secs(LIFETIME)).build().unwrap()
}

fn current<E: ExpiryPolicy + 'static>(
    server: &RedisServer,
) -> Region<Dogpile<Json<Hashes<E>>>, RedisLock> {
    let redis = patient(server.unix_url());
    let hashes: Hashes<E> = Hstore::with_policy(redis.clone());
    region(&redis, CURRENT.2, hashes.json().dogpile())
}

fn before<E: ExpiryPolicy + 'static>(
    server: &RedisServer,
) -> Region<FullDict<Json<Hashes<E>>>, RedisLock> {
    let redis = patient(server.unix_url());
    let hashes: Hashes<E> = Hstore::with_policy(redis.clone());
    region(&redis, BEFORE.2, hashes.json().full_dict())
}

/// Both sides read, write and delete the same entries.
async fn shares<S: Shared>(region: Region<S, RedisLock>, mut python: Python) {
    let text = |text: &str| Some(text.to_owned());
    python.set(json!(["h", "f"]), "1");
    python.set(json!([1200, 5]), "2");
    python.set("plain", "3");
    assert_eq!(region.get(("h", "f")).await.unwrap(), text("1"));
    assert_eq!(region.get(("1200", "5")).await.unwrap(), text("2"));
    region.set(("h", "g"), "4".to_owned()).await.unwrap();
    region.set(("1200", "6"), "5".to_owned()).await.unwrap();
    assert_eq!(python.get(json!(["h", "g"])), "4");
    assert_eq!(python.get(json!([1200, 6])), "5");

    let batch = json!([[["h", "a"], "6"], [["i", "a"], "7"], ["other", "8"], [[1200, 7], "9"]]);
    python.ask(&json!(["set_multi", batch]), "done");
    let keys: [larder::Key; 5] = [
        ("i", "a").into(),
        "other".into(),
        ("h", "a").into(),
        ("i", "b").into(),
        ("1200", "7").into(),
    ];
    let found = region.get_multi::<String>(keys).await.unwrap();
    assert_eq!(found, [text("7"), text("8"), text("6"), None, text("9")]);
    let puts =
        [(("h", "b").into(), "10"), (("i", "b").into(), "11"), (larder::Key::from("plain"), "12")];
    region.set_multi(puts.map(|(key, value)| (key, value.to_owned()))).await.unwrap();
    let keys = json!(["plain", ["i", "b"], ["h", "b"], ["h", "none"], ["i", "a"]]);
    assert_eq!(
        python.ask(&json!(["get_multi", keys]), "got"),
        json!(["12", "11", "10", null, "7"])
    );

    python.ask(&json!(["delete", ["h", "f"]]), "done");
    python.ask(&json!(["delete_multi", [["h", "g"], ["i", "a"], "other"]]), "done");
    let gone: [larder::Key; 4] =
        [("h", "f").into(), ("h", "g").into(), ("i", "a").into(), "other".into()];
    assert_eq!(region.get_multi::<String>(gone).await.unwrap(), [None, None, None, None]);
    region.delete(("h", "a")).await.unwrap();
    region
        .delete_multi([larder::Key::from(("h", "b")), ("1200", "5").into(), "plain".into()])
        .await
        .unwrap();
    let keys = json!([["h", "a"], ["h", "b"], [1200, 5], "plain", [1200, 6]]);
    assert_eq!(
        python.ask(&json!(["get_multi", keys]), "got"),
        json!([null, null, null, null, "5"])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_are_shared() {
    let server = RedisServer::start();
    shares(current::<OnCreate>(&server), python(&server, CURRENT, &Value::Null)).await;
    server.call(&["FLUSHALL"]);
    shares(before::<OnCreate>(&server), python(&server, BEFORE, &Value::Null)).await;
}

/// The TTL of a hash, which is `LIFETIME` or a little less; -1 without one.
fn ttl(server: &RedisServer, name: &str) -> i64 {
    server.call(&["TTL", name]).int()
}

/// What becomes of a hash that one side makes and the other adds to.
async fn lives<S: Shared>(
    server: &RedisServer,
    region: Region<S, RedisLock>,
    mut python: Python,
    expiry: &Value,
) {
    let fresh = i64::try_from(LIFETIME).unwrap() - 60;
    let new = |name: &str| match expiry {
        Value::Bool(false) => assert_eq!(ttl(server, name), -1, "{name}"),
        _ => assert!(ttl(server, name) > fresh, "{name}"),
    };
    let old = |name: &str| match expiry {
        Value::Bool(true) => assert!(ttl(server, name) > fresh, "{name}"),
        _ => assert!((1..=100).contains(&ttl(server, name)), "{name}"),
    };
    let age = |name: &str| assert_eq!(server.call(&["EXPIRE", name, "100"]).int(), 1);
    let text = |text: &str| text.to_owned();

    region.set(("ours", "a"), text("1")).await.unwrap();
    python.set(json!(["theirs", "a"]), "1");
    new("ours");
    new("theirs");
    age("ours");
    age("theirs");
    python.set(json!(["ours", "b"]), "2");
    region.set(("theirs", "b"), text("2")).await.unwrap();
    old("ours");
    old("theirs");
    // The same in batches.
    age("ours");
    age("theirs");
    let batch = |name: &str| json!([[[name, "c"], "3"], [["their batch", "c"], "3"]]);
    python.ask(&json!(["set_multi", batch("ours")]), "done");
    let puts = [(("theirs", "c"), text("3")), (("our batch", "c"), text("3"))];
    region.set_multi(puts).await.unwrap();
    old("ours");
    old("theirs");
    new("our batch");
    new("their batch");
    // What is plain has its own.
    region.set("plain", text("4")).await.unwrap();
    assert!(ttl(server, "plain") > fresh);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hashes_live_as_long_on_both_sides() {
    async fn both<E: ExpiryPolicy + 'static>(expiry: Value)
    where
        Redis: HashBackend,
    {
        let server = RedisServer::start();
        let theirs = python(&server, CURRENT, &expiry);
        lives(&server, current::<E>(&server), theirs, &expiry).await;
        server.call(&["FLUSHALL"]);
        let theirs = python(&server, BEFORE, &expiry);
        lives(&server, before::<E>(&server), theirs, &expiry).await;
    }
    both::<OnCreate>(Value::Null).await;
    both::<Always>(json!(true)).await;
    both::<Never>(json!(false)).await;
}

/// A tuple has a lock, too, and it has another name in each release.
async fn excludes<S: Shared>(
    server: &RedisServer,
    region: Region<S, RedisLock>,
    mut python: Python,
    name: &str,
) {
    let slow = Slow::new();
    let asking = |key: (&'static str, &'static str)| {
        let (region, slow) = (region.clone(), slow.clone());
        tokio::spawn(async move {
            let create = async || slow.create("larder's".to_owned()).await;
            region.get_or_create(key, create).await.unwrap()
        })
    };
    python.creating(json!(["h", "f"]), "python's");
    assert_eq!(server.call(&["EXISTS", name]).int(), 1);
    assert!(region.key_is_locked(("h", "f")).await.unwrap());
    let waiter = asking(("h", "f"));
    is_waiting(&waiter).await;
    python.go();
    assert_eq!((waiter.await.unwrap(), slow.calls()), ("python's".to_owned(), 0));
    assert_eq!(python.hear("got"), "python's");

    let creation = asking(("h", "g"));
    slow.called(1).await;
    python.create(json!(["h", "g"]), "python's");
    is_waiting(&creation).await;
    slow.go();
    assert_eq!(creation.await.unwrap(), "larder's");
    assert_eq!(python.hear("got"), "larder's");
    unlocked(server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tuples_have_locks() {
    let server = RedisServer::start();
    let theirs = python(&server, CURRENT, &Value::Null);
    excludes(&server, current::<OnCreate>(&server), theirs, "_lok.h,f").await;
    server.call(&["FLUSHALL"]);
    let theirs = python(&server, BEFORE, &Value::Null);
    excludes(&server, before::<OnCreate>(&server), theirs, "_lockh,f").await;
}

/// The name joins the parts with a comma, so two keys may share a lock: they are created all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_with_one_lock_are_created_one_after_the_other() {
    let server = RedisServer::start();
    let (region, mut python) =
        (current::<OnCreate>(&server), python(&server, CURRENT, &Value::Null));
    let create = async |keys: Vec<(&'static str, &'static str)>| {
        keys.into_iter().map(|key| (key, format!("{}/{}", key.0, key.1)))
    };
    let keys = [("a", "b,c"), ("a,b", "c"), ("x", "y")];
    let made = region.get_or_create_multi(keys, create).await.unwrap();
    assert_eq!(made, ["a/b,c", "a,b/c", "x/y"].map(|text| Some(text.to_owned())));
    assert_eq!(python.get(json!(["a,b", "c"])), "a,b/c");
    unlocked(&server).await;
    python.creating(json!(["a", "b,d"]), "python's");
    assert!(region.key_is_locked(("a,b", "d")).await.unwrap());
    python.go();
    python.hear("got");
    let both = Duration::from_secs(5);
    let made = tokio::time::timeout(both, async {
        tokio::join!(
            region.get_or_create(("a", "b,e"), async || "1".to_owned()),
            region.get_or_create(("a,b", "e"), async || "2".to_owned()),
        )
    });
    let (one, two) = made.await.unwrap();
    assert_eq!((one.unwrap(), two.unwrap()), ("1".to_owned(), "2".to_owned()));
}
