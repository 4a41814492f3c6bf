//! Regions of several real processes over one store, with a lock between them: storms on cold keys,
//! writes during creations, owners that are killed or stopped.
//!
//! What needs no process of its own to go wrong is in `tests/shared` and `tests/defects`.
#![cfg(all(
    unix,
    target_pointer_width = "64",
    feature = "backend-file",
    feature = "backend-redis",
    feature = "codec-json"
))]

#[cfg(test)]
mod child;
#[cfg(test)]
mod owners;
#[cfg(test)]
mod process;
#[cfg(test)]
mod storms;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
mod writes;
