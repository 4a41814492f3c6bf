//! Keys that dogpile.cache makes of the same calls.
#![cfg(all(
    unix,
    feature = "backend-memory",
    feature = "backend-redis",
    feature = "codec-msgpack",
    feature = "config",
    feature = "key-hashed",
    feature = "macros"
))]

#[cfg(test)]
mod functions;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod live;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
