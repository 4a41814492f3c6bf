//! Layers that change keys: what is where in the store, and that locks see the same.
#![cfg(all(feature = "backend-memory", feature = "codec-json", feature = "key-hashed"))]

#[cfg(test)]
mod forwarding;
#[cfg(test)]
mod names;
#[cfg(all(test, unix, feature = "backend-redis"))]
mod shared;
#[cfg(all(test, unix))]
#[path = "../support/mod.rs"]
mod support;
