//! Locks between processes see the keys that the store sees. Each region stands for a process.

use std::time::{Duration, Instant};

use larder::{
    BackendExt, FullDict, Json, Key, KeyHash, LayerExt, Level, PayloadExt, Redis, RedisLock,
    Region, Sha1, Store,
};
use tokio::task::JoinHandle;

use crate::support::{
    redis_server::{RedisServer, Reply},
    region::{Slow, locks, patient, unlocked, waiting},
};

type Plain = FullDict<Json<Redis>>;
type Shared<S> = Region<S, RedisLock>;

/// A process whose stack is what `layers` make of one without.
fn process<S: Level>(server: &RedisServer, layers: impl FnOnce(Plain) -> S) -> Shared<S> {
    let redis = patient(server.unix_url());
    let lock = RedisLock::builder(&redis).lease(Duration::from_secs(60)).build().unwrap();
    over(layers(redis.json().full_dict()), lock)
}

fn over<S: Level>(stack: S, lock: RedisLock) -> Shared<S> {
    Region::builder(stack).lock(lock).build().unwrap()
}

/// A creation under way in a task of its own.
async fn creating<S>(region: &Shared<S>, key: Key<'_>, slow: &Slow) -> JoinHandle<u64>
where
    S: Store<u64> + 'static,
{
    let (region, key, slow, calls) = (region.clone(), key.to_buf(), slow.clone(), slow.calls());
    let task = {
        let slow = slow.clone();
        tokio::spawn(async move { region.get_or_create(&key, || slow.create(1)).await.unwrap() })
    };
    slow.called(calls + 1).await;
    task
}

async fn nobody() -> u64 {
    unreachable!("somebody else creates")
}

/// Waits until one key is waited for at the lock of `region`, which is done without asking again and
/// again: who waits for a name that nobody locks is not asleep.
async fn asleep<S: Level>(server: &RedisServer, region: &Shared<S>) {
    waiting(region, 1).await;
    let mut monitor = server.raw().monitor();
    tokio::time::sleep(Duration::from_millis(30)).await;
    let seen = monitor.seen(server);
    assert!(seen.len() < 10, "{seen:?}");
}

fn names(server: &RedisServer) -> Vec<String> {
    let Reply::Array(names) = server.call(&["KEYS", "*"]) else { return Vec::new() };
    let mut names: Vec<String> = names.iter().map(Reply::text).collect();
    names.sort();
    names
}

/// While one process creates, and after it: names, who waits, and who is refused.
async fn check<S>(server: &RedisServer, make: impl Fn() -> Shared<S>, key: &str, stored: &str)
where
    S: Store<u64> + 'static,
{
    server.call(&["FLUSHALL"]);
    let lock = format!("larder:lock:{stored}");
    let (one, two, slow) = (make(), make(), Slow::new());

    // One lock, by its name in the store, and one entry beside it.
    let first = creating(&one, key.into(), &slow).await;
    assert_eq!(names(server), [lock.as_str()]);
    assert!(one.key_is_locked(key).await.unwrap() && two.key_is_locked(key).await.unwrap());
    assert!(!two.key_is_locked("another").await.unwrap());
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            let (two, key) = (two.clone(), key.to_owned());
            tokio::spawn(async move {
                let value = two.get_or_create(&key, nobody).await.unwrap();
                (value, Instant::now())
            })
        })
        .collect();
    asleep(server, &two).await;
    slow.go_once();
    assert_eq!(first.await.unwrap(), 1);
    let created = Instant::now();
    for waiter in waiters {
        let (value, got) = waiter.await.unwrap();
        assert_eq!(value, 1);
        let took = got.saturating_duration_since(created);
        assert!(took < Duration::from_millis(500), "woken by a push, not by a look: {took:?}");
    }
    unlocked(server).await;
    assert_eq!(names(server), [stored]);
    assert!(!two.key_is_locked(key).await.unwrap());

    // A write elsewhere takes the same lock, and so wins over a creation.
    two.delete(key).await.unwrap();
    assert_eq!(names(server), [""; 0]);
    let first = creating(&one, key.into(), &slow).await;
    two.set(key, 2_u64).await.unwrap();
    slow.go_once();
    assert_eq!(first.await.unwrap(), 1);
    assert_eq!((one.get(key).await.unwrap(), one.stats().voided), (Some(2_u64), 1));

    // The fence: whoever has lost the lock without a notice does not store.
    two.delete(key).await.unwrap();
    let first = creating(&one, key.into(), &slow).await;
    server.call(&["SET", &lock, "somebody else's"]);
    slow.go_once();
    assert_eq!(first.await.unwrap(), 1);
    assert_eq!((one.get::<u64>(key).await.unwrap(), one.stats().voided), (None, 2));
    server.call(&["DEL", &lock]);

    // Batches take the same locks.
    let first = creating(&one, key.into(), &slow).await;
    let batch = tokio::spawn({
        let (two, key) = (two.clone(), key.to_owned());
        async move {
            let create = async |missing: Vec<String>| {
                assert_eq!(missing, ["another"]);
                missing.into_iter().map(|key| (key, 3_u64))
            };
            two.get_or_create_multi([key, "another".to_owned()], create).await.unwrap()
        }
    });
    asleep(server, &two).await;
    slow.go_once();
    assert_eq!(first.await.unwrap(), 1);
    assert_eq!(batch.await.unwrap(), [Some(1), Some(3)]);
    unlocked(server).await;
}

#[tokio::test]
async fn one_creates_for_all_with_the_same_keys() {
    let server = RedisServer::start();
    let digest = "~KFnhREflhc-WupAvDsO39SnuybZ73O3c";
    let make = || process(&server, |stack| stack.prefixed("app:"));
    check(&server, make, "user:15", "app:user:15").await;
    let make = || process(&server, LayerExt::versioned::<3>);
    check(&server, make, "user:15", "v3:user:15").await;
    check(&server, || process(&server, LayerExt::hashed), "user:15", digest).await;
    let make = || process(&server, LayerExt::normalized);
    check(&server, make, "two words", "two%20words").await;
    // Also where other layers are in between.
    let make = || {
        let redis = patient(server.unix_url());
        let stack = redis.clone().prefixed("app:").logging().hstore().versioned::<3>();
        over(stack.json().full_dict().hashed().logging(), RedisLock::new(&redis))
    };
    check(&server, make, "user:15", &format!("app:v3:{digest}")).await;
}

#[tokio::test]
async fn other_keys_are_other_locks() {
    let server = RedisServer::start();
    let slow = Slow::new();
    let one = process(&server, |stack| stack.prefixed("one:"));
    let two = process(&server, |stack| stack.prefixed("two:"));
    let (old, new) =
        (process(&server, LayerExt::versioned::<1>), process(&server, LayerExt::versioned::<2>));
    let first = creating(&one, "k".into(), &slow).await;
    let second = creating(&old, "k".into(), &slow).await;
    for (locked, key) in [
        (one.key_is_locked("k").await, true),
        (two.key_is_locked("k").await, false),
        (old.key_is_locked("k").await, true),
        (new.key_is_locked("k").await, false),
    ] {
        assert_eq!(locked.unwrap(), key);
    }
    assert_eq!(two.get_or_create("k", async || 2_u64).await.unwrap(), 2);
    assert_eq!(new.get_or_create("k", async || 3_u64).await.unwrap(), 3);
    let create = async |missing: Vec<&'static str>| missing.into_iter().map(|key| (key, 4_u64));
    assert_eq!(two.get_or_create_multi(["k", "l"], create).await.unwrap(), [Some(2), Some(4)]);
    slow.go();
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (1, 1));
    unlocked(&server).await;
    assert_eq!(names(&server), ["one:k", "two:k", "two:l", "v1:k", "v2:k"]);
}

/// The outer prefix of one and the key of the other make the same key: one entry, one lock.
#[tokio::test]
async fn what_meets_in_the_store_meets_at_the_lock() {
    let server = RedisServer::start();
    let slow = Slow::new();
    let bare = process(&server, |stack| stack);
    let prefixed = process(&server, |stack| stack.prefixed("app:"));
    let first = creating(&prefixed, "k".into(), &slow).await;
    assert!(bare.key_is_locked("app:k").await.unwrap());
    assert!(!bare.key_is_locked("k").await.unwrap());
    slow.go();
    first.await.unwrap();
    assert_eq!(bare.get::<u64>("app:k").await.unwrap(), Some(1));
}

#[tokio::test]
async fn keys_in_a_space_are_fields_of_its_hash() {
    let server = RedisServer::start();
    let redis = patient(server.unix_url());
    let make = || redis.clone().hstore().json().full_dict();
    let (lock, key, slow) =
        (|| RedisLock::new(&redis), Key::from(("user-15", "posts")), Slow::new());
    let one = over(make().prefixed("app:"), lock());
    let first = creating(&one, key, &slow).await;
    // The name of a lock is no UTF-8 then.
    let held = [b"larder:lock:app:user-15".as_slice(), b"\xff", b"posts"].concat();
    assert_eq!(server.raw().call(&[b"EXISTS".as_slice(), &held]).int(), 1);
    assert_eq!(locks(&server).len(), 1);
    slow.go();
    first.await.unwrap();
    assert_eq!(server.call(&["HEXISTS", "app:user-15", "posts"]).int(), 1);
    let long = over(make().keyed(KeyHash::new().longer_than(8)), lock());
    let name = "a name that is too long";
    long.set(("user-15", name), 1_u64).await.unwrap();
    long.set(("user-15", "posts"), 2_u64).await.unwrap();
    let stored = long.stack().stored_key(name.into()).unwrap();
    let Reply::Array(mut fields) = server.call(&["HKEYS", "user-15"]) else { unreachable!() };
    fields.sort_by_key(Reply::text);
    assert_eq!(fields, [Reply::from("posts"), Reply::from(stored.as_key().name())]);
    let rules = over(make().normalized(), lock());
    rules.set(key, 3_u64).await.unwrap();
    assert_eq!(server.call(&["EXISTS", "user-15%.posts"]).int(), 1, "a plain key");
}

/// dogpile.cache with `key_mangler=sha1_mangle_key` and `distributed_lock`.
#[tokio::test]
async fn python_meets_the_same_entries_and_locks() {
    const DIGEST: &str = "aead490a8ace2d69a00160f1fd8fd8a16552c24f";
    let server = RedisServer::start();
    let redis = patient(server.unix_url());
    let lock = RedisLock::builder(&redis).dogpile().build().unwrap();
    let region = over(redis.json().full_dict().keyed(KeyHash::with(Sha1)), lock);
    let (key, slow) = ("tests.cache.test_decorator:one|1 2", Slow::new());
    let first = creating(&region, key.into(), &slow).await;
    let name = format!("_lock{DIGEST}");
    assert_eq!(names(&server), [name.as_str()]);
    slow.go();
    first.await.unwrap();
    unlocked(&server).await;
    assert_eq!(names(&server), [DIGEST]);
    // The other way round.
    region.delete(key).await.unwrap();
    server.call(&["SET", &name, "0f1e2d3c4b5a11ee8c990242ac120001"]);
    assert!(region.key_is_locked(key).await.unwrap());
    let waiter = tokio::spawn({
        let region = region.clone();
        async move { region.get_or_create(key, async || 2_u64).await.unwrap() }
    });
    waiting(&region, 1).await;
    server.call(&["DEL", &name]);
    assert_eq!(waiter.await.unwrap(), 2);
}
