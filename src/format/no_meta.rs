use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{Format, Formatted, refuse_ttl};
use crate::{Codec, Entry, Meta, Precision, Result};

/// The bare value: no byte of metadata.
///
/// An entry is fresh as long as the store keeps it, so a region's `expire_after` becomes the
/// store's TTL, and a store that cannot expire is refused when the region is built.
///
/// Over [`Msgpack`](crate::Msgpack), `"a"` is `a1 61`.
pub type NoMeta<P> = Formatted<NoMetaFormat, P>;

/// The format of [`NoMeta`].
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMetaFormat;

impl Format for NoMetaFormat {
    const PRECISION: Precision = Precision::None;

    fn encode<C: Codec, T: Serialize>(
        &self,
        codec: &C,
        entry: &Entry<T>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        refuse_ttl(entry, "no_meta")?;
        codec.encode(&entry.value, out)
    }

    fn decode<C: Codec, T: DeserializeOwned>(&self, codec: &C, bytes: &Bytes) -> Result<Entry<T>> {
        Ok(Entry::new(codec.decode(bytes)?, Meta::none()))
    }
}
