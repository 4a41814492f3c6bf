use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{Format, Formatted, dict::Dict, refuse_ttl};
use crate::{Codec, Entry, Error, ErrorKind, Precision, Result};

/// The entries of dogpile.cache 1.1 and later: metadata as JSON, `|`, and the value.
///
/// `{"ct": 1471113698.76127, "v": 2}|` and then whatever the codec writes, which is
/// [`Pickle`](crate::Pickle) unless the Python region has a `serializer` of its own:
///
/// | Python region | stack |
/// |---|---|
/// | `make_region()` over `dogpile.cache.redis`, `dogpile_backend_redis_advanced` | `Dogpile<Pickle<B>>` |
/// | `serializer=lambda v: json.dumps(v).encode()` | `Dogpile<Json<B>>` |
/// | `serializer=msgpack.packb` | `Dogpile<MsgpackNamed<B>>`, with structs as dicts, or `Dogpile<Msgpack<B>>` |
///
/// `ct` is the time of creation in seconds, `v` the version of the value: 2 in dogpile.cache since 1.1,
/// whatever the application. An entry with another one counts as missing; in Python it does for
/// `get_or_create` only. What else is in the metadata is ignored. What Python raises an exception for
/// (metadata that is cut off or not JSON, or without `ct`, or a value that cannot be read) is a miss.
///
/// Both sides see what the other invalidates by deleting or overwriting an entry. `region.invalidate()` is a matter
/// of each process in Python, and of each region here.
///
/// ```
/// # #[cfg(all(feature = "format-dogpile", feature = "codec-json", feature = "backend-memory"))] {
/// use larder::{Backend, BackendExt, Dogpile, Json, Memory, PayloadExt, LayerExt, Region};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let shared = Memory::new();
/// shared.set("n".into(), br#"{"ct": 1700000000.5, "v": 2}|{"foo": ["bar|x", 1]}"#.as_slice().into(), Default::default()).await?;
///
/// let region: Region<Dogpile<Json<_>>> = shared.json().dogpile().region();
/// let entry = region.entry::<serde_json::Value>("n").await?.unwrap();
/// assert_eq!(entry.value["foo"][0], "bar|x");
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// # }
/// ```
pub type Dogpile<P, const V: u32 = 2> = Formatted<DogpileFormat<V>, P>;

/// The format of [`Dogpile`]; `V` is the version of the value.
#[derive(Clone, Copy, Debug, Default)]
pub struct DogpileFormat<const V: u32 = 2>;

const LAYER: &str = "dogpile";

impl<const V: u32> Format for DogpileFormat<V> {
    const PRECISION: Precision = Precision::Micros;

    fn encode<C: Codec, T: Serialize>(
        &self,
        codec: &C,
        entry: &Entry<T>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        refuse_ttl(entry, LAYER)?;
        Dict::exact(&entry.meta, V, LAYER)?.write_json(out);
        out.push(b'|');
        codec.encode(&entry.value, out)
    }

    fn decode<C: Codec, T: DeserializeOwned>(&self, codec: &C, bytes: &Bytes) -> Result<Entry<T>> {
        let end = bytes.iter().position(|byte| *byte == b'|').ok_or_else(|| {
            Error::new(ErrorKind::Decode, LAYER).with_message("there is no `|` after metadata")
        })?;
        let dict: Dict<f64> = serde_json::from_slice(&bytes[..end]).map_err(|error| {
            Error::new(ErrorKind::Decode, LAYER)
                .with_message("what is before the first `|` is not metadata with `ct` and `v`")
                .with_source(error)
        })?;
        let meta = dict.meta(V, LAYER)?;
        Ok(Entry::new(codec.decode(&bytes[end + 1..])?, meta))
    }
}
