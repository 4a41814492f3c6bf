//! One call of a cached batch.

use std::{future::Future, sync::Arc, time::Duration};

use super::{
    Batched, BlockingOperation, CachedError, CachedValue, Carrier, FunctionKey, Operation,
    Returned, answer::without,
};
use crate::{
    AsKey, Created, Failure, Invalidator, Key, KeyBuf, Level, Lock, Outcomes, Region, Result,
    Store, region::Wishes,
};

/// An item of a batch, by its key and its place in the list. The item itself stays with the caller: what
/// it borrows is nothing to the region.
#[derive(Clone)]
struct Entry {
    key: KeyBuf,
    at: usize,
}

impl AsKey for Entry {
    fn as_key(&self) -> Key<'_> {
        self.key.as_key()
    }
}

/// The keys of items.
///
/// # Errors
///
/// When one of them cannot be written.
pub fn keys<K>(items: &[K], key: impl Fn(&K) -> Result<FunctionKey>) -> Result<Vec<KeyBuf>> {
    items.iter().map(|item| Ok(key(item)?.to_buf())).collect()
}

/// The items at some places.
#[must_use]
pub fn picked<K: Clone>(items: &[K], places: &[usize]) -> Vec<K> {
    places.iter().map(|at| items[*at].clone()).collect()
}

/// What a batch keeps for each item.
pub type Of<W, K> = <<W as Returned>::Value as Batched<K>>::Value;

/// Asks that what a batch over `K` returns can be cached.
pub fn batches<W, K>()
where
    W: Returned<Value: Batched<K, Value: CachedValue>>,
{
}

/// What a creator makes of the items that it was asked for.
pub type Made<V, E> = Result<Vec<(KeyBuf, Created<V>)>, E>;

/// What was created for the items that were `asked` for.
///
/// # Errors
///
/// When the function has failed.
pub fn made<W, K>(
    _: W,
    returned: W::Return,
    asked: Vec<K>,
    key: impl Fn(&K) -> Result<FunctionKey>,
    kept: impl Fn(Created<Of<W, K>>) -> Created<Of<W, K>>,
) -> Made<Of<W, K>, W::Error>
where
    W: Returned<Value: Batched<K>>,
{
    let pairs = W::apart(returned)?.map(|batch| batch.pairs(asked)).unwrap_or_default();
    // What has no key was not asked for.
    let pair = |(item, value)| Some((key(&item).ok()?.to_buf(), kept(Created::new(value))));
    Ok(pairs.into_iter().filter_map(pair).collect())
}

/// What comes of a batch: a value for each item, nothing if the function is to be called without the
/// cache, or what its callers are told.
pub type Settled<V, E> = Result<Option<Vec<Option<V>>>, Arc<E>>;

/// What a batch returns.
///
/// # Errors
///
/// With the items, if the function is to be called without the cache.
pub fn settled<W, K>(
    _: W,
    items: Vec<K>,
    settled: Settled<Of<W, K>, W::Error>,
) -> Result<W::Return, Vec<K>>
where
    W: Returned<Value: Batched<K>, Error: CachedError>,
{
    match settled {
        Ok(Some(values)) => Ok(whole::<W, K>(items, values)),
        Ok(None) => Err(items),
        Err(error) => Ok(W::failed(Arc::unwrap_or_clone(error))),
    }
}

/// A batch without items.
#[must_use]
pub fn none<W: Returned<Value: Batched<K>>, K>(_: W, items: Vec<K>) -> W::Return {
    whole::<W, K>(items, Vec::new())
}

fn whole<W: Returned<Value: Batched<K>>, K>(
    items: Vec<K>,
    values: Vec<Option<Of<W, K>>>,
) -> W::Return {
    let batch = found::<W::Value, K>(items, values);
    W::whole(Some(batch)).unwrap_or_else(|| unreachable!("a batch that is there can be returned"))
}

/// A call of a cached batch, without its region.
///
/// Neither the items nor what the function returns is part of its type. The compiler judges whether a
/// future is `Send` without knowing which of its lifetimes are the same, so nothing that it has to prove
/// for that may depend on two of them.
#[expect(missing_debug_implementations, reason = "it is made of a closure")]
pub struct Many<E, C> {
    keys: Result<Vec<KeyBuf>>,
    wishes: Wishes,
    create: C,
    carrier: Carrier<E>,
}

/// A call of a cached batch; `create` gets the places of what is missing.
pub fn many<E, C>(
    keys: Result<Vec<KeyBuf>>,
    expire_after: Option<Duration>,
    anew: bool,
    create: C,
    carrier: Carrier<E>,
) -> Many<E, C> {
    let wishes = Wishes { expire_after, anew, optional: true, tells: carrier.is_some() };
    Many { keys, wishes, create, carrier }
}

fn entries(keys: Vec<KeyBuf>) -> Vec<Entry> {
    keys.into_iter().enumerate().map(|(at, key)| Entry { key, at }).collect()
}

fn places(missing: Vec<Entry>) -> Vec<usize> {
    missing.into_iter().map(|entry| entry.at).collect()
}

fn settle<S: Level, L: Lock, I: Invalidator, V, E>(
    region: &Region<S, L, I>,
    outcomes: Result<Outcomes<V, E>>,
    carrier: Carrier<E>,
) -> Settled<V, E> {
    let values = outcomes
        .map_err(Failure::Cache)
        .and_then(|outcomes| outcomes.into_iter().collect::<Result<Vec<_>, _>>());
    match (values, carrier) {
        (Ok(values), _) => Ok(Some(values)),
        (Err(Failure::Creator(error)), _) => Err(error),
        (Err(Failure::Cache(error)), Some(carry)) => Err(Arc::new(carry(error))),
        (Err(Failure::Cache(error)), None) => {
            without(region, &error);
            Ok(None)
        }
    }
}

impl<V, E, C, Fut> Operation<V> for Many<E, C>
where
    V: CachedValue,
    E: Send + Sync + 'static,
    C: Fn(Vec<usize>) -> Fut,
    Fut: Future<Output = Made<V, E>>,
{
    type Output = Settled<V, E>;

    async fn run<S: Store<V>, L: Lock, I: Invalidator>(
        self,
        region: &Region<S, L, I>,
    ) -> Result<Settled<V, E>> {
        let Self { keys, wishes, create, carrier } = self;
        let outcomes = match keys {
            Ok(keys) => {
                let create = |missing| create(places(missing));
                Ok(region.call_multi(wishes, entries(keys), create).await)
            }
            Err(error) => Err(error),
        };
        Ok(settle(region, outcomes, carrier))
    }
}

impl<V, E, C> BlockingOperation<V> for Many<E, C>
where
    V: CachedValue,
    E: Send + Sync + 'static,
    C: Fn(Vec<usize>) -> Made<V, E>,
{
    type Output = Settled<V, E>;

    fn run<S: Store<V>, L: Lock, I: Invalidator>(
        self,
        region: &Region<S, L, I>,
    ) -> Result<Settled<V, E>> {
        let Self { keys, wishes, create, carrier } = self;
        let create = |missing| create(places(missing));
        let outcomes = keys.map(|keys| region.call_multi_blocking(wishes, entries(keys), create));
        Ok(settle(region, outcomes, carrier))
    }
}

/// The values that are there, as the batch returns them.
#[must_use]
pub fn found<B: Batched<K>, K>(items: Vec<K>, values: Vec<Option<B::Value>>) -> B {
    B::whole(items.into_iter().zip(values))
}

/// Looks for values.
#[derive(Clone, Debug)]
pub struct GetMany {
    keys: Vec<KeyBuf>,
    expire_after: Option<Duration>,
}

impl GetMany {
    /// Looks for the values under `keys`.
    #[must_use]
    pub fn new(keys: Vec<KeyBuf>, expire_after: Option<Duration>) -> Self {
        Self { keys, expire_after }
    }
}

impl<T: Send> Operation<T> for GetMany {
    type Output = Vec<Option<T>>;

    async fn run<S: Store<T>, L: Lock, I: Invalidator>(
        self,
        region: &Region<S, L, I>,
    ) -> Result<Vec<Option<T>>> {
        region.within(self.expire_after).get_multi(&self.keys).await
    }
}

impl<T: Send> BlockingOperation<T> for GetMany {
    type Output = Vec<Option<T>>;

    fn run<S: Store<T>, L: Lock, I: Invalidator>(
        self,
        region: &Region<S, L, I>,
    ) -> Result<Vec<Option<T>>> {
        region.within(self.expire_after).blocking().get_multi(&self.keys)
    }
}

/// Stores values, as the function would have them kept.
#[derive(Clone, Debug)]
pub struct SetMany<T> {
    keys: Vec<KeyBuf>,
    created: Vec<Created<T>>,
    expire_after: Option<Duration>,
}

impl<T> SetMany<T> {
    /// Stores what was created under its keys.
    #[must_use]
    pub fn new(
        keys: Vec<KeyBuf>,
        created: Vec<Created<T>>,
        expire_after: Option<Duration>,
    ) -> Self {
        Self { keys, created, expire_after }
    }
}

/// What is to be written; nothing where there is no value.
fn puts<T>(keys: &[KeyBuf], created: Vec<Created<T>>) -> Vec<(Key<'_>, T, Option<Duration>)> {
    let puts = keys.iter().zip(created).filter_map(|(key, created)| {
        let (value, ttl) = created.into_parts();
        Some((key.as_key(), value?, ttl))
    });
    puts.collect()
}

impl<T: Sync> Operation<T> for SetMany<T> {
    type Output = ();

    async fn run<S: Store<T>, L: Lock, I: Invalidator>(
        self,
        region: &Region<S, L, I>,
    ) -> Result<()> {
        region.within(self.expire_after).put_multi(puts(&self.keys, self.created)).await
    }
}

impl<T: Sync> BlockingOperation<T> for SetMany<T> {
    type Output = ();

    fn run<S: Store<T>, L: Lock, I: Invalidator>(self, region: &Region<S, L, I>) -> Result<()> {
        let region = region.within(self.expire_after).blocking();
        region.put_multi(puts(&self.keys, self.created))
    }
}

/// Forgets values.
#[derive(Clone, Debug)]
pub struct InvalidateMany(Vec<KeyBuf>);

impl InvalidateMany {
    /// Forgets the values under `keys`.
    #[must_use]
    pub fn new(keys: Vec<KeyBuf>) -> Self {
        Self(keys)
    }
}

impl<T> Operation<T> for InvalidateMany {
    type Output = ();

    async fn run<S: Store<T>, L: Lock, I: Invalidator>(
        self,
        region: &Region<S, L, I>,
    ) -> Result<()> {
        region.delete_multi(&self.0).await
    }
}

impl<T> BlockingOperation<T> for InvalidateMany {
    type Output = ();

    fn run<S: Store<T>, L: Lock, I: Invalidator>(self, region: &Region<S, L, I>) -> Result<()> {
        region.blocking().delete_multi(&self.0)
    }
}
