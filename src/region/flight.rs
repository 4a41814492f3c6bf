//! Who is creating what right now: one flight per key.
//!
//! A caller that finds nothing joins the flight of its key. The first to come leads: it creates,
//! stores, and lands the flight with an outcome for all who wait. A leader that is dropped or
//! panics lands it empty-handed, and the waiters look again: one of them leads the next flight.
//!
//! Writers (`set`, `delete`) take the seat too. That voids a creation that is still running, so
//! that its older value is handed to those who wait for it but never stored.

use std::{
    any::Any,
    cell::RefCell,
    fmt,
    future::poll_fn,
    hash::{BuildHasher, RandomState},
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use hashbrown::{HashTable, hash_table::Entry as Slot};
use tokio::{runtime::Handle, sync::Notify, time::Instant};

use crate::{Key, KeyBuf};

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
pub(super) struct Flight {
    key: KeyBuf,
    hash: u64,
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

/// What a flight brings to those who wait for it.
#[derive(Clone)]
pub(super) enum Outcome {
    /// The value, in an `Any`: waiters may ask for other types.
    Value(Arc<dyn Any + Send + Sync>),
    /// The creator's error.
    Failure(Arc<dyn Any + Send + Sync>),
    /// Nothing to hand over: look again.
    Nothing,
}

/// A place in a flight.
pub(super) enum Seat<'a> {
    /// It is on this caller to create. Lands empty-handed when dropped.
    Lead(Lead<'a>),
    /// Another caller is at it.
    Follow(Arc<Flight>),
    /// This very task is at it: waiting would last for ever.
    Own,
}

/// The leader's seat.
pub(super) struct Lead<'a> {
    flights: &'a Flights,
    flight: Arc<Flight>,
    landed: bool,
}

impl Flights {
    pub(super) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            landed: AtomicU64::new(0),
        }
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

    /// Joins the flight of `key`, or starts it.
    pub(super) fn join(&self, key: Key<'_>) -> Seat<'_> {
        self.seat(key, 1)
    }

    /// The same for a caller who has a stale value to go on with and will not wait.
    pub(super) fn refresh(&self, key: Key<'_>) -> Seat<'_> {
        self.seat(key, 0)
    }

    fn seat(&self, key: Key<'_>, waiters: usize) -> Seat<'_> {
        let hash = self.hasher.hash_one(key);
        let mut table = lock(self.shard(hash));
        match table.entry(hash, |flight| flight.is_of(key), |flight| flight.hash) {
            Slot::Occupied(slot) => {
                let flight = slot.get();
                if flight.is_own() {
                    return Seat::Own;
                }
                flight.waiters.fetch_add(waiters, Ordering::Relaxed);
                Seat::Follow(Arc::clone(flight))
            }
            Slot::Vacant(slot) => {
                let flight = Flight::new(key, hash, Phase::Creating);
                slot.insert(Arc::clone(&flight));
                Seat::Lead(Lead { flights: self, flight, landed: false })
            }
        }
    }

    /// Takes the seat of `key` for a write: voids a running creation, and waits while an earlier
    /// value is on its way to the store, though no longer than `patience`.
    pub(super) async fn claim(&self, key: Key<'_>, patience: Duration) -> Lead<'_> {
        let hash = self.hasher.hash_one(key);
        let mut patient = true;
        loop {
            let storing = {
                let mut table = lock(self.shard(hash));
                match table.entry(hash, |flight| flight.is_of(key), |flight| flight.hash) {
                    Slot::Occupied(mut slot) => {
                        if slot.get().void() || !patient {
                            let flight = Flight::new(key, hash, Phase::Storing);
                            *slot.get_mut() = Arc::clone(&flight);
                            return Lead { flights: self, flight, landed: false };
                        }
                        Arc::clone(slot.get())
                    }
                    Slot::Vacant(slot) => {
                        let flight = Flight::new(key, hash, Phase::Storing);
                        slot.insert(Arc::clone(&flight));
                        return Lead { flights: self, flight, landed: false };
                    }
                }
            };
            patient = storing.outcome(Some(deadline(patience))).await.is_some();
        }
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
    fn new(key: Key<'_>, hash: u64, phase: Phase) -> Arc<Self> {
        Arc::new(Self {
            key: key.to_buf(),
            hash,
            waiters: AtomicUsize::new(0),
            phase: Mutex::new(phase),
            landing: Notify::new(),
        })
    }

    fn is_of(&self, key: Key<'_>) -> bool {
        self.key.as_key() == key
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        lock(&self.phase)
    }

    /// Keeps a creation from being stored; false if it is too late for that.
    fn void(&self) -> bool {
        let mut phase = self.phase();
        match *phase {
            Phase::Creating => *phase = Phase::Void,
            Phase::Void => {}
            Phase::Storing | Phase::Landed(_) => return false,
        }
        true
    }

    /// Waits for the landing; `None` when the time is up first.
    pub(super) async fn outcome(&self, until: Option<Instant>) -> Option<Outcome> {
        loop {
            // Asked for before looking: a landing in between is not missed.
            let landing = self.landing.notified();
            if let Phase::Landed(outcome) = &*self.phase() {
                return Some(outcome.clone());
            }
            match until {
                // Without tokio there is no timer; the wait then ends with the flight.
                Some(until) if Handle::try_current().is_ok() => {
                    tokio::time::timeout_at(until, landing).await.ok()?;
                }
                _ => landing.await,
            }
        }
    }

    fn land(&self, outcome: Outcome) {
        *self.phase() = Phase::Landed(outcome);
        self.landing.notify_waiters();
    }

    /// Whether the task that asks is inside the creator of this flight.
    fn is_own(&self) -> bool {
        CREATING.with_borrow(|flights| flights.contains(&self.address()))
    }

    // Names the flight among those under way: they are alive, so no two share an address.
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl Lead<'_> {
    /// Runs the creator, so that a call for the same key from inside it is noticed.
    pub(super) async fn create<F: Future>(&self, creator: F) -> F::Output {
        let mut creator = pin!(creator);
        poll_fn(|cx| {
            let _scope = Scope::enter(&self.flight);
            creator.as_mut().poll(cx)
        })
        .await
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

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if !self.landed {
            self.finish(|| Outcome::Nothing);
        }
    }
}

thread_local! {
    /// The flights whose creators are being polled on this thread, outermost first.
    static CREATING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

struct Scope;

impl Scope {
    fn enter(flight: &Flight) -> Self {
        CREATING.with_borrow_mut(|flights| flights.push(flight.address()));
        Self
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        CREATING.with_borrow_mut(Vec::pop);
    }
}

/// The end of `patience` from now on.
pub(super) fn deadline(patience: Duration) -> Instant {
    let now = Instant::now();
    // About 30 years, for a patience without end.
    now.checked_add(patience).unwrap_or_else(|| now + Duration::from_secs(1 << 30))
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
