use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Timestamp, seldom::Seldom};

/// What a region did besides handing out fresh values, since it was made; from
/// [`Region::stats`](crate::Region::stats).
///
/// Fresh hits are not counted here, because they would pay for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Values created by calling a creator.
    pub creations: u64,
    /// Creators that returned an error, those in the background included.
    pub failures: u64,
    /// Callers served by a creation they waited for: its value or its error.
    pub shared: u64,
    /// Callers given a stale value because another one, here or in another process, was refreshing
    /// it, or after they had waited for too long.
    pub stale: u64,
    /// Created values not stored, because the key was written, deleted or invalidated in the meantime,
    /// another caller took over, or the lease was lost. A batch that lost several leases to the store
    /// counts once.
    pub voided: u64,
    /// Entries whose bytes could not be decoded, treated as misses.
    pub unreadable: u64,
    /// Failures of the store and of the lock, worked around by creating without them, and values that
    /// the store could not take.
    pub bypassed: u64,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) creations: Counter,
    pub(super) failures: Counter,
    pub(super) shared: Counter,
    pub(super) stale: Counter,
    pub(super) voided: Counter,
    pub(super) unreadable: Counter,
    pub(super) bypassed: Counter,
    warned: Seldom,
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    pub(super) fn stats(&self) -> Stats {
        Stats {
            creations: self.creations.read(),
            failures: self.failures.read(),
            shared: self.shared.read(),
            stale: self.stale.read(),
            voided: self.voided.read(),
            unreadable: self.unreadable.read(),
            bypassed: self.bypassed.read(),
        }
    }

    /// Logs an error that no caller gets to see, at most once a second.
    pub(super) fn warn(&self, error: &Error, now: Timestamp) {
        if !self.warned.is_due(now) {
            return;
        }
        let error = error as &(dyn std::error::Error + 'static);
        tracing::warn!(
            error,
            unreadable = self.unreadable.read(),
            bypassed = self.bypassed.read(),
            "the cache failed and the call goes on without it"
        );
    }
}
