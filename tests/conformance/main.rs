//! The suites of `larder::testing` on everything that is ours, and on what is broken on purpose.
#![cfg(all(
    unix,
    feature = "backend-memory",
    feature = "codec-json",
    feature = "codec-msgpack",
    feature = "codec-postcard"
))]
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

mod apart;
mod broken;
mod broken_locks;
mod broken_stores;
mod desk;
#[cfg(feature = "key-hashed")]
mod keys;
mod ours;
mod shelf;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
