use std::{fmt, time::Duration};

use crate::Timestamp;

/// What a stack keeps beside a value.
// Two words: every hit moves it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// Microseconds since the epoch, or `NO_TIME`.
    created_at: i64,
    /// Microseconds, or `NO_TTL`.
    ttl: u64,
}

const NO_TIME: i64 = i64::MIN;
const NO_TTL: u64 = u64::MAX;

impl Meta {
    /// Metadata of a value created at `created_at`, without a lifetime of its own.
    #[must_use]
    pub const fn new(created_at: Timestamp) -> Self {
        Self { created_at: created_at.as_micros(), ttl: NO_TTL }
    }

    /// No metadata at all.
    #[must_use]
    pub const fn none() -> Self {
        Self { created_at: NO_TIME, ttl: NO_TTL }
    }

    /// The same with a lifetime of its own, in place of the region's `expire_after`; kept in
    /// whole microseconds, rounded up. A lifetime of half a million years or more is none.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Option<Duration>) -> Self {
        self.ttl = micros(ttl);
        self
    }

    /// When the creation of the value began. `None` where the format keeps no time
    /// ([`NoMeta`](crate::NoMeta)).
    #[must_use]
    pub const fn created_at(&self) -> Option<Timestamp> {
        match self.created_at {
            NO_TIME => None,
            micros => Some(Timestamp::from_micros(micros)),
        }
    }

    /// The entry's own logical lifetime, if it has one.
    #[must_use]
    pub const fn ttl(&self) -> Option<Duration> {
        match self.ttl {
            NO_TTL => None,
            micros => Some(Duration::from_micros(micros)),
        }
    }
}

// Hits compare plain microseconds: a `Duration` would have to be divided into its parts first.
impl Meta {
    /// The time of creation; the earliest there is if none is kept.
    #[inline]
    pub(crate) const fn stamp(&self) -> Timestamp {
        Timestamp::from_micros(self.created_at)
    }

    /// Whether, at `now`, the entry is no older than its own lifetime, or else that of `limit` (from
    /// [`age_limit`]). An entry without a time always is. By [`NEVER_FRESH`] none is.
    #[inline]
    pub(crate) fn is_fresh(&self, limit: u64, now: impl FnOnce() -> Timestamp) -> bool {
        let limit = match self.ttl {
            NO_TTL => limit,
            _ if limit == NEVER_FRESH => NEVER_FRESH,
            own => own.saturating_add(1),
        };
        if limit == NO_TTL {
            return true;
        }
        if self.created_at == NO_TIME {
            return limit != NEVER_FRESH;
        }
        let age = now().as_micros().saturating_sub(self.created_at);
        // A clock that was set back makes entries younger than nothing.
        u64::try_from(age).unwrap_or(0) < limit
    }
}

/// The limit by which no entry is fresh, for handles that have to look twice.
pub(crate) const NEVER_FRESH: u64 = 0;

/// A lifetime in the form that [`Meta::is_fresh`] compares with: the first age that is too old.
pub(crate) fn age_limit(lifetime: Option<Duration>) -> u64 {
    micros(lifetime).saturating_add(1)
}

fn micros(lifetime: Option<Duration>) -> u64 {
    lifetime.map_or(NO_TTL, |lifetime| {
        u64::try_from(lifetime.as_nanos().div_ceil(1_000)).unwrap_or(NO_TTL)
    })
}

impl fmt::Debug for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meta")
            .field("created_at", &self.created_at())
            .field("ttl", &self.ttl())
            .finish()
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
