//! `Metered` counts what happens, and the sums hold; creations are spans.
#![cfg(all(feature = "backend-memory", feature = "codec-json", feature = "observe-metered"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

mod counters;
mod dashboard;
mod exporter;
mod levels;
#[cfg(feature = "backend-redis")]
mod processes;
mod remote;
mod scrape;
mod spans;
mod stampede;
mod sums;
mod timeouts;

use std::time::Duration;

use larder::{ErrorKind, LayerExt, ManualClock, Memo, Metered, Region, RegionBuilder, Timestamp};
use tokio::task::yield_now;

use support::{region::Slow, yielding::until};

type Numbers = Region<Metered<Memo<u64>>>;

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Fresh for 10 s, kept for 20 s, on one manual clock.
fn builder() -> (RegionBuilder<Metered<Memo<u64>>>, ManualClock) {
    let time = ManualClock::new(Timestamp::from_secs(1_000_000));
    let stack = Memo::new().with_clock(time.clock()).metered("numbers");
    (Region::builder(stack).expire_after(secs(10)).clock(time.clock()), time)
}

fn numbers() -> (Numbers, ManualClock) {
    let (builder, time) = builder();
    (builder.build().unwrap(), time)
}

/// Lets all other tasks go on until they wait for something.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

/// What a creator makes of many keys.
fn made(keys: Vec<&str>) -> Vec<(&str, u64)> {
    keys.into_iter().map(|key| (key, 1)).collect()
}

async fn ones(keys: Vec<&str>) -> Vec<(&str, u64)> {
    made(keys)
}
