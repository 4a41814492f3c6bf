//! A pair of servers that sentinels watch.

use std::time::Duration;

use larder::{Backend, Bytes, ErrorKind, Level, Lock, Redis, RedisSentinelLock, WriteOpts};

use crate::{
    suites::every_suite,
    support::{
        DEADLINE,
        redis_sentinel::{NAME, Watched},
        redis_server::{RedisServer, free_port},
        until,
    },
    traffic::Traffic,
};

const FOREVER: WriteOpts<'_> = WriteOpts::keep_for(None);

fn client(watched: &Watched) -> larder::RedisSentinel {
    let builder = Redis::sentinel(watched.urls(), NAME);
    builder.connect_timeout(DEADLINE).response_timeout(DEADLINE).build().unwrap()
}

/// How many commands called `name` the server has run.
fn count(server: &RedisServer, name: &str) -> u64 {
    let stats = server.call(&["INFO", "commandstats"]).text();
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suites() {
    let mut watched = Watched::start();
    watched.kill_sentinel(0); // two of them are enough
    let make = || {
        watched.servers[0].call(&["FLUSHALL"]);
        client(&watched)
    };
    every_suite(make).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_master_costs_no_call() {
    let mut watched = Watched::start();
    let redis = Redis::sentinel(watched.urls(), NAME).build().unwrap();
    let traffic = Traffic::start(&redis);
    traffic.more(500).await;
    assert_eq!(traffic.users.stats().bypassed, 0);
    watched.servers[0].kill();
    traffic.more(100).await;
    until("another master", async || (watched.master() == 1).then_some(())).await;
    traffic.well().await;
    assert!(traffic.users.stats().bypassed > 0, "it went on without the master");
    // The old one comes back as a replica; nothing changes.
    watched.servers[0].restart();
    traffic.well().await;
    let longest = traffic.stop().await;
    assert!(longest < Duration::from_secs(10), "a call took {longest:?}");
    redis.set("k".into(), Bytes::from_static(b"v"), FOREVER).await.unwrap();
    assert_eq!(watched.servers[1].call(&["GET", "k"]).text(), "v");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_hangs_is_left_for_the_next() {
    let watched = Watched::start();
    let redis = Redis::sentinel(watched.urls(), NAME).build().unwrap();
    let traffic = Traffic::start(&redis);
    traffic.more(100).await;
    // Its connections stay open.
    watched.servers[0].hang();
    until("another master", async || (watched.master() == 1).then_some(())).await;
    traffic.well().await;
    watched.servers[0].resume();
    traffic.well().await;
    traffic.stop().await;
}

#[tokio::test]
async fn reads_go_to_a_replica_on_request() {
    let mut watched = Watched::start();
    let builder = Redis::sentinel(watched.urls(), NAME).read_from_replicas(true);
    let redis = builder.connect_timeout(DEADLINE).response_timeout(DEADLINE).build().unwrap();
    let value = Bytes::from_static(b"v");
    redis.set("k".into(), value.clone(), FOREVER).await.unwrap();
    until("the write at the replica", async || redis.get("k".into()).await.unwrap()).await;
    let [master, replica] = &watched.servers;
    let (at_master, at_replica) = (count(master, "get"), count(replica, "get"));
    assert_eq!(redis.get("k".into()).await.unwrap(), Some(value.clone()));
    redis.get_multi(&["k".into(), "l".into()]).await.unwrap();
    assert_eq!((count(master, "get"), count(replica, "get")), (at_master, at_replica + 1));
    assert_eq!((count(master, "mget"), count(replica, "mget")), (0, 1));
    // Who holds the lock of a key sees what is written now.
    let lock = RedisSentinelLock::new(&redis);
    let leases = [lock.lease("k".into())];
    assert_eq!(lock.acquire(&leases).await.unwrap(), [true]);
    let before = (count(master, "get"), count(replica, "get"));
    redis.get("k".into()).await.unwrap();
    redis.get("l".into()).await.unwrap();
    assert_eq!((count(master, "get"), count(replica, "get")), (before.0 + 1, before.1 + 1));
    lock.release(&leases).await.unwrap();
    redis.get("k".into()).await.unwrap();
    assert_eq!(count(replica, "get"), before.1 + 2);
    // Without a replica there is the master.
    watched.servers[1].kill();
    assert_eq!(redis.get("k".into()).await.unwrap(), Some(value));
    redis.remove("k".into()).await.unwrap();
}

#[tokio::test]
async fn says_what_is_wrong_and_no_secrets() {
    let watched = Watched::start();
    let unknown = Redis::sentinel(watched.urls(), "another").build().unwrap();
    let error = unknown.get("k".into()).await.unwrap_err();
    assert_eq!((error.kind(), error.layer()), (ErrorKind::Unavailable, "redis"));
    assert!(error.to_string().contains("knows no master `another`"), "{error}");
    let nobody = format!("redis://u:s3cret@127.0.0.1:{}", free_port());
    let nowhere = Redis::sentinel([nobody], NAME).password("s3cret").build().unwrap();
    let error = nowhere.get("k".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let shown = format!("{nowhere:?} {error:?} {error}");
    assert!(shown.contains(NAME) && !shown.contains("s3cret"), "{shown}");
    // A server is no sentinel.
    let server = Redis::sentinel([watched.servers[0].tcp_url()], NAME).build().unwrap();
    let error = server.get("k".into()).await.unwrap_err();
    assert!(error.to_string().contains("unknown command"), "{error}");
    for refused in [
        Redis::sentinel(Vec::<String>::new(), NAME),
        Redis::sentinel(["redis://localhost:26379"], ""),
        Redis::sentinel(["redis://localhost:26379/2"], NAME),
        Redis::sentinel(["unix:///run/sentinel"], NAME),
        Redis::sentinel(["nonsense"], NAME),
        Redis::sentinel(["redis://localhost:1", "rediss://localhost:2"], NAME),
    ] {
        assert_eq!(refused.build().unwrap_err().kind(), ErrorKind::Config);
    }
}
