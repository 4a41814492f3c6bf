//! The region's promises, inside one process: one creates, everyone else is served.
#![cfg(all(feature = "backend-memory", feature = "codec-json"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use larder::{
    Backend, BackendExt, Bytes, Error, ErrorKind, Failure, Framed, IntTime, Json, Key, LayerExt,
    Lease, Level, Lock, ManualClock, Memo, Memory, NoMeta, Null, OnTimeout, Options, PayloadExt,
    Region, RegionBuilder, Result, Seen, Timestamp, WriteOpts,
};
use tokio::{
    sync::{Barrier, Notify},
    task::{JoinHandle, yield_now},
};

mod background;
mod batch;
mod create;
mod failing_store;
mod invalidation;
mod lifetime;
mod multi;
mod options;
mod storm;
mod waiting;

type Numbers = Region<Memo<u64>>;

fn start() -> ManualClock {
    ManualClock::new(Timestamp::from_secs(1_000_000))
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Fresh for 10 s, kept for 20 s, on one manual clock.
fn ten_seconds() -> (Numbers, ManualClock) {
    let time = start();
    let region = Region::builder(Memo::new().with_clock(time.clock()))
        .expire_after(secs(10))
        .clock(time.clock())
        .build()
        .unwrap();
    (region, time)
}

/// A creator that counts its calls and waits until it is let go.
#[derive(Clone, Default)]
struct Slow {
    calls: Arc<AtomicUsize>,
    go: Arc<Notify>,
}

impl Slow {
    async fn create(&self, value: u64) -> u64 {
        self.calls.fetch_add(1, SeqCst);
        self.go.notified().await;
        value
    }

    fn calls(&self) -> usize {
        self.calls.load(SeqCst)
    }
}

/// Yields until `condition` holds; for current-thread runtimes, where that is enough.
async fn until(condition: impl Fn() -> bool) {
    for _ in 0..100_000 {
        if condition() {
            return;
        }
        yield_now().await;
    }
    panic!("the condition never came true");
}

fn spawn_slow(region: &Numbers, slow: &Slow, value: u64) -> JoinHandle<Result<u64>> {
    let (region, slow) = (region.clone(), slow.clone());
    tokio::spawn(async move { region.get_or_create("k", || slow.create(value)).await })
}

/// A store that can be switched off, made to return nonsense, or stopped in the middle.
#[derive(Default)]
struct Rigged {
    memory: Memory,
    down: AtomicBool,
    garbled: AtomicBool,
    asked: AtomicUsize,
    /// The next read stops with its answer in hand, the next write before it does anything.
    hold_read: AtomicBool,
    hold_write: AtomicBool,
    held: Notify,
    go: Notify,
}

impl Rigged {
    fn check(&self) -> Result<()> {
        self.asked.fetch_add(1, SeqCst);
        if self.down.load(SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "rigged"));
        }
        Ok(())
    }

    async fn hold(&self, armed: &AtomicBool) {
        if armed.swap(false, SeqCst) {
            self.held.notify_one();
            self.go.notified().await;
        }
    }
}

impl Level for Rigged {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        self.check()?;
        self.memory.remove(key).await
    }
}

impl Backend for Rigged {
    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        self.check()?;
        if self.garbled.load(SeqCst) {
            return Ok(Some(Bytes::from_static(b"\xff{not what we wrote")));
        }
        let found = self.memory.get(key).await;
        self.hold(&self.hold_read).await;
        found
    }

    async fn set(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) -> Result<()> {
        self.check()?;
        self.hold(&self.hold_write).await;
        self.memory.set(key, value, opts).await
    }
}

type FlakyRegion = Region<IntTime<Json<Arc<Rigged>>>>;

fn flaky(strict: bool) -> (FlakyRegion, Arc<Rigged>) {
    let store = Arc::new(Rigged::default());
    let stack = Arc::clone(&store).json().int_time();
    (Region::builder(stack).strict(strict).build().unwrap(), store)
}
