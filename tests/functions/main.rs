//! Cached functions: what is generated works like the region by hand.
#![cfg(all(feature = "macros", feature = "backend-memory", feature = "codec-json"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

mod free;
mod generics;
mod methods;
