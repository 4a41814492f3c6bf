//! The region: freshness, one creation for many callers, and the words users call.

use std::{fmt, sync::Arc, time::Duration};

use self::{
    flight::Flights, held::Held, options::Call, policy::Policy, read::Left, stats::Tally,
    straight::Next,
};
use crate::{
    Capabilities, Clock, Happened, Key, Level, Local, Lock, Meta, Result, Store, Timestamp,
    WriteOpts,
};

mod batch;
mod behind;
mod blocking;
mod builder;
mod create;
mod create_multi;
mod created;
mod crew;
mod flight;
mod function;
mod held;
mod invalidate;
mod keep;
mod lifetimes;
mod multi;
mod options;
mod outcome;
mod patience;
mod policy;
mod read;
#[cfg(feature = "config")]
mod settings;
mod shared_marks;
mod source;
mod stats;
mod straight;
mod tell;
mod through;
mod through_multi;
mod turn;
mod typed;
mod write;

pub(crate) use self::function::Wishes;
pub use self::{
    blocking::Blocking,
    builder::RegionBuilder,
    created::Created,
    invalidate::{Invalidation, Invalidator, Marks, Verdict},
    lifetimes::Lifetimes,
    multi::Outcomes,
    options::{OnTimeout, Options},
    shared_marks::SharedMarks,
    source::RegionSource,
    stats::Stats,
    typed::Typed,
};

/// A cache region: a stack `S`, a lock `L` between processes, a strategy of invalidation `I`, and a
/// policy.
///
/// The region has no value type of its own. Each method asks `S: Store<T>` for the `T` of that
/// call, so the stack decides what it can hold; [`typed`](Self::typed) fixes one `T`.
///
/// Cloning is cheap; clones are the same region, and so are the handles that [`with`](Self::with)
/// gives, which have other options. Two regions over one store share its entries, but
/// not their creations.
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "codec-postcard"))] {
/// use std::time::Duration;
/// use larder::{BackendExt, Framed, Logging, Memory, PayloadExt, Postcard, Region};
///
/// type Users = Region<Framed<Postcard<Memory>>>;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let users: Users = Region::builder(Memory::new().postcard().framed())
///     .expire_after(Duration::from_secs(300))
///     .build()?;
///
/// let name: String = users.get_or_create("user:1", async || "ann".to_owned()).await?;
/// assert_eq!(users.get::<String>("user:1").await?, Some(name));
///
/// users.delete("user:1").await?;
/// assert_eq!(users.get::<String>("user:1").await?, None);
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// # }
/// ```
pub struct Region<S, L = Local, I = Marks> {
    inner: Arc<Inner<S, L, I>>,
    call: Arc<Call>,
    /// The first age that is too old for this handle, here because every hit compares with it.
    limit: u64,
}

struct Inner<S, L, I> {
    stack: S,
    lock: L,
    /// Whether the stack checks the leases of the lock when it writes.
    fenced: bool,
    /// Whether what the stack reads may be an older copy of what it has.
    tiered: bool,
    /// Whether the stack may say from memory that there is nothing.
    remembers: bool,
    /// How exactly the time of creation is kept by all of several tiers.
    step: Option<Duration>,
    invalidator: I,
    policy: Policy,
    clock: Clock,
    flights: Arc<Flights>,
    tally: Tally,
}

impl<S: Level> Region<S> {
    /// A region over `stack` with the default policy: entries never expire, callers wait for each
    /// other up to 30 s, and a store that fails is done without.
    pub fn new(stack: S) -> Self {
        let policy = Policy::default();
        // Nothing is asked of the stack that it could refuse.
        let _ = stack.adopt(&policy.lifetimes);
        Self::from_parts(stack, Local, Marks::default(), policy, Clock::default())
    }

    /// A region over `stack` with a policy of its own.
    pub fn builder(stack: S) -> RegionBuilder<S> {
        RegionBuilder::new(stack)
    }
}

impl<S: Level, L: Lock, I: Invalidator> Region<S, L, I> {
    fn from_parts(stack: S, lock: L, invalidator: I, policy: Policy, clock: Clock) -> Self {
        let (flights, tally) = (Flights::new(), Tally::default());
        let Capabilities { fence, further_tiers, created_at, remembers_absence: remembers, .. } =
            stack.capabilities();
        let fenced = fence.is_some() && fence == lock.domain();
        let tiered = further_tiers > 0;
        let step = created_at.step().filter(|_| tiered);
        let call = Call::of(&policy);
        let inner = Inner {
            stack,
            lock,
            fenced,
            tiered,
            remembers,
            step,
            invalidator,
            policy,
            clock,
            flights,
            tally,
        };
        Self { inner: Arc::new(inner), limit: call.first_limit(), call: Arc::new(call) }
    }
}

impl<S, L, I> Region<S, L, I> {
    /// The stack underneath.
    #[must_use]
    pub fn stack(&self) -> &S {
        &self.inner.stack
    }

    /// What happened here besides fresh hits.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.tally.stats()
    }

    /// How many keys are being created or written at this moment.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.inner.flights.in_the_air()
    }

    /// The lock between processes.
    #[must_use]
    pub fn lock(&self) -> &L {
        &self.inner.lock
    }
}

impl<S, L: Lock, I: Invalidator> Region<S, L, I> {
    /// The same region with its value type fixed, so that calls need no type annotation.
    #[must_use]
    pub fn typed<T>(&self) -> Typed<T, S, L, I>
    where
        S: Store<T>,
    {
        Typed::new(self.clone())
    }

    /// The value under `key` if it is there and fresh. Never waits for a creation.
    ///
    /// # Errors
    ///
    /// When the store fails. Bytes that cannot be decoded are a miss, unless the region is
    /// [`strict`](RegionBuilder::strict).
    ///
    /// # Cancellation
    ///
    /// Safe.
    pub async fn get<'k, T>(&self, key: impl Into<Key<'k>>) -> Result<Option<T>>
    where
        S: Store<T>,
    {
        let key = key.into();
        let glanced = match self.glance(self.limit, key) {
            Ok(value) => return Ok(Some(value)),
            Err(glanced) => glanced,
        };
        let rest = move |found| match found {
            Ok(None) if !self.looks_twice() => {
                self.tell_of(Happened::Miss, key);
                Next::Done(Ok(None))
            }
            // It may have to ask first what other processes have invalidated.
            found => Next::Boxed(Box::pin(self.get_at_second_sight(key, found))),
        };
        self.through(self.limit, key, glanced, |value| Ok(Some(value)), rest).await
    }

    /// The fresh values under `keys`, in their order, duplicates included; one round trip where
    /// the store can. Without keys the store is not asked.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    ///
    /// # Cancellation
    ///
    /// Safe.
    pub async fn get_multi<'k, T>(
        &self,
        keys: impl IntoIterator<Item = impl Into<Key<'k>>>,
    ) -> Result<Vec<Option<T>>>
    where
        S: Store<T>,
        T: Send,
    {
        let keys: Vec<Key<'k>> = keys.into_iter().map(Into::into).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let left = self.answered(&keys, true, self.left_of_many(&keys).await)?;
        let missing: Vec<Key<'_>> = keys
            .iter()
            .zip(&left)
            .filter(|(_, left)| !matches!(left, Left::Fresh(_)))
            .map(|(key, _)| *key)
            .collect();
        self.tell_fresh(keys.len() - missing.len());
        self.tell_misses(&missing);
        Ok(left.into_iter().map(Left::fresh).collect())
    }

    /// The value under `key`, fresh or stale, with what is known about it.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    ///
    /// # Cancellation
    ///
    /// Safe.
    pub async fn entry<'k, T>(&self, key: impl Into<Key<'k>>) -> Result<Option<Found<T>>>
    where
        S: Store<T>,
    {
        let key = key.into();
        let found = self.read(key).await;
        let may_be_copy = self.may_be_copy(&found);
        let mut entry = self.answered(&[key], true, self.missed(found))?;
        let mut created_at = entry.as_ref().and_then(|entry| entry.meta.created_at());
        let mut left = self.settle(key, entry).await;
        if may_be_copy && !matches!(left, Left::Fresh(_)) {
            entry = self.answered(&[key], true, self.missed(self.read_anew(key).await))?;
            created_at = entry.as_ref().and_then(|entry| entry.meta.created_at());
            left = self.settle(key, entry).await;
        }
        let (value, stale) = match left {
            Left::Fresh(Some(value)) => {
                self.tell_fresh(1);
                (value, false)
            }
            Left::Stale(Some(value)) => {
                self.tell_of(Happened::Stale, key);
                (value, true)
            }
            Left::Fresh(None) => {
                self.tell_fresh(1);
                return Ok(None);
            }
            Left::Stale(None) | Left::Missing => {
                self.tell_of(Happened::Miss, key);
                return Ok(None);
            }
        };
        Ok(Some(Found { value, created_at, read_at: self.inner.clock.now(), stale }))
    }

    /// Whether `key` is being created or written at this moment: in this region, or, with a lock
    /// between processes, in any of them that keeps it under the same
    /// [stored key](Level::stored_key).
    ///
    /// # Errors
    ///
    /// When the lock cannot be asked.
    ///
    /// # Cancellation
    ///
    /// Safe.
    pub async fn key_is_locked<'k>(&self, key: impl Into<Key<'k>>) -> Result<bool>
    where
        S: Level,
    {
        let key = key.into();
        if self.inner.flights.is_creating(key) {
            return Ok(true);
        }
        if self.inner.lock.is_shared() { self.is_leased(key).await } else { Ok(false) }
    }

    /// Releases leases; if that fails, they end by themselves.
    async fn give_back(&self, held: Held<L>) {
        if let Err(error) = held.release().await {
            self.inner.tally.warn(&error, self.inner.clock.now());
        }
    }

    /// The time of creation for a value that is made now.
    fn stamp(&self, key: Key<'_>) -> Timestamp {
        self.stamp_at(key, self.inner.clock.now())
    }

    fn stamp_at(&self, key: Key<'_>, now: Timestamp) -> Timestamp {
        let stamp = self.inner.invalidator.stamp(key, now);
        // A copy and what it copies have one age.
        self.inner.step.map_or(stamp, |step| stamp.floor(step))
    }

    fn meta(&self, key: Key<'_>, now: Timestamp) -> Meta {
        Meta::new(self.stamp_at(key, now)).with_ttl(self.call.ttl)
    }

    fn write_opts(&self, ttl: Option<Duration>) -> WriteOpts<'static> {
        let (own, expire_after) = (ttl.or(self.call.ttl), self.call.expire_after);
        let keep_for = self.inner.policy.lifetimes.keep_for_call(own, expire_after);
        WriteOpts { tiers: self.call.tiers, ..WriteOpts::keep_for(keep_for) }
    }
}

/// A value with what is known about it; from [`Region::entry`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found<T> {
    /// The value.
    pub value: T,
    created_at: Option<Timestamp>,
    read_at: Timestamp,
    stale: bool,
}

impl<T> Found<T> {
    /// When its creation began; `None` where the format keeps no time.
    #[must_use]
    pub const fn created_at(&self) -> Option<Timestamp> {
        self.created_at
    }

    /// How old it was when it was read; `None` where the format keeps no time.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.created_at.map(|created_at| self.read_at.since(created_at))
    }

    /// Whether it had outlived its logical lifetime when it was read.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.stale
    }
}

// A derive would ask for `S: Clone`.
impl<S, L, I> Clone for Region<S, L, I> {
    fn clone(&self) -> Self {
        let (inner, call) = (Arc::clone(&self.inner), Arc::clone(&self.call));
        Self { inner, call, limit: self.limit }
    }
}

impl<S: Level + Default> Default for Region<S> {
    fn default() -> Self {
        Self::new(S::default())
    }
}

impl<S: fmt::Debug, L: fmt::Debug, I: fmt::Debug> fmt::Debug for Region<S, L, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region")
            .field("stack", &self.inner.stack)
            .field("lock", &self.inner.lock)
            .field("invalidator", &self.inner.invalidator)
            .field("policy", &self.inner.policy)
            .field("flights", &self.inner.flights)
            .finish_non_exhaustive()
    }
}
