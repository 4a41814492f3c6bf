//! Locks in Redis.

use std::time::Duration;

use larder::{
    BackendExt, Dogpile, ErrorKind, FullDict, Json, KeyHash, LayerExt, OnTimeout, Options,
    PayloadExt, Redis, RedisLock, RedisLockBuilder, Region, Sha1,
};
use serde_json::json;

use crate::{
    python::{Age, Python, redis},
    scene::{asking, is_waiting, larder_holds, python_holds},
    support::{
        redis_server::{RedisServer, Reply},
        region::{Slow, locks, patient, unlocked},
        until,
    },
};

type Values = Dogpile<Json<Redis>>;

fn shared(
    server: &RedisServer,
    lock: impl FnOnce(RedisLockBuilder) -> RedisLockBuilder,
) -> Region<Values, RedisLock> {
    let redis = patient(server.unix_url());
    let lock = lock(RedisLock::builder(&redis).dogpile()).build().unwrap();
    Region::builder(redis.json().dogpile()).lock(lock).build().unwrap()
}

fn python(server: &RedisServer, arguments: &serde_json::Value) -> Python {
    Python::start(Age::Current, &redis(server, "dogpile.cache.redis", arguments))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_waits_for_the_other() {
    let server = RedisServer::start();
    let (region, mut python) = (shared(&server, |lock| lock), python(&server, &json!({})));
    python_holds(&region, &mut python).await;
    larder_holds(&region, &mut python, true).await;
    unlocked(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locks_have_the_prefix_that_python_gives_them() {
    let server = RedisServer::start();
    let region = shared(&server, |lock| lock.prefix("app:"));
    let mut python = python(&server, &json!({"lock_prefix": "app:"}));
    python_holds(&region, &mut python).await;
    larder_holds(&region, &mut python, true).await;
    let slow = Slow::new();
    let creation = asking(&region, "k", &slow);
    slow.called(1).await;
    assert_eq!(server.call(&["KEYS", "app:*"]), Reply::Array(vec![Reply::from("app:k")]));
    slow.go();
    creation.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mangled_keys_have_mangled_locks() {
    let server = RedisServer::start();
    let redis_ = patient(server.unix_url());
    let lock = RedisLock::builder(&redis_).dogpile().build().unwrap();
    let stack = redis_.json().dogpile().keyed(KeyHash::with(Sha1));
    let region = Region::builder(stack).lock(lock).build().unwrap();
    let mut settings = redis(&server, "dogpile.cache.redis", &json!({}));
    settings["sha1"] = json!(true);
    let mut python = Python::start(Age::Current, &settings);
    python_holds(&region, &mut python).await;
    larder_holds(&region, &mut python, true).await;
}

/// The packages of before have no `key_is_locked`, and name locks and values otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_it_was_before() {
    let server = RedisServer::start();
    let redis_ = patient(server.unix_url());
    let lock = RedisLock::builder(&redis_).dogpile().build().unwrap();
    let stack: FullDict<Json<Redis>> = redis_.json().full_dict();
    let region = Region::builder(stack).lock(lock).build().unwrap();
    let mut settings = redis(&server, "dogpile_backend_redis_advanced", &json!({}));
    settings["serializer"] = json!("whole tuples");
    let mut python = Python::start(Age::Before, &settings);
    python_holds(&region, &mut python).await;
    let slow = Slow::new();
    let creation = asking(&region, "ours", &slow);
    slow.called(1).await;
    python.create("ours", "python's");
    is_waiting(&creation).await;
    slow.go();
    assert_eq!(creation.await.unwrap(), "larder's");
    assert_eq!(python.hear("got"), "larder's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_python_that_dies_holds_its_lock_as_long_as_it_said() {
    let server = RedisServer::start();
    let region = shared(&server, |lock| lock);
    let mut python = python(&server, &json!({"lock_timeout": 0.5}));
    python.creating("k", "python's");
    let slow = Slow::new();
    slow.go();
    let waiter = asking(&region, "k", &slow);
    is_waiting(&waiter).await;
    python.kill();
    assert_eq!(waiter.await.unwrap(), "larder's");
    assert_eq!(slow.calls(), 1);
    unlocked(&server).await;
}

/// Without a `lock_timeout`: who waits, waits as long as he wants, and robs nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_without_an_end_outlives_python() {
    let server = RedisServer::start();
    let region = shared(&server, |lock| lock);
    let mut python = python(&server, &json!({"lock_timeout": null}));
    python.creating("k", "python's");
    assert_eq!(server.call(&["PTTL", "_lockk"]).int(), -1);
    let hasty = region.with(Options::new().wait_timeout(Duration::from_millis(50)));
    let late = hasty.get_or_create("k", async || String::new()).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Timeout);
    python.kill();
    let brief = Options::new().wait_timeout(Duration::from_millis(50));
    let region = region.with(brief.on_timeout(OnTimeout::Create));
    let made = region.get_or_create("k", async || "larder's".to_owned()).await.unwrap();
    assert_eq!(made, "larder's");
    assert_eq!(region.get::<String>("k").await.unwrap(), None, "it may be alive");
    // So it goes on until somebody knows better.
    assert_eq!(server.call(&["DEL", "_lockk"]).int(), 1);
    region.get_or_create("k", async || "larder's".to_owned()).await.unwrap();
    assert_eq!(region.get::<String>("k").await.unwrap().as_deref(), Some("larder's"));
}

/// Python's lock ends while it creates. It stores what it has, then its caller gets an exception; larder,
/// which has the lock by then, writes what it created after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_outlives_its_lock() {
    let server = RedisServer::start();
    let region = shared(&server, |lock| lock);
    let mut python = python(&server, &json!({"lock_timeout": 0.1}));
    python.creating("k", "python's");
    let slow = Slow::new();
    let creation = asking(&region, "k", &slow);
    slow.called(1).await;
    python.go();
    assert_eq!(python.hear("failed"), "LockNotOwnedError");
    assert_eq!(python.get("k"), "python's");
    assert_eq!(locks(&server), ["_lockk"], "larder's is still there");
    slow.go();
    assert_eq!(creation.await.unwrap(), "larder's");
    assert_eq!(python.get("k"), "larder's");
}

/// larder's lock is gone, as after a restart of the server, and Python has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn larder_outlives_its_lock() {
    let server = RedisServer::start();
    let (region, mut python) = (shared(&server, |lock| lock), python(&server, &json!({})));
    let slow = Slow::new();
    let creation = asking(&region, "k", &slow);
    slow.called(1).await;
    assert!(!python.acquires("k"));
    assert_eq!(server.call(&["DEL", "_lockk"]).int(), 1);
    python.creating("k", "python's");
    slow.go();
    assert_eq!(creation.await.unwrap(), "larder's", "nothing is thrown away");
    assert_eq!(region.get::<String>("k").await.unwrap(), None, "and nothing stored");
    assert_eq!(region.stats().creations, 1);
    python.go();
    assert_eq!(python.hear("got"), "python's");
    assert_eq!(region.get::<String>("k").await.unwrap().as_deref(), Some("python's"));
    until("its lock is given back", async || locks(&server).is_empty().then_some(())).await;
}
