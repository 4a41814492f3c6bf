//! Proxies that watch: they see every operation of the level they wrap and change nothing.
//!
//! An observer is one function, called once per operation:
//!
//! ```
//! # #[cfg(all(feature = "codec-json", feature = "backend-memory"))] {
//! use std::sync::atomic::{AtomicUsize, Ordering};
//! use larder::{BackendExt, Event, LayerExt, Memory, Observe, Observed, PayloadExt};
//!
//! #[derive(Debug, Default)]
//! struct Misses(AtomicUsize);
//!
//! impl Observe for Misses {
//!     fn observe(&self, event: &Event<'_>) {
//!         if let Some(hits) = event.hits {
//!             self.0.fetch_add(event.keys.len() - hits, Ordering::Relaxed);
//!         }
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let region = Observed::with(Misses::default(), Memory::new().json().int_time()).region();
//! assert_eq!(region.get::<u8>("k").await?, None);
//! assert_eq!(region.stack().observer().0.load(Ordering::Relaxed), 1);
//! # Ok::<_, larder::Error>(()) }).unwrap();
//! # }
//! ```

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::{
    Backend, Batch, Capabilities, Entry, EntryTtl, Error, HashBackend, HashExpiry, Key, Level, Put,
    Result, Store, WriteOpts,
};

mod logging;

pub use self::logging::{Logging, Tracing};

/// What was asked of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Read one key.
    Get,
    /// Write one key.
    Set,
    /// Forget one key.
    Remove,
    /// Read many keys.
    GetMulti,
    /// Write many keys.
    SetMulti,
    /// Forget many keys.
    RemoveMulti,
}

impl Op {
    /// Its name, as in a log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Set => "set",
            Self::Remove => "remove",
            Self::GetMulti => "get_multi",
            Self::SetMulti => "set_multi",
            Self::RemoveMulti => "remove_multi",
        }
    }
}

/// One finished operation, seen from one level.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// What was asked.
    pub op: Op,
    /// For which keys; one unless `op` is a batch.
    pub keys: &'a [Key<'a>],
    /// How many of the keys were found, for reads that succeeded.
    pub hits: Option<usize>,
    /// How many bytes the values had, at level 1.
    pub bytes: Option<usize>,
    /// Why it failed.
    pub error: Option<&'a Error>,
    /// How long the levels below took.
    pub took: Duration,
}

/// A hook called after each operation.
///
/// # Performance
///
/// It runs inline in the caller's task: keep it short, never block. A cancelled operation is not
/// reported.
pub trait Observe: Send + Sync {
    /// Called once per finished operation.
    fn observe(&self, event: &Event<'_>);

    /// Whether anyone listens. Asked once before each operation; while `false`, the layer does not
    /// even read the clock.
    fn enabled(&self) -> bool {
        true
    }
}

/// The adapter: a level `S` watched by `O`. Transparent: it is whatever `S` is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Observed<O, S> {
    observer: O,
    inner: S,
}

impl<O: Observe + Default, S: Level> Observed<O, S> {
    /// Puts the observer over `inner`.
    pub fn new(inner: S) -> Self {
        Self::with(O::default(), inner)
    }
}

impl<O: Observe, S: Level> Observed<O, S> {
    /// Puts `observer` over `inner`.
    pub const fn with(observer: O, inner: S) -> Self {
        Self { observer, inner }
    }

    /// The observer.
    pub const fn observer(&self) -> &O {
        &self.observer
    }

    // A stopwatch, and not a combinator that takes the future: a future handed to an `async fn` is
    // stored twice in the caller's state.
    #[inline]
    fn start(&self) -> Option<Instant> {
        self.observer.enabled().then(Instant::now)
    }

    // Out of line: a level nobody listens to should cost one branch.
    #[inline(never)]
    fn end<V: Seen>(
        &self,
        started: Instant,
        op: Op,
        keys: &[Key<'_>],
        sent: Sent,
        got: &Result<V>,
    ) {
        let (hits, received) = got.as_ref().map_or((None, None), Seen::seen);
        self.observer.observe(&Event {
            op,
            keys,
            hits,
            bytes: sent.or(received),
            error: got.as_ref().err(),
            took: started.elapsed(),
        });
    }
}

type Sent = Option<usize>;

/// What an answer tells: keys found, bytes received.
trait Seen {
    fn seen(&self) -> (Option<usize>, Option<usize>);
}

impl Seen for () {
    fn seen(&self) -> (Option<usize>, Option<usize>) {
        (None, None)
    }
}

impl Seen for Option<Bytes> {
    fn seen(&self) -> (Option<usize>, Option<usize>) {
        (Some(usize::from(self.is_some())), self.as_ref().map(Bytes::len))
    }
}

impl<T> Seen for Option<Entry<T>> {
    fn seen(&self) -> (Option<usize>, Option<usize>) {
        (Some(usize::from(self.is_some())), None)
    }
}

impl Seen for Batch<Bytes> {
    fn seen(&self) -> (Option<usize>, Option<usize>) {
        let found = || self.iter().filter_map(|answer| answer.as_ref().ok()?.as_ref());
        (Some(found().count()), Some(found().map(Bytes::len).sum()))
    }
}

impl<T> Seen for Batch<Entry<T>> {
    fn seen(&self) -> (Option<usize>, Option<usize>) {
        (Some(self.iter().filter(|answer| matches!(answer, Ok(Some(_)))).count()), None)
    }
}

fn keys_of<'a, V>(puts: &[Put<'a, V>]) -> Vec<Key<'a>> {
    puts.iter().map(|put| put.key).collect()
}

fn bytes_of(puts: &[Put<'_, Bytes>]) -> usize {
    puts.iter().map(|put| put.value.len()).sum()
}

impl<O: Observe, S: Level> Level for Observed<O, S> {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        let started = self.start();
        let result = self.inner.remove(key).await;
        if let Some(started) = started {
            self.end(started, Op::Remove, &[key], None, &result);
        }
        result
    }

    async fn remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        let started = self.start();
        let result = self.inner.remove_multi(keys).await;
        if let Some(started) = started {
            self.end(started, Op::RemoveMulti, keys, None, &result);
        }
        result
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
}

impl<O: Observe, S: Backend> Backend for Observed<O, S> {
    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        let started = self.start();
        let result = self.inner.get(key).await;
        if let Some(started) = started {
            self.end(started, Op::Get, &[key], None, &result);
        }
        result
    }

    async fn set(&self, key: Key<'_>, value: Bytes, opts: WriteOpts) -> Result<()> {
        let started = self.start();
        let size = value.len();
        let result = self.inner.set(key, value, opts).await;
        if let Some(started) = started {
            self.end(started, Op::Set, &[key], Some(size), &result);
        }
        result
    }

    async fn get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        let started = self.start();
        let result = self.inner.get_multi(keys).await;
        if let Some(started) = started {
            self.end(started, Op::GetMulti, keys, None, &result);
        }
        result
    }

    async fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> Result<()> {
        let started = self.start();
        let result = self.inner.set_multi(puts).await;
        if let Some(started) = started {
            self.end(started, Op::SetMulti, &keys_of(puts), Some(bytes_of(puts)), &result);
        }
        result
    }
}

impl<O: Observe, S: HashBackend> HashBackend for Observed<O, S> {
    async fn hash_get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        let started = self.start();
        let result = self.inner.hash_get(key).await;
        if let Some(started) = started {
            self.end(started, Op::Get, &[key], None, &result);
        }
        result
    }

    async fn hash_set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts,
        expiry: HashExpiry,
    ) -> Result<()> {
        let started = self.start();
        let size = value.len();
        let result = self.inner.hash_set(key, value, opts, expiry).await;
        if let Some(started) = started {
            self.end(started, Op::Set, &[key], Some(size), &result);
        }
        result
    }

    async fn hash_remove(&self, key: Key<'_>) -> Result<()> {
        let started = self.start();
        let result = self.inner.hash_remove(key).await;
        if let Some(started) = started {
            self.end(started, Op::Remove, &[key], None, &result);
        }
        result
    }

    async fn hash_get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        let started = self.start();
        let result = self.inner.hash_get_multi(keys).await;
        if let Some(started) = started {
            self.end(started, Op::GetMulti, keys, None, &result);
        }
        result
    }

    async fn hash_set_multi(&self, puts: &[Put<'_, Bytes>], expiry: HashExpiry) -> Result<()> {
        let started = self.start();
        let result = self.inner.hash_set_multi(puts, expiry).await;
        if let Some(started) = started {
            self.end(started, Op::SetMulti, &keys_of(puts), Some(bytes_of(puts)), &result);
        }
        result
    }

    async fn hash_remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        let started = self.start();
        let result = self.inner.hash_remove_multi(keys).await;
        if let Some(started) = started {
            self.end(started, Op::RemoveMulti, keys, None, &result);
        }
        result
    }
}

impl<T, O, S> Store<T> for Observed<O, S>
where
    T: Send + Sync,
    O: Observe,
    S: Store<T>,
{
    async fn read(&self, key: Key<'_>) -> Result<Option<Entry<T>>> {
        let started = self.start();
        let result = self.inner.read(key).await;
        if let Some(started) = started {
            self.end(started, Op::Get, &[key], None, &result);
        }
        result
    }

    async fn write(&self, key: Key<'_>, entry: &Entry<T>, opts: WriteOpts) -> Result<()> {
        let started = self.start();
        let result = self.inner.write(key, entry, opts).await;
        if let Some(started) = started {
            self.end(started, Op::Set, &[key], None, &result);
        }
        result
    }

    async fn read_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Entry<T>>> {
        let started = self.start();
        let result = self.inner.read_multi(keys).await;
        if let Some(started) = started {
            self.end(started, Op::GetMulti, keys, None, &result);
        }
        result
    }

    async fn write_multi(&self, puts: &[Put<'_, &Entry<T>>]) -> Result<()> {
        let started = self.start();
        let result = self.inner.write_multi(puts).await;
        if let Some(started) = started {
            self.end(started, Op::SetMulti, &keys_of(puts), None, &result);
        }
        result
    }
}

impl<O: Observe, S: EntryTtl> EntryTtl for Observed<O, S> {}
