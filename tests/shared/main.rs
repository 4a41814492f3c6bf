//! Regions that share a Redis and a lock between processes. Each region stands for a process: it has
//! connections, a lock and flights of its own. Real processes are in `tests/processes`.
#![cfg(all(unix, feature = "backend-redis", feature = "codec-json"))]

#[cfg(test)]
mod dogpile;
#[cfg(test)]
mod expired;
#[cfg(test)]
mod round_trips;
#[cfg(test)]
mod server;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
mod timeouts;
