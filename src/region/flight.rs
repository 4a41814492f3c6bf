//! Who is creating what right now: one flight per key.
//!
//! A caller that finds nothing joins the flight of its key. The first to come leads: it creates,
//! stores, and lands the flight with an outcome for all who wait. A leader that is dropped or
//! panics lands it empty-handed, and the waiters look again: one of them leads the next flight.
//!
//! Writers (`set`, `delete`) take the seat too. That voids a creation that is still running, so
//! that its older value is handed to those who wait for it but never stored. A creation from before
//! an invalidation loses its seat in the same way, to the first who comes after it.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use hashbrown::{HashTable, hash_table::Entry as Slot};
use tokio::{runtime::Handle, time::Instant};

use super::{crew::Crew, outcome::Outcome};
use crate::{
    Key, KeyBuf, Timestamp,
    sync::{AtomicI64, AtomicU64, AtomicUsize, Mutex, MutexGuard, Notify},
};

/// Enough that callers of different keys seldom meet, few enough to stay small.
const SHARDS: usize = 16;

type Table = HashTable<Arc<Flight>>;

/// The flights of one region.
pub(super) struct Flights {
    shards: [Mutex<Table>; SHARDS],
    hasher: RandomState,
    landed: AtomicU64,
}

/// One creation, or one write, of one key.
struct Flight {
    key: KeyBuf,
    hash: u64,
    crew: Crew,
    /// The time of creation its value gets.
    stamp: AtomicI64,
    /// Since when its leader has been at it; those who wait count from there.
    since: Mutex<Instant>,
    waiters: AtomicUsize,
    phase: Mutex<Phase>,
    landing: Notify,
}

enum Phase {
    /// The value is being created; it may still be voided.
    Creating,
    /// The value is being created and will not be stored.
    Void,
    /// The value is on its way to the store; a writer has to wait for it.
    Storing,
    Landed(Outcome),
}

/// How a caller joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    /// It has nothing, and waits for what another one creates.
    Wait,
    /// It has a stale value to go on with, and does not wait.
    Pass,
}

/// A place in a flight.
pub(super) enum Seat {
    /// It is on this caller to create. Lands empty-handed when dropped.
    Lead(Lead),
    /// Another caller is at it.
    Follow(Follower),
    /// This very task is at it: waiting would last for ever.
    Own,
}

/// The seat of one who waits.
pub(super) struct Follower {
    flight: Arc<Flight>,
    /// Whether what the flight brings is for this caller, too: it is not for one who came after an
    /// invalidation, to a flight from before it.
    shares: bool,
}

/// The leader's seat.
pub(super) struct Lead {
    flights: Arc<Flights>,
    flight: Arc<Flight>,
    landed: bool,
}

impl Flights {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            shards: std::array::from_fn(|_| Mutex::new(Table::new())),
            hasher: RandomState::new(),
            landed: AtomicU64::new(0),
        })
    }

    /// How many flights have landed so far. While this number stays the same, so does what this
    /// region wrote: a value read in between need not be read again.
    #[inline]
    pub(super) fn landed(&self) -> u64 {
        self.landed.load(Ordering::Acquire)
    }

    /// How many flights are under way.
    pub(super) fn in_the_air(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whether `key` is being created.
    pub(super) fn is_creating(&self, key: Key<'_>) -> bool {
        let hash = self.hasher.hash_one(key);
        let table = lock(self.shard(hash));
        let flight = table.find(hash, |flight| flight.is_of(key));
        flight.is_some_and(|flight| !matches!(*flight.phase(), Phase::Landed(_)))
    }

    /// Joins the flight of `key`, or starts it as of `stamp`. A flight whose own stamp is not
    /// `valid` any more is voided and replaced, or if it is too late for that, waited for in vain.
    pub(super) fn join(
        self: &Arc<Self>,
        key: Key<'_>,
        how: Join,
        crew: Crew,
        stamp: Timestamp,
        valid: impl Fn(Timestamp) -> bool,
    ) -> Seat {
        let hash = self.hasher.hash_one(key);
        let mut table = lock(self.shard(hash));
        match table.entry(hash, |flight| flight.is_of(key), |flight| flight.hash) {
            Slot::Occupied(mut slot) => {
                let flight = slot.get();
                if flight.is_own() {
                    return Seat::Own;
                }
                let valid = valid(flight.stamp());
                if !valid && flight.void() {
                    let flight = Flight::new(key, hash, crew, stamp, Phase::Creating);
                    *slot.get_mut() = Arc::clone(&flight);
                    return Seat::Lead(self.lead(flight));
                }
                // An invalid one that is on its way to the store has to be waited for all the same.
                Seat::Follow(flight.follow(how, valid))
            }
            Slot::Vacant(slot) => {
                let flight = Flight::new(key, hash, crew, stamp, Phase::Creating);
                slot.insert(Arc::clone(&flight));
                Seat::Lead(self.lead(flight))
            }
        }
    }

    /// Takes the seat of `late`, whose leader took longer than `patience`: its value will not be
    /// stored. Follows whoever has the seat if it is no longer `late`.
    pub(super) fn overtake(
        self: &Arc<Self>,
        late: &Follower,
        patience: Duration,
        crew: Crew,
        stamp: Timestamp,
    ) -> Seat {
        let Follower { flight: late, shares } = late;
        let (key, hash) = (late.key.as_key(), late.hash);
        let mut table = lock(self.shard(hash));
        match table.entry(hash, |flight| flight.is_of(key), |flight| flight.hash) {
            Slot::Occupied(mut slot) => {
                let flight = slot.get();
                let is_late = Arc::ptr_eq(flight, late);
                if !is_late || !flight.void_late(patience) {
                    return Seat::Follow(flight.follow(Join::Wait, *shares || !is_late));
                }
                let flight = Flight::new(key, hash, crew, stamp, Phase::Creating);
                *slot.get_mut() = Arc::clone(&flight);
                Seat::Lead(self.lead(flight))
            }
            Slot::Vacant(slot) => {
                let flight = Flight::new(key, hash, crew, stamp, Phase::Creating);
                slot.insert(Arc::clone(&flight));
                Seat::Lead(self.lead(flight))
            }
        }
    }

    /// Takes the seat of `key` for a write: voids a running creation, and waits while an earlier
    /// value is on its way to the store, though no longer than `patience`.
    pub(super) async fn claim(
        self: &Arc<Self>,
        key: Key<'_>,
        crew: Crew,
        stamp: Timestamp,
        patience: Duration,
    ) -> Lead {
        let hash = self.hasher.hash_one(key);
        let mut patient = true;
        loop {
            let storing = {
                let mut table = lock(self.shard(hash));
                match table.entry(hash, |flight| flight.is_of(key), |flight| flight.hash) {
                    Slot::Occupied(mut slot) => {
                        if slot.get().void() || !patient {
                            let flight = Flight::new(key, hash, crew, stamp, Phase::Storing);
                            *slot.get_mut() = Arc::clone(&flight);
                            return self.lead(flight);
                        }
                        Arc::clone(slot.get())
                    }
                    Slot::Vacant(slot) => {
                        let flight = Flight::new(key, hash, crew, stamp, Phase::Storing);
                        slot.insert(Arc::clone(&flight));
                        return self.lead(flight);
                    }
                }
            };
            patient = storing.outcome(deadline(patience)).await.is_some();
        }
    }

    fn lead(self: &Arc<Self>, flight: Arc<Flight>) -> Lead {
        Lead { flights: Arc::clone(self), flight, landed: false }
    }

    /// Takes a flight off the table, unless a later one took its place.
    fn withdraw(&self, flight: &Arc<Flight>) {
        let mut table = lock(self.shard(flight.hash));
        // Before the seat is free: who takes it next must know to look again.
        self.landed.fetch_add(1, Ordering::AcqRel);
        if let Ok(slot) = table.find_entry(flight.hash, |other| Arc::ptr_eq(other, flight)) {
            slot.remove();
        }
    }

    fn shard(&self, hash: u64) -> &Mutex<Table> {
        // The table uses the low and the highest bits.
        &self.shards[(hash >> 32) as usize % SHARDS]
    }
}

impl Flight {
    fn new(key: Key<'_>, hash: u64, crew: Crew, stamp: Timestamp, phase: Phase) -> Arc<Self> {
        Arc::new(Self {
            key: key.to_buf(),
            hash,
            crew,
            stamp: AtomicI64::new(stamp.as_micros()),
            since: Mutex::new(Instant::now()),
            waiters: AtomicUsize::new(0),
            phase: Mutex::new(phase),
            landing: Notify::new(),
        })
    }

    fn is_of(&self, key: Key<'_>) -> bool {
        self.key.as_key() == key
    }

    fn stamp(&self) -> Timestamp {
        Timestamp::from_micros(self.stamp.load(Ordering::Acquire))
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        lock(&self.phase)
    }

    /// Keeps a creation from being stored; false if it is too late for that.
    fn void(&self) -> bool {
        self.phase().void()
    }

    /// The same for a creation that takes longer than `patience`, which includes that it has not
    /// begun anew.
    fn void_late(&self, patience: Duration) -> bool {
        let mut phase = self.phase();
        self.due(patience) <= Instant::now() && phase.void()
    }

    /// When it has taken longer than `patience`.
    fn due(&self, patience: Duration) -> Instant {
        after(*lock(&self.since), patience)
    }

    /// A seat among those who wait.
    fn follow(self: &Arc<Self>, how: Join, shares: bool) -> Follower {
        let waits = usize::from(how == Join::Wait && shares);
        self.waiters.fetch_add(waits, Ordering::Relaxed);
        Follower { flight: Arc::clone(self), shares }
    }

    /// Waits for the landing; `None` when the time is up first.
    async fn outcome(&self, until: Instant) -> Option<Outcome> {
        loop {
            // Asked for before looking: a landing in between is not missed.
            let landing = self.landing.notified();
            if let Phase::Landed(outcome) = &*self.phase() {
                return Some(outcome.clone());
            }
            if Handle::try_current().is_ok() {
                tokio::time::timeout_at(until, landing).await.ok()?;
            } else {
                // Without tokio there is no timer; the wait then ends with the flight.
                landing.await;
            }
        }
    }

    fn land(&self, outcome: Outcome) {
        *self.phase() = Phase::Landed(outcome);
        self.landing.notify_waiters();
    }

    /// Whether the task that asks is inside the creator of this flight.
    fn is_own(&self) -> bool {
        self.crew.is_creating_here()
    }
}

impl Follower {
    /// The time of creation of what it waits for.
    pub(super) fn stamp(&self) -> Timestamp {
        self.flight.stamp()
    }

    /// When the leader has taken longer than `patience`.
    pub(super) fn due(&self, patience: Duration) -> Instant {
        self.flight.due(patience)
    }

    /// Waits for the landing, and says what it brought for this caller; `None` when the time is up
    /// first.
    pub(super) async fn outcome(&self, until: Instant) -> Option<Outcome> {
        let outcome = self.flight.outcome(until).await?;
        Some(if self.shares { outcome } else { Outcome::Nothing })
    }
}

impl Phase {
    fn void(&mut self) -> bool {
        match self {
            Self::Creating => *self = Self::Void,
            Self::Void => {}
            Self::Storing | Self::Landed(_) => return false,
        }
        true
    }
}

impl Lead {
    /// The creator begins now: its value is as old as that.
    pub(super) fn restamp(&self, stamp: Timestamp) {
        *lock(&self.flight.since) = Instant::now();
        self.flight.stamp.store(stamp.as_micros(), Ordering::Release);
    }

    /// Another process has begun to create, or this one begins in place of another: those who wait
    /// give it their whole patience again. False if one of them has the seat now.
    pub(super) fn begin_anew(&self) -> bool {
        let phase = self.flight.phase();
        *lock(&self.flight.since) = Instant::now();
        matches!(*phase, Phase::Creating)
    }

    /// Asks to store what was created. False if the creation was voided in the meantime; from a
    /// true answer on, writers of the key wait for the landing.
    pub(super) fn may_store(&self) -> bool {
        let mut phase = self.flight.phase();
        match *phase {
            Phase::Creating => {
                *phase = Phase::Storing;
                true
            }
            _ => false,
        }
    }

    /// Ends the flight. `outcome` is asked only if somebody waits.
    pub(super) fn land(mut self, outcome: impl FnOnce() -> Outcome) {
        self.finish(outcome);
    }

    fn finish(&mut self, outcome: impl FnOnce() -> Outcome) {
        self.flights.withdraw(&self.flight);
        // Nobody can join any more.
        let waited_for = self.flight.waiters.load(Ordering::Relaxed) > 0;
        // It clones a value of the user's, who may panic: then dropping the seat lands the flight.
        let outcome = if waited_for { outcome() } else { Outcome::Nothing };
        self.flight.land(outcome);
        self.landed = true;
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if !self.landed {
            self.finish(|| Outcome::Nothing);
        }
    }
}

/// The end of `patience` from now on.
pub(super) fn deadline(patience: Duration) -> Instant {
    after(Instant::now(), patience)
}

fn after(start: Instant, patience: Duration) -> Instant {
    // About 30 years, for a patience without end.
    start.checked_add(patience).unwrap_or_else(|| start + Duration::from_secs(1 << 30))
}

// Nothing that can panic runs under these locks, and what they guard is never half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Flights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").field("in_the_air", &self.in_the_air()).finish_non_exhaustive()
    }
}
