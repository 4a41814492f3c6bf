//! The region: freshness, one creation for many callers, and the words users call.

use std::{fmt, sync::Arc, time::Duration};

use self::{flight::Flights, policy::Policy, stats::Tally};
use crate::{Clock, Entry, EntryTtl, Key, Level, Meta, Put, Result, Store, Timestamp};

mod builder;
mod create;
mod flight;
mod policy;
mod read;
mod stats;
mod typed;

pub use self::{builder::RegionBuilder, stats::Stats, typed::Typed};

/// A cache region: a stack `S` and a policy.
///
/// The region has no value type of its own. Each method asks `S: Store<T>` for the `T` of that
/// call, so the stack decides what it can hold; [`typed`](Self::typed) fixes one `T`.
///
/// Cloning is cheap; clones are the same region. Two regions over one store share its entries, but
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
pub struct Region<S> {
    inner: Arc<Inner<S>>,
}

struct Inner<S> {
    stack: S,
    policy: Policy,
    clock: Clock,
    flights: Flights,
    tally: Tally,
}

impl<S: Level> Region<S> {
    /// A region over `stack` with the default policy: entries never expire, callers wait for each
    /// other up to 30 s, and a store that fails is done without.
    pub fn new(stack: S) -> Self {
        Self::from_parts(stack, Policy::default(), Clock::default())
    }

    /// A region over `stack` with a policy of its own.
    pub fn builder(stack: S) -> RegionBuilder<S> {
        RegionBuilder::new(stack)
    }
}

impl<S> Region<S> {
    fn from_parts(stack: S, policy: Policy, clock: Clock) -> Self {
        let (flights, tally) = (Flights::new(), Tally::default());
        Self { inner: Arc::new(Inner { stack, policy, clock, flights, tally }) }
    }

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

    /// The same region with its value type fixed, so that calls need no type annotation.
    #[must_use]
    pub fn typed<T>(&self) -> Typed<T, S>
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
        match self.inner.fresh(key.into()).await {
            Ok(value) => Ok(Some(value)),
            Err(Ok(_)) => Ok(None),
            Err(Err(error)) => self.inner.missed(error),
        }
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
        let found = self.inner.stack.read_multi(&keys).await?;
        let now = self.inner.clock.now();
        let fresh = |answer: read::Answer<T>| match answer {
            Ok(entry) => {
                let fresh = entry.filter(|entry| self.inner.policy.is_fresh(&entry.meta, || now));
                Ok(fresh.and_then(|entry| entry.value))
            }
            Err(error) => self.inner.missed(error),
        };
        found.into_iter().map(fresh).collect()
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
        match self.inner.stack.read(key.into()).await {
            Ok(None | Some(Entry { value: None, .. })) => Ok(None),
            Ok(Some(Entry { value: Some(value), meta })) => {
                let now = self.inner.clock.now();
                let stale = !self.inner.policy.is_fresh(&meta, || now);
                Ok(Some(Found { value, created_at: meta.created_at(), read_at: now, stale }))
            }
            Err(error) => self.inner.missed(error),
        }
    }

    /// Stores `value` under `key`.
    ///
    /// # Errors
    ///
    /// When the store fails, or cannot hold the value.
    ///
    /// # Concurrency
    ///
    /// A creation of this key that is running in this region is not stored: `value` stays.
    ///
    /// # Cancellation
    ///
    /// When the future is dropped, the value may or may not have been stored.
    pub async fn set<'k, T>(&self, key: impl Into<Key<'k>>, value: T) -> Result<()>
    where
        S: Store<T>,
    {
        self.inner.set(key.into(), value, None).await
    }

    /// [`set`](Self::set) with a logical lifetime for this entry, in place of the region's
    /// `expire_after`. Only for stacks that can keep it ([`EntryTtl`]).
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    ///
    /// # Concurrency
    ///
    /// As [`set`](Self::set).
    ///
    /// # Cancellation
    ///
    /// As [`set`](Self::set).
    pub async fn set_with_ttl<'k, T>(
        &self,
        key: impl Into<Key<'k>>,
        value: T,
        ttl: Duration,
    ) -> Result<()>
    where
        S: Store<T> + EntryTtl,
    {
        self.inner.set(key.into(), value, Some(ttl)).await
    }

    /// Stores many values, in one round trip where the store can. All of them get the same time of
    /// creation. Without values the store is not asked.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set); some of the values may then have been stored.
    ///
    /// # Concurrency
    ///
    /// As [`set`](Self::set), for each key.
    ///
    /// # Cancellation
    ///
    /// When the future is dropped, any of the values may or may not have been stored.
    pub async fn set_multi<'k, T>(
        &self,
        values: impl IntoIterator<Item = (impl Into<Key<'k>>, T)>,
    ) -> Result<()>
    where
        S: Store<T>,
        T: Sync,
    {
        let meta = Meta::new(self.inner.clock.now());
        let values: Vec<(Key<'k>, Entry<Option<T>>)> = values
            .into_iter()
            .map(|(key, value)| (key.into(), Entry::new(Some(value), meta)))
            .collect();
        if values.is_empty() {
            return Ok(());
        }
        let _seats = self.inner.claim_all(values.iter().map(|(key, _)| *key).collect()).await;
        let opts = self.inner.policy.write_opts(None);
        let puts: Vec<_> = values.iter().map(|(key, entry)| Put::new(*key, entry, opts)).collect();
        self.inner.stack.write_multi(&puts).await
    }

    /// Forgets `key`. Needs no value type; forgetting a missing key is not an error.
    ///
    /// # Errors
    ///
    /// When the store fails.
    ///
    /// # Concurrency
    ///
    /// A creation of this key that is running in this region is not stored.
    ///
    /// # Cancellation
    ///
    /// When the future is dropped, the key may or may not have been forgotten.
    pub async fn delete<'k>(&self, key: impl Into<Key<'k>>) -> Result<()>
    where
        S: Level,
    {
        let key = key.into();
        let _seat = self.inner.flights.claim(key, self.inner.policy.wait_timeout).await;
        self.inner.stack.remove(key).await
    }

    /// Forgets many keys, in one round trip where the store can. Without keys the store is not
    /// asked.
    ///
    /// # Errors
    ///
    /// When the store fails; some of the keys may then have been forgotten.
    ///
    /// # Concurrency
    ///
    /// As [`delete`](Self::delete), for each key.
    ///
    /// # Cancellation
    ///
    /// When the future is dropped, any of the keys may or may not have been forgotten.
    pub async fn delete_multi<'k>(
        &self,
        keys: impl IntoIterator<Item = impl Into<Key<'k>>>,
    ) -> Result<()>
    where
        S: Level,
    {
        let keys: Vec<Key<'k>> = keys.into_iter().map(Into::into).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let _seats = self.inner.claim_all(keys.clone()).await;
        self.inner.stack.remove_multi(&keys).await
    }
}

impl<S> Inner<S> {
    #[inline]
    fn is_fresh(&self, meta: &Meta) -> bool {
        self.policy.is_fresh(meta, || self.clock.now())
    }

    /// A read that failed: a miss if only the entry is to blame.
    fn missed<T>(&self, error: crate::Error) -> Result<Option<T>> {
        if error.is_unreadable() { self.unreadable(&error).map(|()| None) } else { Err(error) }
    }

    async fn set<T>(&self, key: Key<'_>, value: T, ttl: Option<Duration>) -> Result<()>
    where
        S: Store<T>,
    {
        let _seat = self.flights.claim(key, self.policy.wait_timeout).await;
        let entry = Entry::new(Some(value), Meta::new(self.clock.now()).with_ttl(ttl));
        self.stack.write(key, &entry, self.policy.write_opts(ttl)).await
    }

    /// Takes the seats of many keys, always in the same order, so that two batches never wait for
    /// each other.
    async fn claim_all<'a>(&'a self, mut keys: Vec<Key<'_>>) -> Vec<flight::Lead<'a>> {
        keys.sort_unstable();
        keys.dedup();
        let mut seats = Vec::with_capacity(keys.len());
        for key in keys {
            seats.push(self.flights.claim(key, self.policy.wait_timeout).await);
        }
        seats
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
impl<S> Clone for Region<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<S: Level + Default> Default for Region<S> {
    fn default() -> Self {
        Self::new(S::default())
    }
}

impl<S: fmt::Debug> fmt::Debug for Region<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region")
            .field("stack", &self.inner.stack)
            .field("policy", &self.inner.policy)
            .field("flights", &self.inner.flights)
            .finish_non_exhaustive()
    }
}
