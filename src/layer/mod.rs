//! Layers that change where an entry lives.

mod hstore;
pub mod keys;

pub use self::hstore::{Always, ExpiryPolicy, Hstore, Never, OnCreate};
#[cfg(feature = "key-hashed")]
pub use self::keys::{
    Blake3, Hashed, KeyDigest, KeyHash, KeyRules, MemcachedRules, Normal, Normalized, Sha1,
};
pub use self::keys::{KeyMap, KeyWriter, Keyed, Prefix, Prefixed, Version, Versioned};
