//! What calls of a region may answer.
//!
//! Everything that happens has a number. A value is *over* for a call if something replaced or invalidated it that
//! began after it was there and had ended when the call began; whatever overlaps may be seen in either order.

use std::{task::Waker, time::Duration};

use larder::{ManualClock, OnTimeout, Timestamp};
use tokio::time::Instant;

use super::{KEYS, PATIENCE};

/// Stands for what has not ended.
const UNDER_WAY: u64 = u64::MAX;

/// How a creation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, arbitrary::Arbitrary)]
pub(super) enum End {
    Value,
    /// A value that is not stored.
    NotStored,
    /// There is nothing.
    Nothing,
    Error,
    Panic,
}

/// Who asks, and since when.
#[derive(Clone, Copy)]
pub(super) struct Window {
    begun: u64,
    clock: Timestamp,
    since: Instant,
}

struct Value {
    key: usize,
    /// When nothing from before it can have made it: the beginning of a creation, the end of a write.
    there: u64,
    /// The clock when a creation began, or a write was over; its age counts from that or earlier.
    stamp: Timestamp,
    ttl: Duration,
    stored: bool,
}

/// A write, a removal or an invalidation.
struct Change {
    keys: Vec<usize>,
    process: usize,
    begun: u64,
    /// When it was done.
    ended: u64,
    /// When it was done or dropped.
    over: u64,
    /// Only for those who want something fresh.
    is_soft: bool,
    invalidates: bool,
}

struct Creation {
    /// Since when the call runs that it is made by.
    call: Window,
    keys: Vec<usize>,
    process: usize,
    begun: u64,
    stamp: Timestamp,
    ended: u64,
    told: Option<End>,
    waker: Option<Waker>,
    has_failed: bool,
}

pub(super) struct Model {
    pub(super) clock: ManualClock,
    pub(super) processes: usize,
    pub(super) on_timeout: OnTimeout,
    /// From now on all creations end by themselves.
    pub(super) is_closing: bool,
    now: u64,
    start: Instant,
    values: Vec<Value>,
    changes: Vec<Change>,
    creations: Vec<Creation>,
    /// When the lease of a key was lost last.
    lost: [u64; KEYS.len()],
}

impl Model {
    pub(super) fn new(clock: ManualClock, processes: usize, on_timeout: OnTimeout) -> Self {
        Self {
            clock,
            processes,
            on_timeout,
            is_closing: false,
            now: 0,
            start: Instant::now(),
            values: Vec::new(),
            changes: Vec::new(),
            creations: Vec::new(),
            lost: [0; KEYS.len()],
        }
    }

    fn next(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    fn time(&self) -> Timestamp {
        self.clock.clock().now()
    }

    pub(super) fn window(&mut self) -> Window {
        Window { begun: self.next(), clock: self.time(), since: Instant::now() }
    }

    fn value(&mut self, key: usize, there: u64, stamp: Timestamp, ttl: Duration) -> u64 {
        self.values.push(Value { key, there, stamp, ttl, stored: true });
        self.values.len() as u64 - 1
    }

    /// A value that is about to be written.
    pub(super) fn written(&mut self, key: usize, ttl: Duration) -> u64 {
        self.value(key, UNDER_WAY, self.time(), ttl)
    }

    pub(super) fn change(&mut self, process: usize, keys: &[usize]) -> usize {
        let begun = self.next();
        let (keys, is_soft, invalidates) = (keys.to_vec(), false, false);
        let (ended, over) = (UNDER_WAY, UNDER_WAY);
        let change = Change { keys, process, begun, ended, over, is_soft, invalidates };
        self.changes.push(change);
        self.changes.len() - 1
    }

    pub(super) fn invalidation(&mut self, process: usize, is_soft: bool) -> usize {
        let at = self.change(process, &[0, 1, 2]);
        (self.changes[at].is_soft, self.changes[at].invalidates) = (is_soft, true);
        at
    }

    pub(super) fn changed(&mut self, at: usize) {
        self.changes[at].ended = self.next();
        self.changes[at].over = self.now;
    }

    /// A change that writes these values is over, perhaps because it was dropped.
    pub(super) fn change_ends(&mut self, at: usize, values: &[u64]) {
        let (now, time) = (self.next(), self.time());
        self.changes[at].over = now;
        for value in values {
            let value = &mut self.values[place(*value)];
            (value.there, value.stamp) = (now, time);
        }
    }

    pub(super) fn lose(&mut self, key: usize) {
        self.lost[key] = self.next();
    }

    /// The creator of a call begins: no other one may be at these keys, or one of them was voided or too
    /// slow; perhaps before it began.
    pub(super) fn creation(&mut self, window: Window, process: usize, keys: &[usize]) -> usize {
        for key in keys {
            let running = self.creations.iter().filter(|other| other.ended == UNDER_WAY);
            for other in running.filter(|other| other.keys.contains(key)) {
                let is_void = self.is_void(other.call.begun, other.call.since, other.process, *key)
                    || self.is_void(window.begun, window.since, process, *key);
                assert!(is_void, "two at {} at a time", KEYS[*key]);
            }
        }
        let begun = self.next();
        self.creations.push(Creation {
            call: window,
            keys: keys.to_vec(),
            process,
            begun,
            stamp: self.time(),
            ended: UNDER_WAY,
            told: None,
            waker: None,
            has_failed: false,
        });
        self.creations.len() - 1
    }

    /// Whether what began then has lost its right to create `key` in its process.
    fn is_void(&self, begun: u64, since: Instant, process: usize, key: usize) -> bool {
        // Of two processes whose time is up together, one may take over from the other.
        let has_waited = since.elapsed() >= PATIENCE || self.processes > 1 && !self.is_patient();
        let too_slow = self.on_timeout == OnTimeout::Create && has_waited;
        let voids = |change: &Change| {
            let is_known = !change.invalidates || change.process == process;
            change.over > begun && change.keys.contains(&key) && is_known
        };
        too_slow || self.lost[key] > begun || self.changes.iter().any(voids)
    }

    /// How a creation is told to end, if it is.
    pub(super) fn told(&mut self, at: usize, waker: &Waker) -> Option<End> {
        let creation = &mut self.creations[at];
        creation.waker = Some(waker.clone());
        creation.told.or(self.is_closing.then_some(End::Value))
    }

    /// The values that a creation made.
    pub(super) fn created(&mut self, at: usize, ttl: Duration, stored: bool) -> Vec<Option<u64>> {
        let Creation { begun, stamp, .. } = self.creations[at];
        let keys = self.creations[at].keys.clone();
        let made = keys.into_iter().map(|key| {
            let value = self.value(key, begun, stamp, ttl);
            self.values[place(value)].stored = stored;
            Some(value)
        });
        made.collect()
    }

    pub(super) fn is_stored(&self, value: u64) -> bool {
        self.values[place(value)].stored
    }

    pub(super) fn failed(&mut self, at: usize) {
        self.creations[at].has_failed = true;
    }

    /// A creator has ended, or was dropped.
    pub(super) fn creation_ends(&mut self, at: usize) {
        self.creations[at].ended = self.next();
    }

    /// Tells the `n`th of the creations that are running how to end.
    pub(super) fn tell(&mut self, n: u8, end: End) {
        let running =
            |creation: &&mut Creation| creation.ended == UNDER_WAY && creation.told.is_none();
        let count = self.creations.iter_mut().filter(running).count().max(1);
        if let Some(creation) =
            self.creations.iter_mut().filter(running).nth(usize::from(n) % count)
        {
            creation.told = Some(end);
            creation.waker.iter().for_each(Waker::wake_by_ref);
        }
    }

    /// Ends all creations.
    pub(super) fn close(&mut self) {
        self.is_closing = true;
        for creation in self.creations.iter().filter(|creation| creation.ended == UNDER_WAY) {
            creation.waker.iter().for_each(Waker::wake_by_ref);
        }
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.creations.iter().all(|creation| creation.ended != UNDER_WAY)
    }

    /// Whether nobody can have lost patience.
    fn is_patient(&self) -> bool {
        self.start.elapsed() < PATIENCE
    }

    /// A call was handed `value`; `fresh` if nothing stale will do.
    pub(super) fn handed(&self, window: Window, key: usize, value: u64, fresh: bool) {
        let value = &self.values[place(value)];
        assert_eq!(value.key, key, "the value of another key");
        if fresh {
            assert!(value.stored, "it was not to be stored");
            let age = window.clock.since(value.stamp);
            // A write that is not over may have taken the time just now; and a stamp may be later than its
            // time by the invalidations before it.
            let is_fresh = age <= value.ttl + Duration::from_millis(1);
            assert!(is_fresh || value.there == UNDER_WAY, "{age:?} old");
        }
        // Other processes are not told of invalidations, and this store does not check leases.
        if self.processes > 1 || !self.is_patient() {
            return;
        }
        for change in &self.changes {
            let ended = change.ended < window.begun && change.keys.contains(&key);
            if ended && (fresh || !change.is_soft) {
                assert!(value.there > change.begun, "{}: older than a change", KEYS[key]);
            }
        }
    }

    /// A call was handed the error of creation `at`.
    pub(super) fn handed_error(&self, window: Window, key: usize, at: usize) {
        let creation = &self.creations[at];
        assert!(creation.has_failed && creation.keys.contains(&key), "the error of another one");
        assert!(creation.ended > window.begun, "an error from before");
    }
}

impl Window {
    /// The call was told that it waited too long.
    pub(super) fn timed_out(self) {
        assert!(self.since.elapsed() >= PATIENCE, "it did not wait that long");
    }
}

/// Where a value stands.
fn place(value: u64) -> usize {
    usize::try_from(value).expect("few values")
}
