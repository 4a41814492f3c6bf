//! The source of truth, and which answers are wrong.
//!
//! Every key has a version that only grows. A value carries its key, its version, who made it and when, and
//! bytes that follow from key and version. An answer is wrong if
//!
//! | it is | because |
//! |---|---|
//! | *foreign* | it is of another key |
//! | *garbage* | its bytes are not those of its key and version |
//! | *unwritten* | there was no such version when the call ended |
//! | *own write lost* | this process has set, deleted or invalidated the key, that call succeeded before this one began, and the answer is older: "a read that begins after a write in this process returned sees that write or a later one" (`Tiered`) |
//! | *not told* | another process has, more than [`LAG`] before this call began, and nothing was broken since: the server tells of changes |
//! | *too old* | it was replaced longer ago than anything may live: `expire_after` for a `get`, `keep_for` for what may get stale values, and what a call may take ([`SLOW`]) |
//!
//! And a batch that creates leaves nothing out (*left out*).
//!
//! What is excused. A `set` that failed or was dropped may still be on its way to Redis, and arrive after
//! that of *another* process: it may or may not have been stored, and nobody knows when. What it stored then
//! lives as long as others do, and is *too old* after that.
//!
//! What faults excuse. The lock between processes is done without when it fails, and what was created
//! without it is stored without looking: so a creation of *another* process that ran during a fault may come
//! after a write and be the older value. It then lives as long as others do, and is *too old* after that.
//! Likewise nobody can be told of a change over a connection that is broken: during a fault, and
//! [`SETTLE`] after it, *not told* is no reproach. No fault excuses anything else. Redis that is
//! merely slow, or in which somebody writes garbage, excuses nothing at all.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::stack::{EXPIRE, KEEP, RESPONSE};

/// Microseconds since the program began.
pub(crate) type Micros = u64;

/// How soon a change is known to all processes; mostly a matter of processors.
pub(crate) const LAG: Duration = Duration::from_millis(1500);

/// How long a call may take that hands out what it has read or created at its beginning: four round trips
/// that end in a timeout, a creation, and a machine with more to do.
const SLOW: Duration = Duration::from_secs(1).saturating_add(RESPONSE.saturating_mul(4));

/// How long a fault is felt after its end: calls that began in it, and the connections.
pub(crate) const SETTLE: Duration = Duration::from_secs(2);

/// What is cached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Item {
    key: u32,
    version: u32,
    /// The process that made it, and when it looked at the truth.
    maker: u8,
    began: Micros,
    /// Whether it was set, and not created.
    set: bool,
    bytes: Vec<u8>,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, version, maker, began, set, .. } = self;
        let made = if *set { "set" } else { "created" };
        write!(f, "version {version} of key {key}, {made} by process {maker} at {began}")
    }
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Wrong {
    Foreign,
    Garbage,
    Unwritten,
    OwnWriteLost,
    NotTold,
    TooOld,
    LeftOut,
}

/// What a call may be answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    process: u8,
    key: u32,
    at: Micros,
    /// The version that this process has written or invalidated last.
    floor: u32,
}

/// How old an answer may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Age {
    Fresh,
    MayBeStale,
}

/// The versions of all keys.
pub(crate) struct Truth {
    start: Instant,
    keys: Vec<Key>,
    /// For each process, for each key: from which version on it may be answered.
    floors: Vec<Vec<AtomicU32>>,
    unrest: Mutex<Vec<Unrest>>,
}

#[derive(Default)]
struct Key {
    versions: Mutex<Vec<Version>>,
    /// Whether somebody writes it: one after the other, so that what is written last is the newest.
    taken: AtomicBool,
}

#[derive(Clone, Copy, Default)]
struct Version {
    /// From when on this was the version.
    since: Micros,
    /// When the call had succeeded that made it known.
    known: Option<Micros>,
}

struct Unrest {
    from: Micros,
    to: Option<Micros>,
}

fn micros(duration: Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bytes of a version: of some length, for values of one length would hide some mistakes.
fn bytes(key: u32, version: u32) -> Vec<u8> {
    let seed = [key.to_le_bytes(), version.to_le_bytes()].concat();
    let length = 16 + usize::from(blake3::hash(&seed).as_bytes()[0]);
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&seed).finalize_xof().fill(&mut bytes);
    bytes
}

impl Truth {
    pub(crate) fn new(keys: u32, processes: u8) -> Self {
        let floors = || (0..keys).map(|_| AtomicU32::new(0)).collect();
        let first = || Mutex::new(vec![Version::default()]);
        let keys = (0..keys).map(|_| Key { versions: first(), ..Key::default() });
        Self {
            start: Instant::now(),
            keys: keys.collect(),
            floors: (0..processes).map(|_| floors()).collect(),
            unrest: Mutex::default(),
        }
    }

    pub(crate) fn now(&self) -> Micros {
        micros(self.start.elapsed())
    }

    pub(crate) fn keys(&self) -> u32 {
        u32::try_from(self.keys.len()).unwrap_or(u32::MAX)
    }

    fn versions(&self, key: u32) -> MutexGuard<'_, Vec<Version>> {
        locked(&self.keys[key as usize].versions)
    }

    fn version(&self, key: u32) -> u32 {
        u32::try_from(self.versions(key).len() - 1).unwrap_or(u32::MAX)
    }

    /// What is true of `key` at this moment.
    pub(crate) fn look(&self, process: u8, key: u32) -> Arc<Item> {
        Arc::new(self.item(process, key, false))
    }

    fn item(&self, maker: u8, key: u32, set: bool) -> Item {
        let began = self.now();
        let version = self.version(key);
        Item { key, version, maker, began, set, bytes: bytes(key, version) }
    }

    /// The right to change `key`, unless somebody has it.
    pub(crate) fn turn(&self, key: u32) -> Option<Change<'_>> {
        let free = !self.keys[key as usize].taken.swap(true, SeqCst);
        free.then(|| Change { truth: self, key, version: 0 })
    }

    /// What `process` may be answered to a question that it asks now.
    pub(crate) fn asks(&self, process: u8, key: u32) -> Asked {
        let floor = self.floors[usize::from(process)][key as usize].load(SeqCst);
        Asked { process, key, at: self.now(), floor }
    }

    /// All versions, for who invalidates all of them.
    pub(crate) fn all(&self) -> Vec<u32> {
        (0..self.keys()).map(|key| self.version(key)).collect()
    }

    /// From now on `process` is not to see anything older.
    pub(crate) fn forgotten(&self, process: u8, versions: &[u32]) {
        for (floor, version) in self.floors[usize::from(process)].iter().zip(versions) {
            floor.fetch_max(*version, SeqCst);
        }
    }

    /// From now on something is broken.
    pub(crate) fn breaks(&self) {
        locked(&self.unrest).push(Unrest { from: self.now(), to: None });
    }

    /// It is mended.
    pub(crate) fn mended(&self) {
        let now = self.now();
        locked(&self.unrest).iter_mut().for_each(|unrest| {
            unrest.to.get_or_insert(now + micros(SETTLE));
        });
    }

    fn was_calm(&self, from: Micros, to: Micros) -> bool {
        let overlaps =
            |unrest: &Unrest| unrest.from <= to && unrest.to.is_none_or(|until| from <= until);
        !locked(&self.unrest).iter().any(overlaps)
    }

    /// What is wrong with `item` as the answer to what was asked.
    pub(crate) fn judge(&self, asked: Asked, item: &Item, age: Age) -> Option<Wrong> {
        let Asked { process, key, at, floor } = asked;
        if item.key != key {
            return Some(Wrong::Foreign);
        }
        if item.bytes != bytes(key, item.version) {
            return Some(Wrong::Garbage);
        }
        let versions = self.versions(key);
        let (version, later) = match versions.get(item.version as usize..) {
            None | Some([]) => return Some(Wrong::Unwritten),
            Some([version, later @ ..]) => (version, later),
        };
        let allowed = micros(match age {
            Age::Fresh => EXPIRE + SLOW,
            Age::MayBeStale => KEEP + SLOW,
        });
        if later.first().is_some_and(|next| next.since + allowed < at) {
            return Some(Wrong::TooOld);
        }
        let is_late = item.set && version.known.is_none();
        let is_unlocked = !self.was_calm(item.began, item.began + micros(SLOW));
        let is_excused = item.maker != process && (is_late || is_unlocked);
        if item.version < floor && !is_excused {
            return Some(Wrong::OwnWriteLost);
        }
        let told = later.iter().filter_map(|version| version.known);
        let mut told = told.filter(|known| known + micros(LAG) < at);
        if !is_late && told.any(|known| self.was_calm(item.began.min(known), at)) {
            return Some(Wrong::NotTold);
        }
        None
    }
}

/// A change of one key, which nobody else makes at the same time.
pub(crate) struct Change<'a> {
    truth: &'a Truth,
    key: u32,
    version: u32,
}

impl Change<'_> {
    /// There is a new version from now on.
    pub(crate) fn make(&mut self, process: u8) -> Arc<Item> {
        let since = self.truth.now();
        self.truth.versions(self.key).push(Version { since, known: None });
        let item = self.truth.item(process, self.key, true);
        self.version = item.version;
        Arc::new(item)
    }

    /// `process` has told the cache of it.
    pub(crate) fn succeeded(self, process: u8) {
        let now = self.truth.now();
        self.truth.versions(self.key)[self.version as usize].known = Some(now);
        let floors = &self.truth.floors[usize::from(process)];
        floors[self.key as usize].fetch_max(self.version, SeqCst);
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.truth.keys[self.key as usize].taken.store(false, SeqCst);
    }
}
