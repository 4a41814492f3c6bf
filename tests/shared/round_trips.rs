//! How often a region with a lock between processes speaks to the server.

use larder::{BackendExt, Invalidation, LayerExt, PayloadExt, RedisLock, Region};

use crate::support::{
    proxy::CountingProxy,
    redis_server::{Monitor, RedisServer},
    region::{Shared, locks, patient},
};

struct Counted {
    server: RedisServer,
    proxy: CountingProxy,
    monitor: Monitor,
    region: Shared,
}

impl Counted {
    async fn start() -> Self {
        let server = RedisServer::start();
        let proxy = CountingProxy::start(server.port()).await;
        let redis = patient(proxy.url());
        let lock = RedisLock::new(&redis);
        redis.ping().await.unwrap();
        let region = Region::builder(redis.json().full_dict()).lock(lock).build().unwrap();
        let mut counted = Self { monitor: server.raw().monitor(), server, proxy, region };
        counted.take();
        counted
    }

    /// How many round trips there were since last, and the commands in them: their first words.
    fn take(&mut self) -> (usize, Vec<String>) {
        let seen = self.monitor.seen(&self.server);
        let ours = seen.iter().filter(|line| !line.starts_with("lua "));
        let words = ours.map(|line| line.split(' ').next().unwrap_or_default().to_owned());
        (self.proxy.take(), words.collect())
    }
}

#[tokio::test]
async fn a_thousand_cold_keys_are_five_round_trips() {
    let mut counted = Counted::start().await;
    let keys: Vec<String> = (0..1000).map(|n| format!("user:{n}")).collect();
    let create = async |missing: Vec<String>| {
        assert_eq!(missing.len(), 1000);
        missing.into_iter().map(|key| (key, 1_u64))
    };
    let values = counted.region.get_or_create_multi(keys.clone(), create).await.unwrap();
    assert_eq!(values, vec![Some(1); 1000]);
    let (trips, commands) = counted.take();
    assert_eq!(commands, ["MGET", "EVAL", "MGET", "EVAL", "EVAL"]);
    assert_eq!(trips, 5);
    assert_eq!(locks(&counted.server), [""; 0]);
    // Stale all of them: the same. Fresh: one.
    counted.region.invalidate(Invalidation::Soft).await.unwrap();
    counted.take();
    let create = async |missing: Vec<String>| missing.into_iter().map(|key| (key, 2_u64));
    counted.region.get_or_create_multi(keys.clone(), create).await.unwrap();
    let (trips, commands) = counted.take();
    assert_eq!((trips, commands.len()), (5, 5), "{commands:?}");
    let values = counted.region.get_or_create_multi(keys, create).await.unwrap();
    assert_eq!(values, vec![Some(2); 1000]);
    assert_eq!(counted.take(), (1, vec!["MGET".to_owned()]));
}

#[tokio::test]
async fn a_hit_is_one_round_trip_and_a_miss_five() {
    let mut counted = Counted::start().await;
    let with_the_lock = ["GET", "EVAL", "GET", "EVAL", "EVAL"].map(str::to_owned).to_vec();
    assert_eq!(counted.region.get_or_create("k", async || 1_u64).await.unwrap(), 1);
    assert_eq!(counted.take(), (5, with_the_lock.clone()), "missing");
    assert_eq!(counted.region.get_or_create("k", async || 2_u64).await.unwrap(), 1);
    assert_eq!(counted.take(), (1, vec!["GET".to_owned()]), "fresh");
    counted.region.invalidate(Invalidation::Soft).await.unwrap();
    assert_eq!(counted.region.get_or_create("k", async || 3_u64).await.unwrap(), 3);
    assert_eq!(counted.take(), (5, with_the_lock), "stale");
    // Without a lock between processes a miss is two.
    let alone = patient(counted.proxy.url()).json().full_dict().region();
    alone.get::<u64>("l").await.unwrap();
    counted.take();
    alone.get_or_create("l", async || 1_u64).await.unwrap();
    assert_eq!(counted.take(), (2, ["GET", "SET"].map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn a_write_is_three_round_trips() {
    let mut counted = Counted::start().await;
    let region = counted.region.clone();
    region.set("k", 1_u64).await.unwrap();
    assert_eq!(counted.take(), (3, ["EVAL", "SET", "EVAL"].map(str::to_owned).to_vec()));
    region.delete("k").await.unwrap();
    assert_eq!(counted.take(), (3, ["EVAL", "DEL", "EVAL"].map(str::to_owned).to_vec()));
    let many: Vec<String> = (0..1000).map(|n| format!("user:{n}")).collect();
    region.set_multi(many.iter().map(|key| (key, 1_u64))).await.unwrap();
    assert_eq!(counted.take().0, 3);
    region.delete_multi(&many).await.unwrap();
    assert_eq!(counted.take().0, 3);
}
