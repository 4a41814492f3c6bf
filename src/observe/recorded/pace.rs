//! What happened in each of the last seconds.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Figures;

/// For how many seconds counts are kept.
const SECONDS: usize = 64;
/// How many of them are looked at, the one that runs among them; the others are those that are overwritten
/// while somebody looks.
pub(super) const MINUTE: u64 = 61;

/// The counts of the last seconds. Where one second ends and another one begins, a few may be lost.
#[derive(Debug)]
pub(super) struct Pace([Second; SECONDS]);

#[derive(Debug, Default)]
struct Second {
    /// Which one, from 1.
    number: AtomicU64,
    calls: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How much there was in one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Beat {
    /// Operations, batches counting as one.
    pub calls: u64,
    /// Keys that were found.
    pub hits: u64,
    /// Keys that were not.
    pub misses: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Second::default()))
    }
}

impl Pace {
    pub(super) fn add(&self, second: u64, figures: &Figures) {
        let slot = self.slot(second);
        let number = slot.number.load(Relaxed);
        if number != second + 1
            && slot.number.compare_exchange(number, second + 1, Relaxed, Relaxed).is_ok()
        {
            for count in [&slot.calls, &slot.hits, &slot.misses] {
                count.store(0, Relaxed);
            }
        }
        slot.calls.fetch_add(figures.calls, Relaxed);
        slot.hits.fetch_add(figures.hits, Relaxed);
        slot.misses.fetch_add(figures.misses, Relaxed);
    }

    pub(super) fn read(&self, second: u64) -> Beat {
        let slot = self.slot(second);
        if slot.number.load(Relaxed) != second + 1 {
            return Beat::default();
        }
        let read = |count: &AtomicU64| count.load(Relaxed);
        Beat { calls: read(&slot.calls), hits: read(&slot.hits), misses: read(&slot.misses) }
    }

    pub(super) fn clear(&self) {
        self.0.iter().for_each(|slot| slot.number.store(0, Relaxed));
    }

    fn slot(&self, second: u64) -> &Second {
        &self.0[usize::try_from(second).unwrap_or(0) % SECONDS]
    }
}
