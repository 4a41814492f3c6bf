//! Layers that change keys, for entries and locks alike.
//!
//! | layer | the levels below see, for `"user:15"` and `("user-15", "posts")` | for |
//! |---|---|---|
//! | [`Prefixed`] | `app:user:15`, `(app:user-15, posts)` | many applications in one store |
//! | [`Versioned`] | `v3:user:15`, `(v3:user-15, posts)` | forgetting everything when a type changes |
//! | [`SplitAt`] | with `':'`: `(user, 15)`, `(::user-15, posts)` | plain keys in small hashes |
//! | [`Bucketed`] | with `10`: `(user:1, 5)`, `(user-15/, posts)` | numbered keys in small hashes |
//! | [`Hashed`] | `~` and 32 characters, for both parts | long keys, keys not to be read; keys of dogpile.cache |
//! | [`Normalized`] | `user:15`, `user-15%.posts` | stores with rules for keys, such as memcached |
//!
//! They go around a backend or around a format, in any order; the outermost sees a key first. What is
//! outside of them, such as a region, its flights and its errors, goes by the caller's keys; what is
//! inside, such as a store and a [`Lock`](crate::Lock) and its errors, by those that were made of them
//! ([`Level::stored_key`]).
//!
//! A [`KeyMap`] of your own is one function:
//!
//! ```
//! # #[cfg(all(feature = "codec-json", feature = "backend-memory"))] {
//! use larder::{BackendExt, Key, KeyMap, KeyWriter, LayerExt, Level, Memory, PayloadExt};
//!
//! /// Plain keys of a tenant go into a space of its own, the others beside it.
//! #[derive(Clone, Debug)]
//! struct Tenant(String);
//!
//! impl KeyMap for Tenant {
//!     fn map(&self, key: Key<'_>, out: &mut KeyWriter) {
//!         out.push(&self.0);
//!         match key.space() {
//!             None => out.end_space(),
//!             Some(_) => out.push("/"),
//!         }
//!         out.push_key(key);
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let stack = Memory::new().hstore().json().int_time().keyed(Tenant("acme".to_owned()));
//! assert_eq!(stack.stored_key("posts".into()), Some(Key::from(("acme", "posts")).into()));
//! assert_eq!(stack.stored_key(("user-15", "posts").into()), Some(Key::from(("acme/user-15", "posts")).into()));
//!
//! let region = stack.region();
//! region.set("posts", 3_u32).await?;
//! assert_eq!(region.get::<u32>("posts").await?, Some(3));
//! # Ok::<_, larder::Error>(()) }).unwrap();
//! # }
//! ```

use bytes::Bytes;

use self::writer::Written;
use crate::{
    Backend, Batch, Capabilities, Entry, EntryTtl, Error, HashBackend, HashExpiry, Key, KeyBuf,
    Level, Lifetimes, Put, ReadOpts, RegionEvent, Result, Store, WriteOpts,
};

mod bucketed;
#[cfg(feature = "key-hashed")]
mod hashed;
#[cfg(feature = "key-hashed")]
mod normalized;
mod prefixed;
#[cfg(feature = "config")]
mod settings;
mod split_at;
mod versioned;
mod writer;

pub use self::{
    bucketed::{Bucketed, Buckets},
    prefixed::{Prefix, Prefixed},
    split_at::{At, SplitAt},
    versioned::{Version, Versioned},
    writer::KeyWriter,
};
#[cfg(feature = "key-hashed")]
pub use self::{
    hashed::{Blake3, Hashed, KeyDigest, KeyHash, Sha1},
    normalized::{KeyRules, MemcachedRules, Normal, Normalized},
};

/// Makes keys of keys.
///
/// Laws: it writes the same for the same key, in every process that shares the store; and it is
/// *injective*: two different keys never become one, or else they get each other's values.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not map keys",
    label = "expected a map of keys such as `Prefix`",
    note = "`Prefixed<S>` is a level that sees other keys, `Prefix` the map alone"
)]
pub trait KeyMap: Send + Sync {
    /// Writes the key that the levels below see for `key`. `out` is empty at first.
    fn map(&self, key: Key<'_>, out: &mut KeyWriter);
}

/// The adapter: a level `S` that sees keys as `M` makes them. Otherwise it is whatever `S` is.
///
/// Its errors name the caller's keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keyed<M, S> {
    map: M,
    inner: S,
}

impl<M: KeyMap, S: Level> Keyed<M, S> {
    /// Puts `map` over `inner`.
    pub const fn with(map: M, inner: S) -> Self {
        Self { map, inner }
    }

    /// The key that `inner` sees.
    fn mapped<'w>(&self, key: Key<'_>, out: &'w mut KeyWriter) -> Key<'w> {
        self.map.map(key, out);
        out.key()
    }

    fn mapped_all(&self, keys: &[Key<'_>]) -> Written {
        Written::new(keys.iter().copied(), |key, out| self.map.map(key, out))
    }

    fn mapped_puts<V>(&self, puts: &[Put<'_, V>]) -> Written {
        Written::new(puts.iter().map(|put| put.key), |key, out| self.map.map(key, out))
    }
}

/// The answers to a batch, with the caller's keys in their errors.
fn found<V>(keys: &[Key<'_>], found: Batch<V>) -> Batch<V> {
    let named =
        |(key, found): (&Key<'_>, Result<Option<V>>)| found.map_err(|error| error.renamed(*key));
    keys.iter().zip(found).map(named).collect()
}

/// The failure of a batch, with the caller's key if it names one.
fn failed<'k>(error: Error, written: &Written, mut keys: impl Iterator<Item = Key<'k>>) -> Error {
    let at = error.key().and_then(|key| written.keys().iter().position(|other| *other == key));
    match at.and_then(|at| keys.nth(at)) {
        Some(key) => error.renamed(key),
        None => error,
    }
}

/// The failure of a batch of writes.
fn unwritten<V>(error: Error, written: &Written, puts: &[Put<'_, V>]) -> Error {
    failed(error, written, puts.iter().map(|put| put.key))
}

impl<M: KeyMap, S: Level> Level for Keyed<M, S> {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        let mut out = KeyWriter::new();
        let removed = self.inner.remove(self.mapped(key, &mut out)).await;
        removed.map_err(|error| error.renamed(key))
    }

    async fn remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        let written = self.mapped_all(keys);
        let removed = self.inner.remove_multi(&written.keys()).await;
        removed.map_err(|error| failed(error, &written, keys.iter().copied()))
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn stored_key(&self, key: Key<'_>) -> Option<KeyBuf> {
        let mut out = KeyWriter::new();
        let key = self.mapped(key, &mut out);
        Some(self.inner.stored_key(key).unwrap_or_else(|| key.to_buf()))
    }

    fn adopt(&self, lifetimes: &Lifetimes) -> Result<()> {
        self.inner.adopt(lifetimes)
    }

    #[inline]
    fn tell(&self, event: &RegionEvent<'_>) {
        self.inner.tell(event);
    }

    fn evicted(&self) -> u64 {
        self.inner.evicted()
    }
}

impl<M: KeyMap, S: Backend> Backend for Keyed<M, S> {
    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        let mut out = KeyWriter::new();
        let found = self.inner.get(self.mapped(key, &mut out)).await;
        found.map_err(|error| error.renamed(key))
    }

    async fn set(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) -> Result<()> {
        let mut out = KeyWriter::new();
        let set = self.inner.set(self.mapped(key, &mut out), value, opts).await;
        set.map_err(|error| error.renamed(key))
    }

    async fn get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        let written = self.mapped_all(keys);
        match self.inner.get_multi(&written.keys()).await {
            Ok(batch) => Ok(found(keys, batch)),
            Err(error) => Err(failed(error, &written, keys.iter().copied())),
        }
    }

    async fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> Result<()> {
        let written = self.mapped_puts(puts);
        let set = self.inner.set_multi(&written.puts(puts)).await;
        set.map_err(|error| unwritten(error, &written, puts))
    }
}

impl<M: KeyMap, S: HashBackend> HashBackend for Keyed<M, S> {
    async fn hash_get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        let mut out = KeyWriter::new();
        let found = self.inner.hash_get(self.mapped(key, &mut out)).await;
        found.map_err(|error| error.renamed(key))
    }

    async fn hash_set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
        expiry: HashExpiry,
    ) -> Result<()> {
        let mut out = KeyWriter::new();
        let set = self.inner.hash_set(self.mapped(key, &mut out), value, opts, expiry).await;
        set.map_err(|error| error.renamed(key))
    }

    async fn hash_remove(&self, key: Key<'_>) -> Result<()> {
        let mut out = KeyWriter::new();
        let removed = self.inner.hash_remove(self.mapped(key, &mut out)).await;
        removed.map_err(|error| error.renamed(key))
    }

    async fn hash_get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        let written = self.mapped_all(keys);
        match self.inner.hash_get_multi(&written.keys()).await {
            Ok(batch) => Ok(found(keys, batch)),
            Err(error) => Err(failed(error, &written, keys.iter().copied())),
        }
    }

    async fn hash_set_multi(&self, puts: &[Put<'_, Bytes>], expiry: HashExpiry) -> Result<()> {
        let written = self.mapped_puts(puts);
        let set = self.inner.hash_set_multi(&written.puts(puts), expiry).await;
        set.map_err(|error| unwritten(error, &written, puts))
    }

    async fn hash_remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        let written = self.mapped_all(keys);
        let removed = self.inner.hash_remove_multi(&written.keys()).await;
        removed.map_err(|error| failed(error, &written, keys.iter().copied()))
    }
}

impl<T: Send + Sync, M: KeyMap, S: Store<T>> Store<T> for Keyed<M, S> {
    async fn read(&self, key: Key<'_>) -> Result<Option<Entry<Option<T>>>> {
        let mut out = KeyWriter::new();
        let read = self.inner.read(self.mapped(key, &mut out)).await;
        read.map_err(|error| error.renamed(key))
    }

    async fn write(
        &self,
        key: Key<'_>,
        entry: &Entry<Option<T>>,
        opts: WriteOpts<'_>,
    ) -> Result<()> {
        let mut out = KeyWriter::new();
        let written = self.inner.write(self.mapped(key, &mut out), entry, opts).await;
        written.map_err(|error| error.renamed(key))
    }

    async fn read_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Entry<Option<T>>>> {
        let written = self.mapped_all(keys);
        match self.inner.read_multi(&written.keys()).await {
            Ok(batch) => Ok(found(keys, batch)),
            Err(error) => Err(failed(error, &written, keys.iter().copied())),
        }
    }

    async fn read_with(&self, key: Key<'_>, opts: ReadOpts) -> Result<Option<Entry<Option<T>>>> {
        let mut out = KeyWriter::new();
        let read = self.inner.read_with(self.mapped(key, &mut out), opts).await;
        read.map_err(|error| error.renamed(key))
    }

    async fn read_multi_with(
        &self,
        keys: &[Key<'_>],
        opts: ReadOpts,
    ) -> Result<Batch<Entry<Option<T>>>> {
        let written = self.mapped_all(keys);
        match self.inner.read_multi_with(&written.keys(), opts).await {
            Ok(batch) => Ok(found(keys, batch)),
            Err(error) => Err(failed(error, &written, keys.iter().copied())),
        }
    }

    fn handed(&self, key: Key<'_>, entry: impl FnOnce() -> Entry<Option<T>>) {
        let mut out = KeyWriter::new();
        self.inner.handed(self.mapped(key, &mut out), entry);
    }

    async fn write_multi(&self, puts: &[Put<'_, &Entry<Option<T>>>]) -> Result<()> {
        let written = self.mapped_puts(puts);
        let set = self.inner.write_multi(&written.puts(puts)).await;
        set.map_err(|error| unwritten(error, &written, puts))
    }
}

impl<M: KeyMap, S: EntryTtl> EntryTtl for Keyed<M, S> {}
