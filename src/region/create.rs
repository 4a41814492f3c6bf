//! Read-through: the algorithm, and nothing else.

use std::{any::Any, convert::Infallible, future::Future, pin::Pin, sync::Arc};

use super::{
    Inner, Region,
    flight::{Lead, Outcome, Seat, deadline},
    read::Answer,
};
use crate::{Entry, Error, ErrorKind, Failure, Key, Meta, Result, Store};

impl<S> Region<S> {
    /// The value under `key`; where there is none, `create` makes it.
    ///
    /// However many callers ask at the same time, one creates:
    ///
    /// * a **fresh** value is returned at once: no lock, no allocation;
    /// * of a **stale** one (older than `expire_after`), one caller makes a new one and gets it;
    ///   all others get the stale value at once;
    /// * a **missing** one is created by one caller; the others wait and get the same value.
    ///
    /// A store that fails or returns bytes that cannot be decoded counts as a miss: the value is
    /// created and returned (unless the region is [`strict`](crate::RegionBuilder::strict)).
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
    /// region's `wait_timeout`, [`Recursion`](ErrorKind::Recursion) when called from inside the
    /// creator of the same key; in a strict region also the failures of the store.
    ///
    /// # Concurrency
    ///
    /// A caller that stops waiting harms nobody. Neither does the one who creates: when it is
    /// dropped or panics, one of those who wait takes over. When the key is set or deleted during
    /// a creation, those who already wait get the created value, and it is not stored.
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
        match self.inner.fresh(key).await {
            Ok(value) => Ok(value),
            Err(found) => {
                let create = || async { Ok::<T, Infallible>(create().await) };
                match self.inner.create_boxed(key, found, seen, create).await {
                    Ok(value) => Ok(value),
                    Err(Failure::Cache(error)) => Err(error),
                    Err(Failure::Creator(never)) => match *never {},
                }
            }
        }
    }

    /// [`get_or_create`](Self::get_or_create) for a creator that can fail.
    ///
    /// Nothing is stored when it does, and every caller that waited for it gets the same error:
    /// N callers of a failing creator cost one call.
    ///
    /// # Errors
    ///
    /// [`Failure::Creator`] with the creator's error; [`Failure::Cache`] where `get_or_create`
    /// fails.
    ///
    /// # Concurrency
    ///
    /// As [`get_or_create`](Self::get_or_create). A waiter that expects another error type than
    /// the creator's cannot share it, and creates for itself.
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
        match self.inner.fresh(key).await {
            Ok(value) => Ok(value),
            Err(found) => self.inner.create_boxed(key, found, seen, create).await,
        }
    }
}

impl<S> Inner<S> {
    /// Everything but the fresh hit, boxed and out of line, to keep the future and the code of a
    /// hit small.
    #[cold]
    #[inline(never)]
    fn create_boxed<'a, T, E, Fut>(
        &'a self,
        key: Key<'a>,
        found: Answer<T>,
        seen: u64,
        create: impl FnOnce() -> Fut,
    ) -> Pin<Box<impl Future<Output = Result<T, Failure<E>>>>>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>>,
    {
        Box::pin(self.create(key, found, seen, create))
    }

    /// Goes on from a read that brought nothing fresh. `seen` is the number of landed flights from
    /// before that read.
    async fn create<T, E, Fut>(
        &self,
        key: Key<'_>,
        mut found: Answer<T>,
        mut seen: u64,
        create: impl FnOnce() -> Fut,
    ) -> Result<T, Failure<E>>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>>,
    {
        let until = deadline(self.policy.wait_timeout);
        loop {
            let stale = self.usable(found)?.and_then(|entry| entry.value);
            let seat = match stale {
                Some(_) => self.flights.refresh(key),
                None => self.flights.join(key),
            };
            match (seat, stale) {
                (Seat::Own, _) => return Err(recursion(key).into()),
                (Seat::Lead(lead), _) => {
                    // Someone may have finished between the read and the seat.
                    if self.flights.landed() != seen {
                        match self.fresh::<T>(key).await {
                            Ok(value) => {
                                lead.land(|| Outcome::Value(Arc::new(value.clone())));
                                return Ok(value);
                            }
                            Err(found) => drop(self.usable(found)?),
                        }
                    }
                    return self.lead(key, lead, create).await;
                }
                (Seat::Follow(_), Some(value)) => {
                    self.tally.stale.add();
                    return Ok(value);
                }
                (Seat::Follow(flight), None) => {
                    let Some(outcome) = flight.outcome(Some(until)).await else {
                        return Err(self.timeout(key).into());
                    };
                    if let Some(result) = shared(&outcome) {
                        self.tally.shared.add();
                        return result;
                    }
                }
            }
            // The flight brought nothing, or something of another type: look again.
            seen = self.flights.landed();
            match self.fresh(key).await {
                Ok(value) => return Ok(value),
                Err(other) => found = other,
            }
        }
    }

    /// Creates, stores, and hands the result to those who wait.
    async fn lead<T, E, Fut>(
        &self,
        key: Key<'_>,
        lead: Lead<'_>,
        create: impl FnOnce() -> Fut,
    ) -> Result<T, Failure<E>>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>>,
    {
        // From before: what changes while the creator runs makes its value older, not newer.
        let created_at = self.clock.now();
        let value = match lead.create(async { create().await }).await {
            Ok(value) => value,
            Err(error) => {
                self.tally.failures.add();
                let error = Arc::new(error);
                lead.land(|| Outcome::Failure(Arc::clone(&error) as Arc<dyn Any + Send + Sync>));
                return Err(Failure::Creator(error));
            }
        };
        self.tally.creations.add();
        let entry = Entry::new(Some(value.clone()), Meta::new(created_at));
        let mut stored = Ok(());
        if lead.may_store() {
            let opts = self.policy.write_opts(None);
            if let Err(error) = self.stack.write(key, &entry, opts).await {
                stored = self.bypass(&error);
            }
        } else {
            self.tally.voided.add();
        }
        lead.land(|| Outcome::Value(Arc::new(value.clone())));
        stored?;
        Ok(value)
    }

    /// What is left of a read once failures are worked around.
    pub(super) fn usable<T>(&self, found: Answer<T>) -> Answer<T> {
        match found {
            Ok(entry) => Ok(entry),
            Err(error) if error.is_unreadable() => self.unreadable(&error).map(|()| None),
            Err(error) => self.bypass(&error).map(|()| None),
        }
    }

    /// An entry that cannot be decoded is a miss.
    pub(super) fn unreadable(&self, error: &Error) -> Result<()> {
        if error.kind() == ErrorKind::Version {
            return Ok(()); // an old entry, nothing wrong with it
        }
        self.tally.unreadable.add();
        self.forgive(error)
    }

    /// A store that fails is done without.
    fn bypass(&self, error: &Error) -> Result<()> {
        self.tally.bypassed.add();
        self.forgive(error)
    }

    fn forgive(&self, error: &Error) -> Result<()> {
        if self.policy.strict {
            return Err(error.clone());
        }
        self.tally.warn(error, self.clock.now());
        Ok(())
    }

    fn timeout(&self, key: Key<'_>) -> Error {
        let waited = self.policy.wait_timeout;
        Error::new(ErrorKind::Timeout, "region").with_key(key).with_message(format!(
            "another caller is still creating this value after {waited:?}; raise `wait_timeout`, \
             or let the creator fail sooner"
        ))
    }
}

/// What a flight brought, if it is of the type this caller expects.
fn shared<T, E>(outcome: &Outcome) -> Option<Result<T, Failure<E>>>
where
    T: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    match outcome {
        Outcome::Value(value) => value.downcast_ref::<T>().cloned().map(Ok),
        Outcome::Failure(error) => {
            Arc::clone(error).downcast().ok().map(|error| Err(Failure::Creator(error)))
        }
        Outcome::Nothing => None,
    }
}

fn recursion(key: Key<'_>) -> Error {
    Error::new(ErrorKind::Recursion, "region").with_key(key).with_message(
        "the creator of this key asked for the key itself; it would wait for itself for ever",
    )
}
