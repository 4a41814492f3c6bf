use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Format, Formatted,
    dict::{CachedValue, Dict},
    refuse_ttl,
};
use crate::{Codec, Entry, Precision, Result};

/// The pair of the value and a dictionary of its metadata: `["a",{"v":1,"ct":1471113698.76127}]`.
///
/// The most telling format: `v` is the version of the value's shape, `ct` the time of creation in
/// seconds. An entry with another `v` counts as missing, so changing the type `FullDict<P, 2>`
/// forgets what was written under the old one. Unknown keys of the dictionary are ignored.
///
/// Over [`Msgpack`](crate::Msgpack), `"a"` is `92 a1 61 82 a1 76 01 a2 63 74 cb 41d5ebda78b0b8a6`
/// (17 bytes of metadata).
///
/// Over [`Pickle`](crate::Pickle) the pair is the class `dogpile.cache.api.CachedValue`, which Python's
/// memcached clients store for dogpile.cache; with `V` 2, the version that dogpile.cache has since 1.1.
pub type FullDict<P, const V: u32 = 1> = Formatted<FullDictFormat<V>, P>;

const LAYER: &str = "full_dict";

/// The format of [`FullDict`]; `V` is the version of the value.
#[derive(Clone, Copy, Debug, Default)]
pub struct FullDictFormat<const V: u32 = 1>;

impl<const V: u32> Format for FullDictFormat<V> {
    const PRECISION: Precision = Precision::Micros;

    fn encode<C: Codec, T: Serialize>(
        &self,
        codec: &C,
        entry: &Entry<T>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        refuse_ttl(entry, LAYER)?;
        let dict = Dict::exact(&entry.meta, V, LAYER)?;
        codec.encode(&CachedValue(&entry.value, dict), out)
    }

    fn decode<C: Codec, T: DeserializeOwned>(&self, codec: &C, bytes: &Bytes) -> Result<Entry<T>> {
        let (value, dict): (T, Dict<f64>) = codec.decode(bytes)?;
        Ok(Entry::new(value, dict.meta(V, LAYER)?))
    }
}
