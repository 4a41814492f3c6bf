//! All words, called from everywhere that can wait.

use std::{thread, time::Duration};

use larder::{BackendExt, LayerExt, Lock, PayloadExt, Region};
use tokio::{runtime::Builder, task::LocalSet};

use crate::{
    current_thread, file, guarded, locked_file, locked_redis, memo, memory, redis,
    support::redis_server::RedisServer,
    words::{self, Stack},
    workers,
};

const LASTS: Duration = Duration::from_secs(5);

/// Runs all words on `region` in every place.
fn everywhere<S: Stack, L: Lock>(region: &Region<S, L>) {
    let blocking = region.blocking();
    let job = |at: &'static str| {
        let blocking = blocking.clone();
        move || words::all(&blocking, at)
    };
    job("a test's thread")();
    thread::spawn(job("thread")).join().unwrap();

    for (count, task, pool) in [(1, "1: task", "1: pool"), (2, "2: task", "2: pool")] {
        let runtime = workers(count);
        let work = job(task);
        runtime.block_on(runtime.spawn(async move { work() })).unwrap();
        runtime.block_on(runtime.spawn_blocking(job(pool))).unwrap();
    }
    let runtime = workers(1);
    runtime.block_on(async { job("main")() });
    runtime.block_on(LocalSet::new().run_until(async { job("local set")() }));
    {
        let _entered = runtime.enter();
        job("entered")();
    }
    // Has neither timers nor sockets.
    let bare = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let work = job("bare");
    bare.block_on(bare.spawn(async move { work() })).unwrap();

    let single = current_thread();
    single.block_on(single.spawn_blocking(job("single: pool"))).unwrap();
    let _entered = single.enter();
    job("single: entered")();
}

#[test]
fn memo_everywhere() {
    guarded(|| everywhere(&memo()));
}

#[test]
fn memory_everywhere() {
    guarded(|| everywhere(&memory()));
}

#[test]
fn file_everywhere() {
    guarded(|| {
        let (region, _file, _folder) = file();
        everywhere(&region);
    });
}

#[test]
fn file_with_its_lock_everywhere() {
    guarded(|| {
        let (_region, file, _folder) = file();
        everywhere(&locked_file(&file, LASTS));
    });
}

#[test]
fn redis_everywhere() {
    guarded(|| {
        let server = RedisServer::start();
        everywhere(&redis(&server).postcard().framed().region());
    });
}

#[test]
fn redis_with_its_lock_everywhere() {
    guarded(|| {
        let server = RedisServer::start();
        everywhere(&locked_redis(&redis(&server), LASTS));
    });
}
