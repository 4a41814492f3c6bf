//! Layers that change where an entry lives.

mod either;
mod hstore;
#[cfg(feature = "config")]
mod settings;

pub use self::{
    either::Either,
    hstore::{Always, ExpiryPolicy, Hstore, Never, OnCreate},
};
