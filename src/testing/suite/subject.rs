//! What the checks speak to: a backend, its hashes, or a store of entries.

use std::{fmt::Debug, future::Future};

use bytes::Bytes;

use super::super::dice::Dice;
use crate::{
    Backend, Batch, Capabilities, Entry, HashBackend, HashExpiry, Key, Meta, Put, Result, Store,
    Timestamp, WriteOpts,
};

/// Values under keys, whatever the level.
pub(super) trait Subject: Send + Sync + 'static {
    type Value: Clone + PartialEq + Debug + Send + Sync + 'static;

    /// The value of this number, and of no other.
    fn value(&self, number: u64) -> Self::Value;

    /// The same, where there can be long and short ones a mixture of them.
    fn long_or_short(&self, number: u64) -> Self::Value {
        self.value(number)
    }

    fn get(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Self::Value>>> + Send;

    /// Whether what is seen at a glance, if anything is, is what is read.
    fn glance_agrees(&self, key: Key<'_>) -> impl Future<Output = Result<bool>> + Send {
        let _ = key;
        async { Ok(true) }
    }

    fn set(
        &self,
        key: Key<'_>,
        value: Self::Value,
        opts: WriteOpts<'_>,
    ) -> impl Future<Output = Result<()>> + Send;

    fn remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send;

    fn get_multi(
        &self,
        keys: &[Key<'_>],
    ) -> impl Future<Output = Result<Batch<Self::Value>>> + Send;

    fn set_multi(&self, puts: &[Put<'_, Self::Value>]) -> impl Future<Output = Result<()>> + Send;

    fn remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send;

    fn capabilities(&self) -> Capabilities;
}

/// `number` in eight bytes, and up to `most` others that belong to it.
fn bytes(number: u64, most: usize) -> Bytes {
    let mut dice = Dice::new(number);
    let len = dice.below(most + 1);
    let mut value = number.to_le_bytes().to_vec();
    while value.len() < 8 + len {
        value.extend_from_slice(&dice.roll().to_le_bytes());
    }
    value.truncate(8 + len);
    value.into()
}

/// A backend by its own methods.
pub(super) struct Plain<B>(pub(super) B);

impl<B: Backend + 'static> Subject for Plain<B> {
    type Value = Bytes;

    fn value(&self, number: u64) -> Bytes {
        bytes(number, 64)
    }

    fn long_or_short(&self, number: u64) -> Bytes {
        bytes(number, 40_000)
    }

    fn get(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Bytes>>> + Send {
        self.0.get(key)
    }

    async fn glance_agrees(&self, key: Key<'_>) -> Result<bool> {
        let glanced = self.0.glance(key);
        Ok(glanced.is_none() || glanced == self.0.get(key).await?)
    }

    fn set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
    ) -> impl Future<Output = Result<()>> + Send {
        self.0.set(key, value, opts)
    }

    fn remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send {
        self.0.remove(key)
    }

    fn get_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<Batch<Bytes>>> + Send {
        self.0.get_multi(keys)
    }

    fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> impl Future<Output = Result<()>> + Send {
        self.0.set_multi(puts)
    }

    fn remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send {
        self.0.remove_multi(keys)
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
}

/// A backend by its hash methods.
pub(super) struct Hashed<B>(pub(super) B, pub(super) HashExpiry);

impl<B: HashBackend + 'static> Subject for Hashed<B> {
    type Value = Bytes;

    fn value(&self, number: u64) -> Bytes {
        bytes(number, 64)
    }

    fn long_or_short(&self, number: u64) -> Bytes {
        bytes(number, 40_000)
    }

    fn get(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Bytes>>> + Send {
        self.0.hash_get(key)
    }

    fn set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
    ) -> impl Future<Output = Result<()>> + Send {
        self.0.hash_set(key, value, opts, self.1)
    }

    fn remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send {
        self.0.hash_remove(key)
    }

    fn get_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<Batch<Bytes>>> + Send {
        self.0.hash_get_multi(keys)
    }

    fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> impl Future<Output = Result<()>> + Send {
        self.0.hash_set_multi(puts, self.1)
    }

    fn remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send {
        self.0.hash_remove_multi(keys)
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
}

/// A store by the values of its entries.
pub(super) struct Entries<S, T> {
    pub(super) store: S,
    pub(super) value: fn(u64) -> T,
}

/// When the entries of the checks were created.
pub(super) const CREATED: Timestamp = Timestamp::from_secs(1_700_000_000);

impl<T, S> Subject for Entries<S, T>
where
    T: Clone + PartialEq + Debug + Send + Sync + 'static,
    S: Store<T> + 'static,
{
    type Value = T;

    fn value(&self, number: u64) -> T {
        (self.value)(number)
    }

    async fn get(&self, key: Key<'_>) -> Result<Option<T>> {
        Ok(self.store.read(key).await?.and_then(|entry| entry.value))
    }

    async fn glance_agrees(&self, key: Key<'_>) -> Result<bool> {
        let glanced = self.store.glance(key);
        Ok(glanced.is_none() || glanced == self.store.read(key).await?)
    }

    async fn set(&self, key: Key<'_>, value: T, opts: WriteOpts<'_>) -> Result<()> {
        self.store.write(key, &Entry::new(Some(value), Meta::new(CREATED)), opts).await
    }

    fn remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send {
        self.store.remove(key)
    }

    async fn get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<T>> {
        let found = self.store.read_multi(keys).await?;
        let value = |found: Option<Entry<Option<T>>>| found.and_then(|entry| entry.value);
        Ok(found.into_iter().map(|found| found.map(value)).collect())
    }

    async fn set_multi(&self, puts: &[Put<'_, T>]) -> Result<()> {
        let entry = |put: &Put<'_, T>| Entry::new(Some(put.value.clone()), Meta::new(CREATED));
        let entries: Vec<_> = puts.iter().map(entry).collect();
        let puts = puts.iter().zip(&entries);
        let puts: Vec<_> = puts.map(|(put, entry)| Put::new(put.key, entry, put.opts)).collect();
        self.store.write_multi(&puts).await
    }

    fn remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send {
        self.store.remove_multi(keys)
    }

    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }
}
