//! Level 2: values as bytes.
//!
//! A [`Codec`] is synchronous and pure; [`Coded`] puts it over a backend. A codec of your own is
//! one file like this:
//!
//! ```
//! # #[cfg(all(feature = "codec-json", feature = "backend-memory"))] {
//! use larder::{Codec, Coded, Error, ErrorKind, LayerExt, Memory, PayloadExt, Result};
//! use serde::{Serialize, de::DeserializeOwned};
//!
//! /// JSON that people can read.
//! #[derive(Clone, Copy, Debug, Default)]
//! struct PrettyCodec;
//!
//! impl Codec for PrettyCodec {
//!     fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<()> {
//!         serde_json::to_writer_pretty(out, value)
//!             .map_err(|e| Error::new(ErrorKind::Encode, "pretty").with_source(e))
//!     }
//!
//!     fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
//!         serde_json::from_slice(bytes)
//!             .map_err(|e| Error::new(ErrorKind::Decode, "pretty").with_source(e))
//!     }
//! }
//!
//! type Pretty<B> = Coded<PrettyCodec, B>;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let region = Pretty::new(Memory::new()).int_time().region();
//! region.set("k", vec![1, 2]).await?;
//! assert_eq!(region.get::<Vec<u8>>("k").await?, Some(vec![1, 2]));
//! # Ok::<_, larder::Error>(()) }).unwrap();
//! # }
//! ```

use std::{future::Future, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Backend, Capabilities, Key, KeyBuf, Level, Lifetimes, RegionEvent, Result};

mod guard;
#[cfg(feature = "codec-json")]
mod json;
#[cfg(feature = "codec-msgpack")]
mod msgpack;
#[cfg(feature = "codec-pickle")]
mod pickle;
#[cfg(feature = "codec-postcard")]
mod postcard;
mod raw;
#[cfg(feature = "config")]
mod settings;

#[cfg(any(feature = "dates-chrono", feature = "dates-time"))]
pub(crate) use self::guard::EXT_STRUCT;
#[cfg(feature = "codec-json")]
pub use self::json::{Json, JsonCodec};
#[cfg(feature = "codec-msgpack")]
pub use self::msgpack::{Msgpack, MsgpackCodec, MsgpackNamed, MsgpackNamedCodec};
#[cfg(feature = "codec-pickle")]
pub use self::pickle::{ParsePyIntError, Pickle, PickleCodec, PyFrozenSet, PyInt, PySet, PyValue};
#[cfg(feature = "codec-postcard")]
pub use self::postcard::{Postcard, PostcardCodec};
pub use self::raw::{Raw, RawCodec};

/// Turns serde values into bytes and back.
///
/// Laws: `decode(encode(v)) == v` for every value the codec accepts, and what would not come back is
/// refused; `decode` takes any bytes without panicking, without looping, without overflowing the
/// stack, and without reserving more memory than a small multiple of their length, and refuses
/// bytes that are left over.
///
/// The codecs here keep them by a guard of their own around serde's formats: values nest at most
/// 127 levels deep (each sequence, tuple, map, struct, enum, newtype and `Some` is one), and
/// containers reserve, all together, room for at most one element for each byte. The multiple is
/// then up to the type: 8 for numbers in a vector, some 30 to 70 for text in a hash table, some 300
/// where small maps are inside maps. Recursive `#[serde(untagged)]` enums are the exception, and
/// not to be read from bytes of others: serde buffers their content once more for each level.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not turn values into bytes",
    label = "expected a codec such as `MsgpackCodec` here",
    note = "`Msgpack<B>` is a codec over a backend, `MsgpackCodec` the codec alone"
)]
pub trait Codec: Send + Sync {
    /// Appends the bytes of `value` to `out`.
    ///
    /// # Errors
    ///
    /// [`Encode`](crate::ErrorKind::Encode) when the value has no form in this codec. What was
    /// appended to `out` is then without meaning.
    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<()>;

    /// Reads a value that takes up all of `bytes`.
    ///
    /// # Errors
    ///
    /// [`Decode`](crate::ErrorKind::Decode) when the bytes are not such a value.
    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T>;
}

/// Level 2: a codec over a backend.
///
/// A format asks for both parts, so that a read through levels 2 and 3 is one future.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a codec over a backend",
    label = "expected a codec such as `Msgpack<_>` here",
    note = "a format wraps a codec, a codec wraps a backend: IntTime<Msgpack<Redis>>; \
            proxies such as `Logging` go around the format or around the backend"
)]
pub trait Payload: Level {
    /// The codec.
    fn codec(&self) -> &impl Codec;

    /// What the codec writes to.
    fn backend(&self) -> &impl Backend;
}

/// The one adapter of level 2: the codec `C` over the backend `B`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Coded<C, B> {
    codec: C,
    inner: B,
}

impl<C: Codec + Default, B: Backend> Coded<C, B> {
    /// Puts the codec over `inner`.
    pub fn new(inner: B) -> Self {
        Self::with(C::default(), inner)
    }
}

impl<C: Codec, B: Backend> Coded<C, B> {
    /// Puts `codec` over `inner`.
    pub const fn with(codec: C, inner: B) -> Self {
        Self { codec, inner }
    }
}

impl<C: Codec, B: Level> Level for Coded<C, B> {
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

impl<C: Codec, B: Backend> Payload for Coded<C, B> {
    fn codec(&self) -> &impl Codec {
        &self.codec
    }

    fn backend(&self) -> &impl Backend {
        &self.inner
    }
}

impl<P: Payload> Payload for Arc<P> {
    fn codec(&self) -> &impl Codec {
        (**self).codec()
    }

    fn backend(&self) -> &impl Backend {
        (**self).backend()
    }
}
