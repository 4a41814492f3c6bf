//! A region for synchronous code: the same words in every place, on every kind of stack.
#![cfg(all(
    feature = "backend-memory",
    feature = "backend-file",
    feature = "backend-redis",
    feature = "codec-postcard",
    unix,
    target_pointer_width = "64"
))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

#[path = "../support/mod.rs"]
#[cfg(test)]
mod support;

mod callers;
mod leases;
mod places;
mod refused;
mod runtimes;
mod words;

use std::{
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use larder::{
    BackendExt, File, FileLock, Framed, LayerExt, Memo, Memory, PayloadExt, Postcard, Redis,
    RedisLock, Region,
};
use support::{DEADLINE, redis_server::RedisServer};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

type Bytes<B> = Framed<Postcard<B>>;

fn memo() -> Region<Memo<u64>> {
    Memo::new().region()
}

fn memory() -> Region<Bytes<Memory>> {
    Memory::new().postcard().framed().region()
}

fn file() -> (Region<Bytes<File>>, File, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = File::open(folder.path().join("cache.larder")).unwrap();
    (file.clone().postcard().framed().region(), file, folder)
}

fn locked_file(file: &File, lasts: Duration) -> Region<Bytes<File>, FileLock> {
    let lock = FileLock::builder(file).lasts(lasts).build().unwrap();
    Region::builder(file.clone().postcard().framed()).lock(lock).build().unwrap()
}

fn redis(server: &RedisServer) -> Redis {
    Redis::new(server.unix_url()).unwrap()
}

fn locked_redis(redis: &Redis, lasts: Duration) -> Region<Bytes<Redis>, RedisLock> {
    let lock = RedisLock::builder(redis).lease(lasts).build().unwrap();
    Region::builder(redis.clone().postcard().framed()).lock(lock).build().unwrap()
}

fn workers(count: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(count).enable_all().build().unwrap()
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs `body` on a thread of its own, and fails if it hangs.
fn guarded(body: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        let _done = done;
        body();
    });
    // Nobody sends: the channel ends with the body, also when that panics.
    let hangs = ended.recv_timeout(3 * DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout);
    assert!(!hangs, "it hangs");
    thread.join().unwrap_or_else(|panic| resume_unwind(panic));
}

/// Waits until `probe` says yes.
fn until(what: &str, probe: impl Fn() -> bool) {
    let start = Instant::now();
    while !probe() {
        assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Counts calls, across threads.
#[derive(Clone, Default)]
struct Calls(Arc<AtomicUsize>);

impl Calls {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}
