//! Single servers.

use std::path::PathBuf;

use larder::Redis;

use crate::{
    suites::every_suite,
    support::{
        DEADLINE,
        redis_server::{RedisServer, Reply, newer},
    },
    traffic::Traffic,
};

async fn on(program: impl Into<PathBuf>, says: &str) {
    let server = RedisServer::start_program(program, &[]);
    let info = server.call(&["INFO", "server"]).text();
    assert!(info.contains(says), "{says}: {info}");
    let make = || {
        assert_eq!(server.call(&["FLUSHALL"]), Reply::Simple("OK".to_owned()));
        let builder = Redis::builder(server.tcp_url());
        builder.connect_timeout(DEADLINE).response_timeout(DEADLINE).build().unwrap()
    };
    every_suite(make).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_7() {
    on("redis-server", "redis_version:7.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_8() {
    on(newer("redis-8"), "redis_version:8.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn valkey_8() {
    on(newer("valkey-8"), "valkey_version:8.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn valkey_9() {
    on(newer("valkey-9"), "valkey_version:9.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_costs_no_call() {
    let mut server = RedisServer::start();
    let traffic = Traffic::start(&Redis::new(server.tcp_url()).unwrap());
    traffic.more(500).await;
    server.kill();
    traffic.more(500).await;
    assert!(traffic.users.stats().bypassed > 0);
    server.restart();
    traffic.well().await;
    traffic.stop().await;
}
