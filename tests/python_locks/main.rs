//! Locks and hashes that larder and Python share: each test is both, at one server or one file.

#![cfg(all(
    unix,
    feature = "backend-memcached",
    feature = "backend-redis",
    feature = "codec-json",
    feature = "codec-pickle",
    feature = "format-dogpile",
    feature = "lock-dbm",
    feature = "key-hashed"
))]

#[cfg(test)]
mod dbm;
#[cfg(test)]
mod hashes;
#[cfg(test)]
mod memcached;
#[cfg(test)]
mod python;
#[cfg(test)]
mod redis;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod storm;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
