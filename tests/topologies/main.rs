//! The same promises on every server and every way to one: single servers, clusters and sentinels;
//! and what happens when parts of them fail.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]
#![cfg(all(unix, feature = "backend-redis", feature = "codec-json"))]

#[cfg(test)]
mod cluster;
#[cfg(test)]
mod cluster_failures;
#[cfg(test)]
mod sentinel;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod suites;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(all(test, feature = "backend-memory"))]
mod tracking;
#[cfg(test)]
mod traffic;
