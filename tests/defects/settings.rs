//! What can be set, and what becomes of it: D16, D19, D21.

use std::time::Duration;

use larder::{
    Backend, BackendExt, Bytes, Created, ErrorKind, Invalidation, Key, LayerExt, Level,
    ManualClock, Memo, Options, PayloadExt, Put, Redis, Region, SharedMarks, Timestamp, WriteOpts,
};

use crate::support::{
    redis_server::{RedisServer, Reply},
    region::{an_hour, patient, process_with},
};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[tokio::test]
async fn d16_connection_settings_reach_the_server() {
    let server = RedisServer::start_with(&["--requirepass", "secret"]);
    let url = format!("redis://127.0.0.1:{}/2", server.port());
    let redis = Redis::builder(&url).password("secret").build().unwrap();
    let value = || Bytes::from_static(b"v");
    redis.set("two".into(), value(), WriteOpts::default()).await.unwrap();
    let redis = Redis::builder(&url).password("secret").database(3).build().unwrap();
    redis.set("three".into(), value(), WriteOpts::default()).await.unwrap();
    let mut raw = server.raw();
    raw.call(&["AUTH", "secret"]);
    for (database, key) in [("2", "two"), ("3", "three")] {
        raw.call(&["SELECT", database]);
        assert_eq!(raw.call(&["KEYS", "*"]), Reply::Array(vec![key.into()]));
    }
    // A wrong one is an error, and not another server or no login.
    let wrong = Redis::builder(&url).password("other").build().unwrap();
    assert_eq!(wrong.ping().await.unwrap_err().kind(), ErrorKind::Backend);
    assert_eq!(Redis::new(&url).unwrap().ping().await.unwrap_err().kind(), ErrorKind::Backend);
}

#[test]
fn d16_d21_settings_that_nobody_knows_or_that_contradict_each_other_are_errors() {
    for url in [
        "localhost:6379/0",
        "redis://localhost/0?timeout=5",
        "redis://localhost?db=3",
        "redis://localhost/0?protocol=resp3",
        "redis://localhost/#insecure",
        "rediss://localhost/?ssl_cert_reqs=none",
        "unix:///run/redis.sock?database=1",
        "unix:///run/redis.sock?pass=a&password=b",
        "redis-cluster://localhost",
        "redis+sentinel://localhost/mymaster",
    ] {
        let error = Redis::new(url).err();
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Config), "{url}");
    }
    let builder = || Redis::builder("redis://localhost");
    assert!(builder().username("u").build().is_err());
    assert!(builder().ca_certificate("pem").build().is_err());
}

#[tokio::test]
async fn d16_a_cluster_refuses_in_words_that_help() {
    let server = RedisServer::start_with(&["--cluster-enabled", "yes"]);
    server.call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    crate::support::until("the cluster", async || {
        matches!(server.call(&["GET", "k"]), Reply::Nil).then_some(())
    })
    .await;
    let redis = patient(server.unix_url());
    let keys = [Key::from("a"), Key::from("b")];
    let value = Bytes::from_static(b"v");
    let puts = keys.map(|key| Put::new(key, value.clone(), WriteOpts::default()));
    let error = redis.get_multi(&keys).await.unwrap_err();
    assert!(error.to_string().contains("connect with `Redis::cluster`"), "{error}");
    for answer in [redis.set_multi(&puts).await, redis.remove_multi(&keys).await] {
        if let Err(error) = answer {
            assert!(error.to_string().contains("connect with `Redis::cluster`"), "{error}");
        }
    }
    // And nobody's request fails for it.
    let region = redis.json().full_dict().region();
    let create = async |missing: Vec<&'static str>| missing.into_iter().map(|key| (key, 1_u64));
    let values = region.get_or_create_multi(["a", "b"], create).await.unwrap();
    assert_eq!(values, [Some(1), Some(1)]);
    assert!(region.stats().bypassed > 0);
}

#[tokio::test]
async fn d19_an_entry_may_have_a_lifetime_of_its_own() {
    let time = ManualClock::new(Timestamp::from_secs(1_700_000_000));
    let memo = Memo::<u64>::new().with_clock(time.clock());
    let region = Region::builder(memo).expire_after(secs(3600)).clock(time.clock());
    let region = region.build().unwrap();
    let brief = async || Created::new(1).ttl(secs(5));
    assert_eq!(region.get_or_create_with("brief", brief).await.unwrap(), Some(1));
    region.with_ttl(secs(5)).set("set", 2).await.unwrap();
    region.set("long", 3).await.unwrap();
    time.advance(secs(6));
    assert_eq!(region.get_multi(["brief", "set", "long"]).await.unwrap(), [None, None, Some(3)]);
    // How stale a value may be served is bounded: by what the store keeps, and by each call.
    assert!(region.entry("brief").await.unwrap().unwrap().is_stale());
    time.advance(secs(5));
    assert_eq!(region.entry("brief").await.unwrap(), None);
    let strict = region.with(Options::new().expire_after(secs(10)));
    assert_eq!(strict.get("long").await.unwrap(), None);
}

#[tokio::test]
async fn d19_memory_is_bounded_and_waits_are() {
    let region = Memo::<u64>::with_capacity(100).region();
    for n in 0..1000 {
        region.set(&n.to_string(), n).await.unwrap();
    }
    assert!((1..=100).contains(&region.stack().len()), "{}", region.stack().len());

    let region = Region::builder(Memo::<u64>::new()).wait_timeout(Duration::from_millis(20));
    let region = region.build().unwrap();
    let create = async || {
        let waiter = tokio::spawn({
            let region = region.clone();
            async move { region.get_or_create("k", async || 2).await }
        });
        assert_eq!(waiter.await.unwrap().unwrap_err().kind(), ErrorKind::Timeout);
        1
    };
    assert_eq!(region.get_or_create("k", create).await.unwrap(), 1);
}

#[tokio::test]
async fn d19_what_is_not_there_is_remembered_and_counted() {
    let server = RedisServer::start();
    let stack = patient(server.unix_url()).postcard().framed();
    let region = Region::builder(stack).negative_ttl(secs(60)).build().unwrap();
    let nothing = async || Created::<u64>::nothing();
    for _ in 0..3 {
        assert_eq!(region.get_or_create_with("k", nothing).await.unwrap(), None);
    }
    let some = async |missing: Vec<&'static str>| {
        assert_eq!(missing, ["l", "m"], "k is known to be nothing");
        [("l", 1_u64)]
    };
    let found = region.get_or_create_multi(["k", "l", "m"], some).await.unwrap();
    assert_eq!(found, [None, Some(1), None]);
    let never = async |_| -> Vec<(&str, u64)> { unreachable!() };
    let found = region.get_or_create_multi(["k", "l", "m"], never).await.unwrap();
    assert_eq!(found, [None, Some(1), None]);
    let stats = region.stats();
    assert_eq!((stats.creations, stats.failures, stats.unreadable, stats.bypassed), (2, 0, 0, 0));
}

#[tokio::test]
async fn d19_an_invalidation_reaches_other_processes() {
    let server = RedisServer::start();
    let time = ManualClock::new(Timestamp::from_secs(1_700_000_000));
    let process = || {
        let marks = SharedMarks::new(patient(server.unix_url()), "test");
        process_with(&server, |builder| an_hour(builder).clock(time.clock()).invalidator(marks))
    };
    let (one, other) = (process(), process());
    one.set("k", 1_u64).await.unwrap();
    assert_eq!(other.get("k").await.unwrap(), Some(1_u64));
    one.invalidate(Invalidation::Soft).await.unwrap();
    time.advance(Duration::from_millis(101));
    assert!(other.entry::<u64>("k").await.unwrap().unwrap().is_stale());
    one.invalidate(Invalidation::Hard).await.unwrap();
    time.advance(Duration::from_millis(101));
    assert_eq!(other.entry::<u64>("k").await.unwrap(), None);
}

#[tokio::test]
async fn d21_fractions_of_seconds_survive() {
    let server = RedisServer::start();
    let lifetime = Duration::from_millis(400);
    let region = process_with(&server, |builder| builder.expire_after(lifetime));
    region.set("k", 1_u64).await.unwrap();
    region.set_multi([("l", 1_u64), ("m", 2)]).await.unwrap();
    region.get_or_create("n", async || 1_u64).await.unwrap();
    let create = async |missing: Vec<&'static str>| missing.into_iter().map(|key| (key, 1_u64));
    region.get_or_create_multi(["o", "p"], create).await.unwrap();
    for key in ["k", "l", "m", "n", "o", "p"] {
        let ttl = server.call(&["PTTL", key]).int();
        assert!((1..=800).contains(&ttl), "{key}: {ttl} ms");
    }
    let redis = patient(server.unix_url());
    let odd = WriteOpts::keep_for(Some(Duration::from_millis(60_500)));
    redis.set("q".into(), Bytes::from_static(b"v"), odd).await.unwrap();
    assert!((60_001..=60_500).contains(&server.call(&["PTTL", "q"]).int()));
}

#[tokio::test]
async fn d21_a_password_of_digits_stays_text() {
    let server = RedisServer::start_with(&["--requirepass", "007"]);
    let port = server.port();
    Redis::new(format!("redis://:007@127.0.0.1:{port}")).unwrap().ping().await.unwrap();
    let builder = Redis::builder(format!("redis://127.0.0.1:{port}"));
    builder.password("007").build().unwrap().ping().await.unwrap();
    let other = Redis::new(format!("redis://:7@127.0.0.1:{port}")).unwrap();
    assert!(other.ping().await.is_err());
}
