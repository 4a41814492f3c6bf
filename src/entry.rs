use std::time::Duration;

use crate::Timestamp;

/// What a stack keeps beside a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meta {
    /// When the creation of the value began. `None` where the format keeps no time
    /// ([`NoMeta`](crate::NoMeta)).
    pub created_at: Option<Timestamp>,
    /// The entry's own logical lifetime, in place of the region's `expire_after`.
    pub ttl: Option<Duration>,
}

impl Meta {
    /// Metadata of a value created at `created_at`, without a lifetime of its own.
    #[must_use]
    pub const fn new(created_at: Timestamp) -> Self {
        Self { created_at: Some(created_at), ttl: None }
    }

    /// No metadata at all.
    #[must_use]
    pub const fn none() -> Self {
        Self { created_at: None, ttl: None }
    }

    /// The same with a lifetime of its own.
    #[must_use]
    pub const fn with_ttl(mut self, ttl: Option<Duration>) -> Self {
        self.ttl = ttl;
        self
    }
}

/// A value with its metadata: what level 3 moves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<T> {
    /// The cached value.
    pub value: T,
    /// What is known about it.
    pub meta: Meta,
}

impl<T> Entry<T> {
    /// An entry from its parts.
    pub const fn new(value: T, meta: Meta) -> Self {
        Self { value, meta }
    }
}
