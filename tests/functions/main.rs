//! Cached functions: what is generated works like the region by hand.
#![cfg(all(feature = "macros", feature = "backend-memory", feature = "codec-json"))]
#![expect(clippy::unwrap_used, reason = "a failing test panics")]
#![expect(clippy::unused_async, reason = "what would be slow work")]

use std::time::Duration;

mod batches;
#[cfg(feature = "config")]
mod declared;
mod failures;
pub mod forms;
mod free;
mod generics;
mod keys;
#[cfg(feature = "key-hashed")]
mod layered;
mod methods;
mod options;
mod returns;
mod spawned;
mod wishes;

/// The error of a function that knows nothing of caches.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refused;

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}
