//! What the integration tests share.

#![allow(dead_code, reason = "each test binary uses its own part of it")]

pub(crate) mod hex;
pub(crate) mod memcached_server;
pub(crate) mod proxy;
pub(crate) mod python;
pub(crate) mod redis_cluster;
pub(crate) mod redis_sentinel;
pub(crate) mod redis_server;
#[cfg(feature = "codec-json")]
pub(crate) mod region;
pub(crate) mod yielding;

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// How long a condition may take to come true, on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Polls `probe` until it gives a value.
///
/// # Panics
///
/// When it gives none for [`DEADLINE`].
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut probe: impl FnMut() -> F,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
