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
//!
//! # Traces
//!
//! Regions trace through `tracing` by themselves, target `larder::create`: each call of a creator is a span
//! `create` (or `create_multi`) at `INFO`, with the key, in the span of its caller. In the background it is
//! inside a span `refresh`, which *follows from* that of the caller. Who is served by the creation of
//! somebody else has an event at `DEBUG` that says how long it waited. Hits are not traced.

use std::{future::Future, sync::Arc};

use bytes::Bytes;

use self::watch::{Asked, Watch, Watched};

use crate::{
    Backend, Batch, Capabilities, Entry, EntryTtl, HashBackend, HashExpiry, Key, KeyBuf, Level,
    Lifetimes, Put, ReadOpts, Result, Store, WriteOpts,
};

mod event;
#[cfg(any(feature = "observe-metered", feature = "observe-recorded"))]
mod label;
mod logging;
#[cfg(feature = "observe-metered")]
mod metered;
#[cfg(feature = "observe-recorded")]
pub mod recorded;
#[cfg(feature = "config")]
mod settings;
mod watch;

#[cfg(any(feature = "observe-metered", feature = "observe-recorded"))]
pub use self::label::Label;
#[cfg(feature = "observe-metered")]
pub use self::metered::{Meter, Metered};
#[cfg(feature = "observe-recorded")]
pub use self::recorded::{Recorded, Recorder, Recording, RecordingBuilder};
pub use self::{
    event::{Answer, Event, Happened, Op, RegionEvent},
    logging::{Logging, Tracing},
};

/// A hook called after each operation.
///
/// # Performance
///
/// It runs inline in the caller's task: keep it short, never block. A cancelled operation is not
/// reported.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not observe operations",
    label = "expected an observer such as `Tracing` here",
    note = "`Logging<S>` is a watched level, `Tracing` its observer"
)]
pub trait Observe: Send + Sync {
    /// Called once per finished operation.
    fn observe(&self, event: &Event<'_>);

    /// Whether anyone listens. Asked before each operation, of a read twice at most, and answered without
    /// counting calls: who wants a sample takes it in [`observe`](Self::observe). While `false`, the layer
    /// does not even read the clock.
    fn enabled(&self) -> bool {
        true
    }

    /// Whether operations of this kind are of interest, to one that is [`enabled`](Self::enabled).
    #[inline]
    fn wants(&self, op: Op) -> bool {
        let _ = op;
        true
    }

    /// Whether [`Event::took`] is of interest. While `false`, the clock is not read, which takes longer
    /// than a hit in memory.
    fn timed(&self) -> bool {
        true
    }

    /// Called for what a region makes of its keys, [`enabled`](Self::enabled) or not. It goes through all
    /// observers of a stack from the outside in, but not past tiers: those of one tier do not know
    /// whether the caller was served. Default: nothing, at no cost.
    #[inline]
    fn observe_region(&self, event: &RegionEvent<'_>) {
        let _ = event;
    }

    /// Called once, with what the observed level can keep and where that is. Default: nothing.
    fn placed(&mut self, over: Capabilities) {
        let _ = over;
    }
}

// One observer may watch many levels.
impl<O: Observe + ?Sized> Observe for &O {
    fn observe(&self, event: &Event<'_>) {
        (**self).observe(event);
    }

    fn enabled(&self) -> bool {
        (**self).enabled()
    }

    #[inline]
    fn wants(&self, op: Op) -> bool {
        (**self).wants(op)
    }

    fn timed(&self) -> bool {
        (**self).timed()
    }

    #[inline]
    fn observe_region(&self, event: &RegionEvent<'_>) {
        (**self).observe_region(event);
    }
}

impl<O: Observe + ?Sized> Observe for Arc<O> {
    fn observe(&self, event: &Event<'_>) {
        (**self).observe(event);
    }

    fn enabled(&self) -> bool {
        (**self).enabled()
    }

    #[inline]
    fn wants(&self, op: Op) -> bool {
        (**self).wants(op)
    }

    fn timed(&self) -> bool {
        (**self).timed()
    }

    #[inline]
    fn observe_region(&self, event: &RegionEvent<'_>) {
        (**self).observe_region(event);
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
    pub fn with(mut observer: O, inner: S) -> Self {
        observer.placed(inner.capabilities());
        Self { observer, inner }
    }

    /// The observer.
    pub const fn observer(&self) -> &O {
        &self.observer
    }

    /// Watches `inner`, if anyone listens.
    #[inline]
    fn watch<'o, 's, 'k, F, V>(
        &'o self,
        op: Op,
        asked: impl FnOnce() -> Asked<'s, 'k>,
        inner: F,
    ) -> Watched<'o, 's, 'k, O, S, F>
    where
        F: Future<Output = Result<V>>,
    {
        Watched::new(inner, self.look(op, asked))
    }

    #[inline]
    fn listens_to(&self, op: Op) -> bool {
        self.observer.enabled() && self.observer.wants(op)
    }

    /// Begins to look at an operation, if anyone listens.
    #[inline]
    fn look<'o, 's, 'k>(
        &'o self,
        op: Op,
        asked: impl FnOnce() -> Asked<'s, 'k>,
    ) -> Option<Watch<'o, 's, 'k, O, S>> {
        self.listens_to(op).then(|| Watch::start(&self.observer, &self.inner, op, asked()))
    }
}

impl<O: Observe, S: Level> Level for Observed<O, S> {
    fn remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send {
        self.watch(Op::Remove, || Asked::one(key), self.inner.remove(key))
    }

    fn remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send {
        self.watch(Op::RemoveMulti, || Asked::many(keys), self.inner.remove_multi(keys))
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn stored_key(&self, key: Key<'_>) -> Option<KeyBuf> {
        self.inner.stored_key(key)
    }

    fn adopt(&self, lifetimes: &Lifetimes) -> Result<()> {
        self.inner.adopt(lifetimes)
    }

    #[inline]
    fn tell(&self, event: &RegionEvent<'_>) {
        self.observer.observe_region(event);
        self.inner.tell(event);
    }

    fn evicted(&self) -> u64 {
        self.inner.evicted()
    }
}

impl<O: Observe, S: Backend> Backend for Observed<O, S> {
    // Who listens sees reads, and nothing passes by.
    #[inline]
    fn glance(&self, key: Key<'_>) -> Option<Bytes> {
        if self.listens_to(Op::Get) { None } else { self.inner.glance(key) }
    }

    fn get(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Bytes>>> + Send {
        self.watch(Op::Get, || Asked::one(key), self.inner.get(key))
    }

    fn set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
    ) -> impl Future<Output = Result<()>> + Send {
        let watch = self.look(Op::Set, || Asked::one(key).sending(value.clone()));
        Watched::new(self.inner.set(key, value, opts), watch)
    }

    fn get_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<Batch<Bytes>>> + Send {
        self.watch(Op::GetMulti, || Asked::many(keys), self.inner.get_multi(keys))
    }

    fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> impl Future<Output = Result<()>> + Send {
        self.watch(Op::SetMulti, || Asked::bytes(puts), self.inner.set_multi(puts))
    }
}

impl<O: Observe, S: HashBackend> HashBackend for Observed<O, S> {
    fn hash_get(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Bytes>>> + Send {
        self.watch(Op::Get, || Asked::one(key), self.inner.hash_get(key))
    }

    fn hash_set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
        expiry: HashExpiry,
    ) -> impl Future<Output = Result<()>> + Send {
        let watch = self.look(Op::Set, || Asked::one(key).sending(value.clone()));
        Watched::new(self.inner.hash_set(key, value, opts, expiry), watch)
    }

    fn hash_remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send {
        self.watch(Op::Remove, || Asked::one(key), self.inner.hash_remove(key))
    }

    fn hash_get_multi(
        &self,
        keys: &[Key<'_>],
    ) -> impl Future<Output = Result<Batch<Bytes>>> + Send {
        self.watch(Op::GetMulti, || Asked::many(keys), self.inner.hash_get_multi(keys))
    }

    fn hash_set_multi(
        &self,
        puts: &[Put<'_, Bytes>],
        expiry: HashExpiry,
    ) -> impl Future<Output = Result<()>> + Send {
        self.watch(Op::SetMulti, || Asked::bytes(puts), self.inner.hash_set_multi(puts, expiry))
    }

    fn hash_remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send {
        self.watch(Op::RemoveMulti, || Asked::many(keys), self.inner.hash_remove_multi(keys))
    }
}

impl<T, O, S> Store<T> for Observed<O, S>
where
    T: Send + Sync,
    O: Observe,
    S: Store<T>,
{
    #[inline]
    fn glance(&self, key: Key<'_>) -> Option<Entry<Option<T>>> {
        if self.listens_to(Op::Get) { None } else { self.inner.glance(key) }
    }

    fn read(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Entry<Option<T>>>>> + Send {
        self.watch(Op::Get, || Asked::one(key), self.inner.read(key))
    }

    fn write(
        &self,
        key: Key<'_>,
        entry: &Entry<Option<T>>,
        opts: WriteOpts<'_>,
    ) -> impl Future<Output = Result<()>> + Send {
        self.watch(Op::Set, move || Asked::one(key), self.inner.write(key, entry, opts))
    }

    fn read_multi(
        &self,
        keys: &[Key<'_>],
    ) -> impl Future<Output = Result<Batch<Entry<Option<T>>>>> + Send {
        self.watch(Op::GetMulti, || Asked::many(keys), self.inner.read_multi(keys))
    }

    fn read_with(
        &self,
        key: Key<'_>,
        opts: ReadOpts,
    ) -> impl Future<Output = Result<Option<Entry<Option<T>>>>> + Send {
        self.watch(Op::Get, || Asked::one(key), self.inner.read_with(key, opts))
    }

    fn read_multi_with(
        &self,
        keys: &[Key<'_>],
        opts: ReadOpts,
    ) -> impl Future<Output = Result<Batch<Entry<Option<T>>>>> + Send {
        self.watch(Op::GetMulti, || Asked::many(keys), self.inner.read_multi_with(keys, opts))
    }

    fn handed(&self, key: Key<'_>, entry: impl FnOnce() -> Entry<Option<T>>) {
        self.inner.handed(key, entry);
    }

    fn write_multi(
        &self,
        puts: &[Put<'_, &Entry<Option<T>>>],
    ) -> impl Future<Output = Result<()>> + Send {
        self.watch(Op::SetMulti, || Asked::puts(puts), self.inner.write_multi(puts))
    }
}

impl<O: Observe, S: EntryTtl> EntryTtl for Observed<O, S> {}
