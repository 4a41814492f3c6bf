use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use equivalent::Equivalent;
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter, sync::Cache};

use super::held_key::HeldKey;
use crate::{Clock, Key, Timestamp, WriteOpts};

/// How many entries a store holds unless told otherwise.
pub(super) const DEFAULT_ENTRIES: usize = 100_000;

/// Keeps the sum of all weights far from overflowing.
const MAX_WEIGHT: u64 = 1 << 40;

/// What [`Memory`](crate::Memory) and [`Memo`](crate::Memo) share: a bounded map whose entries can
/// expire.
pub(super) struct Bounded<V> {
    cache: Cache<HeldKey, Slot<V>, Weighed, DefaultHashBuilder, Counted>,
    clock: Clock,
    evicted: Counted,
}

#[derive(Clone)]
struct Slot<V> {
    value: V,
    expires_at: Timestamp,
    // Kept, because the map relies on an entry never changing its weight.
    weight: u64,
}

#[derive(Clone)]
struct Weighed;

impl<V> Weighter<HeldKey, Slot<V>> for Weighed {
    fn weight(&self, _: &HeldKey, slot: &Slot<V>) -> u64 {
        slot.weight
    }
}

/// Counts what goes because there is no room.
#[derive(Clone, Default)]
struct Counted(Arc<AtomicU64>);

impl<V> Lifecycle<HeldKey, Slot<V>> for Counted {
    type RequestState = ();

    // Not `on_evict`, which is also called for what is replaced.
    fn before_evict(&self, (): &mut (), _: &HeldKey, _: &mut Slot<V>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl<V: Clone> Bounded<V> {
    pub(super) fn by_count(entries: usize) -> Self {
        Self::with(entries, entries as u64)
    }

    pub(super) fn by_weight(max_weight: u64) -> Self {
        // Sizes the table and the list of remembered keys; both grow or stay unused as needed.
        let guess = usize::try_from(max_weight / 512).unwrap_or(usize::MAX).clamp(64, 1 << 20);
        Self::with(guess, max_weight)
    }

    fn with(guess: usize, max_weight: u64) -> Self {
        let evicted = Counted::default();
        let (hasher, lifecycle) = (DefaultHashBuilder::default(), evicted.clone());
        let cache = Cache::with(guess, max_weight, Weighed, hasher, lifecycle);
        Self { cache, clock: Clock::default(), evicted }
    }

    pub(super) fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    // By reference: four words that were just written one by one and are copied two by two make
    // the processor wait for its own stores, longer than the whole search takes.
    #[inline(never)]
    pub(super) fn get(&self, key: &Key<'_>) -> Option<V> {
        self.kept(key, self.cache.get(&Aside(*key))?)
    }

    #[expect(clippy::inline_always, reason = "measured: else the value is moved once more")]
    #[inline(always)]
    pub(super) fn glance(&self, key: &Key<'_>) -> Option<V> {
        self.kept(key, self.cache.get(key)?)
    }

    #[expect(clippy::inline_always, reason = "measured: else the value is moved once more")]
    #[inline(always)]
    fn kept(&self, key: &Key<'_>, slot: Slot<V>) -> Option<V> {
        if slot.expires_at != Timestamp::MAX && self.clock.now() > slot.expires_at {
            self.drop_expired(key, slot.expires_at);
            return None;
        }
        Some(slot.value)
    }

    #[cold]
    #[inline(never)]
    fn drop_expired(&self, key: &Key<'_>, expires_at: Timestamp) {
        // Only if it is still the expired one: a new value may have come in between.
        self.cache.remove_if(&Aside(*key), |slot| slot.expires_at == expires_at);
    }

    pub(super) fn insert(&self, key: Key<'_>, value: V, opts: WriteOpts<'_>, weight: u64) {
        let expires_at = opts.keep_for.map_or(Timestamp::MAX, |ttl| self.clock.now().after(ttl));
        // An entry without weight would never be evicted.
        let weight = weight.clamp(1, MAX_WEIGHT);
        self.cache.insert(key.into(), Slot { value, expires_at, weight });
    }

    pub(super) fn remove(&self, key: Key<'_>) {
        self.cache.remove_if(&Aside(key), |_| true);
    }

    pub(super) fn len(&self) -> usize {
        self.cache.len()
    }

    pub(super) fn weight(&self) -> u64 {
        self.cache.weight()
    }

    /// How many entries had to go because there was no room.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted.0.load(Ordering::Relaxed)
    }

    pub(super) fn clear(&self) {
        self.cache.clear();
    }
}

/// A key that is looked for off the way of a hit: by reads that wait, and to be removed. A type of its own, so that
/// the search at a glance has one caller, and is inlined there.
#[derive(Hash)]
struct Aside<'a>(Key<'a>);

impl Equivalent<HeldKey> for Aside<'_> {
    fn equivalent(&self, key: &HeldKey) -> bool {
        self.0.equivalent(key)
    }
}

impl<V: Clone> fmt::Debug for Bounded<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounded")
            .field("entries", &self.cache.len())
            .field("weight", &self.cache.weight())
            .field("max_weight", &self.cache.capacity())
            .field("evicted", &self.evicted())
            .field("clock", &self.clock)
            .finish()
    }
}
