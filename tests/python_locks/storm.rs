//! Tasks of larder and processes of Python that want one cold key at the same time.

use std::{fs::OpenOptions, io::Write, path::Path, time::Duration};

use larder::{BackendExt, DbmLock, Lock, Memcached, MemcachedLock, PayloadExt, RedisLock, Region};
use serde_json::json;

use crate::{
    python::{Age, Python, memcached, redis},
    scene::Shared,
    support::{
        DEADLINE, memcached_server::MemcachedServer, redis_server::RedisServer, region::patient,
    },
};

const TASKS: usize = 8;

/// All of them, some times; each time one creates, and leaves a mark.
async fn storm<S: Shared, L: Lock>(region: &Region<S, L>, pythons: &mut [Python]) {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let marks = folder.path().join(round.to_string());
        std::fs::write(&marks, "").unwrap();
        let key = format!("cold{round}");
        for python in pythons.iter_mut() {
            python.tell(&json!(["storm", key, "made", marks]));
        }
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let (region, marks, key) = (region.clone(), marks.clone(), key.clone());
                tokio::spawn(async move {
                    let create = async || {
                        mark(&marks);
                        tokio::time::sleep(Duration::from_millis(40)).await;
                        "made".to_owned()
                    };
                    region.get_or_create(&key, create).await.unwrap()
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), "made");
        }
        for python in pythons.iter_mut() {
            assert_eq!(python.hear("got"), "made");
        }
        assert_eq!(std::fs::read_to_string(&marks).unwrap(), "x", "creations");
    }
}

fn mark(path: &Path) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(b"x").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_redis() {
    let server = RedisServer::start();
    let stack = patient(server.unix_url());
    let lock = RedisLock::builder(&stack).dogpile().build().unwrap();
    let region = Region::builder(stack.json().dogpile()).lock(lock).build().unwrap();
    let settings = redis(&server, "dogpile.cache.redis", &json!({}));
    let mut pythons = [(); 4].map(|()| Python::start(Age::Current, &settings));
    storm(&region, &mut pythons).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_redis_as_before() {
    let server = RedisServer::start();
    let stack = patient(server.unix_url());
    let lock = RedisLock::builder(&stack).dogpile().build().unwrap();
    let region = Region::builder(stack.json().full_dict()).lock(lock).build().unwrap();
    let mut settings = redis(&server, "dogpile_backend_redis_advanced", &json!({}));
    settings["serializer"] = json!("whole tuples");
    let mut pythons = [(); 4].map(|()| Python::start(Age::Before, &settings));
    storm(&region, &mut pythons).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_memcached() {
    let server = MemcachedServer::start();
    let builder = Memcached::builder([server.url()]).flags(0);
    let stack = builder.connect_timeout(DEADLINE).response_timeout(DEADLINE).build().unwrap();
    let lock = MemcachedLock::builder(&stack).dogpile().build().unwrap();
    let region = Region::builder(stack.json().dogpile()).lock(lock).build().unwrap();
    let clients = ["pymemcache", "pymemcache", "memcached", "memcached"];
    let start = |client| Python::start(Age::Current, &memcached(&server, client, &json!({})));
    storm(&region, &mut clients.map(start)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_lock_files() {
    let (server, folder) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let path = folder.path().join("pages.dbm");
    let lock = DbmLock::new(&path).unwrap();
    let stack = patient(server.unix_url()).json().dogpile();
    let region = Region::builder(stack).lock(lock).build().unwrap();
    let settings = redis(&server, "with_dbm_locks", &json!({"filename": path}));
    let mut pythons = [(); 4].map(|()| Python::start(Age::Current, &settings));
    storm(&region, &mut pythons).await;
}
