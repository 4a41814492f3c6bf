//! Writing and forgetting, which win over creations.

use std::time::Duration;

use super::{Region, crew::Crew, flight::Lead, held::Held};
use crate::{Entry, Invalidator, Key, Level, Lock, Put, Result, Store, Timestamp};

impl<S, L: Lock, I: Invalidator> Region<S, L, I> {
    /// Stores `value` under `key`.
    ///
    /// # Errors
    ///
    /// When the store fails, or cannot hold the value.
    ///
    /// # Concurrency
    ///
    /// A creation of this key that is running in this region, or with a lock between processes in any
    /// of them, is not stored: `value` stays.
    ///
    /// # Cancellation
    ///
    /// When the future is dropped, the value may or may not have been stored. As after a
    /// [`Timeout`](crate::ErrorKind::Timeout), it may also be on its way still, and replace what another
    /// process stores meanwhile.
    pub async fn set<'k, T>(&self, key: impl Into<Key<'k>>, value: T) -> Result<()>
    where
        S: Store<T>,
    {
        self.put(key.into(), value, None).await
    }

    /// Stores a value with a lifetime of its own, which the stack must be able to keep.
    pub(crate) async fn put<T>(&self, key: Key<'_>, value: T, ttl: Option<Duration>) -> Result<()>
    where
        S: Store<T>,
    {
        let (_seats, held) = self.claim(&[key]).await;
        let entry = self.entry_now(key, value, ttl, self.inner.clock.now());
        let opts = self.write_opts(entry.meta.ttl());
        let written = self.inner.stack.write(key, &entry, opts).await;
        self.give_back(held).await;
        written
    }

    fn entry_now<T>(
        &self,
        key: Key<'_>,
        value: T,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Entry<Option<T>> {
        let meta = self.meta(key, now);
        Entry::new(Some(value), if ttl.is_some() { meta.with_ttl(ttl) } else { meta })
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
        let put = |(key, value): (_, T)| (Into::<Key<'k>>::into(key), value, None);
        self.put_multi(values.into_iter().map(put).collect()).await
    }

    /// Stores values, some with a lifetime of their own, which the stack must be able to keep.
    pub(crate) async fn put_multi<T>(
        &self,
        values: Vec<(Key<'_>, T, Option<Duration>)>,
    ) -> Result<()>
    where
        S: Store<T>,
        T: Sync,
    {
        if values.is_empty() {
            return Ok(());
        }
        let keys: Vec<Key<'_>> = values.iter().map(|(key, ..)| *key).collect();
        let (_seats, held) = self.claim(&keys).await;
        let now = self.inner.clock.now();
        let entries = values.into_iter();
        let entries: Vec<_> =
            entries.map(|(key, value, ttl)| self.entry_now(key, value, ttl, now)).collect();
        let puts = keys.iter().zip(&entries);
        let puts: Vec<_> = puts
            .map(|(key, entry)| Put::new(*key, entry, self.write_opts(entry.meta.ttl())))
            .collect();
        let written = self.inner.stack.write_multi(&puts).await;
        self.give_back(held).await;
        written
    }

    /// Forgets `key`. Needs no value type; forgetting a missing key is not an error.
    ///
    /// # Errors
    ///
    /// When the store fails.
    ///
    /// # Concurrency
    ///
    /// A creation of this key that is running in this region, or with a lock between processes in any
    /// of them, is not stored.
    ///
    /// # Cancellation
    ///
    /// When the future is dropped, the key may or may not have been forgotten.
    pub async fn delete<'k>(&self, key: impl Into<Key<'k>>) -> Result<()>
    where
        S: Level,
    {
        let key = key.into();
        let (_seats, held) = self.claim(&[key]).await;
        let removed = self.inner.stack.remove(key).await;
        self.give_back(held).await;
        removed
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
        let (_seats, held) = self.claim(&keys).await;
        let removed = self.inner.stack.remove_multi(&keys).await;
        self.give_back(held).await;
        removed
    }

    /// Takes the seats and the locks of keys for a write: whoever creates them is voided.
    async fn claim(&self, keys: &[Key<'_>]) -> (Vec<Lead>, Held<L>)
    where
        S: Level,
    {
        let crew = Crew::new();
        let mut sorted = keys.to_vec();
        // Always in the same order, so that two batches never wait for each other.
        sorted.sort_unstable();
        sorted.dedup();
        let mut seats = Vec::with_capacity(sorted.len());
        for key in &sorted {
            let (stamp, patience) = (self.stamp(*key), self.call.wait_timeout);
            seats.push(self.inner.flights.claim(*key, crew, stamp, patience).await);
        }
        let mut held = Held::none(&self.inner.lock);
        if self.inner.lock.is_shared() {
            let leases = sorted.into_iter().map(|key| self.lease(key)).collect();
            match Held::seize(&self.inner.lock, leases).await {
                Ok(seized) => held = seized,
                // The write itself will say what is wrong, if it is the same server.
                Err(error) => self.inner.tally.warn(&error, self.inner.clock.now()),
            }
        }
        (seats, held)
    }
}
