//! Locks between processes: who of all processes creates.
//!
//! Inside one process the flights of a region see to it that one caller creates. A [`Lock`] as the
//! second parameter of the region extends that to all processes that share the store:
//! `Region<S, RedisLock>`.
//!
//! It is a *lease*: it has an owner, known by a token, and it ends by itself unless it is renewed, so
//! that a process that dies blocks nobody for long. Leases do not make a store correct by themselves
//! (a process may be stopped, lose its lease, and go on), so the token is also a *fence*: a store of
//! the same [`Domain`] refuses a write whose lease is no longer held.
//!
//! Python's dogpile.cache takes part where [`RedisLock`] or [`MemcachedLock`] has its form, and by the lock files
//! of its dbm backend, [`DbmLock`], whose leases end with their process instead.

use std::{
    fmt,
    future::Future,
    hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{Key, KeyBuf, Result};

#[cfg(all(feature = "lock-dbm", unix))]
mod dbm;
#[cfg(all(feature = "backend-file", unix, target_pointer_width = "64"))]
mod file;
mod local;
#[cfg(feature = "backend-memcached")]
mod memcached;
#[cfg(feature = "backend-redis")]
mod redis;
mod seen;
#[cfg(feature = "config")]
mod settings;

#[cfg(all(feature = "lock-dbm", unix))]
pub use self::dbm::{DbmGuard, DbmLock, DbmRwLock};
#[cfg(all(feature = "backend-file", unix, target_pointer_width = "64"))]
pub use self::file::{FileLock, FileLockBuilder};
pub use self::local::Local;
#[cfg(feature = "backend-memcached")]
pub use self::memcached::{MemcachedLock, MemcachedLockBuilder};
#[cfg(feature = "backend-redis")]
pub use self::redis::{RedisClusterLock, RedisLock, RedisLockBuilder, RedisSentinelLock};
pub use self::seen::Seen;

/// Excludes other processes from creating the same keys.
///
/// A region calls it on its cold path only, with the keys that the store keeps
/// ([`Level::stored_key`](crate::Level::stored_key)). Each of the batched methods is one round trip, whatever
/// the number of leases.
///
/// # Consistency
///
/// At most one unexpired lease of a name is held at any moment. [`acquire`](Self::acquire) gives it to
/// one of those who ask while it is free; [`seize`](Self::seize) takes it from whoever holds it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a lock",
    label = "expected `Local`, `RedisLock`, `MemcachedLock`, `FileLock` or `DbmLock`",
    note = "the second parameter of a region is its lock: Region<IntTime<Msgpack<Redis>>, RedisLock>"
)]
pub trait Lock: Clone + Send + Sync + 'static {
    /// Whether other processes are excluded at all. A region never calls a lock that says no.
    fn is_shared(&self) -> bool {
        true
    }

    /// A lease of `key` with a token of its own, not yet held. Asks nobody.
    fn lease(&self, key: Key<'_>) -> Lease;

    /// Takes those of `leases` that are free, and says for each whether it is now held. A lease that
    /// is already held with the same token counts as taken, so that a request may be sent twice.
    ///
    /// # Errors
    ///
    /// When the server cannot be asked; any of the leases may then be held or not.
    fn acquire(&self, leases: &[Lease]) -> impl Future<Output = Result<Vec<bool>>> + Send;

    /// Takes all of `leases`, also from those who hold them: their creations are void. What is held
    /// by a program other than larder, which would not notice, may be left to it.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire).
    fn seize(&self, leases: &[Lease]) -> impl Future<Output = Result<()>> + Send;

    /// Starts the time of held leases anew, and says for each whether it is still held.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire).
    fn renew(&self, leases: &[Lease]) -> impl Future<Output = Result<Vec<bool>>> + Send;

    /// Gives back those of `leases` that are held, and wakes who waits for them. A lease that is not
    /// held (any more) is not touched, whoever has it now.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire).
    fn release(&self, leases: &[Lease]) -> impl Future<Output = Result<()>> + Send;

    /// Waits until the lock of `key` may be free: it was released, or the lease ended. May return too
    /// early, but not never; the caller looks again and sets its own time limit. A lock that can tell
    /// owners apart notes in `seen` who has it, for the caller to know a new owner from an old one that it
    /// was woken for in vain, and returns when that is another one than before.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancellation
    ///
    /// Safe.
    fn released(&self, key: Key<'_>, seen: &mut Seen) -> impl Future<Output = Result<()>> + Send;

    /// Whether somebody, in any process, holds the lock of `key`.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire).
    fn is_locked(&self, key: Key<'_>) -> impl Future<Output = Result<bool>> + Send;

    /// How long a lease lasts unless it is renewed.
    fn lasts(&self) -> Duration;

    /// Which stores check the leases of this lock when they write
    /// ([`WriteOpts::fence`](crate::WriteOpts::fence)).
    fn domain(&self) -> Option<Domain>;
}

/// The claim of one owner on the lock of one key.
#[derive(Clone, PartialEq, Eq)]
pub struct Lease {
    key: KeyBuf,
    name: Box<[u8]>,
    token: Token,
}

impl Lease {
    /// A lease of `key`, whose lock is known to its store as `name`, with a new token.
    #[must_use]
    pub fn new(key: Key<'_>, name: impl Into<Box<[u8]>>) -> Self {
        Self { key: key.to_buf(), name: name.into(), token: Token::unique() }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> Key<'_> {
        self.key.as_key()
    }

    /// The name of the lock in the store that keeps it.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Who the owner is.
    #[must_use]
    pub const fn token(&self) -> Token {
        self.token
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.escape_ascii();
        f.debug_struct("Lease")
            .field("key", &self.key)
            .field("name", &format_args!("{name}"))
            .field("token", &self.token)
            .finish()
    }
}

/// Names the owner of a lease: 32 hexadecimal digits, no two alike.
///
/// The form of a UUID without its dashes, of version 8 where Python's are of version 1. So the owners
/// that are larder can be told from those that are dogpile.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token([u8; 32]);

/// Where the digit of the version stands in a [`Token`].
pub(crate) const VERSION_AT: usize = 12;
/// The version that says larder.
pub(crate) const VERSION: u8 = b'8';

impl Token {
    /// A token that no other process and no other call has.
    #[must_use]
    pub fn unique() -> Self {
        // Unique is enough: a token is no secret, whoever can read it can take the lock anyway.
        static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let scattered = RandomState::new().hash_one(std::process::id());
        let (high, low) = (*PROCESS ^ scattered, PROCESS.wrapping_add(count));
        let mut digits = [0; 32];
        for (at, digit) in digits.iter_mut().enumerate() {
            let word = if at < 16 { high } else { low };
            *digit = b"0123456789abcdef"[(word >> (4 * (at % 16)) & 0xf) as usize];
        }
        digits[VERSION_AT] = VERSION;
        Self(digits)
    }

    /// The digits, in ASCII.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

/// A server or file whose stores and locks see each other, so that one can check the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain(u64);

impl Domain {
    /// The domain of everything that calls itself `name`, such as an address and a database.
    #[must_use]
    pub fn new(name: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        Self(hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn tokens_are_unique_and_say_larder() {
        let tokens: HashSet<Token> = (0..1000).map(|_| Token::unique()).collect();
        assert_eq!(tokens.len(), 1000);
        for token in tokens {
            assert_eq!(token.as_bytes()[VERSION_AT], VERSION);
            assert!(token.as_bytes().iter().all(u8::is_ascii_hexdigit), "{token:?}");
        }
    }
}
