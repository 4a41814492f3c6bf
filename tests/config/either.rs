//! One of two stacks, chosen by name.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use larder::{
    BackendExt, Config, Either, File, FileLock, Framed, Hstore, IntTime, Json, LayerExt, Local,
    Lock, Logging, Memcached, MemcachedLock, Memo, Memory, Msgpack, Null, PayloadExt, Postcard,
    Redis, RedisCluster, RedisClusterLock, RedisLock, RedisSentinel, RedisSentinelLock, Region,
    Store,
    testing::{backend_suite, lock_suite, store_suite},
};

use crate::{
    support::redis_server::RedisServer,
    types::{of, refused},
};

type OneOf = Region<
    Logging<IntTime<Msgpack<Hstore<Either<Memory, Redis>>>>>,
    Either<Local, Either<RedisLock, FileLock>>,
>;

#[test]
fn is_chosen_by_name() {
    let one = |pairs: &[(&str, &str)]| of::<OneOf>(pairs).unwrap();
    // A production URL in a development file, and one that is none: nobody looks at it.
    let local =
        one(&[("backend", "memory"), ("lock", "local"), ("url", "?"), ("max_entries", "3")]);
    let text = format!("{local:?}");
    assert!(text.contains("First(Memory") && text.contains("max_weight: 3,"), "{text}");
    assert!(matches!(local.lock(), Either::First(Local)) && !local.lock().is_shared());

    let redis =
        one(&[("backend", "redis"), ("lock", "redis"), ("url", "redis://h"), ("max_bytes", "x")]);
    assert!(format!("{redis:?}").contains("Second(Redis"));
    assert!(matches!(redis.lock(), Either::Second(Either::First(_))) && redis.lock().is_shared());

    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("locks").display().to_string();
    let file = one(&[("backend", "memory"), ("lock", "file"), ("path", &path)]);
    assert!(matches!(file.lock(), Either::Second(Either::Second(_))));
}

#[test]
fn memcached_is_chosen_by_name() {
    type Cluster = Region<
        IntTime<Json<Either<Memory, Either<Redis, Memcached>>>>,
        Either<Local, MemcachedLock>,
    >;
    let pairs = [
        ("backend", "memcached"),
        ("lock", "memcached"),
        ("url", "memcached://a  memcached://b?weight=2\tmemcached+unix:///run/c.sock"),
        ("failover", "no"),
        ("lock_timeout", "2500ms"),
        ("lock_prefix", "mine:"),
        ("memcached_expire_time", "1h"),
    ];
    let region = of::<Cluster>(&pairs).unwrap();
    let text = format!("{region:?}");
    let servers = r#"servers: ["a:11211", "b:11211", "/run/c.sock"], failover: false"#;
    assert!(text.contains(servers), "{text}");
    assert_eq!(region.lock().lasts(), Duration::from_secs(3));
    assert!(text.contains(r#"prefix: "mine:""#), "{text}");
    let other = [("backend", "redis"), ("lock", "local"), ("url", "redis://h")];
    assert!(format!("{:?}", of::<Cluster>(&other).unwrap()).contains("Redis"));

    assert_eq!(
        refused::<Cluster>(&[("backend", "memcached"), ("lock", "local")]),
        "`cache.r.url`: missing; expected memcached URLs such as \
         `memcached://cache1 memcached://cache2`"
    );
    let wrong = [("backend", "memcached"), ("lock", "local"), ("url", "memcached://a redis://b")];
    let message = refused::<Cluster>(&wrong);
    assert!(
        message.starts_with("`cache.r.url`:") && message.contains("memcacheds://"),
        "{message}"
    );
    let mut short = pairs;
    short[4].1 = "100ms";
    let message = refused::<Cluster>(&short);
    assert!(message.contains("`cache.r.lock_timeout`") && message.contains("second"), "{message}");
}

#[test]
fn says_what_there_is_to_choose() {
    let message = refused::<OneOf>(&[]);
    assert_eq!(
        message,
        "2 problems:\n  \
         `cache.r.backend`: missing; choose one of `memory`, `redis`\n  \
         `cache.r.lock`: missing; choose one of `local`, `redis`, `file`"
    );
    assert_eq!(
        refused::<OneOf>(&[("backend", "rediss"), ("lock", "local")]),
        "`cache.r.backend`: `rediss` is none of `memory`, `redis`"
    );
    assert_eq!(
        refused::<OneOf>(&[("backend", "redis"), ("lock", "local")]),
        "`cache.r.url`: missing; expected a Redis URL such as `redis://localhost`"
    );
    // The lock alone needs the server, too.
    let message = refused::<OneOf>(&[("backend", "memory"), ("lock", "redis")]);
    assert!(message.starts_with("`cache.r.url`: missing"), "{message}");
}

#[test]
fn refuses_two_of_one_name() {
    type Twice = Region<Either<IntTime<Json<Memory>>, Framed<Postcard<Memory>>>>;
    assert_eq!(
        refused::<Twice>(&[("backend", "memory")]),
        "`cache.r.backend`: both sides of an `Either` are called `memory`"
    );
}

#[test]
fn a_stack_without_a_choice_agrees_with_its_type() {
    type Plain = Region<IntTime<Json<Null>>>;
    of::<Plain>(&[("backend", "null"), ("lock", "local")]).unwrap();
    assert_eq!(
        refused::<Plain>(&[("lock", "redis")]),
        "`cache.r.lock`: the type of this region says `local`, not `redis`"
    );
}

#[test]
fn whole_stacks_are_chosen_by_their_backends() {
    type Stacks = Region<Either<Memo<u32>, Either<Framed<Postcard<Memory>>, Framed<Json<File>>>>>;
    let first = of::<Stacks>(&[("backend", "memo"), ("negative_ttl", "5s")]).unwrap();
    assert!(matches!(first.stack(), Either::First(_)));
    let second = of::<Stacks>(&[("backend", "memory")]).unwrap();
    assert!(matches!(second.stack(), Either::Second(Either::First(_))));
}

#[tokio::test]
async fn is_whatever_both_are() {
    type Stack = Either<Memo<u32>, Framed<Postcard<Memory>>>;
    async fn stores<S: Store<u32>>(region: Region<S>) {
        region.set("a", 1_u32).await.unwrap();
        assert_eq!(region.get_multi::<u32>(["a", "b"]).await.unwrap(), [Some(1), None]);
        region.delete_multi(["a", "b"]).await.unwrap();
        assert_eq!(region.get::<u32>("a").await.unwrap(), None);
    }
    type Backend = Either<Memory, Null>;
    stores(Backend::First(Memory::new()).hstore().json().int_time().region()).await;
    let stack = Stack::Second(Memory::new().postcard().framed());
    let region = Region::builder(stack).negative_ttl(Duration::from_secs(1)).build().unwrap();
    stores(region).await;
}

#[tokio::test]
async fn passes_the_suites_on_both_sides() {
    type Stack = Either<Memo<u64>, Framed<Postcard<Memory>>>;
    backend_suite(|| async { Either::<Memory, Null>::First(Memory::new()) }).await;
    backend_suite(|| async { Either::<Null, Memory>::Second(Memory::new()) }).await;
    let second = || async { Stack::Second(Memory::new().postcard().framed()) };
    store_suite(second, |n| n).await;
    store_suite(|| async { Stack::First(Memo::new()) }, |n| n).await;
    lock_suite(|| async { Either::<Local, RedisLock>::First(Local) }).await;
    let server = RedisServer::start();
    let redis = Redis::new(server.unix_url()).unwrap();
    let made = AtomicUsize::new(0);
    let lock = || async {
        let prefix = format!("{}:", made.fetch_add(1, Ordering::Relaxed));
        let lock = RedisLock::builder(&redis).prefix(prefix).build().unwrap();
        Either::<Local, RedisLock>::Second(lock)
    };
    lock_suite(lock).await;
}

/// Without a runtime only what is not shared can be created.
#[test]
fn a_local_lock_that_was_chosen_needs_no_runtime() {
    let pairs = [("backend", "memory"), ("lock", "local")];
    let region = of::<OneOf>(&pairs).unwrap();
    let mut create = std::pin::pin!(region.get_or_create("k", async || 5_u32));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(value) = create.as_mut().poll(&mut context) else {
        unreachable!("nothing to wait for")
    };
    assert_eq!(value.unwrap(), 5);
}

/// `max_bytes` is that of the memory and that of the file with the locks.
#[test]
fn a_setting_of_two_meanings_is_refused_where_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("locks").display().to_string();
    let pairs = [("backend", "memory"), ("lock", "file"), ("path", &path), ("max_bytes", "1GB")];
    of::<OneOf>(&pairs[..3]).unwrap();
    assert_eq!(
        refused::<OneOf>(&pairs),
        "`cache.r.max_bytes`: two levels of this region understand it, each in its own way"
    );
}

/// One program for a laptop, a cluster and a watched pair.
#[test]
fn ways_to_servers_are_chosen_by_name() {
    type Way = Either<Redis, Either<RedisCluster, RedisSentinel>>;
    type Lock = Either<RedisLock, Either<RedisClusterLock, RedisSentinelLock>>;
    type Ways = Region<IntTime<Msgpack<Way>>, Lock>;
    let text = "
        [cache.r]
        backend = 'redis-cluster'
        lock = 'redis-cluster'
        nodes = ['redis://one:7000', 'redis://u:s3cret@two:7000']
        [cache.s]
        backend = 'redis-sentinel'
        lock = 'redis-sentinel'
        sentinels = 'redis://one:26379, redis://two:26379'
        sentinel_password = 's3cret'
        service = 'main'
        read_from_replicas = true
        [cache.t]
        backend = 'redis-cluster'
        lock = 'redis-cluster'
    ";
    let config = Config::from_toml(text).unwrap();
    let made = |name| Ways::from_config(&config.region(name).unwrap());
    for (name, shown) in [
        ("r", &["one:7000", "two:7000", "database: 0"][..]),
        ("s", &["the master of `main`", "two:26379", "reads_from_replicas: true"]),
    ] {
        let text = format!("{:?}", made(name).unwrap());
        for shown in shown {
            assert!(text.contains(shown), "{shown} in {text}");
        }
        assert!(!text.contains("s3cret"), "{text}");
    }
    let error = made("t").unwrap_err().to_string();
    assert!(error.contains("`cache.t.nodes`") && error.contains("missing"), "{error}");
}
