//! The words synchronous code calls to read many keys through.

use std::{convert::Infallible, future::ready};

use super::{Blocking, read};
use crate::{
    AsKey, EntryTtl, Invalidator, Lock, Result, Store,
    region::{
        batch::Batch,
        create::Wants,
        created::Created,
        multi::Outcomes,
        through_multi::{infallible, plain},
    },
    runtime::Surroundings,
};

impl<S, L: Lock, I: Invalidator> Blocking<S, L, I> {
    /// [`Region::get_or_create_multi`](crate::Region::get_or_create_multi).
    ///
    /// ```
    /// # #[cfg(feature = "backend-memory")] {
    /// use larder::{LayerExt, Memo};
    ///
    /// let lengths = Memo::<usize>::new().region().blocking();
    /// lengths.set("one", 3)?;
    /// let found = lengths.get_or_create_multi(["one", "three"], |missing| {
    ///     missing.into_iter().map(|key| (key, key.len())).collect::<Vec<_>>()
    /// })?;
    /// assert_eq!(found, [Some(3), Some(5)]);
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
    /// As [`get_or_create`](Self::get_or_create).
    pub fn get_or_create_multi<K, Q, T, R>(
        &self,
        keys: impl IntoIterator<Item = K>,
        mut create: impl FnMut(Vec<K>) -> R,
    ) -> Result<Vec<Option<T>>>
    where
        S: Store<T>,
        K: AsKey + Clone,
        R: IntoIterator<Item = (Q, T)>,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
    {
        let create = |missing| Ok::<_, Infallible>(plain(create(missing)));
        infallible(self.batch(keys, Wants::Answer, create))
    }

    /// [`Region::try_get_or_create_multi`](crate::Region::try_get_or_create_multi).
    ///
    /// # Errors
    ///
    /// For each key, as there, and where it [cannot wait](Self#where-it-works).
    ///
    /// # Concurrency
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// As [`get_or_create`](Self::get_or_create).
    pub fn try_get_or_create_multi<K, Q, T, E, R>(
        &self,
        keys: impl IntoIterator<Item = K>,
        mut create: impl FnMut(Vec<K>) -> Result<R, E>,
    ) -> Outcomes<T, E>
    where
        S: Store<T>,
        K: AsKey + Clone,
        R: IntoIterator<Item = (Q, T)>,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        self.batch(keys, Wants::Answer, |missing| create(missing).map(plain))
    }

    /// [`Region::get_or_create_multi_with`](crate::Region::get_or_create_multi_with).
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
    pub fn get_or_create_multi_with<K, Q, T, R>(
        &self,
        keys: impl IntoIterator<Item = K>,
        mut create: impl FnMut(Vec<K>) -> R,
    ) -> Result<Vec<Option<T>>>
    where
        S: Store<T> + EntryTtl,
        K: AsKey + Clone,
        R: IntoIterator<Item = (Q, Created<T>)>,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
    {
        infallible(self.batch(keys, Wants::Answer, |missing| Ok::<_, Infallible>(create(missing))))
    }

    /// [`Region::try_get_or_create_multi_with`](crate::Region::try_get_or_create_multi_with).
    ///
    /// # Errors
    ///
    /// For each key, as there, and where it [cannot wait](Self#where-it-works).
    ///
    /// # Concurrency
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// As [`get_or_create`](Self::get_or_create).
    pub fn try_get_or_create_multi_with<K, Q, T, E, R>(
        &self,
        keys: impl IntoIterator<Item = K>,
        create: impl FnMut(Vec<K>) -> Result<R, E>,
    ) -> Outcomes<T, E>
    where
        S: Store<T> + EntryTtl,
        K: AsKey + Clone,
        R: IntoIterator<Item = (Q, Created<T>)>,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        self.batch(keys, Wants::Answer, create)
    }

    /// Finds or creates the values under `keys`, and answers in their order.
    pub(in crate::region) fn batch<K, Q, T, E, R>(
        &self,
        keys: impl IntoIterator<Item = K>,
        wants: Wants,
        mut create: impl FnMut(Vec<K>) -> Result<R, E>,
    ) -> Outcomes<T, E>
    where
        S: Store<T>,
        K: AsKey + Clone,
        R: IntoIterator<Item = (Q, Created<T>)>,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        let region = &self.region;
        let items: Vec<K> = keys.into_iter().collect();
        let mut batch = Batch::new(&items, wants, region.call.wait_timeout, true);
        let seen = region.inner.flights.landed();
        let looks = wants != Wants::New;
        let at_once = self.answers_at_once();
        if looks
            && at_once
            && let Err(error) = read(None, true, region.look_at_open(&mut batch))
        {
            batch.fail_open(&error);
        }
        if !batch.is_complete() {
            let surroundings = Surroundings::here();
            let create = |missing| ready(surroundings.within(|| create(missing)));
            let work = Box::pin(async {
                if looks && !at_once {
                    region.look_at_open(&mut batch).await;
                }
                region.complete(&mut batch, seen, create).await;
            });
            if let Err(error) = self.work(None, work) {
                batch.fail_open(&error);
            }
        }
        batch.into_answers()
    }
}
