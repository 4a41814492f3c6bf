//! A cluster that is well.

use std::{path::PathBuf, time::Duration};

use larder::{
    Backend, Bytes, ErrorKind, HashBackend, HashExpiry, Key, Lease, Level, Lock, Put, Redis,
    RedisClusterLock, RedisLock, Seen, WriteOpts,
};

use crate::{
    suites::every_suite,
    support::{
        DEADLINE,
        redis_cluster::RedisCluster,
        redis_server::{Monitor, RedisServer, newer},
        until,
    },
};

const FOREVER: WriteOpts<'_> = WriteOpts::keep_for(None);

pub(crate) fn client(cluster: &RedisCluster) -> larder::RedisCluster {
    // One node is enough to find the others.
    let builder = Redis::cluster([cluster.nodes[1].tcp_url()]);
    builder.connect_timeout(DEADLINE).response_timeout(DEADLINE).build().unwrap()
}

async fn on(program: impl Into<PathBuf>) {
    let cluster = RedisCluster::start(program);
    let make = || {
        cluster.flush();
        client(&cluster)
    };
    every_suite(make).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suites_on_redis_7() {
    on("redis-server").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suites_on_redis_8() {
    on(newer("redis-8")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suites_on_valkey_8() {
    on(newer("valkey-8")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suites_on_valkey_9() {
    on(newer("valkey-9")).await;
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// The commands of ours that each of the masters saw: what they are and how many.
fn seen(cluster: &RedisCluster, monitors: &mut [Monitor]) -> Vec<(String, usize)> {
    let first = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
    let mut seen = Vec::new();
    for (monitor, node) in monitors.iter_mut().zip(&cluster.nodes) {
        let lines = monitor.seen(node);
        let ours: Vec<String> = lines
            .iter()
            .map(first)
            .filter(|word| ["GET", "MGET", "SET", "DEL", "EVAL", "HMGET"].contains(&&**word))
            .collect();
        seen.push((ours.first().cloned().unwrap_or_default(), ours.len()));
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_go_to_all_masters_at_once() {
    let cluster = RedisCluster::start("redis-server");
    let redis = client(&cluster);
    let lock = RedisClusterLock::new(&redis);
    let names: Vec<String> = (0..1000).map(|n| format!("key {n}")).collect();
    let keys: Vec<Key<'_>> = names.iter().map(Key::from).collect();
    let puts: Vec<_> = keys.iter().map(|key| Put::new(*key, bytes("v"), FOREVER)).collect();
    redis.ping().await.unwrap();
    let mut monitors: Vec<Monitor> =
        cluster.nodes.iter().map(|node| node.raw().monitor()).collect();
    // Each in turn stands still; the others get their part all the same, whatever the order.
    for still in 0..3 {
        cluster.nodes[still].hang();
        let write = {
            let (redis, names) = (redis.clone(), names.clone());
            tokio::spawn(async move {
                let put = |name| Put::new(Key::from(name), bytes("v"), FOREVER);
                redis.set_multi(&names.iter().map(put).collect::<Vec<_>>()).await
            })
        };
        let others = || cluster.nodes.iter().enumerate().filter(|(at, _)| *at != still);
        let count = |node: &RedisServer| node.call(&["DBSIZE"]).int();
        until("the parts of the others", async || {
            let there: i64 = others().map(|(_, node)| count(node)).sum();
            (600..1000).contains(&there).then_some(())
        })
        .await;
        assert!(!write.is_finished());
        cluster.nodes[still].resume();
        write.await.unwrap().unwrap();
        assert_eq!(cluster.nodes.iter().map(count).sum::<i64>(), 1000);
        cluster.flush();
    }
    seen(&cluster, &mut monitors);
    redis.set_multi(&puts).await.unwrap();
    let written = seen(&cluster, &mut monitors);
    assert_eq!(written.iter().map(|(_, count)| count).sum::<usize>(), 1000, "{written:?}");
    // One command for each slot.
    let found = redis.get_multi(&keys).await.unwrap();
    assert!(found.iter().all(|value| value.as_ref().unwrap() == &Some(bytes("v"))));
    let read = seen(&cluster, &mut monitors);
    for (word, count) in &read {
        assert!(word == "MGET" && (200..400).contains(count), "{read:?}");
    }
    let leases: Vec<Lease> = keys.iter().map(|key| lock.lease(*key)).collect();
    assert_eq!(lock.acquire(&leases).await.unwrap(), vec![true; 1000]);
    let fenced: Vec<_> = leases
        .iter()
        .map(|lease| Put::new(lease.key(), bytes("w"), WriteOpts::default().fenced(lease)))
        .collect();
    redis.set_multi(&fenced).await.unwrap();
    lock.release(&leases).await.unwrap();
    redis.remove_multi(&keys).await.unwrap();
    for node in &cluster.nodes {
        assert_eq!(node.call(&["DBSIZE"]).int(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_keys_have_their_locks_beside_them() {
    let cluster = RedisCluster::start("redis-server");
    let redis = client(&cluster);
    let lock = RedisClusterLock::new(&redis);
    let odd = ["", "{}", "a}b", "{", "}", "{a}b", "x{a}{b}", "{{a}}", "\r\n", "ключ"];
    let plain = odd.iter().map(|name| Key::from(*name));
    let pairs = odd.iter().flat_map(|space| odd.iter().map(|name| Key::from((*space, *name))));
    let keys: Vec<Key<'_>> = plain.chain(pairs).collect();
    let leases: Vec<Lease> = keys.iter().map(|key| lock.lease(*key)).collect();
    assert_eq!(lock.acquire(&leases).await.unwrap(), vec![true; keys.len()]);
    let values: Vec<Bytes> = keys.iter().map(|key| bytes(&key.to_string())).collect();
    let put = |at: usize| {
        let opts = WriteOpts::default().fenced(&leases[at]);
        Put::new(keys[at], values[at].clone(), opts)
    };
    let puts: Vec<_> = (0..keys.len()).map(put).collect();
    redis.set_multi(&puts).await.unwrap();
    let found = redis.get_multi(&keys).await.unwrap();
    for (found, value) in found.into_iter().zip(&values) {
        assert_eq!(found.unwrap().as_ref(), Some(value));
    }
    redis.remove_multi(&keys).await.unwrap();
    // As fields, too.
    let pairs: Vec<_> = puts.iter().filter(|put| put.key.space().is_some()).cloned().collect();
    redis.hash_set_multi(&pairs, HashExpiry::Never).await.unwrap();
    for put in &pairs {
        assert_eq!(redis.hash_get(put.key).await.unwrap().as_ref(), Some(&put.value));
    }
    lock.release(&leases).await.unwrap();
    let refused = redis.hash_set_multi(&pairs, HashExpiry::Never).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LeaseLost);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_at_any_node_wakes_at_once() {
    let cluster = RedisCluster::start("redis-server");
    let redis = client(&cluster);
    // So long that only a push can end the wait in time.
    let lock =
        RedisLock::builder(&redis).lease(DEADLINE * 3).poll_interval(DEADLINE * 3).build().unwrap();
    for name in ["a", "b", "c", "d", "e", "f"] {
        let lease = [lock.lease(name.into())];
        assert_eq!(lock.acquire(&lease).await.unwrap(), [true]);
        let wait = tokio::spawn({
            let lock = lock.clone();
            async move { lock.released(name.into(), &mut Seen::default()).await }
        });
        let tracked = || {
            let is_tracking = |node: &RedisServer| {
                node.call(&["INFO", "clients"]).text().contains("tracking_clients:1")
            };
            is_tracking(&cluster.nodes[cluster.home(name)])
        };
        until("the wait", async || tracked().then_some(())).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!wait.is_finished());
        lock.release(&lease).await.unwrap();
        tokio::time::timeout(DEADLINE, wait).await.expect("a push").unwrap().unwrap();
    }
}

#[tokio::test]
async fn says_what_is_wrong_and_no_secrets() {
    for refused in [
        Redis::cluster(Vec::<String>::new()),
        Redis::cluster(["unix:///run/redis"]),
        Redis::cluster(["redis://localhost", "nonsense"]),
        Redis::cluster(["redis://localhost", "rediss://localhost"]),
    ] {
        assert_eq!(refused.build().unwrap_err().kind(), ErrorKind::Config);
    }
    let redis = Redis::cluster(["redis://u:s3cret@one", "redis://two:7000"]).build().unwrap();
    let shown = format!("{redis:?} {:?}", Redis::cluster(["redis://u:s3cret@one"]));
    assert!(shown.contains("two:7000") && !shown.contains("s3cret"), "{shown}");
    let lock = RedisLock::builder(&redis);
    for refused in [lock.clone().dogpile(), lock.clone().prefix("a{b")] {
        assert_eq!(refused.build().unwrap_err().kind(), ErrorKind::Config);
    }
    assert!(lock.prefix("a}b").build().is_ok());

    // A server that is in no cluster, and a cluster that is taken for a server.
    let server = RedisServer::start();
    let redis = Redis::cluster([server.tcp_url()]).build().unwrap();
    let error = redis.get("k".into()).await.unwrap_err();
    assert!(error.to_string().contains("cluster support disabled"), "{error}");
    assert!(error.to_string().contains("`Redis::new`"), "{error}");
    let cluster = RedisCluster::start("redis-server");
    let away = (0..100).map(|n| n.to_string()).find(|name| cluster.home(name) != 0).unwrap();
    let redis = Redis::new(cluster.nodes[0].tcp_url()).unwrap();
    let error = redis.get(Key::from(&away)).await.unwrap_err();
    assert!(error.to_string().contains("`Redis::cluster`"), "{error}");
}
