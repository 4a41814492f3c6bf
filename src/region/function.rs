//! Reading through for cached functions, which have wishes of their own.

use std::{future::Future, time::Duration};

use super::{
    Region,
    create::{Asked, Wants},
    created::Created,
    multi::Outcomes,
    options::Options,
    straight::Next,
};
use crate::{
    AsKey, Error, Failure, Happened, Invalidator, Key, Level, Lock, Result, Store,
    entry::{NEVER_FRESH, age_limit},
};

/// What a function wants in place of what its region has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wishes {
    /// The logical lifetime.
    pub(crate) expire_after: Option<Duration>,
    /// Whether to create, whatever is there.
    pub(crate) anew: bool,
    /// Whether that there is nothing is an answer, too.
    pub(crate) optional: bool,
    /// Whether the function can tell its callers that the cache failed. To one that cannot, no region is
    /// strict.
    pub(crate) tells: bool,
}

impl Wishes {
    fn wants(&self) -> Wants {
        match self {
            Self { anew: true, .. } => Wants::New,
            Self { optional: true, .. } => Wants::Answer,
            _ => Wants::Value,
        }
    }

    fn limit<S, L, I>(&self, region: &Region<S, L, I>) -> u64 {
        match self.expire_after {
            Some(lifetime) if region.limit != NEVER_FRESH => age_limit(Some(lifetime)),
            _ => region.limit,
        }
    }

    /// The region with these wishes.
    fn apply<S, L, I>(self, region: &Region<S, L, I>) -> Region<S, L, I> {
        let options = Options::new().lenient(!self.tells);
        region.with(match self.expire_after {
            Some(lifetime) => options.expire_after(lifetime),
            None => options,
        })
    }
}

impl<S, L: Lock, I: Invalidator> Region<S, L, I> {
    /// [`try_get_or_create_with`](Self::try_get_or_create_with) under these wishes.
    pub(crate) async fn call<T, E, Fut>(
        &self,
        key: Key<'_>,
        wishes: Wishes,
        create: impl FnOnce() -> Fut,
    ) -> Result<Option<T>, Failure<E>>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<Created<T>, E>>,
    {
        if wishes.anew {
            let asked = Asked::new(key, wishes.wants(), self.inner.flights.landed());
            return wishes.apply(self).create_boxed(asked, Ok(None), create).await;
        }
        let seen = self.inner.flights.landed();
        let limit = wishes.limit(self);
        let glanced = match self.glance(limit, key) {
            Ok(value) => return Ok(Some(value)),
            Err(glanced) => glanced,
        };
        let rest = |found| {
            Next::Boxed(Box::pin(async move {
                let asked = Asked::new(key, wishes.wants(), seen);
                wishes.apply(self).create(asked, found, create).await
            }))
        };
        self.through(limit, key, glanced, |value| Ok(Some(value)), rest).await
    }

    /// The same for a function that is not asynchronous.
    pub(crate) fn call_blocking<T, E>(
        &self,
        key: Key<'_>,
        wishes: Wishes,
        create: impl FnOnce() -> Result<Created<T>, E>,
    ) -> Result<Option<T>, Failure<E>>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        let seen = self.inner.flights.landed();
        let looked = if wishes.anew {
            Some(Err(Ok(None)))
        } else {
            self.fresh_at_once(wishes.limit(self), key, || {
                self.inner.stack.capabilities().immediate
            })
        };
        match looked {
            Some(Ok(value)) => Ok(Some(value)),
            looked => {
                let asked = Asked::new(key, wishes.wants(), seen);
                let region = wishes.apply(self).blocking();
                region.create(asked, looked.and_then(Result::err), create)
            }
        }
    }

    /// [`try_get_or_create_multi_with`](Self::try_get_or_create_multi_with) under these wishes.
    pub(crate) async fn call_multi<K, Q, T, E, R, Fut>(
        &self,
        wishes: Wishes,
        items: Vec<K>,
        create: impl FnMut(Vec<K>) -> Fut,
    ) -> Outcomes<T, E>
    where
        S: Store<T>,
        K: AsKey + Clone,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        R: IntoIterator<Item = (Q, Created<T>)>,
        Fut: Future<Output = Result<R, E>>,
    {
        Box::pin(wishes.apply(self).batch(items, wishes.wants(), create)).await
    }

    /// The same for a function that is not asynchronous.
    pub(crate) fn call_multi_blocking<K, Q, T, E, R>(
        &self,
        wishes: Wishes,
        items: Vec<K>,
        create: impl FnMut(Vec<K>) -> Result<R, E>,
    ) -> Outcomes<T, E>
    where
        S: Store<T>,
        K: AsKey + Clone,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        R: IntoIterator<Item = (Q, Created<T>)>,
    {
        wishes.apply(self).blocking().batch(items, wishes.wants(), create)
    }

    /// The same region by a function's lifetime.
    pub(crate) fn within(&self, expire_after: Option<Duration>) -> Self {
        match expire_after {
            Some(lifetime) => self.with(Options::new().expire_after(lifetime)),
            None => self.clone(),
        }
    }

    /// Counts and logs that a function goes on without the cache.
    pub(crate) fn done_without(&self, error: &Error)
    where
        S: Level,
    {
        self.tell_error(Happened::Bypassed, error);
        self.inner.tally.warn(error, self.inner.clock.now());
    }

    /// What a function makes that may find nothing: kept as a negative entry if the region keeps
    /// those of batches.
    pub(crate) fn created<T>(&self, value: Option<T>) -> Created<T> {
        value.map_or_else(|| self.absent(), Created::new)
    }
}
