use std::{
    fmt,
    future::{Future, poll_fn},
    task::Poll,
};

use super::bounded::{Bounded, DEFAULT_ENTRIES};
use crate::{
    Batch, Capabilities, Clock, Entry, EntryTtl, Expires, Immediate, Key, Level, Place, Precision,
    Put, Result, Store, WriteOpts,
};

/// Values of one type inside the process, not serialized, bounded: when it is full, entries nobody
/// asks for go (S3-FIFO).
///
/// A whole stack by itself: it is a [`Store<T>`], needs neither codec nor format, and `T` needs no
/// serde. A hit clones `T`: wrap big values in [`Arc`](std::sync::Arc).
///
/// ```
/// use std::sync::Arc;
/// use larder::{LayerExt, Memo, Region};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let pages: Region<Memo<Arc<str>>> = Memo::with_capacity(1_000).region();
/// let page = pages.get_or_create("/", async || Arc::from("<h1>hello</h1>")).await?;
/// assert_eq!(&*page, "<h1>hello</h1>");
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// ```
pub struct Memo<T> {
    held: Bounded<Entry<Option<T>>>,
    weigh: fn(Key<'_>, &T) -> u64,
}

impl<T: Clone> Memo<T> {
    /// A store of at most 100,000 entries.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT_ENTRIES)
    }

    /// A store of at most `entries` entries.
    #[must_use]
    pub fn with_capacity(entries: usize) -> Self {
        Self { held: Bounded::by_count(entries), weigh: |_, _| 1 }
    }

    /// A store of entries that weigh at most `max_weight` together. `weigh` is called once for
    /// each write; a weight of 0 counts as 1.
    ///
    /// An entry heavier than the store, or than its part of it (the store is split so that threads
    /// seldom meet), is not kept.
    #[must_use]
    pub fn with_weigher(max_weight: u64, weigh: fn(Key<'_>, &T) -> u64) -> Self {
        Self { held: Bounded::by_weight(max_weight), weigh }
    }

    /// The same, taking the time from `clock`.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.held.set_clock(clock);
        self
    }

    /// How many entries are held, expired ones that nobody asked for included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.len() == 0
    }

    /// The weight of what is held: entries, or what the weigher says.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.held.weight()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.held.clear();
    }

    fn insert(&self, key: Key<'_>, entry: &Entry<Option<T>>, opts: WriteOpts<'_>) {
        let weight = entry.value.as_ref().map_or(1, |value| (self.weigh)(key, value));
        self.held.insert(key, entry.clone(), opts, weight);
    }
}

impl<T: Clone> Default for Memo<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Clone> fmt::Debug for Memo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Memo").field(&self.held).finish()
    }
}

impl<T: Clone + Send + Sync> Level for Memo<T> {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        self.held.remove(key);
        Ok(())
    }

    async fn remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        for key in keys {
            self.held.remove(*key);
        }
        Ok(())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
            .with_expires(Expires::Always)
            .with_created_at(Precision::Micros)
            .with_entry_ttl()
            .with_immediate(Immediate::All)
            .with_place(Place::new("memo"))
    }

    fn evicted(&self) -> u64 {
        self.held.evicted()
    }
}

impl<T: Clone + Send + Sync> Store<T> for Memo<T> {
    #[inline]
    fn glance(&self, key: Key<'_>) -> Option<Entry<Option<T>>> {
        self.held.glance(&key)
    }

    // Not an `async fn`: a state machine without states still costs a hit nanoseconds.
    fn read(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Entry<Option<T>>>>> + Send {
        poll_fn(move |_| Poll::Ready(Ok(self.held.get(&key))))
    }

    async fn write(
        &self,
        key: Key<'_>,
        entry: &Entry<Option<T>>,
        opts: WriteOpts<'_>,
    ) -> Result<()> {
        self.insert(key, entry, opts);
        Ok(())
    }

    async fn read_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Entry<Option<T>>>> {
        Ok(keys.iter().map(|key| Ok(self.held.get(key))).collect())
    }

    async fn write_multi(&self, puts: &[Put<'_, &Entry<Option<T>>>]) -> Result<()> {
        for put in puts {
            self.insert(put.key, put.value, put.opts);
        }
        Ok(())
    }
}

impl<T: Clone + Send + Sync> EntryTtl for Memo<T> {}
