use std::{future::Future, marker::PhantomData, time::Duration};

use super::{
    Found, Region,
    created::Created,
    invalidate::{Invalidator, Marks},
    multi::Outcomes,
    options::Options,
};
use crate::{AsKey, EntryTtl, Failure, Key, Local, Lock, Result, Store};

/// A [`Region`] with its value type fixed; from [`Region::typed`]. The same methods, without type
/// annotations; derefs to the region for everything that needs no value type.
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "codec-json"))] {
/// use larder::{BackendExt, LayerExt, Memory, PayloadExt};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let ages = Memory::new().json().int_time().region().typed::<u8>();
/// ages.set("ann", 31).await?;
/// assert_eq!(ages.get("ann").await?, Some(31));
/// ages.delete("ann").await?;
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// # }
/// ```
pub struct Typed<T, S, L = Local, I = Marks> {
    region: Region<S, L, I>,
    value: PhantomData<fn() -> T>,
}

impl<T, S: Store<T>, L: Lock, I: Invalidator> Typed<T, S, L, I> {
    pub(super) fn new(region: Region<S, L, I>) -> Self {
        Self { region, value: PhantomData }
    }

    /// [`Region::get`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get<'k>(&self, key: impl Into<Key<'k>>) -> Result<Option<T>> {
        self.region.get(key).await
    }

    /// [`Region::get_multi`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get_multi<'k>(
        &self,
        keys: impl IntoIterator<Item = impl Into<Key<'k>>>,
    ) -> Result<Vec<Option<T>>>
    where
        T: Send,
    {
        self.region.get_multi(keys).await
    }

    /// [`Region::entry`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn entry<'k>(&self, key: impl Into<Key<'k>>) -> Result<Option<Found<T>>> {
        self.region.entry(key).await
    }

    /// [`Region::set`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn set<'k>(&self, key: impl Into<Key<'k>>, value: T) -> Result<()> {
        self.region.set(key, value).await
    }

    /// [`Region::set_multi`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn set_multi<'k>(
        &self,
        values: impl IntoIterator<Item = (impl Into<Key<'k>>, T)>,
    ) -> Result<()>
    where
        T: Sync,
    {
        self.region.set_multi(values).await
    }

    /// [`Region::get_or_create`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get_or_create<'k, Fut>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Fut,
    ) -> Result<T>
    where
        T: Clone + Send + Sync + 'static,
        Fut: Future<Output = T>,
    {
        self.region.get_or_create(key, create).await
    }

    /// [`Region::try_get_or_create`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn try_get_or_create<'k, E, Fut>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Fut,
    ) -> Result<T, Failure<E>>
    where
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>>,
    {
        self.region.try_get_or_create(key, create).await
    }

    /// [`Region::get_or_create_with`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get_or_create_with<'k, Fut>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Fut,
    ) -> Result<Option<T>>
    where
        S: EntryTtl,
        T: Clone + Send + Sync + 'static,
        Fut: Future<Output = Created<T>>,
    {
        self.region.get_or_create_with(key, create).await
    }

    /// [`Region::try_get_or_create_with`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn try_get_or_create_with<'k, E, Fut>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Fut,
    ) -> Result<Option<T>, Failure<E>>
    where
        S: EntryTtl,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<Created<T>, E>>,
    {
        self.region.try_get_or_create_with(key, create).await
    }

    /// [`Region::get_or_create_in_background`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get_or_create_in_background<'k, Fut>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Fut + Send + 'static,
    ) -> Result<T>
    where
        S: 'static,
        T: Clone + Send + Sync + 'static,
        Fut: Future<Output = T> + Send + 'static,
    {
        self.region.get_or_create_in_background(key, create).await
    }

    /// [`Region::try_get_or_create_in_background`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn try_get_or_create_in_background<'k, E, Fut>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Fut + Send + 'static,
    ) -> Result<T, Failure<E>>
    where
        S: 'static,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.region.try_get_or_create_in_background(key, create).await
    }

    /// [`Region::refresh`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn refresh<'k, Fut>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Fut,
    ) -> Result<T>
    where
        T: Clone + Send + Sync + 'static,
        Fut: Future<Output = T>,
    {
        self.region.refresh(key, create).await
    }

    /// [`Region::try_refresh`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn try_refresh<'k, E, Fut>(
        &self,
        key: impl Into<Key<'k>>,
        create: impl FnOnce() -> Fut,
    ) -> Result<T, Failure<E>>
    where
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>>,
    {
        self.region.try_refresh(key, create).await
    }

    /// [`Region::get_or_create_multi`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get_or_create_multi<K, Q, R, Fut>(
        &self,
        keys: impl IntoIterator<Item = K>,
        create: impl FnMut(Vec<K>) -> Fut,
    ) -> Result<Vec<Option<T>>>
    where
        Fut: Future<Output = R>,
        K: AsKey + Clone,
        R: IntoIterator<Item = (Q, T)>,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
    {
        self.region.get_or_create_multi(keys, create).await
    }

    /// [`Region::try_get_or_create_multi`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn try_get_or_create_multi<K, Q, E, R, Fut>(
        &self,
        keys: impl IntoIterator<Item = K>,
        create: impl FnMut(Vec<K>) -> Fut,
    ) -> Outcomes<T, E>
    where
        Fut: Future<Output = Result<R, E>>,
        K: AsKey + Clone,
        R: IntoIterator<Item = (Q, T)>,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        self.region.try_get_or_create_multi(keys, create).await
    }

    /// [`Region::get_or_create_multi_with`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get_or_create_multi_with<K, Q, R, Fut>(
        &self,
        keys: impl IntoIterator<Item = K>,
        create: impl FnMut(Vec<K>) -> Fut,
    ) -> Result<Vec<Option<T>>>
    where
        Fut: Future<Output = R>,
        S: EntryTtl,
        K: AsKey + Clone,
        R: IntoIterator<Item = (Q, Created<T>)>,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
    {
        self.region.get_or_create_multi_with(keys, create).await
    }

    /// [`Region::try_get_or_create_multi_with`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn try_get_or_create_multi_with<K, Q, E, R, Fut>(
        &self,
        keys: impl IntoIterator<Item = K>,
        create: impl FnMut(Vec<K>) -> Fut,
    ) -> Outcomes<T, E>
    where
        Fut: Future<Output = Result<R, E>>,
        S: EntryTtl,
        K: AsKey + Clone,
        R: IntoIterator<Item = (Q, Created<T>)>,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        self.region.try_get_or_create_multi_with(keys, create).await
    }

    /// [`Region::with`].
    #[must_use]
    pub fn with(&self, options: Options) -> Self {
        Self::new(self.region.with(options))
    }

    /// [`Region::with_ttl`].
    #[must_use]
    pub fn with_ttl(&self, ttl: Duration) -> Self
    where
        S: EntryTtl,
    {
        Self::new(self.region.with_ttl(ttl))
    }
}

impl<T, S, L, I> std::ops::Deref for Typed<T, S, L, I> {
    type Target = Region<S, L, I>;

    fn deref(&self) -> &Self::Target {
        &self.region
    }
}

impl<T, S, L, I> Clone for Typed<T, S, L, I> {
    fn clone(&self) -> Self {
        Self { region: self.region.clone(), value: PhantomData }
    }
}

impl<T, S: std::fmt::Debug, L: std::fmt::Debug, I: std::fmt::Debug> std::fmt::Debug
    for Typed<T, S, L, I>
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Typed").field(&self.region).finish()
    }
}
