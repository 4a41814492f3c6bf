//! The words users call to read many keys through.

use std::{convert::Infallible, future::Future};

use super::{Region, create::Wants, created::Created, multi::Outcomes};
use crate::{AsKey, EntryTtl, Failure, Invalidator, Lock, Result, Store};

impl<S, L: Lock, I: Invalidator> Region<S, L, I> {
    /// The values under `keys`, in their order, duplicates included; where there are none, `create`
    /// makes them. `None` stands for a key for which it made nothing.
    ///
    /// All keys are read in one go. `create` gets those for which nothing fresh is there, in the
    /// caller's order and without duplicates, and returns pairs of key and value, in any order: a
    /// `HashMap`, a `Vec` of pairs, what a query `WHERE id IN (..)` gives. What it leaves out is
    /// absent: it is not stored, unless the region keeps
    /// [negative entries](crate::RegionBuilder::negative_ttl). What it returns beyond what it was
    /// asked for is ignored.
    ///
    /// `create` may be called twice (see below), so an `async |..|` closure borrows what it uses; one
    /// that is `async move` does not compile if it captures something.
    ///
    /// The keys are whatever the caller has: `&str`, `String`, `(&str, &str)`, [`Key`](crate::Key).
    ///
    /// ```
    /// # #[cfg(feature = "backend-memory")] {
    /// use larder::{LayerExt, Memo};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let lengths = Memo::<usize>::new().region();
    /// lengths.set("one", 3).await?;
    ///
    /// let found = lengths
    ///     .get_or_create_multi(["one", "three", "five", "?"], async |missing| {
    ///         assert_eq!(missing, ["three", "five", "?"]); // one call for all that is missing
    ///         missing.into_iter().filter(|key| *key != "?").map(|key| (key, key.len())).collect::<Vec<_>>()
    ///     })
    ///     .await?;
    /// assert_eq!(found, [Some(3), Some(5), Some(4), None]);
    /// # Ok::<_, larder::Error>(()) }).unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`get_or_create`](Self::get_or_create), if it happens to any of the keys. What was created
    /// for the others is stored all the same; with
    /// [`try_get_or_create_multi`](Self::try_get_or_create_multi) it is returned, too.
    ///
    /// # Concurrency
    ///
    /// Each key is created once, no matter how many batches and single calls ask for it at the same
    /// time: what others are creating already is waited for, and not asked of `create`. Of stale
    /// values, one caller makes new ones, the others get the stale ones at once. `create` is called
    /// once, and again only for keys whose other creator was dropped, panicked, or returned nothing
    /// usable.
    ///
    /// With a lock between processes, the locks of all missing keys are taken in one round trip and
    /// released in one.
    ///
    /// # Cancellation
    ///
    /// Safe: dropping the future drops the creator with it, and leaves nothing locked.
    pub async fn get_or_create_multi<K, Q, T, R, Fut>(
        &self,
        keys: impl IntoIterator<Item = K>,
        mut create: impl FnMut(Vec<K>) -> Fut,
    ) -> Result<Vec<Option<T>>>
    where
        Fut: Future<Output = R>,
        S: Store<T>,
        K: AsKey + Clone,
        R: IntoIterator<Item = (Q, T)>,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
    {
        let items = keys.into_iter().collect();
        let create = |missing| {
            let created = create(missing);
            async { Ok(plain(created.await)) }
        };
        infallible(Box::pin(self.batch(items, Wants::Answer, create)).await)
    }

    /// [`get_or_create_multi`](Self::get_or_create_multi) for a creator that can fail, with an answer
    /// for each key.
    ///
    /// A failure of the creator is the answer for those keys it was asked for; the others have their
    /// values. Collect the answers to fail as a whole:
    ///
    /// ```
    /// # #[cfg(feature = "backend-memory")] {
    /// use larder::{Failure, LayerExt, Memo, Result};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let region = Memo::<u32>::new().region();
    /// region.set("a", 1).await.unwrap();
    /// let answers = region
    ///     .try_get_or_create_multi(["a", "b"], async |_| Err::<Vec<(&str, u32)>, _>("no database"))
    ///     .await;
    /// assert_eq!(answers[0].as_ref().unwrap(), &Some(1));
    /// assert!(matches!(&answers[1], Err(Failure::Creator(error)) if **error == "no database"));
    /// let all: Result<Vec<Option<u32>>, Failure<_>> = answers.into_iter().collect();
    /// assert!(all.is_err());
    /// # });
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// For each key, as [`try_get_or_create`](Self::try_get_or_create).
    ///
    /// # Concurrency
    ///
    /// As [`get_or_create_multi`](Self::get_or_create_multi).
    ///
    /// # Cancellation
    ///
    /// Safe, as [`get_or_create_multi`](Self::get_or_create_multi).
    pub async fn try_get_or_create_multi<K, Q, T, E, R, Fut>(
        &self,
        keys: impl IntoIterator<Item = K>,
        mut create: impl FnMut(Vec<K>) -> Fut,
    ) -> Outcomes<T, E>
    where
        Fut: Future<Output = Result<R, E>>,
        S: Store<T>,
        K: AsKey + Clone,
        R: IntoIterator<Item = (Q, T)>,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        let items = keys.into_iter().collect();
        let create = |missing| {
            let created = create(missing);
            async { created.await.map(plain) }
        };
        Box::pin(self.batch(items, Wants::Answer, create)).await
    }

    /// [`get_or_create_multi`](Self::get_or_create_multi) for a creator that says for each value how it
    /// is to be kept, as with [`get_or_create_with`](Self::get_or_create_with).
    ///
    /// # Errors
    ///
    /// As [`get_or_create_multi`](Self::get_or_create_multi).
    ///
    /// # Concurrency
    ///
    /// As [`get_or_create_multi`](Self::get_or_create_multi).
    ///
    /// # Cancellation
    ///
    /// Safe, as [`get_or_create_multi`](Self::get_or_create_multi).
    pub async fn get_or_create_multi_with<K, Q, T, R, Fut>(
        &self,
        keys: impl IntoIterator<Item = K>,
        mut create: impl FnMut(Vec<K>) -> Fut,
    ) -> Result<Vec<Option<T>>>
    where
        Fut: Future<Output = R>,
        S: Store<T> + EntryTtl,
        K: AsKey + Clone,
        R: IntoIterator<Item = (Q, Created<T>)>,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
    {
        let items = keys.into_iter().collect();
        let create = |missing| {
            let created = create(missing);
            async { Ok(created.await) }
        };
        infallible(Box::pin(self.batch(items, Wants::Answer, create)).await)
    }

    /// [`get_or_create_multi_with`](Self::get_or_create_multi_with) for a creator that can fail, with an
    /// answer for each key.
    ///
    /// # Errors
    ///
    /// For each key, as [`try_get_or_create`](Self::try_get_or_create).
    ///
    /// # Concurrency
    ///
    /// As [`get_or_create_multi`](Self::get_or_create_multi).
    ///
    /// # Cancellation
    ///
    /// Safe, as [`get_or_create_multi`](Self::get_or_create_multi).
    pub async fn try_get_or_create_multi_with<K, Q, T, E, R, Fut>(
        &self,
        keys: impl IntoIterator<Item = K>,
        create: impl FnMut(Vec<K>) -> Fut,
    ) -> Outcomes<T, E>
    where
        Fut: Future<Output = Result<R, E>>,
        S: Store<T> + EntryTtl,
        K: AsKey + Clone,
        R: IntoIterator<Item = (Q, Created<T>)>,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        let items = keys.into_iter().collect();
        Box::pin(self.batch(items, Wants::Answer, create)).await
    }
}

pub(super) fn plain<Q, T>(
    created: impl IntoIterator<Item = (Q, T)>,
) -> impl Iterator<Item = (Q, Created<T>)> {
    created.into_iter().map(|(key, value)| (key, Created::new(value)))
}

pub(super) fn infallible<T>(outcomes: Outcomes<T, Infallible>) -> Result<Vec<Option<T>>> {
    let values = outcomes.into_iter().map(|outcome| match outcome {
        Ok(value) => Ok(value),
        Err(Failure::Cache(error)) => Err(error),
        Err(Failure::Creator(never)) => match *never {},
    });
    values.collect()
}
