//! A cluster that is well.

use std::{path::PathBuf, time::Duration};

use larder::{
    Backend, Bytes, ErrorKind, HashBackend, HashExpiry, Key, Lease, Level, Lock, Put, Redis,
    RedisClusterLock, RedisLock, WriteOpts,
};

use crate::{
    suites::every_suite,
    support::{
        DEADLINE,
        redis_cluster::RedisCluster,
        redis_server::{Reply, newer},
        until,
    },
};

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
