//! The same counts with a lock between processes.

use larder::{
    BackendExt, FullDict, Json, LayerExt, Metered, OnTimeout, PayloadExt, Redis, RedisLock, Region,
};

use super::{
    Slow,
    scrape::{Counts, Scrape},
    secs, until,
};
use crate::support::{
    redis_server::RedisServer,
    region::{patient, waiting},
};

type Far = Region<Metered<FullDict<Json<Redis>>>, RedisLock>;

/// A region as another process has it, counted by its name.
fn process(server: &RedisServer, name: &'static str) -> Far {
    let redis = patient(server.unix_url());
    let lock = RedisLock::new(&redis);
    let builder = Region::builder(redis.json().full_dict().metered(name)).lock(lock);
    builder.expire_after(secs(3600)).build().unwrap()
}

#[tokio::test]
async fn one_creates_and_the_other_waits() {
    let (server, scrape) = (RedisServer::start(), Scrape::new());
    let (first, second) = (process(&server, "first"), process(&server, "second"));
    let slow = Slow::new();
    let ask = |region: &Far| {
        let (region, slow) = (region.clone(), slow.clone());
        tokio::spawn(async move { region.get_or_create("k", || slow.create(1_u64)).await })
    };
    let leader = ask(&first);
    slow.called(1).await;
    let follower = ask(&second);
    waiting(&second, 1).await;
    slow.go_once();
    assert_eq!((leader.await.unwrap().unwrap(), follower.await.unwrap().unwrap()), (1, 1));
    assert_eq!(scrape.counts("first"), Counts { misses: 1, creations: 1, ..Counts::default() });
    assert_eq!(scrape.counts("second"), Counts { misses: 1, waits: 1, ..Counts::default() });

    // And with something stale to pass on meanwhile.
    first.invalidate(larder::Invalidation::Soft).await.unwrap();
    second.invalidate(larder::Invalidation::Soft).await.unwrap();
    let leader = ask(&first);
    slow.called(2).await;
    assert_eq!(ask(&second).await.unwrap().unwrap(), 1);
    slow.go_once();
    assert_eq!(leader.await.unwrap().unwrap(), 1);
    assert_eq!(scrape.counts("first"), Counts { misses: 2, creations: 2, ..Counts::default() });
    let now = Counts { stale: 1, misses: 1, waits: 1, ..Counts::default() };
    assert_eq!(scrape.counts("second"), now);

    // A batch and a refresh that wait for too long.
    let leader = {
        let (region, slow) = (first.clone(), slow.clone());
        tokio::spawn(async move { region.get_or_create("new", || slow.create(2_u64)).await })
    };
    slow.called(3).await;
    let hasty = larder::Options::new()
        .wait_timeout(std::time::Duration::from_millis(20))
        .on_timeout(OnTimeout::Fail);
    let hasty = second.with(hasty);
    let one = async |keys: Vec<&'static str>| super::made(keys);
    assert!(hasty.get_or_create_multi(["new"], one).await.is_err()); // miss
    assert!(hasty.get_or_create("new", async || 3).await.is_err()); // miss
    assert!(hasty.refresh("new", async || 3).await.is_err());
    assert_eq!(scrape.counts("second"), Counts { misses: 3, ..now });
    slow.go_once();
    leader.await.unwrap().unwrap();
    until(|| first.in_flight() == 0).await;
    let seconds = "larder_backend_seconds_count{region=\"second\",backend=\"redis\",op=\"get\"}";
    assert!(scrape.value(seconds) >= 3);
}
