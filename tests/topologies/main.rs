//! The same promises on every server and every way to one: single servers, clusters and sentinels;
//! and what happens when parts of them fail.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]
#![cfg(all(unix, feature = "backend-redis", feature = "codec-json"))]

mod cluster;
mod cluster_failures;
mod sentinel;
mod servers;
mod suites;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(feature = "backend-memory")]
mod tracking;
mod traffic;
