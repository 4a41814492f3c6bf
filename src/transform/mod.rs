//! Byte layers: bytes in, bytes out, between a codec and a backend.
//!
//! A [`Transform`] is synchronous and pure; [`Transformed`] puts it over a backend. Here is one
//! that notices damaged bytes:
//!
//! ```
//! # #[cfg(all(feature = "codec-json", feature = "backend-memory"))] {
//! use larder::{BackendExt, Bytes, Error, ErrorKind, LayerExt, Memory, PayloadExt, Result, Transform};
//!
//! /// Appends the sum of all bytes.
//! #[derive(Clone, Copy, Debug)]
//! struct Summed;
//!
//! fn sum(bytes: &[u8]) -> u8 {
//!     bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
//! }
//!
//! impl Transform for Summed {
//!     fn seal(&self, plain: Bytes) -> Result<Bytes> {
//!         Ok([&plain, &[sum(&plain)][..]].concat().into())
//!     }
//!
//!     fn open(&self, sealed: Bytes) -> Result<Bytes> {
//!         match sealed.split_last() {
//!             Some((last, plain)) if *last == sum(plain) => Ok(sealed.slice(..plain.len())),
//!             _ => Err(Error::new(ErrorKind::Decode, "summed")),
//!         }
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let region = Memory::new().transform(Summed).json().int_time().region();
//! region.set("k", 5_u8).await?;
//! assert_eq!(region.get::<u8>("k").await?, Some(5));
//! # Ok::<_, larder::Error>(()) }).unwrap();
//! # }
//! ```

#[cfg(feature = "config")]
mod settings;

use std::future::Future;

use bytes::Bytes;

use crate::{
    Backend, Batch, Capabilities, HashBackend, HashExpiry, Key, KeyBuf, Level, Lifetimes, Put,
    RegionEvent, Result, WriteOpts,
};

/// A reversible change of bytes: compression, encryption, a checksum.
///
/// Law: `open(seal(b)) == b`. `open` takes any bytes without panicking and refuses what it would
/// not have sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not transform bytes",
    label = "expected a `Transform`",
    note = "a transform is two functions from bytes to bytes, `seal` and `open`; a backend or a layer \
            around one is no transform"
)]
pub trait Transform: Send + Sync {
    /// Applied before a write.
    ///
    /// # Errors
    ///
    /// [`Transform`](crate::ErrorKind::Transform) when it cannot be done.
    fn seal(&self, plain: Bytes) -> Result<Bytes>;

    /// Applied after a read; undoes [`seal`](Self::seal).
    ///
    /// # Errors
    ///
    /// [`Decode`](crate::ErrorKind::Decode) when these are not sealed bytes: the entry then counts
    /// as missing.
    fn open(&self, sealed: Bytes) -> Result<Bytes>;
}

/// The adapter: the backend `B` seen through the transform `X`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Transformed<X, B> {
    transform: X,
    inner: B,
}

impl<X: Transform, B: Backend> Transformed<X, B> {
    /// Puts `transform` over `inner`.
    pub const fn new(transform: X, inner: B) -> Self {
        Self { transform, inner }
    }

    fn seal(&self, key: Key<'_>, plain: Bytes) -> Result<Bytes> {
        self.transform.seal(plain).map_err(|error| error.with_key(key))
    }

    fn open(&self, key: Key<'_>, sealed: Option<Bytes>) -> Result<Option<Bytes>> {
        let open = |sealed| self.transform.open(sealed).map_err(|error| error.with_key(key));
        sealed.map(open).transpose()
    }

    fn seal_multi<'k>(&self, puts: &[Put<'k, Bytes>]) -> Result<Vec<Put<'k, Bytes>>> {
        let seal = |put: &Put<'k, Bytes>| {
            Ok(Put::new(put.key, self.seal(put.key, put.value.clone())?, put.opts))
        };
        puts.iter().map(seal).collect()
    }

    fn open_multi(&self, keys: &[Key<'_>], sealed: Batch<Bytes>) -> Batch<Bytes> {
        keys.iter().zip(sealed).map(|(key, sealed)| self.open(*key, sealed?)).collect()
    }
}

impl<X: Transform, B: Level> Level for Transformed<X, B> {
    fn remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send {
        self.inner.remove(key)
    }

    fn remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send {
        self.inner.remove_multi(keys)
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
        self.inner.tell(event);
    }

    fn evicted(&self) -> u64 {
        self.inner.evicted()
    }
}

impl<X: Transform, B: Backend> Backend for Transformed<X, B> {
    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        self.open(key, self.inner.get(key).await?)
    }

    async fn set(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) -> Result<()> {
        self.inner.set(key, self.seal(key, value)?, opts).await
    }

    async fn get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        Ok(self.open_multi(keys, self.inner.get_multi(keys).await?))
    }

    async fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> Result<()> {
        self.inner.set_multi(&self.seal_multi(puts)?).await
    }
}

impl<X: Transform, B: HashBackend> HashBackend for Transformed<X, B> {
    async fn hash_get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        self.open(key, self.inner.hash_get(key).await?)
    }

    async fn hash_set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
        expiry: HashExpiry,
    ) -> Result<()> {
        self.inner.hash_set(key, self.seal(key, value)?, opts, expiry).await
    }

    fn hash_remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send {
        self.inner.hash_remove(key)
    }

    async fn hash_get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        Ok(self.open_multi(keys, self.inner.hash_get_multi(keys).await?))
    }

    async fn hash_set_multi(&self, puts: &[Put<'_, Bytes>], expiry: HashExpiry) -> Result<()> {
        self.inner.hash_set_multi(&self.seal_multi(puts)?, expiry).await
    }

    fn hash_remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send {
        self.inner.hash_remove_multi(keys)
    }
}
