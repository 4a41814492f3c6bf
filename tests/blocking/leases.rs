//! A creator that blocks its thread keeps its lease.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use larder::{Lock, Region};

use crate::{
    Calls, file, guarded, locked_file, locked_redis, redis, support::redis_server::RedisServer,
    until, words::Stack,
};

const LASTS: Duration = Duration::from_millis(100);

/// While one region creates for longer than a lease lasts, another waits for the lock.
fn keeps_its_lease<S: Stack, L: Lock>(one: &Region<S, L>, other: &Region<S, L>, batch: bool) {
    let (slow, quick) = (one.blocking(), other.blocking());
    let (begun, creating) = mpsc::channel();
    let creates = Calls::default();
    let calls = creates.clone();
    let key = if batch { "batch" } else { "single" };
    let leader = thread::spawn(move || {
        let create = || {
            creates.add();
            begun.send(()).unwrap();
            let start = Instant::now();
            until("several leases would have ended", || start.elapsed() > 4 * LASTS);
            1
        };
        if batch {
            let found = slow.get_or_create_multi([key], |_| vec![(key, create())]);
            found.map(|found| found[0].unwrap())
        } else {
            slow.get_or_create(key, create)
        }
    });
    creating.recv().unwrap();
    let value = quick.get_or_create(key, || {
        calls.add();
        2
    });
    assert_eq!(value.unwrap(), 1);
    assert_eq!(leader.join().unwrap().unwrap(), 1);
    assert_eq!(calls.count(), 1);
    assert!(!quick.key_is_locked(key).unwrap());
}

#[test]
fn a_creator_that_blocks_keeps_its_lease() {
    guarded(|| {
        let (_region, file, _folder) = file();
        let server = RedisServer::start();
        let redis = redis(&server);
        for batch in [false, true] {
            keeps_its_lease(&locked_file(&file, LASTS), &locked_file(&file, LASTS), batch);
            keeps_its_lease(&locked_redis(&redis, LASTS), &locked_redis(&redis, LASTS), batch);
        }
    });
}
