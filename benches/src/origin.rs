//! What is cached: a slow source, and how often it was asked.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    time::Duration,
};

use crate::Value;

static ASKED: AtomicU64 = AtomicU64::new(0);
static MILLIS: AtomicU64 = AtomicU64::new(0);
static PANICS: AtomicBool = AtomicBool::new(false);

/// How often the source was asked since the last time this was.
pub fn asked() -> u64 {
    ASKED.swap(0, SeqCst)
}

/// How often it was, so far.
pub fn begun() -> u64 {
    ASKED.load(SeqCst)
}

/// How long it takes from now on, to the millisecond.
pub fn takes(time: Duration) {
    MILLIS.store(u64::try_from(time.as_millis()).expect("not for ever"), SeqCst);
}

/// The next answer is a panic.
pub fn panics_once() {
    PANICS.store(true, SeqCst);
}

/// A creation.
///
/// # Panics
///
/// When told to.
pub async fn ask<V: Value>() -> V {
    ASKED.fetch_add(1, SeqCst);
    let millis = MILLIS.load(SeqCst);
    if millis > 0 {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    assert!(!PANICS.swap(false, SeqCst), "the source panics");
    V::sample()
}
