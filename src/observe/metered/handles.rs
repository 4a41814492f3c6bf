//! The handles through which a meter counts. Looking one up takes longer than a hit, so they are kept.

use std::sync::OnceLock;

use metrics::{Counter, Histogram, counter, histogram};

use super::names;
use crate::{ErrorKind, Event, Happened, Label, Op, Place, RegionEvent};

type Labels = Vec<metrics::Label>;

/// All handles of one meter.
#[derive(Debug)]
pub(super) struct Handles {
    /// Of a meter that watches a whole region.
    pub(super) region: Option<RegionHandles>,
    pub(super) level: LevelHandles,
}

impl Handles {
    /// Registers them with the recorder of this thread; `None` while there is none, so that one that is
    /// installed later is found.
    pub(super) fn register(label: &Label, place: Place) -> Option<Self> {
        // What stands in for a missing recorder has no size. One without a size that does record is
        // registered with each time, and works, too.
        if metrics::with_recorder(|recorder| size_of_val(recorder)) == 0 {
            return None;
        }
        names::describe();
        let region = label.tier.is_none().then(|| RegionHandles::register(label));
        Some(Self { region, level: LevelHandles::register(label, place) })
    }
}

/// What a region makes of its keys.
#[derive(Debug)]
pub(super) struct RegionHandles {
    fresh: Counter,
    stale: Counter,
    misses: Counter,
    creations: Counter,
    creator_failures: Counter,
    waits: Counter,
    undecodable: Counter,
    voided: Counter,
    bypassed: Counter,
    creator_seconds: Histogram,
    wait_seconds: Histogram,
}

impl RegionHandles {
    fn register(label: &Label) -> Self {
        let labels = || vec![metrics::Label::new("region", label.region.clone())];
        let hits = |state| {
            let mut labels = labels();
            labels.push(metrics::Label::from_static_parts("state", state));
            counter!(names::HITS, labels)
        };
        Self {
            fresh: hits("fresh"),
            stale: hits("stale"),
            misses: counter!(names::MISSES, labels()),
            creations: counter!(names::CREATIONS, labels()),
            creator_failures: counter!(names::CREATOR_FAILURES, labels()),
            waits: counter!(names::WAITS, labels()),
            undecodable: counter!(names::UNDECODABLE, labels()),
            voided: counter!(names::VOIDED, labels()),
            bypassed: counter!(names::BYPASSED, labels()),
            creator_seconds: histogram!(names::CREATOR_SECONDS, labels()),
            wait_seconds: histogram!(names::WAIT_SECONDS, labels()),
        }
    }

    #[inline]
    pub(super) fn record(&self, event: &RegionEvent<'_>) {
        if event.what == Happened::Fresh {
            self.fresh.increment(event.count as u64);
        } else {
            self.record_other(event);
        }
    }

    #[cold]
    fn record_other(&self, event: &RegionEvent<'_>) {
        let counter = match event.what {
            Happened::Fresh => &self.fresh,
            Happened::Stale => &self.stale,
            Happened::Miss => &self.misses,
            Happened::Created => &self.creations,
            // One call of a creator, for however many keys.
            Happened::CreatorFailed => {
                self.creator_failures.increment(1);
                return self.creator_took(event);
            }
            Happened::Waited => {
                if let Some(took) = event.took {
                    self.wait_seconds.record(took);
                }
                &self.waits
            }
            Happened::Undecodable => &self.undecodable,
            Happened::Voided => &self.voided,
            Happened::Bypassed => &self.bypassed,
        };
        counter.increment(event.count as u64);
        if event.what == Happened::Created {
            self.creator_took(event);
        }
    }

    fn creator_took(&self, event: &RegionEvent<'_>) {
        if let Some(took) = event.took {
            self.creator_seconds.record(took);
        }
    }
}

/// What the levels below do.
#[derive(Debug)]
pub(super) struct LevelHandles {
    labels: Labels,
    /// Keys found and not found, of one tier. For a whole region it is the region that counts.
    tier: Option<(Counter, Counter)>,
    evictions: Counter,
    errors: Counter,
    // Registered when they are needed: most levels do few of the operations, and many see no bytes.
    seconds: [OnceLock<Histogram>; 6],
    read_bytes: OnceLock<Counter>,
    written_bytes: OnceLock<Counter>,
}

impl LevelHandles {
    fn register(label: &Label, place: Place) -> Self {
        let mut labels = vec![metrics::Label::new("region", label.region.clone())];
        if let Some(tier) = &label.tier {
            labels.push(metrics::Label::new("tier", tier.clone()));
        }
        if !place.name.is_empty() {
            labels.push(metrics::Label::from_static_parts("backend", place.name));
        }
        let of_tier = || {
            (
                counter!(names::TIER_HITS, labels.clone()),
                counter!(names::TIER_MISSES, labels.clone()),
            )
        };
        Self {
            tier: label.tier.is_some().then(of_tier),
            evictions: counter!(names::EVICTIONS, labels.clone()),
            errors: counter!(names::BACKEND_ERRORS, labels.clone()),
            seconds: [const { OnceLock::new() }; 6],
            read_bytes: OnceLock::new(),
            written_bytes: OnceLock::new(),
            labels,
        }
    }

    pub(super) fn record(&self, event: &Event<'_>, timed: bool) {
        if let (Some((hits, misses)), Some(found)) = (&self.tier, event.hits) {
            // What cannot be read is neither.
            let missing = (0..event.keys.len()).filter(|at| event.answer(*at).hit == Some(false));
            hits.increment(found as u64);
            misses.increment(missing.count() as u64);
        }
        if timed {
            self.seconds(event.op).record(event.took);
        }
        if let Some(bytes) = event.bytes {
            self.bytes(event.op).increment(bytes as u64);
        }
        // What cannot be decoded, and what somebody else may write now, says nothing against the store.
        let failed =
            |error: &crate::Error| !error.is_unreadable() && error.kind() != ErrorKind::LeaseLost;
        if event.error.is_some_and(failed) {
            self.errors.increment(1);
        }
    }

    pub(super) fn evicted(&self, count: u64) {
        self.evictions.increment(count);
    }

    fn seconds(&self, op: Op) -> &Histogram {
        self.seconds[op as usize].get_or_init(|| {
            let mut labels = self.labels.clone();
            labels.push(metrics::Label::from_static_parts("op", op.name()));
            histogram!(names::BACKEND_SECONDS, labels)
        })
    }

    fn bytes(&self, op: Op) -> &Counter {
        let (handle, name) = match op {
            Op::Set | Op::SetMulti => (&self.written_bytes, names::WRITTEN_BYTES),
            _ => (&self.read_bytes, names::READ_BYTES),
        };
        handle.get_or_init(|| counter!(name, self.labels.clone()))
    }
}
