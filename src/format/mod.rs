//! Level 3: entries, that is values with their metadata.
//!
//! A [`Format`] is synchronous and pure: it frames value and metadata with whatever codec is below.
//! [`Formatted`] makes a [`Store`] of it. A format of your own is one file like this:
//!
//! ```
//! # #[cfg(all(feature = "codec-json", feature = "backend-memory"))] {
//! use larder::{
//!     BackendExt, Bytes, Codec, Entry, Format, Formatted, LayerExt, Memory, Meta, Precision, Result,
//!     Timestamp,
//! };
//! use serde::{Serialize, de::DeserializeOwned};
//!
//! /// `[microseconds, value]`.
//! #[derive(Clone, Copy, Debug, Default)]
//! struct TimeFirstFormat;
//!
//! impl Format for TimeFirstFormat {
//!     const PRECISION: Precision = Precision::Micros;
//!
//!     fn encode<C: Codec, T: Serialize>(&self, codec: &C, entry: &Entry<T>, out: &mut Vec<u8>) -> Result<()> {
//!         let micros = entry.meta.created_at().map_or(0, Timestamp::as_micros);
//!         codec.encode(&(micros, &entry.value), out)
//!     }
//!
//!     fn decode<C: Codec, T: DeserializeOwned>(&self, codec: &C, bytes: &Bytes) -> Result<Entry<T>> {
//!         let (micros, value) = codec.decode(bytes)?;
//!         Ok(Entry::new(value, Meta::new(Timestamp::from_micros(micros))))
//!     }
//! }
//!
//! type TimeFirst<P> = Formatted<TimeFirstFormat, P>;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let region = TimeFirst::new(Memory::new().json()).region();
//! region.set("k", "v".to_owned()).await?;
//! assert_eq!(region.get::<String>("k").await?.as_deref(), Some("v"));
//! # Ok::<_, larder::Error>(()) }).unwrap();
//! # }
//! ```

use std::future::Future;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Backend, Batch, Capabilities, Codec, Entry, EntryTtl, Error, ErrorKind, Key, KeyBuf, Level,
    Lifetimes, Meta, Payload, Precision, Put, RegionEvent, Result, Store, WriteOpts,
};

mod coarse;
mod dict;
#[cfg(feature = "format-dogpile")]
mod dogpile;
mod framed;
mod full_dict;
mod int_dict;
mod int_time;
mod no_meta;
#[cfg(feature = "config")]
mod settings;

#[cfg(feature = "codec-pickle")]
pub(crate) use self::dict::CACHED_VALUE;
#[cfg(feature = "format-dogpile")]
pub use self::dogpile::{Dogpile, DogpileFormat};
pub use self::{
    coarse::{Coarse, CoarseFormat},
    framed::{Framed, FramedFormat},
    full_dict::{FullDict, FullDictFormat},
    int_dict::{IntDict, IntDictFormat},
    int_time::{IntTime, IntTimeFormat},
    no_meta::{NoMeta, NoMetaFormat},
};

/// Room for a small value, so that encoding it grows its buffer not even once.
const BUFFER: usize = 128;

/// Frames value and metadata with a codec.
///
/// Laws: what `encode` wrote, `decode` reads back, the time of creation rounded down to
/// [`PRECISION`](Self::PRECISION) and never up; what a format cannot carry, `encode` refuses.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not frame entries",
    label = "expected a format such as `IntTimeFormat` here",
    note = "`IntTime<P>` is a format over a codec, `IntTimeFormat` the format alone"
)]
pub trait Format: Send + Sync {
    /// How exactly the time of creation is kept.
    const PRECISION: Precision;

    /// Whether it carries a lifetime for each entry, and negative entries: `true` for a [`TtlFormat`].
    const ENTRY_TTL: bool = false;

    /// Appends the bytes of `entry` to `out`.
    ///
    /// # Errors
    ///
    /// When the codec refuses the value, or the format cannot carry the metadata.
    fn encode<C: Codec, T: Serialize>(
        &self,
        codec: &C,
        entry: &Entry<T>,
        out: &mut Vec<u8>,
    ) -> Result<()>;

    /// Reads an entry that takes up all of `bytes`.
    ///
    /// # Errors
    ///
    /// [`Decode`](crate::ErrorKind::Decode) when the bytes are not such an entry,
    /// [`Version`](crate::ErrorKind::Version) when they are one of another value version.
    fn decode<C: Codec, T: DeserializeOwned>(&self, codec: &C, bytes: &Bytes) -> Result<Entry<T>>;

    /// Appends the bytes of a negative entry, which says that there is nothing. A [`TtlFormat`] can.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) unless overridden.
    fn encode_nothing(&self, meta: &Meta, out: &mut Vec<u8>) -> Result<()> {
        let _ = (meta, out);
        Err(Error::new(ErrorKind::Unsupported, "format")
            .with_message("this format has no place for negative entries; use `Framed`"))
    }

    /// The metadata of a negative entry, if that is what the bytes are. Unless overridden, they
    /// never are.
    fn decode_nothing(&self, bytes: &[u8]) -> Option<Meta> {
        let _ = bytes;
        None
    }
}

/// A format that carries [`Meta::ttl`](crate::Meta::ttl) and negative entries. A marker; stacks over
/// such a format are [`EntryTtl`].
#[diagnostic::on_unimplemented(
    message = "this format has no place for a lifetime of an entry's own",
    label = "`{Self}` does not carry it",
    note = "use a format that does, such as `Framed`"
)]
pub trait TtlFormat: Format {}

/// The one adapter of level 3: the format `F` over the payload `P`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Formatted<F, P> {
    format: F,
    inner: P,
}

impl<F: Format + Default, P: Payload> Formatted<F, P> {
    /// Puts the format over `inner`.
    pub fn new(inner: P) -> Self {
        Self::with(F::default(), inner)
    }
}

impl<F: Format, P: Payload> Formatted<F, P> {
    /// Puts `format` over `inner`.
    pub const fn with(format: F, inner: P) -> Self {
        Self { format, inner }
    }

    fn encode<T: Serialize>(&self, key: Key<'_>, entry: &Entry<Option<T>>) -> Result<Bytes> {
        let mut out = Vec::with_capacity(BUFFER);
        let encoded = match &entry.value {
            Some(value) => {
                self.format.encode(self.inner.codec(), &Entry::new(value, entry.meta), &mut out)
            }
            None => self.format.encode_nothing(&entry.meta, &mut out),
        };
        encoded.map_err(|error| error.with_key(key))?;
        // A store inside the process keeps these bytes: not the room beside them, too.
        out.shrink_to_fit();
        Ok(Bytes::from(out))
    }

    fn decode<T: DeserializeOwned>(&self, key: Key<'_>, bytes: &Bytes) -> Result<Entry<Option<T>>> {
        if let Some(meta) = self.format.decode_nothing(bytes) {
            return Ok(Entry::new(None, meta));
        }
        let entry = self.format.decode(self.inner.codec(), bytes);
        let entry = entry.map_err(|error| error.with_key(key))?;
        Ok(Entry::new(Some(entry.value), entry.meta))
    }
}

impl<F: Format, P: Payload> Level for Formatted<F, P> {
    fn remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send {
        self.inner.remove(key)
    }

    fn remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send {
        self.inner.remove_multi(keys)
    }

    fn capabilities(&self) -> Capabilities {
        let inner = self.inner.capabilities().with_created_at(F::PRECISION);
        if F::ENTRY_TTL { inner.with_entry_ttl() } else { inner }
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

// Levels 2 and 3 in one function over the backend: a read polls one future, not three.
impl<T, F, P> Store<T> for Formatted<F, P>
where
    T: Serialize + DeserializeOwned + Send + Sync,
    F: Format,
    P: Payload,
{
    #[inline]
    fn glance(&self, key: Key<'_>) -> Option<Entry<Option<T>>> {
        let bytes = self.inner.backend().glance(key)?;
        // What can't be decoded is told of where it is read.
        self.decode(key, &bytes).ok()
    }

    async fn read(&self, key: Key<'_>) -> Result<Option<Entry<Option<T>>>> {
        match self.inner.backend().get(key).await? {
            Some(bytes) => self.decode(key, &bytes).map(Some),
            None => Ok(None),
        }
    }

    async fn write(
        &self,
        key: Key<'_>,
        entry: &Entry<Option<T>>,
        opts: WriteOpts<'_>,
    ) -> Result<()> {
        self.inner.backend().set(key, self.encode(key, entry)?, opts).await
    }

    async fn read_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Entry<Option<T>>>> {
        let found = self.inner.backend().get_multi(keys).await?;
        let decode = |(key, bytes): (&Key<'_>, Result<Option<Bytes>>)| match bytes? {
            Some(bytes) => self.decode(*key, &bytes).map(Some),
            None => Ok(None),
        };
        Ok(keys.iter().zip(found).map(decode).collect())
    }

    async fn write_multi(&self, puts: &[Put<'_, &Entry<Option<T>>>]) -> Result<()> {
        // Nothing is sent unless everything can be encoded.
        let mut encoded = Vec::with_capacity(puts.len());
        for put in puts {
            encoded.push(Put::new(put.key, self.encode(put.key, put.value)?, put.opts));
        }
        self.inner.backend().set_multi(&encoded).await
    }
}

impl<F: TtlFormat, P: Payload> EntryTtl for Formatted<F, P> {}

/// For formats without a place for [`Meta::ttl`](crate::Meta::ttl).
fn refuse_ttl<T>(entry: &Entry<T>, layer: &'static str) -> Result<()> {
    match entry.meta.ttl() {
        None => Ok(()),
        Some(_) => Err(Error::new(ErrorKind::Unsupported, layer)
            .with_message("this format has no place for an entry's own lifetime; use `Framed`")),
    }
}

/// For formats that keep the time of creation.
fn creation_time(meta: &Meta, layer: &'static str) -> Result<crate::Timestamp> {
    meta.created_at().ok_or_else(|| {
        Error::new(ErrorKind::Encode, layer)
            .with_message("the entry has no time of creation, which this format must write")
    })
}
