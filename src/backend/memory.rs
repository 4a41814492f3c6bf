use std::fmt;

use bytes::Bytes;

use super::bounded::{Bounded, DEFAULT_ENTRIES};
use crate::{
    Backend, Batch, Capabilities, Clock, Expires, HashBackend, HashExpiry, Immediate, Key, Level,
    Place, Put, Result, WriteOpts,
};

/// About what an entry takes beside its key and value: table, queue, reference counts, the allocator's part, and its
/// share in the keys remembered after they were dropped. Measured with a counting allocator on 64 bits, where full
/// stores of values of 4, 100 and 2,000 bytes take 0.96, 0.77 and 0.99 of their bound with keys of 12 bytes, which
/// need no memory of their own, and 1.15, 0.91 and 1.01 with keys of 41.
const OVERHEAD: u64 = 256;

/// Bytes inside the process, bounded: when it is full, entries nobody asks for go (S3-FIFO).
///
/// Safe and quick under many threads. Honours [`WriteOpts::keep_for`], and keys in a space as
/// [`Hstore`](crate::Hstore) wants them, each field with its own lifetime (so
/// [`Always`](crate::Always), [`OnCreate`](crate::OnCreate) and [`PerField`](crate::PerField) do the
/// same here).
///
/// A hit is a reference count, no copy. For typed values without a codec see [`Memo`](crate::Memo).
///
/// ```
/// use larder::Memory;
///
/// let by_count = Memory::new();                    // at most 100,000 entries
/// let by_size = Memory::with_max_bytes(64 << 20);  // at most 64 MiB
/// # let _ = (by_count, by_size);
/// ```
pub struct Memory {
    held: Bounded<Bytes>,
    weigh: fn(Key<'_>, &Bytes) -> u64,
}

impl Memory {
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

    /// A store of at most `bytes` bytes, counting keys, values and 256 bytes an entry, which is about
    /// what the rest of one takes: the bound is that of the memory taken, to about a quarter.
    ///
    /// An entry larger than the store, or than its part of it (the store is split so that threads
    /// seldom meet), is not kept.
    #[must_use]
    pub fn with_max_bytes(bytes: u64) -> Self {
        Self::with_weigher(bytes, |key, value| {
            let key = key.space().map_or(0, str::len) + key.name().len();
            (key + value.len()) as u64 + OVERHEAD
        })
    }

    /// A store of entries that weigh at most `max_weight` together, as `weigh` sees them.
    #[must_use]
    pub fn with_weigher(max_weight: u64, weigh: fn(Key<'_>, &Bytes) -> u64) -> Self {
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

    /// The weight of what is held: entries, bytes, or what the weigher says.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.held.weight()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.held.clear();
    }

    fn insert(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) {
        // `Bytes` made from an exact `Vec` allocates at its first clone. Let that be the write, not
        // the first hit.
        drop(value.clone());
        let weight = (self.weigh)(key, &value);
        self.held.insert(key, value, opts, weight);
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Memory").field(&self.held).finish()
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Level for Memory {
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
            .with_immediate(Immediate::All)
            .with_place(Place::new("memory"))
    }

    fn evicted(&self) -> u64 {
        self.held.evicted()
    }
}

impl Backend for Memory {
    #[inline]
    fn glance(&self, key: Key<'_>) -> Option<Bytes> {
        self.held.glance(&key)
    }

    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        Ok(self.held.get(&key))
    }

    async fn set(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) -> Result<()> {
        self.insert(key, value, opts);
        Ok(())
    }

    async fn get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        Ok(keys.iter().map(|key| Ok(self.held.get(key))).collect())
    }

    async fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> Result<()> {
        for put in puts {
            self.insert(put.key, put.value.clone(), put.opts);
        }
        Ok(())
    }
}

impl HashBackend for Memory {
    async fn hash_get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        Ok(self.held.get(&key))
    }

    async fn hash_set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
        expiry: HashExpiry,
    ) -> Result<()> {
        self.insert(key, value, hash_opts(key, opts, expiry));
        Ok(())
    }

    async fn hash_remove(&self, key: Key<'_>) -> Result<()> {
        self.held.remove(key);
        Ok(())
    }

    async fn hash_get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        self.get_multi(keys).await
    }

    async fn hash_set_multi(&self, puts: &[Put<'_, Bytes>], expiry: HashExpiry) -> Result<()> {
        for put in puts {
            let opts = hash_opts(put.key, put.opts, expiry);
            self.insert(put.key, put.value.clone(), opts);
        }
        Ok(())
    }

    async fn hash_remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        self.remove_multi(keys).await
    }
}

fn hash_opts<'a>(key: Key<'_>, opts: WriteOpts<'a>, expiry: HashExpiry) -> WriteOpts<'a> {
    match (key.space(), expiry) {
        (Some(_), HashExpiry::Never) => WriteOpts::default(),
        _ => opts,
    }
}
