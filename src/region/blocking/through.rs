//! The words synchronous code calls to read through.

use std::{convert::Infallible, future::ready};

use super::Blocking;
use crate::{
    EntryTtl, Failure, Invalidator, Key, Lock, Result, Store,
    region::{
        create::{Asked, Wants},
        created::Created,
        read::Answer,
        through::{infallible, plain, some},
    },
    runtime::Surroundings,
};

impl<S, L: Lock, I: Invalidator> Blocking<S, L, I> {
    /// [`Region::get_or_create`](crate::Region::get_or_create).
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works).
    ///
    /// # Concurrency
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// When `create` does, and only for the caller whose creator it is.
    pub fn get_or_create<'k, T>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> T,
    ) -> Result<T>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
    {
        let key = key.into();
        let seen = self.region.inner.flights.landed();
        match self.fresh(key) {
            Some(Ok(value)) => Ok(value),
            looked => {
                let asked = Asked::new(key, Wants::Value, seen);
                let create = || Ok::<_, Infallible>(Created::new(create()));
                plain(key, self.create(asked, looked.and_then(Result::err), create))
            }
        }
    }

    /// [`Region::try_get_or_create`](crate::Region::try_get_or_create).
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works).
    ///
    /// # Concurrency
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// As [`get_or_create`](Self::get_or_create).
    pub fn try_get_or_create<'k, T, E>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, Failure<E>>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        let key = key.into();
        let seen = self.region.inner.flights.landed();
        match self.fresh(key) {
            Some(Ok(value)) => Ok(value),
            looked => {
                let asked = Asked::new(key, Wants::Value, seen);
                let create = || create().map(Created::new);
                some(key, self.create(asked, looked.and_then(Result::err), create))
            }
        }
    }

    /// [`Region::get_or_create_with`](crate::Region::get_or_create_with).
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works).
    ///
    /// # Concurrency
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// As [`get_or_create`](Self::get_or_create).
    pub fn get_or_create_with<'k, T>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Created<T>,
    ) -> Result<Option<T>>
    where
        S: Store<T> + EntryTtl,
        T: Clone + Send + Sync + 'static,
    {
        infallible(self.try_get_or_create_with(key, || Ok(create())))
    }

    /// [`Region::try_get_or_create_with`](crate::Region::try_get_or_create_with).
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works).
    ///
    /// # Concurrency
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// As [`get_or_create`](Self::get_or_create).
    pub fn try_get_or_create_with<'k, T, E>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Result<Created<T>, E>,
    ) -> Result<Option<T>, Failure<E>>
    where
        S: Store<T> + EntryTtl,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        let key = key.into();
        let seen = self.region.inner.flights.landed();
        match self.fresh(key) {
            Some(Ok(value)) => Ok(Some(value)),
            looked => {
                let asked = Asked::new(key, Wants::Answer, seen);
                self.create(asked, looked.and_then(Result::err), create)
            }
        }
    }

    /// [`Region::refresh`](crate::Region::refresh).
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works).
    ///
    /// # Concurrency
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// As [`get_or_create`](Self::get_or_create).
    pub fn refresh<'k, T>(&self, key: impl Into<Key<'k>>, create: impl FnOnce() -> T) -> Result<T>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
    {
        infallible(self.try_refresh(key, || Ok(create())))
    }

    /// [`Region::try_refresh`](crate::Region::try_refresh).
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works).
    ///
    /// # Concurrency
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// As [`get_or_create`](Self::get_or_create).
    pub fn try_refresh<'k, T, E>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, Failure<E>>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        let key = key.into();
        let asked = Asked::new(key, Wants::New, self.region.inner.flights.landed());
        some(key, self.create(asked, Some(Ok(None)), || create().map(Created::new)))
    }

    /// [`Region::get_or_create_in_background`](crate::Region::get_or_create_in_background). A refresh
    /// runs on a blocking thread of larder's own runtime; a missing value is created on this one.
    ///
    /// ```
    /// # #[cfg(feature = "backend-memory")] {
    /// use larder::{Invalidation, LayerExt, Memo};
    ///
    /// let rates = Memo::<u32>::new().region().blocking();
    /// rates.set("EUR", 1)?;
    /// rates.invalidate(Invalidation::Soft)?;
    /// let rate = rates.get_or_create_in_background("EUR", || 2)?;
    /// assert_eq!(rate, 1); // 2 is on its way
    /// # }
    /// # Ok::<_, larder::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works).
    ///
    /// # Concurrency
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// As [`get_or_create`](Self::get_or_create); not when a refresh does.
    pub fn get_or_create_in_background<'k, T>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T>
    where
        S: Store<T> + 'static,
        T: Clone + Send + Sync + 'static,
    {
        infallible(self.try_get_or_create_in_background(key, || Ok(create())))
    }

    /// [`Region::try_get_or_create_in_background`](crate::Region::try_get_or_create_in_background), as
    /// [`get_or_create_in_background`](Self::get_or_create_in_background).
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works).
    ///
    /// # Concurrency
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// As [`get_or_create`](Self::get_or_create); not when a refresh does.
    pub fn try_get_or_create_in_background<'k, T, E>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<T, Failure<E>>
    where
        S: Store<T> + 'static,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        let key = key.into();
        let seen = self.region.inner.flights.landed();
        let looked = match self.fresh(key) {
            Some(Ok(value)) => return Ok(value),
            looked => looked.and_then(Result::err),
        };
        let asked = Asked::new(key, Wants::Value, seen).blocking();
        let surroundings = Surroundings::here();
        let create = move || ready(surroundings.within(create));
        let work = Box::pin(async {
            match self.found(key, looked).await {
                Ok(value) => Ok(Some(value)),
                Err(found) => self.region.create_behind(asked, found, create).await,
            }
        });
        some(key, self.work(Some(key), work)?)
    }

    /// Everything but the fresh hit. `looked` is what a first look has found, if there was one.
    #[cold]
    #[inline(never)]
    pub(in crate::region) fn create<T, E>(
        &self,
        asked: Asked<'_>,
        looked: Option<Answer<T>>,
        create: impl FnOnce() -> Result<Created<T>, E>,
    ) -> Result<Option<T>, Failure<E>>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        let (key, asked) = (asked.key, asked.blocking());
        let surroundings = Surroundings::here();
        let create = || ready(surroundings.within(create));
        let work = async {
            match self.found(key, looked).await {
                Ok(value) => Ok(Some(value)),
                Err(found) => self.region.create_boxed(asked, found, create).await,
            }
        };
        self.work(Some(key), work)?
    }

    /// What a first look has found, or else what there is.
    async fn found<T>(&self, key: Key<'_>, looked: Option<Answer<T>>) -> Result<T, Answer<T>>
    where
        S: Store<T>,
    {
        match looked {
            Some(found) => Err(found),
            None => self.region.fresh(self.region.limit, key).await,
        }
    }
}
