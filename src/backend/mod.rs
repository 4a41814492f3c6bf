//! Level 1: bytes under keys.
//!
//! A backend is a place where bytes live. Two async functions and a removal make one; here is a
//! whole one, a map behind a lock, in a stack and at work:
//!
//! ```
//! # #[cfg(feature = "codec-json")] {
//! use std::{collections::HashMap, sync::Mutex};
//! use larder::{Backend, BackendExt, Bytes, Key, KeyBuf, LayerExt, Level, PayloadExt, Result, WriteOpts};
//!
//! #[derive(Debug, Default)]
//! struct Shelf(Mutex<HashMap<KeyBuf, Bytes>>);
//!
//! impl Level for Shelf {
//!     async fn remove(&self, key: Key<'_>) -> Result<()> {
//!         self.0.lock().unwrap().remove(&key.to_buf());
//!         Ok(())
//!     }
//! }
//!
//! impl Backend for Shelf {
//!     async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
//!         Ok(self.0.lock().unwrap().get(&key.to_buf()).cloned())
//!     }
//!
//!     async fn set(&self, key: Key<'_>, value: Bytes, _: WriteOpts<'_>) -> Result<()> {
//!         self.0.lock().unwrap().insert(key.to_buf(), value);
//!         Ok(())
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let region = Shelf::default().json().int_time().logging().region();
//! let n: u32 = region.get_or_create(("answers", "all"), async || 42).await?;
//! assert_eq!(n, 42);
//! # Ok::<_, larder::Error>(()) }).unwrap();
//! # }
//! ```
//!
//! Where one round trip can serve many keys, override the batch methods too; where the store drops
//! expired entries by itself, honour [`WriteOpts::keep_for`] and say so in
//! [`Level::capabilities`]. With the feature `testing`, `larder::testing::backend_suite` checks all
//! that is promised here.

use std::{future::Future, sync::Arc};

use bytes::Bytes;

use crate::{Batch, Key, Level, Put, Result, WriteOpts};

#[cfg(feature = "backend-memory")]
mod bounded;
// LMDB's layout is checked for this word size, and locks between processes are Unix ones.
#[cfg(all(feature = "backend-file", unix, target_pointer_width = "64"))]
mod file;
#[cfg(feature = "backend-memory")]
mod held_key;
#[cfg(feature = "backend-memcached")]
pub(crate) mod memcached;
#[cfg(feature = "backend-memory")]
mod memo;
#[cfg(feature = "backend-memory")]
mod memory;
mod null;
#[cfg(feature = "backend-redis")]
pub(crate) mod redis;
#[cfg(feature = "config")]
mod settings;
#[cfg(any(feature = "backend-redis-tls", feature = "backend-memcached-tls"))]
mod tls;

#[cfg(all(feature = "backend-file", unix, target_pointer_width = "64"))]
pub(crate) use self::file::Change;
#[cfg(all(feature = "backend-file", unix, target_pointer_width = "64"))]
pub use self::file::{File, FileBuilder, FileStats};
#[cfg(feature = "backend-memcached")]
pub use self::memcached::{Memcached, MemcachedBuilder};
pub use self::null::Null;
#[cfg(feature = "backend-redis")]
pub use self::redis::{
    Cluster, Direct, Redis, RedisBuilder, RedisChannel, RedisCluster, RedisClusterBuilder,
    RedisSentinel, RedisSentinelBuilder, Sentinel, Wire,
};
#[cfg(feature = "backend-memory")]
pub use self::{memo::Memo, memory::Memory};

/// Level 1: stores bytes.
///
/// # Consistency
///
/// A `get` that begins after a `set` of the same key returned sees that write or a later one. A
/// value is seen whole or not at all.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not store bytes",
    label = "expected a backend or a byte layer here",
    note = "codecs (`Msgpack`, `Json`, ..) and byte layers (`Hstore`, ..) wrap a backend; formats \
            and proxies go outside a codec: Region<Logging<IntTime<Msgpack<Hstore<Redis>>>>>"
)]
pub trait Backend: Level {
    /// The bytes under `key`, if they can be had without waiting; `None` says nothing. As
    /// [`Store::glance`](crate::Store::glance), for bytes.
    #[inline]
    fn glance(&self, key: Key<'_>) -> Option<Bytes> {
        let _ = key;
        None
    }

    /// Reads the bytes under `key`.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    fn get(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Bytes>>> + Send;

    /// Writes `value` under `key`, replacing what was there.
    ///
    /// # Errors
    ///
    /// When the store cannot take it.
    fn set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Reads many keys; the answers are in the order of `keys`, duplicates included. Override it
    /// where one round trip can do; with no keys it does nothing.
    ///
    /// # Errors
    ///
    /// When the store cannot answer at all.
    fn get_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<Batch<Bytes>>> + Send {
        async move {
            let mut found = Vec::with_capacity(keys.len());
            for key in keys {
                found.push(Ok(self.get(*key).await?));
            }
            Ok(found)
        }
    }

    /// Writes many values; of two for the same key the later one stays. Override it where one round
    /// trip can do; with nothing to write it does nothing. On an error some of them may have been
    /// written.
    ///
    /// # Errors
    ///
    /// When the store cannot take them.
    fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> impl Future<Output = Result<()>> + Send {
        async move {
            for put in puts {
                self.set(put.key, put.value.clone(), put.opts).await?;
            }
            Ok(())
        }
    }
}

/// When a hash gets its TTL, which is one for all its fields; or that each field gets its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashExpiry {
    /// Never: the hash stays until it is removed.
    Never,
    /// With its first field; it then runs down, whatever is written later.
    OnCreate,
    /// Renewed by every write, for all fields.
    Always,
    /// Each field gets its own with each write. Where the server has no such thing, a hash lives at
    /// least as long as each of its fields was to.
    PerField,
}

/// A backend with a second level of keys (Redis hashes), which [`Hstore`](crate::Hstore) uses.
///
/// The methods are those of [`Backend`] for keys that may be in a space: a key with a space is the
/// field `name` of the hash `space`, a key without one is a plain key. Batches may mix them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no hashes",
    label = "`Hstore` needs a backend with hashes, such as `Redis` or `Memory`"
)]
pub trait HashBackend: Backend {
    /// [`Backend::get`], hashes included.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    fn hash_get(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Bytes>>> + Send;

    /// [`Backend::set`], hashes included, in one round trip for every `expiry`.
    ///
    /// # Errors
    ///
    /// When the store cannot take it.
    fn hash_set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
        expiry: HashExpiry,
    ) -> impl Future<Output = Result<()>> + Send;

    /// [`Level::remove`], hashes included.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    fn hash_remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send;

    /// [`Backend::get_multi`], hashes included: one round trip for all plain keys and all hashes
    /// together, answers in the order of `keys`.
    ///
    /// # Errors
    ///
    /// When the store cannot answer at all.
    fn hash_get_multi(&self, keys: &[Key<'_>])
    -> impl Future<Output = Result<Batch<Bytes>>> + Send;

    /// [`Backend::set_multi`], hashes included.
    ///
    /// # Errors
    ///
    /// When the store cannot take them.
    fn hash_set_multi(
        &self,
        puts: &[Put<'_, Bytes>],
        expiry: HashExpiry,
    ) -> impl Future<Output = Result<()>> + Send;

    /// [`Level::remove_multi`], hashes included.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    fn hash_remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send;
}

// One backend may serve many regions.
impl<B: Backend> Backend for Arc<B> {
    #[inline]
    fn glance(&self, key: Key<'_>) -> Option<Bytes> {
        (**self).glance(key)
    }

    fn get(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Bytes>>> + Send {
        (**self).get(key)
    }

    fn set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
    ) -> impl Future<Output = Result<()>> + Send {
        (**self).set(key, value, opts)
    }

    fn get_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<Batch<Bytes>>> + Send {
        (**self).get_multi(keys)
    }

    fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> impl Future<Output = Result<()>> + Send {
        (**self).set_multi(puts)
    }
}

impl<B: HashBackend> HashBackend for Arc<B> {
    fn hash_get(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Bytes>>> + Send {
        (**self).hash_get(key)
    }

    fn hash_set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
        expiry: HashExpiry,
    ) -> impl Future<Output = Result<()>> + Send {
        (**self).hash_set(key, value, opts, expiry)
    }

    fn hash_remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send {
        (**self).hash_remove(key)
    }

    fn hash_get_multi(
        &self,
        keys: &[Key<'_>],
    ) -> impl Future<Output = Result<Batch<Bytes>>> + Send {
        (**self).hash_get_multi(keys)
    }

    fn hash_set_multi(
        &self,
        puts: &[Put<'_, Bytes>],
        expiry: HashExpiry,
    ) -> impl Future<Output = Result<()>> + Send {
        (**self).hash_set_multi(puts, expiry)
    }

    fn hash_remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send {
        (**self).hash_remove_multi(keys)
    }
}
