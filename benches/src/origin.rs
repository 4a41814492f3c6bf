//! What is cached: a slow source, and how often it was asked.

use std::{
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    time::Duration,
};

use crate::Value;

static ASKED: AtomicU64 = AtomicU64::new(0);
static MILLIS: AtomicU64 = AtomicU64::new(0);

/// How often the source was asked since the last time this was.
pub fn asked() -> u64 {
    ASKED.swap(0, SeqCst)
}

/// How long it takes from now on.
pub fn takes(time: Duration) {
    MILLIS.store(u64::try_from(time.as_millis()).expect("not for ever"), SeqCst);
}

/// A creation.
pub async fn ask<V: Value>() -> V {
    ASKED.fetch_add(1, SeqCst);
    let millis = MILLIS.load(SeqCst);
    if millis > 0 {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    V::sample()
}
