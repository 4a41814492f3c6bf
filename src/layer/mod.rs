//! Layers that change where an entry lives.

mod either;
mod hstore;
pub mod keys;
#[cfg(feature = "config")]
mod settings;
mod tiered;

#[cfg(feature = "key-hashed")]
pub use self::keys::{
    Blake3, Hashed, KeyDigest, KeyHash, KeyRules, MemcachedRules, Normal, Normalized, Sha1,
};
pub use self::{
    either::Either,
    hstore::{Always, ExpiryPolicy, Hstore, Never, OnCreate, PerField},
    keys::{
        At, Bucketed, Buckets, KeyMap, KeyWriter, Keyed, Prefix, Prefixed, SplitAt, Version,
        Versioned,
    },
    tiered::{Alone, Changes, Copies, Name, Tiered},
};
