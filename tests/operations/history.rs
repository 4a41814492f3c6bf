//! What happened when, and what must therefore not be seen any more.

use std::cell::{Cell, RefCell};

/// A moment; no two things happen in the same one.
pub(crate) type Moment = u64;

/// The keys, by number.
pub(crate) const KEYS: [&str; 3] = ["a", "b", "c"];

/// Something that ends what was there before: a `set`, a `delete`, an invalidation.
struct Ending {
    keys: Vec<usize>,
    soft: bool,
    /// `MAX` while it is running.
    end: Moment,
    /// Whether it returned; one that was dropped may have happened or not.
    returned: bool,
}

/// Where a value comes from.
struct Birth {
    /// An ending that ends later than this ends the value: the start of a creation, the end of a
    /// `set`, which is `MAX` while it is running.
    until: Moment,
    /// The second of the clock that it counts its age from, at the latest.
    second: i64,
}

struct Creation {
    key: usize,
    value: u64,
    /// When the call that leads it began.
    called: Moment,
}

/// All of it.
#[derive(Default)]
pub(crate) struct History {
    now: Cell<Moment>,
    endings: RefCell<Vec<Ending>>,
    births: RefCell<Vec<Birth>>,
    running: RefCell<Vec<Creation>>,
}

/// A call, and what was over when it began.
pub(crate) struct Call {
    pub(crate) start: Moment,
    pub(crate) second: i64,
    hard: [Moment; KEYS.len()],
    soft: [Moment; KEYS.len()],
}

impl History {
    fn tick(&self) -> Moment {
        self.now.set(self.now.get() + 1);
        self.now.get()
    }

    /// A call begins.
    pub(crate) fn call(&self, second: i64) -> Call {
        let start = self.tick();
        let endings = self.endings.borrow();
        let last = |key: usize, soft: bool| {
            let over = |e: &&Ending| e.returned && e.keys.contains(&key) && (soft || !e.soft);
            endings.iter().filter(over).map(|ending| ending.end).max().unwrap_or(0)
        };
        let hard = std::array::from_fn(|key| last(key, false));
        let soft = std::array::from_fn(|key| last(key, true));
        Call { start, second, hard, soft }
    }

    /// The next value.
    fn birth(&self, until: Moment, second: i64) -> u64 {
        let mut births = self.births.borrow_mut();
        births.push(Birth { until, second });
        births.len() as u64 - 1
    }

    /// `call` was answered with `value`, which may be stale.
    pub(crate) fn seen(&self, call: &Call, key: usize, value: u64) {
        let until = self.births.borrow()[usize::try_from(value).unwrap()].until;
        assert!(until >= call.hard[key], "{}: {value} was over before the call began", KEYS[key]);
    }

    /// Whether `value` may be taken for a fresh one by `call`.
    pub(crate) fn is_fresh(&self, call: &Call, key: usize, value: u64, lifetime: i64) -> bool {
        let birth = &self.births.borrow()[usize::try_from(value).unwrap()];
        let valid = birth.until >= call.hard[key].max(call.soft[key]);
        valid && birth.second + lifetime >= call.second
    }

    /// Whether something that ends values of `key` was running at any time since `start`.
    pub(crate) fn ended_since(&self, key: usize, start: Moment) -> bool {
        let endings = self.endings.borrow();
        endings.iter().any(|ending| ending.keys.contains(&key) && ending.end > start)
    }

    /// An ending begins.
    pub(crate) fn ending(&self, keys: Vec<usize>, soft: bool) -> EndingRuns<'_> {
        let mut endings = self.endings.borrow_mut();
        endings.push(Ending { keys, soft, end: Moment::MAX, returned: false });
        EndingRuns { history: self, at: endings.len() - 1, values: Vec::new() }
    }

    /// A creation of `key` begins, led by `call`.
    pub(crate) fn creation(&self, key: usize, call: &Call, second: i64) -> CreationRuns<'_> {
        for other in &*self.running.borrow() {
            // Unless one of them was voided: then it is not stored.
            let voided = self.ended_since(key, other.called.min(call.start));
            assert!(other.key != key || voided, "{}: two creations at once", KEYS[key]);
        }
        let value = self.birth(self.tick(), second);
        self.running.borrow_mut().push(Creation { key, value, called: call.start });
        CreationRuns { history: self, value }
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.running.borrow().is_empty()
    }
}

/// A creation that is running; dropped when it ends.
pub(crate) struct CreationRuns<'h> {
    history: &'h History,
    pub(crate) value: u64,
}

impl Drop for CreationRuns<'_> {
    fn drop(&mut self) {
        self.history.running.borrow_mut().retain(|creation| creation.value != self.value);
    }
}

/// An ending that is running; dropped when it ends.
pub(crate) struct EndingRuns<'h> {
    history: &'h History,
    at: usize,
    values: Vec<u64>,
}

impl EndingRuns<'_> {
    /// A value that it writes.
    pub(crate) fn value(&mut self) -> u64 {
        let value = self.history.birth(Moment::MAX, i64::MAX / 2);
        self.values.push(value);
        value
    }

    /// It returned.
    pub(crate) fn returned(self, second: i64) {
        self.history.endings.borrow_mut()[self.at].returned = true;
        for value in &self.values {
            self.history.births.borrow_mut()[usize::try_from(*value).unwrap()].second = second;
        }
    }
}

impl Drop for EndingRuns<'_> {
    fn drop(&mut self) {
        let now = self.history.tick();
        self.history.endings.borrow_mut()[self.at].end = now;
        for value in &self.values {
            self.history.births.borrow_mut()[usize::try_from(*value).unwrap()].until = now;
        }
    }
}
