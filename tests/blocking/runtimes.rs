//! Connections, timers and tasks between the runtimes of an application and larder's own.

use std::{sync::mpsc, thread, time::Duration};

use larder::{BackendExt, LayerExt, PayloadExt};
use tokio::{
    runtime::{Builder, Handle},
    task::spawn_blocking,
};

use crate::{
    current_thread, guarded, memo, redis, support::redis_server::RedisServer, until, workers,
};

#[test]
fn a_connection_made_elsewhere_is_used() {
    guarded(|| {
        let server = RedisServer::start();
        let connections = || {
            let clients = server.call(&["CLIENT", "LIST"]).text();
            // One of them is who asks.
            clients.lines().count() - 1
        };
        // Made by asynchronous code, used from a thread without a runtime.
        let region = redis(&server).postcard().framed().region();
        let blocking = region.blocking();
        let runtime = workers(1);
        runtime.block_on(region.set("a", 1_u64)).unwrap();
        assert_eq!(blocking.get("a").unwrap(), Some(1_u64));
        assert_eq!(connections(), 1);
        // Its runtime ends; the next call makes another.
        drop(runtime);
        assert_eq!(blocking.get("a").unwrap(), Some(1_u64));
        until("the old connection is closed", || connections() == 1);
        // That one is larder's own; asynchronous code uses it.
        for runtime in [workers(1), current_thread()] {
            assert_eq!(runtime.block_on(region.get("a")).unwrap(), Some(1_u64));
            runtime.block_on(region.set("a", 1_u64)).unwrap();
        }
        assert_eq!(blocking.get("a").unwrap(), Some(1_u64));
        assert_eq!(connections(), 1);
    });
}

/// A connection in a runtime that nobody drives at the moment: the call fails in time.
#[test]
fn a_connection_that_nobody_drives_is_not_waited_for() {
    guarded(|| {
        let server = RedisServer::start();
        let region = redis(&server).postcard().framed().region();
        let idle = current_thread();
        idle.block_on(region.set("a", 1_u64)).unwrap();
        let _entered = idle.enter();
        let error = region.blocking().get::<u64>("a").unwrap_err();
        assert!(error.is_transient(), "{error}");
    });
}

/// More calls than a task has budget for, in one poll of it.
#[test]
fn a_task_may_call_as_often_as_it_wants() {
    guarded(|| {
        let server = RedisServer::start();
        let region = redis(&server).postcard().framed().region().blocking();
        let calls = move || {
            for n in 0..500_u64 {
                region.set("a", n).unwrap();
                assert_eq!(region.get("a").unwrap(), Some(n));
            }
        };
        let runtime = workers(1);
        runtime.block_on(async { calls() });
        runtime.block_on(runtime.spawn(async move { calls() })).unwrap();
    });
}

/// With no thread left to take the worker's place, waits still end.
#[test]
fn a_runtime_without_a_thread_to_spare() {
    guarded(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let server = RedisServer::start();
        let region = redis(&server).postcard().framed().region().blocking();
        let (release, released) = mpsc::channel::<()>();
        let busy = runtime.spawn_blocking(move || released.recv());
        let task = runtime.spawn(async move { region.get_or_create("a", || 1_u64) });
        assert_eq!(runtime.block_on(task).unwrap().unwrap(), 1);
        release.send(()).unwrap();
        runtime.block_on(busy).unwrap().unwrap();
    });
}

/// What a creator spawns belongs to the caller's runtime.
#[test]
fn creators_see_the_runtime_of_their_caller() {
    guarded(|| {
        let region = memo().blocking();
        let sees_its_own = move |name: &str| {
            let outside = Handle::try_current().ok().map(|runtime| runtime.id());
            let inside = || Handle::try_current().ok().map(|runtime| runtime.id());
            region.get_or_create(name, || {
                if outside.is_some() {
                    assert_eq!(inside(), outside);
                }
                // A creator may use what would block by itself.
                let runtime = Handle::current();
                if runtime.runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread {
                    runtime.block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
                }
                1
            })
        };
        sees_its_own("thread").unwrap();
        let (task, pool) = (sees_its_own.clone(), sees_its_own.clone());
        let runtime = workers(1);
        runtime.block_on(async {
            tokio::spawn(async move { task("task") }).await.unwrap().unwrap();
            spawn_blocking(move || pool("pool")).await.unwrap().unwrap();
        });
        current_thread().block_on(async move {
            sees_its_own("main").unwrap();
            spawn_blocking(move || sees_its_own("single pool")).await.unwrap().unwrap();
        });
    });
}

/// A runtime that is dropped while a thread of its pool still waits.
#[test]
fn a_runtime_that_ends_takes_no_wait_with_it() {
    guarded(|| {
        let server = RedisServer::start();
        let region = redis(&server).postcard().framed().region().blocking();
        let (begun, started) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let (answer, answered) = mpsc::channel();
        let runtime = workers(1);
        runtime.spawn_blocking(move || {
            begun.send(()).unwrap();
            _ = released.recv();
            answer.send(region.get_or_create("a", || 1_u64)).unwrap();
        });
        started.recv().unwrap();
        let ending = thread::spawn(move || drop(runtime));
        release.send(()).unwrap();
        assert_eq!(answered.recv().unwrap().unwrap(), 1);
        ending.join().unwrap();
    });
}
