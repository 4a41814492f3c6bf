//! Layers that change where an entry lives.

mod hstore;

pub use self::hstore::{Always, ExpiryPolicy, Hstore, Never, OnCreate};
