//! Clusters of which a part fails or moves.

use larder::{Backend, Bytes, ErrorKind, Key, Level, Put, Redis, WriteOpts};

use crate::{
    support::{
        redis_cluster::RedisCluster,
        redis_server::{RawClient, Reply},
        until,
    },
    traffic::Traffic,
};

const FOREVER: WriteOpts<'_> = WriteOpts::keep_for(None);

fn client(cluster: &RedisCluster) -> larder::RedisCluster {
    Redis::cluster(cluster.urls()).build().unwrap()
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_master_is_replaced_and_costs_no_call() {
    let mut cluster = RedisCluster::start_with_replicas();
    let redis = client(&cluster);
    let traffic = Traffic::start(&redis);
    traffic.more(500).await;
    assert_eq!(traffic.users.stats().bypassed, 0);
    cluster.nodes[0].kill();
    traffic.more(100).await;
    until("its replica in its place", async || {
        cluster.nodes[3].call(&["INFO", "replication"]).text().contains("role:master").then_some(())
    })
    .await;
    traffic.well().await;
    assert!(traffic.users.stats().bypassed > 0, "it went on without the master");
    // It comes back as a replica.
    cluster.nodes[0].restart();
    traffic.well().await;
    traffic.stop().await;
    let here = (0..100).map(|n| n.to_string()).find(|name| cluster.home(name) == 0).unwrap();
    redis.set(Key::from(&here), bytes("v"), FOREVER).await.unwrap();
    assert_eq!(cluster.nodes[3].call(&["GET", &here]).text(), "v");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_node_takes_only_its_own_keys_with_it() {
    let mut cluster = RedisCluster::start("redis-server");
    let redis = client(&cluster);
    let names: Vec<String> = (0..300).map(|n| format!("key {n}")).collect();
    let keys: Vec<Key<'_>> = names.iter().map(Key::from).collect();
    let puts: Vec<_> = keys.iter().map(|key| Put::new(*key, bytes("v"), FOREVER)).collect();
    redis.set_multi(&puts).await.unwrap();
    cluster.nodes[2].kill();
    let is_lost = |name: &String| cluster.home(name) == 2;
    assert!(names.iter().any(is_lost) && !names.iter().all(is_lost));
    let found = redis.get_multi(&keys).await.unwrap();
    for (name, found) in names.iter().zip(found) {
        let Err(error) = found else {
            assert!(!is_lost(name));
            assert_eq!(found.unwrap(), Some(bytes("v")), "{name}");
            continue;
        };
        assert!(is_lost(name), "{name}: {error}");
        assert_eq!((error.kind(), error.key()), (ErrorKind::Unavailable, Some(name.into())));
        let address = cluster.nodes[2].tcp_url().replace("redis://", "");
        assert!(error.to_string().contains(&address), "{error}");
    }
    // What can be written or removed is, also in a batch with others.
    let puts: Vec<_> = keys.iter().map(|key| Put::new(*key, bytes("w"), FOREVER)).collect();
    let error = redis.set_multi(&puts).await.unwrap_err();
    assert!(error.is_transient() && is_lost(&error.key().unwrap().name().to_owned()), "{error}");
    for name in names.iter().filter(|name| !is_lost(name)) {
        assert_eq!(redis.get(name.into()).await.unwrap(), Some(bytes("w")));
    }
    redis.remove_multi(&keys).await.unwrap_err();
    let left = cluster.nodes[..2].iter().map(|node| node.call(&["DBSIZE"]).int());
    assert_eq!(left.sum::<i64>(), 0);
    // Through a region it is misses.
    let traffic = Traffic::start(&redis);
    traffic.more(300).await;
    assert!(traffic.users.stats().bypassed > 0);
    cluster.nodes[2].restart();
    traffic.well().await;
    traffic.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_move_under_traffic() {
    let cluster = RedisCluster::start("redis-server");
    let redis = client(&cluster);
    let traffic = Traffic::start(&redis);
    traffic.more(100).await;
    // Keys of one slot, of which the first half has moved.
    let names: Vec<String> = (0..10).map(|n| format!("{{tag}}{n}")).collect();
    let keys: Vec<Key<'_>> = names.iter().map(Key::from).collect();
    let puts: Vec<_> = keys.iter().map(|key| Put::new(*key, bytes("v"), FOREVER)).collect();
    redis.set_multi(&puts).await.unwrap();
    let (from, to) = (cluster.home(&names[0]), (cluster.home(&names[0]) + 1) % 3);
    let (from, to) = (&cluster.nodes[from], &cluster.nodes[to]);
    let id =
        |node: &crate::support::redis_server::RedisServer| node.call(&["CLUSTER", "MYID"]).text();
    let slot = from.call(&["CLUSTER", "KEYSLOT", &names[0]]).int().to_string();
    let ok = Reply::Simple("OK".to_owned());
    assert_eq!(to.call(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)]), ok);
    assert_eq!(from.call(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)]), ok);
    let migrate = |raw: &mut RawClient, name: &str| {
        let port = to.port().to_string();
        let done = raw.call(&["MIGRATE", "127.0.0.1", &port, name, "0", "5000"]);
        assert_eq!(done, ok, "{name}");
    };
    let mut raw = from.raw();
    names[..5].iter().for_each(|name| migrate(&mut raw, name));
    for key in &keys {
        assert_eq!(redis.get(*key).await.unwrap(), Some(bytes("v")), "{key}");
    }
    // Moved and not moved in one command cannot be answered, which fails nothing else.
    let both = redis.get_multi(&[keys[0], keys[9], "elsewhere".into()]).await.unwrap();
    for at in [0, 1] {
        assert!(both[at].as_ref().unwrap_err().is_transient(), "{both:?}");
    }
    assert_eq!(both[2].as_ref().unwrap(), &None);
    // All that has moved is, and so are writes, one by one.
    let moved = redis.get_multi(&keys[..5]).await.unwrap();
    assert!(moved.iter().all(|value| value.as_ref().unwrap() == &Some(bytes("v"))), "{moved:?}");
    let puts: Vec<_> = keys.iter().map(|key| Put::new(*key, bytes("w"), FOREVER)).collect();
    redis.set_multi(&puts).await.unwrap();
    redis.remove(keys[9]).await.unwrap();
    names[5..9].iter().for_each(|name| migrate(&mut raw, name));
    // The slots of traffic are others, so nothing of it was under way.
    for node in [to, from] {
        assert_eq!(node.call(&["CLUSTER", "SETSLOT", &slot, "NODE", &id(to)]), ok);
    }
    // Who knows it as it was is sent on, and knows then.
    let found = redis.get_multi(&keys).await.unwrap();
    for (at, found) in found.into_iter().enumerate() {
        assert_eq!(found.unwrap(), (at < 9).then(|| bytes("w")), "{at}");
    }
    let errors = || {
        let errors = from.call(&["INFO", "errorstats"]).text();
        errors.lines().find(|line| line.starts_with("errorstat_MOVED")).map(str::to_owned)
    };
    until("the new map", async || {
        let before = errors();
        redis.get(keys[0]).await.unwrap();
        (errors() == before).then_some(())
    })
    .await;
    assert_eq!(traffic.users.stats().bypassed, 0);
    traffic.stop().await;
}
