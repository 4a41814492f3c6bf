use std::{sync::Arc, time::Duration};

use super::{Inner, RedisLock, watch::Watch};
use crate::{
    Redis, Result,
    backend::redis::{Direct, Wire, config, millis},
};

pub(super) const PREFIX: &str = "larder:lock:";
const DOGPILE_PREFIX: &str = "_lock";
const LEASE: Duration = Duration::from_secs(5);
const SHORTEST_LEASE: Duration = Duration::from_millis(100);
const POLL: Duration = Duration::from_secs(1);
const SHORTEST_POLL: Duration = Duration::from_millis(10);

/// Settings of a [`RedisLock`]; made by [`RedisLock::builder`].
#[must_use = "a builder does nothing until `build`"]
#[derive(Clone, Debug)]
pub struct RedisLockBuilder<W: Wire = Direct> {
    redis: Redis<W>,
    prefix: Option<String>,
    dogpile: bool,
    lease: Duration,
    poll: Duration,
}

impl<W: Wire> RedisLockBuilder<W> {
    pub(super) fn new(redis: &Redis<W>) -> Self {
        Self { redis: redis.clone(), prefix: None, dogpile: false, lease: LEASE, poll: POLL }
    }

    /// What the names of locks begin with; the key follows. Default: `larder:lock:`, and in
    /// [dogpile's form](Self::dogpile) `_lock`. Keys of entries may not begin with it.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// How long a lease lasts unless it is renewed: so long a process that died blocks the others.
    /// Default: 5 s; at least 100 ms.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How often a wait looks although the server said nothing, in case that a push was lost.
    /// Default: 1 s; at least 10 ms.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll = interval;
        self
    }

    /// Locks in the form of dogpile.cache, so that larder and Python exclude each other; see
    /// [`RedisLock`](RedisLock#together-with-python).
    pub fn dogpile(mut self) -> Self {
        self.dogpile = true;
        self
    }

    /// The lock. Does not connect.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](crate::ErrorKind::Config), when the prefix is empty (or, in dogpile's form,
    /// one that dogpile refuses), or the lease or the poll interval is too short. In a cluster also
    /// when dogpile's form is asked for, or the prefix has a `{`.
    pub fn build(self) -> Result<RedisLock<W>> {
        let default = if self.dogpile { DOGPILE_PREFIX } else { PREFIX };
        let prefix = self.prefix.clone().unwrap_or_else(|| default.to_owned());
        if prefix.is_empty() {
            return Err(config("a lock without a prefix would have the name of the entry"));
        }
        if self.dogpile && !suits_dogpile(&prefix) {
            return Err(config(
                "dogpile takes prefixes of 2 to 10 letters, digits, '_', '-', '.' and ':'",
            ));
        }
        if W::HAS_SLOTS && self.dogpile {
            return Err(config(
                "in a cluster a lock of dogpile's form lies in another slot than its entry, and could \
                 not fence it; leave `dogpile()` away",
            ));
        }
        if W::HAS_SLOTS && prefix.contains('{') {
            return Err(config("in a cluster a lock prefix has no '{', which would set the slot"));
        }
        if self.lease < SHORTEST_LEASE {
            return Err(config("a lease of less than 100 ms would end before it is renewed"));
        }
        if self.poll < SHORTEST_POLL {
            return Err(config("a poll interval of less than 10 ms is a load without a use"));
        }
        Ok(self.lock(&prefix))
    }

    pub(super) fn lock(self, prefix: &str) -> RedisLock<W> {
        RedisLock(Arc::new(Inner {
            watch: Watch::new(&self.redis, self.poll),
            redis: self.redis,
            prefix: prefix.into(),
            dogpile: self.dogpile,
            lease: Duration::from_millis(millis(self.lease)),
        }))
    }
}

/// Whether dogpile has it: `^[\w\-\.\:]{2,10}$`.
fn suits_dogpile(prefix: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || "_-.:".contains(c);
    prefix.chars().all(fits) && (2..=10).contains(&prefix.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn refuses_what_makes_no_sense() {
        let builder = || RedisLock::builder(&Redis::new("redis://localhost").unwrap());
        for refused in [
            builder().prefix(""),
            builder().dogpile().prefix(""),
            builder().dogpile().prefix("_"),
            builder().prefix("_lock of me").dogpile(),
            builder().dogpile().prefix("_lock678901"),
            builder().lease(Duration::from_millis(99)),
            builder().poll_interval(Duration::ZERO),
        ] {
            let error = refused.clone().build().expect_err("should be refused");
            assert_eq!((error.kind(), error.layer()), (ErrorKind::Config, "redis"), "{refused:?}");
        }
        for accepted in [
            builder().prefix("any prefix goes without dogpile"),
            builder().dogpile().prefix("_l"),
            builder().dogpile().prefix("a.b-c:d_é1"),
            builder().lease(Duration::from_millis(100)).poll_interval(Duration::MAX),
            builder().lease(Duration::MAX),
        ] {
            assert!(accepted.clone().build().is_ok(), "{accepted:?}");
        }
    }
}
