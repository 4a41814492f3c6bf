use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::{
    Beat, Figures, Latency, Totals,
    latency::Histogram,
    pace::{MINUTE, Pace},
};
use crate::{Happened, Label, Op, Place, RegionEvent};

/// Everything that recorders of one label over one place have seen, in figures.
#[derive(Debug)]
pub struct Series {
    label: Label,
    place: Place,
    ops: [OpSeries; Op::ALL.len()],
    told: [Told; Happened::ALL.len()],
    evicted: AtomicU64,
    pace: Pace,
}

#[derive(Debug, Default)]
struct OpSeries {
    calls: AtomicU64,
    nanos: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
    bytes: AtomicU64,
    errors: AtomicU64,
    latency: Histogram,
}

#[derive(Debug, Default)]
struct Told {
    count: AtomicU64,
    latency: Histogram,
}

impl Series {
    pub(super) fn new(label: Label, place: Place) -> Self {
        Self {
            label,
            place,
            ops: Default::default(),
            told: Default::default(),
            evicted: AtomicU64::new(0),
            pace: Pace::default(),
        }
    }

    /// Whose it is.
    #[must_use]
    pub const fn label(&self) -> &Label {
        &self.label
    }

    /// Where the entries are kept.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.place
    }

    /// Whether anything was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ops.iter().all(|op| op.calls.load(Relaxed) == 0)
            && self.told.iter().all(|told| told.count.load(Relaxed) == 0)
    }

    /// The figures of each kind of operation.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals::read(|op| self.ops[op.at()].read())
    }

    /// How long operations of one kind took.
    #[must_use]
    pub fn latency(&self, op: Op) -> Latency {
        self.ops[op.at()].latency.read()
    }

    /// How many keys the region told this of; for [`Created`](Happened::Created) how many values.
    #[must_use]
    pub fn told(&self, what: Happened) -> u64 {
        self.told[what.at()].count.load(Relaxed)
    }

    /// How long it took, for what is told with its time: creators and waits.
    #[must_use]
    pub fn told_latency(&self, what: Happened) -> Latency {
        self.told[what.at()].latency.read()
    }

    /// How many entries the stack has dropped for want of room, since it was made.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Relaxed)
    }

    /// The last minute, second by second; the last one is not over.
    pub(super) fn beats(&self, now: u64) -> impl Iterator<Item = Beat> {
        let first = (now + 1).saturating_sub(MINUTE);
        (first..=now).map(|second| self.pace.read(second))
    }

    pub(super) fn count(&self, op: Op, figures: &Figures, evicted: u64, second: u64) {
        self.ops[op.at()].add(figures);
        self.pace.add(second, figures);
        if evicted > 0 {
            self.evicted.fetch_max(evicted, Relaxed);
        }
    }

    pub(super) fn hear(&self, event: &RegionEvent<'_>) {
        let told = &self.told[event.what.at()];
        // A creator fails once, for however many keys.
        let count = if event.what == Happened::CreatorFailed { 1 } else { event.count as u64 };
        told.count.fetch_add(count, Relaxed);
        if let Some(took) = event.took {
            told.latency.add(nanos(took));
        }
    }

    pub(super) fn clear(&self) {
        self.ops.iter().for_each(OpSeries::clear);
        for told in &self.told {
            told.count.store(0, Relaxed);
            told.latency.clear();
        }
        self.pace.clear();
    }
}

impl OpSeries {
    fn add(&self, figures: &Figures) {
        let took = nanos(figures.took);
        let sums = [
            (&self.calls, figures.calls),
            (&self.nanos, took),
            (&self.hits, figures.hits),
            (&self.misses, figures.misses),
            (&self.bytes, figures.bytes),
            (&self.errors, figures.errors),
        ];
        for (sum, more) in sums {
            if more > 0 {
                sum.fetch_add(more, Relaxed);
            }
        }
        self.latency.add(took);
    }

    fn read(&self) -> Figures {
        Figures {
            calls: self.calls.load(Relaxed),
            took: Duration::from_nanos(self.nanos.load(Relaxed)),
            hits: self.hits.load(Relaxed),
            misses: self.misses.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            errors: self.errors.load(Relaxed),
        }
    }

    fn clear(&self) {
        let sums = [&self.calls, &self.nanos, &self.hits, &self.misses, &self.bytes, &self.errors];
        for sum in sums {
            sum.store(0, Relaxed);
        }
        self.latency.clear();
    }
}

fn nanos(took: Duration) -> u64 {
    took.as_nanos().try_into().unwrap_or(u64::MAX)
}
