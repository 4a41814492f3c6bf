//! The same region for synchronous code.

use std::{fmt, future::Future, pin::pin, time::Duration};

use super::{
    Found, Region,
    invalidate::{Invalidation, Invalidator, Marks},
    options::Options,
    read::Answer,
};
use crate::{
    EntryTtl, Happened, Immediate, Key, Level, Local, Lock, Result, Store,
    runtime::{self, polled},
};

mod through;
mod through_multi;

/// A [`Region`] for synchronous code; from [`Region::blocking`]. The same methods as plain functions,
/// with creators that are plain closures.
///
/// ```
/// # #[cfg(feature = "backend-memory")] {
/// use larder::{LayerExt, Memo};
///
/// let squares = Memo::<u64>::new().region().blocking();
/// let square = squares.get_or_create("12", || 12 * 12)?;
/// assert_eq!(square, 144);
/// assert_eq!(squares.get("12")?, Some(144));
/// # }
/// # Ok::<_, larder::Error>(())
/// ```
///
/// It is the same region: synchronous and asynchronous callers of a key share one creation, the
/// entries, and the connections. Cloning is cheap.
///
/// # Where it works
///
/// A stack that reads without waiting ([`Capabilities::immediate`](crate::Capabilities::immediate):
/// `Memo`, `Memory`, `File` and `Null`, whatever layers are over them) answers with a fresh value
/// anywhere, at the cost of the asynchronous hit, with no runtime at all. For everything else:
///
/// | called from | what happens |
/// |---|---|
/// | a thread without a runtime | the thread waits |
/// | a task of a multi-thread runtime | the task waits inside `block_in_place`; the other tasks of the worker go on |
/// | `spawn_blocking`, of whatever runtime | the thread waits |
/// | a task of a current-thread runtime | if nothing but memory is asked (`Memo`, `Memory`, `Null`, no lock between processes, no shared marks), it is done unless another caller is at work on the key; what would have to wait is refused with [`Unsupported`](crate::ErrorKind::Unsupported) |
/// | anywhere | a fresh copy in a tier inside the process is returned, also where what lies behind it could not be asked |
/// | a creator of a blocking call | as where that call was made; such calls may be nested |
///
/// A refused call has stored nothing and called no creator, except that a batch may have created some
/// of its values before it came to one that somebody else creates.
///
/// Timers, connections that a blocking call is the first to need, and refreshes in the background
/// belong to a small runtime of larder's own, one thread by the name of `larder`. The first call that
/// may have to wait starts it; it lasts as long as the process. Connections that were made in another
/// runtime are used as they are.
///
/// A call holds up what is polled with it in one task: the other branches of `join!` and `select!`,
/// the other tasks of a `LocalSet`. Should it wait for one of those, it does so until the region's
/// [`wait_timeout`](crate::RegionBuilder::wait_timeout). A worker is replaced only while its runtime has
/// a thread to spare for that (`max_blocking_threads`).
///
/// With an invalidation strategy that is shared ([`SharedMarks`](crate::SharedMarks)), only
/// [`get`](Self::get) and the single-key methods that read through do without a runtime. [`Typed`](crate::Typed) leads
/// here, too: `region.typed::<User>().blocking()`, with the type named by what is asked for.
///
/// # Creators
///
/// They run on the calling thread, inside the runtime of the caller if there is one (else in larder's),
/// and may take their time: leases of a lock between processes are renewed meanwhile. A creator that panics, panics
/// through the call, and leaves nothing behind.
pub struct Blocking<S, L = Local, I = Marks> {
    region: Region<S, L, I>,
    immediate: Immediate,
}

impl<S: Level, L: Lock, I: Invalidator> Region<S, L, I> {
    /// The same region for synchronous code.
    #[must_use]
    pub fn blocking(&self) -> Blocking<S, L, I> {
        Blocking { region: self.clone(), immediate: self.inner.stack.capabilities().immediate }
    }
}

impl<S, L, I> Blocking<S, L, I> {
    /// The region, for asynchronous code, and for what needs no waiting: its stack, its statistics.
    #[must_use]
    pub fn region(&self) -> &Region<S, L, I> {
        &self.region
    }

    /// [`Region::with`].
    #[must_use]
    pub fn with(&self, options: Options) -> Self {
        Self { region: self.region.with(options), ..*self }
    }

    /// [`Region::with_ttl`].
    #[must_use]
    pub fn with_ttl(&self, ttl: Duration) -> Self
    where
        S: EntryTtl,
    {
        Self { region: self.region.with_ttl(ttl), ..*self }
    }
}

impl<S, L: Lock, I: Invalidator> Blocking<S, L, I> {
    /// [`Region::get`].
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works).
    pub fn get<'k, T>(&self, key: impl Into<Key<'k>>) -> Result<Option<T>>
    where
        S: Store<T>,
    {
        let key = key.into();
        match self.fresh(key) {
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(Ok(None))) if !self.region.looks_twice() => {
                self.region.tell_of(Happened::Miss, key);
                Ok(None)
            }
            Some(Err(found)) => read(
                Some(key),
                self.answers_at_once(),
                self.region.get_at_second_sight(key, found),
            )?,
            None => read(Some(key), false, self.region.get(key))?,
        }
    }

    /// [`Region::get_multi`].
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works).
    pub fn get_multi<'k, T>(
        &self,
        keys: impl IntoIterator<Item = impl Into<Key<'k>>>,
    ) -> Result<Vec<Option<T>>>
    where
        S: Store<T>,
        T: Send,
    {
        read(None, self.answers_at_once(), self.region.get_multi(keys))?
    }

    /// [`Region::entry`].
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works).
    pub fn entry<'k, T>(&self, key: impl Into<Key<'k>>) -> Result<Option<Found<T>>>
    where
        S: Store<T>,
    {
        let key = key.into();
        read(Some(key), self.answers_at_once(), self.region.entry(key))?
    }

    /// [`Region::key_is_locked`].
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works).
    pub fn key_is_locked<'k>(&self, key: impl Into<Key<'k>>) -> Result<bool>
    where
        S: Level,
    {
        let key = key.into();
        read(Some(key), !self.region.lock().is_shared(), self.region.key_is_locked(key))?
    }

    /// [`Region::set`].
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works).
    ///
    /// # Concurrency
    ///
    /// As there.
    pub fn set<'k, T>(&self, key: impl Into<Key<'k>>, value: T) -> Result<()>
    where
        S: Store<T>,
    {
        self.put(key.into(), value, None)
    }

    pub(crate) fn put<T>(&self, key: Key<'_>, value: T, ttl: Option<Duration>) -> Result<()>
    where
        S: Store<T>,
    {
        self.work(Some(key), self.region.put(key, value, ttl))?
    }

    /// [`Region::set_multi`].
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works).
    ///
    /// # Concurrency
    ///
    /// As there.
    pub fn set_multi<'k, T>(
        &self,
        values: impl IntoIterator<Item = (impl Into<Key<'k>>, T)>,
    ) -> Result<()>
    where
        S: Store<T>,
        T: Sync,
    {
        self.work(None, self.region.set_multi(values))?
    }

    pub(crate) fn put_multi<T>(&self, values: Vec<(Key<'_>, T, Option<Duration>)>) -> Result<()>
    where
        S: Store<T>,
        T: Sync,
    {
        self.work(None, self.region.put_multi(values))?
    }

    /// [`Region::delete`].
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works).
    ///
    /// # Concurrency
    ///
    /// As there.
    pub fn delete<'k>(&self, key: impl Into<Key<'k>>) -> Result<()>
    where
        S: Level,
    {
        let key = key.into();
        self.work(Some(key), self.region.delete(key))?
    }

    /// [`Region::delete_multi`].
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works).
    ///
    /// # Concurrency
    ///
    /// As there.
    pub fn delete_multi<'k>(&self, keys: impl IntoIterator<Item = impl Into<Key<'k>>>) -> Result<()>
    where
        S: Level,
    {
        self.work(None, self.region.delete_multi(keys))?
    }

    /// [`Region::invalidate`].
    ///
    /// # Errors
    ///
    /// As there, and where it [cannot wait](Self#where-it-works), which only a shared strategy needs.
    ///
    /// # Concurrency
    ///
    /// As there.
    pub fn invalidate(&self, how: Invalidation) -> Result<()>
    where
        S: Level,
    {
        runtime::run(!I::SHARED, self.region.invalidate(how))?
    }

    /// Reads `key` if the stack answers at once. `Err` has what there is other than a fresh value.
    #[inline]
    fn fresh<T>(&self, key: Key<'_>) -> Option<Result<T, Answer<T>>>
    where
        S: Store<T>,
    {
        self.region.fresh_at_once(self.region.limit, key, || self.immediate)
    }

    fn reads_at_once(&self) -> bool {
        self.immediate != Immediate::Nothing
    }

    /// Whether nothing else is asked by what only reads.
    fn answers_at_once(&self) -> bool {
        self.reads_at_once() && !I::SHARED
    }

    /// Runs what writes or creates. Where that cannot wait, it is begun only if it depends on nobody but
    /// the other callers in this process: a server might answer in time, or not.
    fn work<F: Future>(&self, key: Option<Key<'_>>, work: F) -> Result<F::Output> {
        let tries =
            self.immediate == Immediate::All && !self.region.lock().is_shared() && !I::SHARED;
        named(key, runtime::run(tries, work))
    }
}

/// Runs what only reads, without a runtime if it is done `at_once`.
fn read<F: Future>(key: Option<Key<'_>>, at_once: bool, work: F) -> Result<F::Output> {
    let mut work = pin!(work);
    if at_once && let Some(output) = polled(work.as_mut()) {
        return Ok(output);
    }
    named(key, runtime::run(false, work))
}

/// Names the key of a call that was refused.
fn named<R>(key: Option<Key<'_>>, run: Result<R>) -> Result<R> {
    run.map_err(|error| match key {
        Some(key) => error.with_key(key),
        None => error,
    })
}

impl<S, L, I> Clone for Blocking<S, L, I> {
    fn clone(&self) -> Self {
        Self { region: self.region.clone(), ..*self }
    }
}

impl<S: fmt::Debug, L: fmt::Debug, I: fmt::Debug> fmt::Debug for Blocking<S, L, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Blocking").field(&self.region).finish()
    }
}
