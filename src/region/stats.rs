use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Happened, RegionEvent, Timestamp, seldom::Seldom};

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
    /// it, after they had waited for too long, or because the creator failed.
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
    creations: Counter,
    failures: Counter,
    shared: Counter,
    stale: Counter,
    voided: Counter,
    unreadable: Counter,
    bypassed: Counter,
    warned: Seldom,
}

#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Counter {
    fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    pub(super) fn count(&self, event: &RegionEvent<'_>) {
        match event.what {
            Happened::Fresh | Happened::Miss => {}
            Happened::Stale => self.stale.add(event.count),
            Happened::Created => self.creations.add(event.count),
            Happened::CreatorFailed => self.failures.add(1),
            Happened::Waited => self.shared.add(event.count),
            Happened::Undecodable => self.unreadable.add(event.count),
            Happened::Voided => self.voided.add(event.count),
            Happened::Bypassed => self.bypassed.add(event.count),
        }
    }

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
