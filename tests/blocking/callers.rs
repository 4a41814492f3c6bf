//! Many callers of one key, of both kinds.

use std::{
    sync::{Arc, Barrier, mpsc},
    thread,
    time::Duration,
};

use larder::{BackendExt, ErrorKind, LayerExt, Lock, OnTimeout, Options, PayloadExt, Region};

use crate::{
    Calls, file, guarded, locked_file, locked_redis, memo, redis,
    support::redis_server::RedisServer, until, words::Stack, workers,
};

const LASTS: Duration = Duration::from_secs(5);

/// 16 threads, half of them through another region where a lock between the two makes them one.
fn one_creates<S: Stack, L: Lock>(one: &Region<S, L>, other: &Region<S, L>) {
    let (calls, start) = (Calls::default(), Arc::new(Barrier::new(16)));
    let threads: Vec<_> = (0..16)
        .map(|n| {
            let region = if n % 2 == 0 { one.blocking() } else { other.blocking() };
            let (calls, start) = (calls.clone(), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                region.get_or_create("cold", || {
                    calls.add();
                    thread::sleep(Duration::from_millis(20));
                    42
                })
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap().unwrap(), 42);
    }
    assert_eq!(calls.count(), 1);
}

#[test]
fn of_many_threads_one_creates() {
    guarded(|| {
        let region = memo();
        one_creates(&region, &region);
        let (region, file, _folder) = file();
        one_creates(&region, &region);
        region.blocking().delete("cold").unwrap();
        one_creates(&locked_file(&file, LASTS), &locked_file(&file, LASTS));
        let server = RedisServer::start();
        let redis = redis(&server);
        let region = redis.clone().postcard().framed().region();
        one_creates(&region, &region);
        server.call(&["FLUSHALL"]);
        one_creates(&locked_redis(&redis, LASTS), &locked_redis(&redis, LASTS));
    });
}

/// A creation that goes on until all who ask for its value wait for it.
fn mixed<S: Stack, L: Lock>(region: &Region<S, L>, leader_is_async: bool, workers_of: usize) {
    const FOLLOWERS: usize = 8;
    let runtime = workers(workers_of);
    let (calls, asking) = (Calls::default(), Calls::default());
    let (release, released) = mpsc::channel::<()>();
    let key = format!("{leader_is_async} {workers_of}");
    let leader = if leader_is_async {
        let (region, calls, key) = (region.clone(), calls.clone(), key.clone());
        runtime.spawn(async move {
            let create = async || {
                calls.add();
                let (opened, open) = tokio::sync::oneshot::channel();
                thread::spawn(move || {
                    _ = released.recv();
                    opened.send(()).unwrap();
                });
                open.await.unwrap();
                7
            };
            region.get_or_create(&key, create).await
        })
    } else {
        let (region, calls, key) = (region.blocking(), calls.clone(), key.clone());
        runtime.spawn_blocking(move || {
            region.get_or_create(&key, || {
                calls.add();
                _ = released.recv();
                7
            })
        })
    };
    until("the leader creates", || calls.count() == 1);
    let mut followers = Vec::new();
    for n in 0..FOLLOWERS {
        let (asking, key) = (asking.clone(), key.clone());
        let blocking = region.blocking();
        let region = region.clone();
        followers.push(match n % 3 {
            // These block their worker: with one worker they would stop the leader.
            0 => runtime.spawn(async move {
                asking.add();
                blocking.get_or_create(&key, || 8)
            }),
            1 => runtime.spawn_blocking(move || {
                asking.add();
                blocking.get_or_create(&key, || 8)
            }),
            _ => runtime.spawn(async move {
                asking.add();
                region.get_or_create(&key, async || 8).await
            }),
        });
    }
    until("all have asked", || asking.count() == FOLLOWERS);
    release.send(()).unwrap();
    for caller in followers.into_iter().chain([leader]) {
        assert_eq!(runtime.block_on(caller).unwrap().unwrap(), 7);
    }
    assert_eq!(calls.count(), 1);
}

#[test]
fn both_kinds_of_callers_share_a_creation() {
    guarded(|| {
        let server = RedisServer::start();
        let redis = redis(&server);
        let (_region, file, _folder) = file();
        for leader_is_async in [true, false] {
            for workers in [1, 2] {
                mixed(&memo(), leader_is_async, workers);
                mixed(&locked_file(&file, LASTS), leader_is_async, workers);
                mixed(&redis.clone().postcard().framed().region(), leader_is_async, workers);
                server.call(&["FLUSHALL"]);
                mixed(&locked_redis(&redis, LASTS), leader_is_async, workers);
                server.call(&["FLUSHALL"]);
            }
        }
    });
}

/// Nobody waits longer than it is willing to, for another thread or another process.
fn waits_end<S: Stack, L: Lock>(one: &Region<S, L>, other: &Region<S, L>) {
    let slow = one.blocking();
    let (begun, creating) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let leader = thread::spawn(move || {
        slow.get_or_create("slow", || {
            begun.send(()).unwrap();
            _ = released.recv();
            1
        })
    });
    creating.recv().unwrap();
    let hasty = Options::new().wait_timeout(Duration::from_millis(20));
    let other = other.blocking().with(hasty.clone());
    let error = other.get_or_create("slow", || 2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let answers = other.try_get_or_create_multi(["slow", "quick"], |missing| {
        Ok::<_, ()>(missing.into_iter().map(|key| (key, 3)).collect::<Vec<_>>())
    });
    assert!(answers[0].is_err());
    assert_eq!(answers[1].as_ref().unwrap(), &Some(3));
    let impatient = other.with(hasty.on_timeout(OnTimeout::Create));
    assert_eq!(impatient.get_or_create("slow", || 4).unwrap(), 4);
    release.send(()).unwrap();
    assert_eq!(leader.join().unwrap().unwrap(), 1);
    assert_eq!(other.get("slow").unwrap(), Some(4), "who was too slow stores nothing");
}

#[test]
fn waits_for_others_end() {
    guarded(|| {
        let region = memo();
        waits_end(&region, &region);
        let (_region, file, _folder) = file();
        waits_end(&locked_file(&file, LASTS), &locked_file(&file, LASTS));
        let server = RedisServer::start();
        let redis = redis(&server);
        waits_end(&locked_redis(&redis, LASTS), &locked_redis(&redis, LASTS));
    });
}
