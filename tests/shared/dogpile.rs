//! Together with a program that has dogpile's locks: it speaks as redis-py does.

use std::time::{Duration, Instant};

use larder::{BackendExt, ErrorKind, LayerExt, OnTimeout, Options, PayloadExt, RedisLock, Region};

use crate::support::{
    redis_server::{RawClient, RedisServer, Reply},
    region::{Shared, Slow, patient, waiting},
};

/// What redis-py sends to give a lock back.
const RELEASE: &str = "
        local token = redis.call('get', KEYS[1])
        if not token or token ~= ARGV[1] then
            return 0
        end
        redis.call('del', KEYS[1])
        return 1
    ";

/// dogpile.cache with `distributed_lock`, in one thread of some process.
struct Python {
    client: RawClient,
    token: String,
}

impl Python {
    fn new(server: &RedisServer, number: u8) -> Self {
        // As `uuid.uuid1().hex` makes it.
        Self { client: server.raw(), token: format!("0f1e2d3c4b5a11ee8c990242ac1200{number:02x}") }
    }

    /// Whether it got the lock of `key`, for so many milliseconds or for ever.
    fn acquire(&mut self, key: &str, ms: Option<&str>) -> bool {
        let name = format!("_lock{key}");
        let mut set = vec!["SET", &name, &self.token, "NX"];
        set.extend(ms.map(|ms| ["PX", ms]).into_iter().flatten());
        self.client.call(&set) == Reply::Simple("OK".to_owned())
    }

    /// Whether the lock was still its own; dogpile raises an exception if not.
    fn release(&mut self, key: &str) -> bool {
        let name = format!("_lock{key}");
        self.client.call(&["EVAL", RELEASE, "1", &name, &self.token]) == Reply::Int(1)
    }
}

fn region(server: &RedisServer) -> Shared {
    let redis = patient(server.unix_url());
    let lock = RedisLock::builder(&redis).dogpile().build().unwrap();
    Region::builder(redis.json().full_dict()).lock(lock).build().unwrap()
}

#[tokio::test]
async fn larder_waits_for_dogpile_and_is_woken_by_its_release() {
    let server = RedisServer::start();
    let (region, mut python) = (region(&server), Python::new(&server, 1));
    assert!(python.acquire("k", Some("60000")));
    assert!(region.key_is_locked("k").await.unwrap());
    let ask = || {
        let region = region.clone();
        tokio::spawn(async move {
            let create = async || -> u64 { unreachable!("python creates it") };
            (region.get_or_create("k", create).await.unwrap(), Instant::now())
        })
    };
    let waiters: Vec<_> = (0..10).map(|_| ask()).collect();
    waiting(&region, 1).await;
    // What it creates, it stores without asking us.
    patient(server.unix_url()).json().full_dict().region().set("k", 7_u64).await.unwrap();
    let released = Instant::now();
    assert!(python.release("k"));
    for waiter in waiters {
        let (value, got) = waiter.await.unwrap();
        assert_eq!(value, 7);
        let took = got.saturating_duration_since(released);
        assert!(took < Duration::from_millis(500), "woken by a push, not by a look: {took:?}");
    }
    assert_eq!(server.call(&["EXISTS", "_lockk"]).int(), 0);
}

#[tokio::test]
async fn larder_creates_when_dogpile_released_without_a_value() {
    let server = RedisServer::start();
    let (region, mut python) = (region(&server), Python::new(&server, 1));
    assert!(python.acquire("a", None) && python.acquire("b", None));
    let single = tokio::spawn({
        let region = region.clone();
        async move { region.get_or_create("a", async || 1_u64).await.unwrap() }
    });
    let batch = tokio::spawn({
        let region = region.clone();
        async move {
            let create = async |missing: Vec<&'static str>| missing.into_iter().map(|key| (key, 2));
            region.get_or_create_multi::<_, _, u64, _, _>(["b", "c"], create).await.unwrap()
        }
    });
    waiting(&region, 2).await;
    assert!(python.release("a") && python.release("b"));
    assert_eq!(single.await.unwrap(), 1);
    assert_eq!(batch.await.unwrap(), [Some(2), Some(2)]);
    assert_eq!(region.get_multi::<u64>(["a", "b"]).await.unwrap(), [Some(1), Some(2)]);
    assert_eq!(server.call(&["KEYS", "_lock*"]), Reply::Array(Vec::new()));
}

#[tokio::test]
async fn dogpile_waits_for_larder() {
    let server = RedisServer::start();
    let (region, mut python) = (region(&server), Python::new(&server, 1));
    let slow = Slow::new();
    let creation = tokio::spawn({
        let (region, slow) = (region.clone(), slow.clone());
        async move {
            let create = async |missing: Vec<&'static str>| {
                slow.create(()).await;
                missing.into_iter().map(|key| (key, 1_u64))
            };
            region.get_or_create_multi(["k", "l"], create).await.unwrap()
        }
    });
    slow.called(1).await;
    assert!(!python.acquire("k", Some("1000")) && !python.acquire("l", None));
    assert!(!python.release("k"), "it has no lock to give back");
    slow.go();
    assert_eq!(creation.await.unwrap(), [Some(1), Some(1)]);
    // Now it has its turn, and finds the value.
    assert!(python.acquire("k", Some("1000")) && python.acquire("l", None));
    assert!(matches!(server.call(&["GET", "k"]), Reply::Bulk(_)));
    assert!(python.release("k") && python.release("l"));
}

#[tokio::test]
async fn larder_robs_dogpile_of_no_lock_and_stores_nothing_over_its_head() {
    let server = RedisServer::start();
    let (region, mut python) = (region(&server), Python::new(&server, 1));
    assert!(python.acquire("k", None));
    let brief = Options::new().wait_timeout(Duration::from_millis(50));
    let hasty = region.with(brief.clone());
    let error = hasty.get_or_create("k", async || 1_u64).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "a lock without an end");
    let taking_over = region.with(brief.on_timeout(OnTimeout::Create));
    assert_eq!(taking_over.get_or_create("k", async || 2_u64).await.unwrap(), 2);
    let create = async |_| [("k", 3_u64)];
    assert_eq!(taking_over.get_or_create_multi(["k"], create).await.unwrap(), [Some(3)]);
    assert_eq!(region.get::<u64>("k").await.unwrap(), None, "it is for python to store");
    // Who writes does not wait for anyone.
    region.set("k", 4_u64).await.unwrap();
    assert_eq!(region.get("k").await.unwrap(), Some(4_u64));
    region.delete("k").await.unwrap();
    assert!(python.release("k"), "so it raises no exception");
}
