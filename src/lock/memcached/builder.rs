use std::{sync::Arc, time::Duration};

use super::{Inner, MemcachedLock};
use crate::{
    Memcached, Result,
    backend::memcached::{config, seconds},
};

const PREFIX: &str = "larder:lock:";
const DOGPILE_PREFIX: &str = "_lock";
const LEASE: Duration = Duration::from_secs(5);
const SHORTEST_LEASE: Duration = Duration::from_secs(1);

/// Settings of a [`MemcachedLock`]; made by [`MemcachedLock::builder`].
#[must_use = "a builder does nothing until `build`"]
#[derive(Clone, Debug)]
pub struct MemcachedLockBuilder {
    memcached: Memcached,
    prefix: Option<String>,
    dogpile: bool,
    lease: Duration,
}

impl MemcachedLockBuilder {
    pub(super) fn new(memcached: &Memcached) -> Self {
        Self { memcached: memcached.clone(), prefix: None, dogpile: false, lease: LEASE }
    }

    /// What the names of locks begin with; the key follows. Default: `larder:lock:`, and in
    /// [dogpile's form](Self::dogpile) `_lock`, the only one that dogpile has. Keys of entries may not begin
    /// with it.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// How long a lease lasts unless it is renewed: so long a process that died blocks the others, and up
    /// to a second longer. In whole seconds, rounded up. Default: 5 s; at least 1 s.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Locks in the form of dogpile.cache, so that larder and Python exclude each other; see
    /// [`MemcachedLock`](MemcachedLock#together-with-python).
    pub fn dogpile(mut self) -> Self {
        self.dogpile = true;
        self
    }

    /// The lock. Does not connect.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](crate::ErrorKind::Config), when the prefix is empty or the lease too short.
    pub fn build(self) -> Result<MemcachedLock> {
        if self.prefix.as_ref().is_some_and(String::is_empty) {
            return Err(config("a lock without a prefix would have the name of the entry"));
        }
        if self.lease < SHORTEST_LEASE {
            return Err(config("memcached counts in seconds: give a lease one second or more"));
        }
        Ok(self.lock())
    }

    pub(super) fn lock(self) -> MemcachedLock {
        let lease = Duration::from_secs(seconds(self.lease));
        let default = if self.dogpile { DOGPILE_PREFIX } else { PREFIX };
        MemcachedLock(Arc::new(Inner {
            memcached: self.memcached,
            prefix: self.prefix.unwrap_or_else(|| default.to_owned()).into(),
            dogpile: self.dogpile,
            lease,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, Lock};

    #[test]
    fn refuses_what_makes_no_sense() {
        let builder = || MemcachedLock::builder(&Memcached::new("memcached://h").unwrap());
        for refused in [
            builder().prefix(""),
            builder().dogpile().prefix(""),
            builder().lease(Duration::from_millis(999)),
        ] {
            let error = refused.clone().build().expect_err("should be refused");
            assert_eq!((error.kind(), error.layer()), (ErrorKind::Config, "memcached"));
        }
        for (lease, lasts) in [(1000, 1), (1001, 2), (5000, 5)] {
            let lock = builder().lease(Duration::from_millis(lease)).build().unwrap();
            assert_eq!(lock.lasts(), Duration::from_secs(lasts));
        }
        builder().lease(Duration::MAX).build().unwrap();
    }

    #[test]
    fn names_obey_the_rules_and_differ() {
        let lock = MemcachedLock::new(&Memcached::new("memcached://h").unwrap());
        let name = |key: crate::Key<'_>| String::from_utf8(lock.lease(key).name().into()).unwrap();
        assert_eq!(name("user:15".into()), "larder:lock:user:15");
        assert_eq!(name(("user-15", "posts").into()), "larder:lock:user-15%.posts");
        assert_eq!(name("two words".into()), "larder:lock:two%20words");
        let (long, longer) = ("x".repeat(238), "x".repeat(239));
        assert_eq!(name((&long).into()).len(), 250);
        assert!(name((&longer).into()).len() <= 250);
        assert_ne!(name((&longer).into()), name((&(longer.clone() + "x")).into()));
    }

    #[test]
    fn dogpile_has_the_names_that_its_clients_send() {
        let builder = MemcachedLock::builder(&Memcached::new("memcached://h").unwrap());
        let lock = builder.dogpile().build().unwrap();
        let name = |key: crate::Key<'_>| String::from_utf8(lock.lease(key).name().into()).unwrap();
        let longest = "x".repeat(245);
        for key in ["k", "100%", "two%20words", "larder:lock:k", "\u{e9}", &longest] {
            assert_eq!(name(key.into()), format!("_lock{key}"));
        }
        // These no client of Python can send.
        assert_eq!(name("two words".into()), "_locktwo%20words");
        assert_eq!(name(("h", "f").into()), "_lockh%.f");
        assert_eq!(name((&"x".repeat(246)).into()).len(), 250);
    }
}
