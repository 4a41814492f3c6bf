//! Locks and values in memcached, with both of Python's clients.

use std::time::Duration;

use larder::{
    Backend, BackendExt, Bytes, Dogpile, ErrorKind, FullDict, Json, Key, LayerExt, Lock, Memcached,
    MemcachedLock, OnTimeout, Options, PayloadExt, Pickle, Region, Seen, WriteOpts,
};
use serde_json::{Value, json};

use crate::{
    python::{Age, Python, memcached},
    scene::{asking, is_waiting, larder_holds, python_holds},
    support::{DEADLINE, memcached_server::MemcachedServer, region::Slow},
};

const CLIENTS: [&str; 2] = ["pymemcache", "memcached"];

type Values = Dogpile<Json<Memcached>>;

fn client(server: &MemcachedServer, flags: Option<u32>) -> Memcached {
    let builder = Memcached::builder([server.url()]).exact_keys(true);
    let builder = builder.connect_timeout(DEADLINE).response_timeout(DEADLINE);
    match flags {
        Some(flags) => builder.flags(flags).build().unwrap(),
        None => builder.build().unwrap(),
    }
}

fn shared(server: &MemcachedServer) -> Region<Values, MemcachedLock> {
    let memcached = client(server, Some(0));
    let lock = MemcachedLock::builder(&memcached).dogpile().build().unwrap();
    Region::builder(memcached.json().dogpile()).lock(lock).build().unwrap()
}

fn python(server: &MemcachedServer, client: &str, arguments: &Value) -> Python {
    Python::start(Age::Current, &memcached(server, client, arguments))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_waits_for_the_other() {
    for client in CLIENTS {
        let server = MemcachedServer::start();
        let (region, mut python) = (shared(&server), python(&server, client, &json!({})));
        python_holds(&region, &mut python).await;
        larder_holds(&region, &mut python, true).await;
        assert!(!server.has("_lockours") && !server.has("_locktheirs"));
    }
}

/// Names are those that Python sends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_is_one_lock() {
    for client in CLIENTS {
        let server = MemcachedServer::start();
        let (region, mut python) = (shared(&server), python(&server, client, &json!({})));
        let lock = region.lock();
        let longest = "x".repeat(245);
        for key in ["a|b:c/d", "50%", "two%20words", &longest] {
            let lease = [lock.lease(key.into())];
            assert_eq!(lock.acquire(&lease).await.unwrap(), [true], "{key}");
            assert!(python.sees_locked(key) && !python.acquires(key), "{key}");
            lock.release(&lease).await.unwrap();
            assert!(python.acquires(key), "{key}");
            assert!(lock.is_locked(key.into()).await.unwrap(), "{key}");
            // Neither is Python's lock taken, nor renewed or removed.
            lock.seize(&lease).await.unwrap();
            assert_eq!(lock.renew(&lease).await.unwrap(), [false], "{key}");
            lock.release(&lease).await.unwrap();
            assert!(python.sees_locked(key), "{key}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_python_that_dies_holds_its_lock_as_long_as_it_said() {
    let server = MemcachedServer::start();
    let region = shared(&server);
    let mut python = python(&server, "pymemcache", &json!({"lock_timeout": 1}));
    python.creating("k", "python's");
    let slow = Slow::new();
    slow.go();
    let waiter = asking(&region, "k", &slow);
    python.kill();
    assert_eq!(waiter.await.unwrap(), "larder's");
    assert_eq!(slow.calls(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_without_an_end_outlives_python() {
    let server = MemcachedServer::start();
    let region = shared(&server);
    let mut python = python(&server, "pymemcache", &json!({"lock_timeout": 0}));
    python.creating("k", "python's");
    python.kill();
    let brief = Options::new().wait_timeout(Duration::from_millis(50));
    let region = region.with(brief.on_timeout(OnTimeout::Create));
    let made = region.get_or_create("k", async || "larder's".to_owned()).await.unwrap();
    assert_eq!(made, "larder's");
    assert_eq!(region.get::<String>("k").await.unwrap(), None, "it may be alive");
    assert_eq!(server.ask("mg _lockk v"), "VA 1\r\n1", "and is not robbed");
}

/// Python's lock ended while it created, so it deletes that of larder, and another Python takes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn larder_loses_its_lock_to_python() {
    let server = MemcachedServer::start();
    let region = shared(&server);
    let mut slower = python(&server, "pymemcache", &json!({"lock_timeout": 1}));
    let mut other = python(&server, "memcached", &json!({}));
    slower.creating("k", "the slower one's");
    let slow = Slow::new();
    let creation = asking(&region, "k", &slow);
    slow.called(1).await;
    assert!(server.ask("mg _lockk v").starts_with("VA 32"));
    slower.go();
    assert_eq!(slower.hear("got"), "the slower one's");
    assert!(!server.has("_lockk"), "whoever has it");
    assert!(other.acquires("k"));
    slow.go();
    assert_eq!(creation.await.unwrap(), "larder's", "nothing is thrown away");
    assert_eq!(other.get("k"), "the slower one's", "and nothing stored");
    assert_eq!(server.ask("mg _lockk v"), "VA 1\r\n1", "nor is the lock of others touched");
}

/// Every owner of Python has the same there, but a wait does not take one for the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_owner_is_noticed() {
    let server = MemcachedServer::start();
    let (region, mut python) = (shared(&server), python(&server, "pymemcache", &json!({})));
    assert!(python.acquires("k"));
    let lock = region.lock().clone();
    let waiting =
        tokio::spawn(async move { lock.released("k".into(), &mut Seen::default()).await });
    is_waiting(&waiting).await;
    server.ask("delete _lockk\r\nadd _lockk 2 60 1\r\n1");
    tokio::time::timeout(DEADLINE, waiting).await.unwrap().unwrap().unwrap();
    assert!(python.sees_locked("k"));
}

/// What memcached takes is one entry and one lock for both, and what it does not take is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_sent_as_they_are() {
    for client in CLIENTS {
        let server = MemcachedServer::start();
        let (region, mut python) = (shared(&server), python(&server, client, &json!({})));
        for key in ["100%", "two%20words", "a%.b"] {
            python.set(key, "python's");
            assert_eq!(region.get::<String>(key).await.unwrap().as_deref(), Some("python's"));
            region.set(key, "larder's".to_owned()).await.unwrap();
            assert_eq!(python.get(key), "larder's");
            python.creating(format!("{key}!"), "python's");
            assert!(region.key_is_locked(format!("{key}!").as_str()).await.unwrap());
            python.go();
            python.hear("got");
        }
        let made = region.get_or_create("two words", async || "larder's".to_owned()).await;
        assert_eq!(made.unwrap(), "larder's");
        let error = region.set("two words", "larder's".to_owned()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(python.get("two%20words"), "larder's", "that of this key");
    }
}

/// Regions without a serializer: the client pickles, and says so with a flag.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flags_say_what_is_pickled() {
    for client_name in CLIENTS {
        let server = MemcachedServer::start();
        let mut settings = memcached(&server, client_name, &json!({}));
        settings["serializer"] = Value::Null;
        let mut python = Python::start(Age::Current, &settings);
        let pickled: FullDict<Pickle<Memcached>, 2> =
            FullDict::new(client(&server, Some(1)).pickle());
        let region = pickled.region();
        python.set("theirs", "python's");
        assert_eq!(region.get::<String>("theirs").await.unwrap().as_deref(), Some("python's"));
        region.set("ours", "larder's".to_owned()).await.unwrap();
        assert_eq!(python.get("ours"), "larder's");
        assert_eq!(
            python.ask(&json!(["get_multi", ["ours", "theirs"]]), "got"),
            json!(["larder's", "python's"])
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_compressed_is_a_miss() {
    let server = MemcachedServer::start();
    let mut python = python(&server, "memcached", &json!({"min_compress_len": 100}));
    let region = shared(&server);
    python.set("short", "s");
    python.set("long", "l".repeat(1000));
    let found = region.get_multi::<String>(["short", "long"]).await.unwrap();
    assert_eq!(found, [Some("s".to_owned()), None]);
    assert_eq!(region.get::<String>("long").await.unwrap(), None);
    assert_eq!(region.get_multi::<String>(["long"]).await.unwrap(), [None]);
    assert_eq!(region.stats().unreadable, 3);
    let key = Key::from("long");
    let error = client(&server, Some(0)).get(key).await.unwrap_err();
    assert!(error.is_unreadable() && error.to_string().contains("flags 8"), "{error}");
    // Who asks for no flags gets the bytes.
    assert!(client(&server, None).get(key).await.unwrap().is_some());
    // And flags are whole numbers of 32 bits.
    let largest = client(&server, Some(u32::MAX));
    largest.set(key, Bytes::from("v"), WriteOpts::default()).await.unwrap();
    assert_eq!(largest.get(key).await.unwrap(), Some(Bytes::from("v")));
    assert!(client(&server, Some(1)).get(key).await.is_err());
}
