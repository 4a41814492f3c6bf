//! Copies over clusters and sentinels: no node is overheard.

use larder::{
    BackendExt, FullDict, Hstore, Json, Key, LayerExt, Memo, PayloadExt, Redis, RedisChannel,
    Region, Tiered, Wire,
};

use crate::support::{
    DEADLINE,
    redis_cluster::RedisCluster,
    redis_sentinel::{NAME, Watched},
    until,
};

type Tiers<W> = Tiered<Memo<String>, FullDict<Json<Hstore<Redis<W>>>>, Redis<W>>;

fn process<W: Wire>(redis: &Redis<W>) -> Region<Tiers<W>> {
    let far = redis.clone().hstore().json().full_dict();
    far.behind(Memo::new()).coherent(redis.clone()).unwrap().region()
}

/// Keys of many slots, and one in a hash.
fn keys() -> Vec<(Option<&'static str>, String)> {
    (0..30).map(|n| ((n % 5 == 0).then_some("space"), format!("key {n}"))).collect()
}

fn key<'a>(key: &'a (Option<&'static str>, String)) -> Key<'a> {
    match key {
        (Some(space), name) => (*space, name).into(),
        (None, name) => name.into(),
    }
}

async fn all_are<W: Wire>(region: &Region<Tiers<W>>, value: &str) {
    let keys = keys();
    until(value, async || {
        for one in &keys {
            let found = region.get::<String>(key(one)).await.ok()?;
            if found.as_deref() != Some(value) {
                return None;
            }
        }
        Some(())
    })
    .await;
}

async fn set_all<W: Wire>(region: &Region<Tiers<W>>, value: &str) {
    for one in &keys() {
        until("a write", async || region.set(key(one), value.to_owned()).await.ok()).await;
    }
}

/// One process hears what the other writes, wherever it is.
async fn agree<W: Wire>(one: &Region<Tiers<W>>, other: &Region<Tiers<W>>, round: &str) {
    set_all(one, &format!("old {round}")).await;
    all_are(other, &format!("old {round}")).await;
    set_all(one, &format!("new {round}")).await;
    all_are(other, &format!("new {round}")).await;
    all_are(one, &format!("new {round}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_tells_through_every_node_also_after_one_was_lost() {
    let mut cluster = RedisCluster::start_with_replicas();
    let client = || {
        let builder = Redis::cluster(cluster.urls()).tracking("key ").tracking("space");
        builder.connect_timeout(DEADLINE).build().unwrap()
    };
    let (one, other) = (process(&client()), process(&client()));
    agree(&one, &other, "at first").await;
    // Copies are made: not every read asks a node.
    assert!(!other.stack().l1().is_empty());
    cluster.nodes[0].kill();
    // Those of all nodes go, since nobody knows which were whose.
    until("the loss", async || other.stack().l1().is_empty().then_some(())).await;
    agree(&one, &other, "with another master").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_carries_a_channel() {
    let cluster = RedisCluster::start("redis-server");
    let tiers = async || {
        let redis = Redis::cluster(cluster.urls()).connect_timeout(DEADLINE).build().unwrap();
        let channel = RedisChannel::new(&redis, "changes");
        channel.ping().await.unwrap();
        let far = redis.json().full_dict();
        far.behind(Memo::<String>::new()).coherent(channel).unwrap().region()
    };
    let (one, other) = (tiers().await, tiers().await);
    for value in ["old", "new", "newer"] {
        one.set("k", value.to_owned()).await.unwrap();
        until("a message", async || {
            (other.get::<String>("k").await.unwrap().as_deref() == Some(value)).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_was_replaced_tells_as_the_old_one_did() {
    let mut watched = Watched::start();
    let client = || Redis::sentinel(watched.urls(), NAME).tracking("").build().unwrap();
    let (one, other) = (process(&client()), process(&client()));
    agree(&one, &other, "at first").await;
    watched.servers[0].kill();
    until("another master", async || (watched.master() == 1).then_some(())).await;
    agree(&one, &other, "after the failover").await;

    let builder = Redis::sentinel(watched.urls(), NAME).tracking("").read_from_replicas(true);
    let error = builder.build().unwrap_err();
    assert!(error.to_string().contains("replica"), "{error}");
}
