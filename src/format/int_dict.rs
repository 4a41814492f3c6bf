use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Format, Formatted,
    dict::{CachedValue, Dict, Seconds},
    refuse_ttl,
};
use crate::{Codec, Entry, Meta, Precision, Result, Timestamp};

/// [`FullDict`](crate::FullDict) with the whole second of creation: `["a",{"v":2,"ct":1471113698}]`.
///
/// What `dogpile_backend_redis_advanced` stores with its `Serializer_PickleIntTime_ProxyBackend`, which is
/// `IntDict<Pickle<B>>`; see [`PickleIntTime`](crate::stacks::PickleIntTime). The second is rounded down, as in
/// [`IntTime`](crate::IntTime), which says as much in fewer bytes to everybody else.
pub type IntDict<P, const V: u32 = 2> = Formatted<IntDictFormat<V>, P>;

/// The format of [`IntDict`]; `V` is the version of the value.
#[derive(Clone, Copy, Debug, Default)]
pub struct IntDictFormat<const V: u32 = 2>;

const LAYER: &str = "int_dict";

impl<const V: u32> Format for IntDictFormat<V> {
    const PRECISION: Precision = Precision::Seconds;

    fn encode<C: Codec, T: Serialize>(
        &self,
        codec: &C,
        entry: &Entry<T>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        refuse_ttl(entry, LAYER)?;
        let dict = Dict::whole(&entry.meta, V, LAYER)?;
        codec.encode(&CachedValue(&entry.value, dict), out)
    }

    fn decode<C: Codec, T: DeserializeOwned>(&self, codec: &C, bytes: &Bytes) -> Result<Entry<T>> {
        // Whoever else writes this may not round.
        let (value, dict): (T, Dict<Seconds>) = codec.decode(bytes)?;
        let meta = dict.meta(V, LAYER)?;
        let meta =
            meta.created_at().map_or(meta, |time| Meta::new(Timestamp::from_secs(time.as_secs())));
        Ok(Entry::new(value, meta))
    }
}
