//! Layers that change keys: what is where in the store, and that locks see the same.
#![cfg(all(
    unix,
    feature = "backend-memory",
    feature = "backend-redis",
    feature = "codec-json",
    feature = "key-hashed"
))]

#[cfg(test)]
mod forwarding;
#[cfg(test)]
mod names;
#[cfg(test)]
mod packed;
#[cfg(test)]
mod shared;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
