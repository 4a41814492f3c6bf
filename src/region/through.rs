//! The words users call to read through.

use std::{convert::Infallible, future::Future};

use super::{
    Region,
    create::{Asked, Wants},
    created::Created,
    straight::Next,
};
use crate::{EntryTtl, Error, ErrorKind, Failure, Invalidator, Key, Lock, Result, Store};

impl<S, L: Lock, I: Invalidator> Region<S, L, I> {
    /// The value under `key`; where there is none, `create` makes it.
    ///
    /// However many callers ask at the same time, one creates:
    ///
    /// * a **fresh** value is returned at once: no lock, no allocation;
    /// * of a **stale** one (older than `expire_after`, or softly invalidated), one caller makes a new
    ///   one and gets it; all others get the stale value at once;
    /// * a **missing** one is created by one caller; the others wait and get the same value.
    ///
    /// With a lock between processes (`Region<S, RedisLock>`) that holds for the callers of all
    /// processes together.
    ///
    /// A store that fails or returns bytes that cannot be decoded counts as a miss, and a lock that
    /// fails is done without: the value is created and returned (unless the region is
    /// [`strict`](crate::RegionBuilder::strict)).
    ///
    /// The value's age counts from the moment `create` is called.
    ///
    /// ```
    /// # #[cfg(feature = "backend-memory")] {
    /// use larder::{LayerExt, Memo};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let squares = Memo::<u64>::new().region();
    /// let n = 12;
    /// let square = squares.get_or_create("12", async || n * n).await?;
    /// assert_eq!(square, 144);
    /// assert_eq!(squares.get("12").await?, Some(144));
    /// # Ok::<_, larder::Error>(()) }).unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Timeout`](ErrorKind::Timeout) when another caller's creation took longer than the
    /// region's `wait_timeout` (see [`on_timeout`](crate::RegionBuilder::on_timeout)),
    /// [`Recursion`](ErrorKind::Recursion) when called from inside the creator of the same key; in a
    /// strict region also the failures of the store and the lock.
    ///
    /// # Concurrency
    ///
    /// A caller that stops waiting harms nobody. Neither does the one who creates: when it is
    /// dropped or panics, one of those who wait takes over. When the key is set, deleted or
    /// invalidated during a creation, those who already wait get the created value, and it is not
    /// stored.
    ///
    /// # Cancellation
    ///
    /// Safe: dropping the future drops the creator with it.
    pub async fn get_or_create<'k, T, Fut>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Fut,
    ) -> Result<T>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
        Fut: Future<Output = T>,
    {
        let key = key.into();
        let seen = self.inner.flights.landed();
        let glanced = match self.glance(self.limit, key) {
            Ok(value) => return Ok(value),
            Err(glanced) => glanced,
        };
        let rest = |found| {
            Next::Boxed(Box::pin(async move {
                let asked = Asked::new(key, Wants::Value, seen);
                let create = async || Ok(Created::new(create().await));
                plain(key, self.create(asked, found, create).await)
            }))
        };
        self.through(self.limit, key, glanced, Ok, rest).await
    }

    /// [`get_or_create`](Self::get_or_create) for a creator that can fail.
    ///
    /// Nothing is stored when it does, and every caller that waited for it gets the same error:
    /// N callers of a failing creator cost one call. The caller that was to refresh a stale value gets
    /// that instead of the error (see [`stale_on_error`](crate::RegionBuilder::stale_on_error)).
    ///
    /// # Errors
    ///
    /// [`Failure::Creator`] with the creator's error; [`Failure::Cache`] where `get_or_create`
    /// fails.
    ///
    /// # Concurrency
    ///
    /// As [`get_or_create`](Self::get_or_create). A waiter that expects another error type than
    /// the creator's cannot share it, and creates for itself. Errors are shared inside the process: in
    /// each other process one caller tries for itself.
    ///
    /// # Cancellation
    ///
    /// Safe, as [`get_or_create`](Self::get_or_create).
    pub async fn try_get_or_create<'k, T, E, Fut>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Fut,
    ) -> Result<T, Failure<E>>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>>,
    {
        let key = key.into();
        let seen = self.inner.flights.landed();
        let glanced = match self.glance(self.limit, key) {
            Ok(value) => return Ok(value),
            Err(glanced) => glanced,
        };
        let rest = |found| {
            Next::Boxed(Box::pin(async move {
                let asked = Asked::new(key, Wants::Value, seen);
                let create = async || create().await.map(Created::new);
                some(key, self.create(asked, found, create).await)
            }))
        };
        self.through(self.limit, key, glanced, Ok, rest).await
    }

    /// [`get_or_create`](Self::get_or_create) for a creator that also says how its value is to be kept:
    /// for how long, not at all, or that there is nothing (a negative entry). `None` is the answer for
    /// a key under which there is nothing.
    ///
    /// ```
    /// # #[cfg(feature = "backend-memory")] {
    /// use std::time::Duration;
    /// use larder::{Created, LayerExt, Memo};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let users = Memo::<String>::new().region();
    /// let find = async |id: u32| match id {
    ///     1 => Created::new("ann".to_owned()).ttl(Duration::from_secs(600)),
    ///     _ => Created::nothing().ttl(Duration::from_secs(5)),
    /// };
    /// assert_eq!(users.get_or_create_with("1", || find(1)).await?.as_deref(), Some("ann"));
    /// assert_eq!(users.get_or_create_with("2", || find(2)).await?, None);
    /// assert_eq!(users.get_or_create_with("2", || find(2)).await?, None); // does not ask again
    /// assert_eq!(users.stats().creations, 2);
    /// # Ok::<_, larder::Error>(()) }).unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`get_or_create`](Self::get_or_create).
    ///
    /// # Concurrency
    ///
    /// As [`get_or_create`](Self::get_or_create), with which it shares creations. To that, a negative
    /// entry is a missing one.
    ///
    /// # Cancellation
    ///
    /// Safe, as [`get_or_create`](Self::get_or_create).
    pub async fn get_or_create_with<'k, T, Fut>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Fut,
    ) -> Result<Option<T>>
    where
        S: Store<T> + EntryTtl,
        T: Clone + Send + Sync + 'static,
        Fut: Future<Output = Created<T>>,
    {
        let create = async || Ok(create().await);
        infallible(self.try_get_or_create_with(key, create).await)
    }

    /// [`get_or_create_with`](Self::get_or_create_with) for a creator that can fail.
    ///
    /// # Errors
    ///
    /// As [`try_get_or_create`](Self::try_get_or_create).
    ///
    /// # Concurrency
    ///
    /// As [`try_get_or_create`](Self::try_get_or_create).
    ///
    /// # Cancellation
    ///
    /// Safe, as [`get_or_create`](Self::get_or_create).
    pub async fn try_get_or_create_with<'k, T, E, Fut>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Fut,
    ) -> Result<Option<T>, Failure<E>>
    where
        S: Store<T> + EntryTtl,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<Created<T>, E>>,
    {
        let key = key.into();
        let seen = self.inner.flights.landed();
        let glanced = match self.glance(self.limit, key) {
            Ok(value) => return Ok(Some(value)),
            Err(glanced) => glanced,
        };
        let rest = |found| {
            Next::Boxed(self.create_boxed(Asked::new(key, Wants::Answer, seen), found, create))
        };
        self.through(self.limit, key, glanced, |value| Ok(Some(value)), rest).await
    }

    /// Makes a new value, whatever is there. Of callers that do this at the same time, one creates;
    /// a creation that is running already is as good as a new one. All others go on to get what is
    /// there. A new value that is not to be stored (see
    /// [`should_cache`](crate::Options::should_cache)) leaves what is there.
    ///
    /// # Errors
    ///
    /// As [`get_or_create`](Self::get_or_create).
    ///
    /// # Concurrency
    ///
    /// As [`get_or_create`](Self::get_or_create), with which it shares creations.
    ///
    /// # Cancellation
    ///
    /// Safe, as [`get_or_create`](Self::get_or_create).
    pub async fn refresh<'k, T, Fut>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Fut,
    ) -> Result<T>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
        Fut: Future<Output = T>,
    {
        let create = async || Ok(create().await);
        infallible(self.try_refresh(key, create).await)
    }

    /// [`refresh`](Self::refresh) for a creator that can fail. What is there stays when it does, and
    /// the error is returned.
    ///
    /// # Errors
    ///
    /// As [`try_get_or_create`](Self::try_get_or_create).
    ///
    /// # Concurrency
    ///
    /// As [`refresh`](Self::refresh).
    ///
    /// # Cancellation
    ///
    /// Safe, as [`get_or_create`](Self::get_or_create).
    pub async fn try_refresh<'k, T, E, Fut>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Fut,
    ) -> Result<T, Failure<E>>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>>,
    {
        let key = key.into();
        let asked = Asked::new(key, Wants::New, self.inner.flights.landed());
        let create = async || create().await.map(Created::new);
        some(key, self.create_boxed(asked, Ok(None), create).await)
    }

    /// [`get_or_create`](Self::get_or_create) that refreshes in the background: of a stale value,
    /// *every* caller gets the stale one at once, and the new one is made by a task of its own
    /// (stale-while-revalidate). A missing value is created as usual, while the caller waits.
    ///
    /// The creator outlives the call, so it and all it captures must be `'static`: hand it clones, not
    /// borrows of a request.
    ///
    /// ```
    /// # #[cfg(feature = "backend-memory")] {
    /// use larder::{Invalidation, LayerExt, Memo};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let rates = Memo::<u32>::new().region();
    /// rates.set("EUR", 1).await?;
    /// rates.invalidate(Invalidation::Soft).await?;
    /// let rate = rates.get_or_create_in_background("EUR", || async { 2 }).await?;
    /// assert_eq!(rate, 1); // 2 is on its way
    /// # Ok::<_, larder::Error>(()) }).unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`get_or_create`](Self::get_or_create); [`Config`](ErrorKind::Config) outside of a tokio
    /// runtime, when there is something to refresh.
    ///
    /// # Concurrency
    ///
    /// As [`get_or_create`](Self::get_or_create), with which it shares creations. A refresh that is
    /// under way when the runtime ends is lost, and nothing else.
    ///
    /// # Cancellation
    ///
    /// Safe. A refresh that has begun goes on.
    pub async fn get_or_create_in_background<'k, T, Fut>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Fut + Send + 'static,
    ) -> Result<T>
    where
        S: Store<T> + 'static,
        T: Clone + Send + Sync + 'static,
        Fut: Future<Output = T> + Send + 'static,
    {
        let create = || {
            let created = create();
            async { Ok(created.await) }
        };
        infallible(self.try_get_or_create_in_background(key, create).await)
    }

    /// [`get_or_create_in_background`](Self::get_or_create_in_background) for a creator that can fail.
    /// A failure in the background is counted ([`Stats::failures`](crate::Stats::failures)) and logged,
    /// and the stale value stays.
    ///
    /// # Errors
    ///
    /// As [`try_get_or_create`](Self::try_get_or_create) for a missing value.
    ///
    /// # Concurrency
    ///
    /// As [`get_or_create_in_background`](Self::get_or_create_in_background).
    ///
    /// # Cancellation
    ///
    /// Safe. A refresh that has begun goes on.
    pub async fn try_get_or_create_in_background<'k, T, E, Fut>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Fut + Send + 'static,
    ) -> Result<T, Failure<E>>
    where
        S: Store<T> + 'static,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        let key = key.into();
        let seen = self.inner.flights.landed();
        let glanced = match self.glance(self.limit, key) {
            Ok(value) => return Ok(value),
            Err(glanced) => glanced,
        };
        let rest = |found| {
            Next::Boxed(Box::pin(async move {
                let asked = Asked::new(key, Wants::Value, seen);
                some(key, self.create_behind(asked, found, create).await)
            }))
        };
        self.through(self.limit, key, glanced, Ok, rest).await
    }
}

/// The answer of a creator that cannot fail.
pub(super) fn infallible<V>(answer: Result<V, Failure<Infallible>>) -> Result<V> {
    match answer {
        Ok(value) => Ok(value),
        Err(Failure::Cache(error)) => Err(error),
        Err(Failure::Creator(never)) => match *never {},
    }
}

/// The answer to who wants a value, and so always gets one.
pub(super) fn some<T, E>(
    key: Key<'_>,
    answer: Result<Option<T>, Failure<E>>,
) -> Result<T, Failure<E>> {
    answer?.ok_or_else(|| {
        Error::new(ErrorKind::Backend, "region").with_key(key).with_message("no value came").into()
    })
}

pub(super) fn plain<T>(key: Key<'_>, answer: Result<Option<T>, Failure<Infallible>>) -> Result<T> {
    infallible(some(key, answer))
}
