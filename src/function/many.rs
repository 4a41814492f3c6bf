//! One call of a cached batch.

use std::{future::Future, sync::Arc, time::Duration};

use super::{
    Batched, BlockingOperation, CachedError, CachedValue, Carrier, FunctionKey, Operation,
    Returned,
    answer::{misused, without},
};
use crate::{
    AsKey, Created, Error, Failure, Invalidator, Key, KeyBuf, Lock, Outcomes, Region, Result,
    Store, region::Wishes,
};

/// An item of a batch with its key.
#[derive(Clone)]
struct Entry<K> {
    key: KeyBuf,
    item: K,
}

impl<K> AsKey for Entry<K> {
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

/// A call of a cached batch, without its region.
#[expect(missing_debug_implementations, reason = "it is made of closures")]
pub struct Many<W: Returned, K, F, O, C> {
    items: Vec<K>,
    key: F,
    original: O,
    kept: C,
    expire_after: Option<Duration>,
    anew: bool,
    carrier: Carrier<W::Error>,
}

/// A call of a cached batch.
#[expect(clippy::too_many_arguments, reason = "called by generated code")]
pub fn many<W, K, F, O, C, R>(
    _: W,
    items: Vec<K>,
    key: F,
    original: O,
    kept: C,
    expire_after: Option<Duration>,
    anew: bool,
    carrier: Carrier<W::Error>,
) -> Many<W, K, F, O, C>
where
    W: Returned<Value: Batched<K>>,
    F: Fn(&K) -> Result<FunctionKey>,
    O: Fn(Vec<K>) -> R,
    C: Fn(Created<Of<W, K>>) -> Created<Of<W, K>>,
{
    Many { items, key, original, kept, expire_after, anew, carrier }
}

/// A call of a cached batch without items.
#[must_use]
pub fn none<W: Returned<Value: Batched<K>>, K>(_: W, _: &[K]) -> W::Return {
    whole::<W, K>(Vec::new(), Vec::new())
}

/// What a batch keeps for each item.
pub type Of<W, K> = <<W as Returned>::Value as Batched<K>>::Value;

impl<W, K, F, O, C, V> Many<W, K, F, O, C>
where
    W: Returned<Value: Batched<K, Value = V>, Error: CachedError>,
    K: Clone,
    F: Fn(&K) -> Result<FunctionKey>,
    C: Fn(Created<V>) -> Created<V>,
    V: CachedValue,
{
    fn wishes(&self) -> Wishes {
        let (expire_after, tells) = (self.expire_after, self.carrier.is_some());
        Wishes { expire_after, optional: true, tells }
    }

    fn entries(&self) -> Result<Vec<Entry<K>>> {
        let entry = |item: &K| Ok(Entry { key: (self.key)(item)?.to_buf(), item: item.clone() });
        self.items.iter().map(entry).collect()
    }

    /// What was created for the items that were `asked` for.
    fn made(
        &self,
        asked: Vec<K>,
        returned: W::Return,
    ) -> Result<Vec<(KeyBuf, Created<V>)>, W::Error> {
        let pairs = W::apart(returned)?.map(|batch| batch.pairs(asked)).unwrap_or_default();
        // What has no key was not asked for.
        let pair = |(item, value)| {
            let key = (self.key)(&item).ok()?.to_buf();
            Some((key, (self.kept)(Created::new(value))))
        };
        Ok(pairs.into_iter().filter_map(pair).collect())
    }

    /// What the caller gets; an error if the function has to be asked without the cache.
    fn finish(&self, outcomes: Outcomes<V, W::Error>) -> Result<W::Return> {
        let mut values = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            match outcome {
                Ok(value) => values.push(value),
                Err(Failure::Creator(error)) => {
                    return Ok(W::failed(Arc::unwrap_or_clone(error)));
                }
                Err(Failure::Cache(error)) => return self.fail(error),
            }
        }
        Ok(whole::<W, K>(self.items.clone(), values))
    }

    /// Tells that the cache failed, if that can be told.
    fn fail(&self, error: Error) -> Result<W::Return> {
        match self.carrier {
            Some(carry) => Ok(W::failed(carry(error))),
            None => Err(error),
        }
    }

    /// The items, for a call without the cache.
    fn without<S, L: Lock, I: Invalidator>(
        &self,
        region: &Region<S, L, I>,
        error: &Error,
    ) -> Vec<K> {
        without(region, error, Some(self.items.clone())).unwrap_or_else(|| misused(error))
    }
}

impl<W, K, F, O, C, V, Fut> Operation<V> for Many<W, K, F, O, C>
where
    W: Returned<Value: Batched<K, Value = V>, Error: CachedError>,
    K: Clone,
    F: Fn(&K) -> Result<FunctionKey>,
    O: Fn(Vec<K>) -> Fut,
    C: Fn(Created<V>) -> Created<V>,
    V: CachedValue,
    Fut: Future<Output = W::Return>,
{
    type Output = W::Return;

    async fn run<S: Store<V>, L: Lock, I: Invalidator>(
        self,
        region: &Region<S, L, I>,
    ) -> Result<W::Return> {
        let this = &self;
        let answer = match this.entries() {
            Ok(entries) => {
                let create = |missing: Vec<Entry<K>>| {
                    let asked: Vec<K> = missing.into_iter().map(|entry| entry.item).collect();
                    let returned = (this.original)(asked.clone());
                    async move { this.made(asked, returned.await) }
                };
                this.finish(region.call_multi(this.wishes(), this.anew, entries, create).await)
            }
            Err(error) => this.fail(error),
        };
        match answer {
            Ok(returned) => Ok(returned),
            Err(error) => Ok((self.original)(self.without(region, &error)).await),
        }
    }
}

impl<W, K, F, O, C, V> BlockingOperation<V> for Many<W, K, F, O, C>
where
    W: Returned<Value: Batched<K, Value = V>, Error: CachedError>,
    K: Clone,
    F: Fn(&K) -> Result<FunctionKey>,
    O: Fn(Vec<K>) -> W::Return,
    C: Fn(Created<V>) -> Created<V>,
    V: CachedValue,
{
    type Output = W::Return;

    fn run<S: Store<V>, L: Lock, I: Invalidator>(
        self,
        region: &Region<S, L, I>,
    ) -> Result<W::Return> {
        let answer = match self.entries() {
            Ok(entries) => {
                let create = |missing: Vec<Entry<K>>| {
                    let asked: Vec<K> = missing.into_iter().map(|entry| entry.item).collect();
                    self.made(asked.clone(), (self.original)(asked))
                };
                self.finish(region.call_multi_blocking(self.wishes(), self.anew, entries, create))
            }
            Err(error) => self.fail(error),
        };
        Ok(answer.unwrap_or_else(|error| (self.original)(self.without(region, &error))))
    }
}

fn whole<W: Returned<Value: Batched<K>>, K>(
    items: Vec<K>,
    values: Vec<Option<Of<W, K>>>,
) -> W::Return {
    let batch = found::<W::Value, K>(items, values);
    W::whole(Some(batch)).unwrap_or_else(|| unreachable!("a batch that is there can be returned"))
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

/// Stores values.
#[derive(Clone, Debug)]
pub struct SetMany<T>(Vec<(KeyBuf, T)>);

impl<T> SetMany<T> {
    /// Stores values under their keys.
    #[must_use]
    pub fn new(values: Vec<(KeyBuf, T)>) -> Self {
        Self(values)
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

impl<T: Sync> Operation<T> for SetMany<T> {
    type Output = ();

    async fn run<S: Store<T>, L: Lock, I: Invalidator>(
        self,
        region: &Region<S, L, I>,
    ) -> Result<()> {
        let (keys, values): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
        region.set_multi(keys.iter().zip(values)).await
    }
}

impl<T: Sync> BlockingOperation<T> for SetMany<T> {
    type Output = ();

    fn run<S: Store<T>, L: Lock, I: Invalidator>(self, region: &Region<S, L, I>) -> Result<()> {
        let (keys, values): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
        region.blocking().set_multi(keys.iter().zip(values))
    }
}
