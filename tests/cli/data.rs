//! What is in the servers.

use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use larder::{Redis, Region, Store};
use serde::{Deserialize, Serialize};

use super::support::{DEADLINE, redis_server::RedisServer};

/// A dictionary in Python.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) mail: Option<String>,
}

impl User {
    pub(crate) fn new(id: u32) -> Self {
        let mail = (!id.is_multiple_of(3)).then(|| format!("user{id}@example.com"));
        Self { id, name: format!("User {id}"), mail }
    }
}

pub(crate) fn redis(server: &RedisServer) -> Redis {
    let builder = Redis::builder(server.unix_url());
    builder.connect_timeout(DEADLINE).response_timeout(DEADLINE).build().unwrap()
}

/// Writes `count` values through a region over `stack`, that live for an hour, or for ever.
pub(crate) async fn fill<S, T>(
    stack: S,
    ttl: bool,
    count: u32,
    key: impl Fn(u32) -> String,
    value: impl Fn(u32) -> T,
) where
    S: Store<T>,
    T: Clone + Send + Sync + 'static,
{
    let builder = Region::builder(stack);
    let builder = if ttl { builder.expire_after(Duration::from_secs(3600)) } else { builder };
    let region = builder.build().unwrap();
    for from in (0..count).step_by(500) {
        let batch = from..count.min(from + 500);
        let keys: Vec<String> = batch.clone().map(&key).collect();
        region.set_multi(keys.iter().zip(batch.map(&value))).await.unwrap();
    }
}

/// A cluster of one node, once it answers for its slots.
pub(crate) fn cluster_node() -> RedisServer {
    let server = RedisServer::start_with(&["--cluster-enabled", "yes"]);
    server.call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    let start = Instant::now();
    while !server.call(&["CLUSTER", "INFO"]).text().contains("cluster_state:ok") {
        assert!(start.elapsed() < DEADLINE, "the cluster is not well");
        thread::sleep(Duration::from_millis(5));
    }
    server
}

/// Seconds since 1970.
pub(crate) fn now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u32::try_from(since.as_secs()).unwrap()
}
