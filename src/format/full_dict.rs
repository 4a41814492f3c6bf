use std::{fmt, ops::RangeInclusive};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, Visitor},
    ser::SerializeMap,
};

use super::{Format, Formatted, creation_time, refuse_ttl};
use crate::{Codec, Entry, Error, ErrorKind, Meta, Precision, Result, Timestamp};

/// The pair of the value and a dictionary of its metadata: `["a",{"v":1,"ct":1471113698.76127}]`.
///
/// The most telling format: `v` is the version of the value's shape, `ct` the time of creation in
/// seconds. An entry with another `v` counts as missing, so changing the type `FullDict<P, 2>`
/// forgets what was written under the old one. Unknown keys of the dictionary are ignored.
///
/// Over [`Msgpack`](crate::Msgpack), `"a"` is `92 a1 61 82 a1 76 01 a2 63 74 cb 41d5ebda78b0b8a6`
/// (17 bytes of metadata).
pub type FullDict<P, const V: u32 = 1> = Formatted<FullDictFormat<V>, P>;

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
        refuse_ttl(entry, "full_dict")?;
        let ct = to_seconds(creation_time(&entry.meta, "full_dict")?).ok_or_else(|| {
            Error::new(ErrorKind::Encode, "full_dict")
                .with_message("the time of creation is not between 1970 and 2255")
        })?;
        codec.encode(&(&entry.value, Dict { v: V, ct }), out)
    }

    fn decode<C: Codec, T: DeserializeOwned>(&self, codec: &C, bytes: &Bytes) -> Result<Entry<T>> {
        let (value, Dict { v, ct }) = codec.decode(bytes)?;
        if v != V {
            let message = format!("the entry has value version {v}, this stack reads {V}");
            return Err(Error::new(ErrorKind::Version, "full_dict").with_message(message));
        }
        let created_at = from_seconds(ct).ok_or_else(|| {
            Error::new(ErrorKind::Decode, "full_dict")
                .with_message(format!("{ct} is not a time of creation"))
        })?;
        Ok(Entry::new(value, Meta::new(created_at)))
    }
}

struct Dict {
    v: u32,
    ct: f64,
}

// Microseconds since 1970 are exact in an `f64` until the year 2255: the division rounds correctly
// and the multiplication comes back to the same microsecond.
const EXACT: RangeInclusive<i64> = 0..=1 << 53;

#[expect(clippy::cast_precision_loss, reason = "exact in this range")]
fn to_seconds(time: Timestamp) -> Option<f64> {
    EXACT.contains(&time.as_micros()).then(|| time.as_micros() as f64 / 1e6)
}

#[expect(clippy::cast_possible_truncation, reason = "saturates, and is checked after")]
fn from_seconds(seconds: f64) -> Option<Timestamp> {
    let micros = (seconds * 1e6).round();
    let exact = micros.is_finite() && EXACT.contains(&(micros as i64));
    exact.then(|| Timestamp::from_micros(micros as i64))
}

// By hand, because a derived struct would be written by position where structs are.
impl Serialize for Dict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("v", &self.v)?;
        map.serialize_entry("ct", &self.ct)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Dict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DictVisitor;

        impl<'de> Visitor<'de> for DictVisitor {
            type Value = Dict;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a dictionary with `v` and `ct`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Dict, A::Error> {
                let (mut v, mut ct) = (None, None);
                while let Some(name) = map.next_key()? {
                    match name {
                        Name::V => v = Some(map.next_value()?),
                        Name::Ct => ct = Some(map.next_value()?),
                        Name::Other => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                let v = v.ok_or_else(|| A::Error::missing_field("v"))?;
                let ct = ct.ok_or_else(|| A::Error::missing_field("ct"))?;
                Ok(Dict { v, ct })
            }
        }

        deserializer.deserialize_map(DictVisitor)
    }
}

enum Name {
    V,
    Ct,
    Other,
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a metadata field")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(match name {
                    "v" => Name::V,
                    "ct" => Name::Ct,
                    _ => Name::Other,
                })
            }

            fn visit_bytes<E>(self, name: &[u8]) -> Result<Name, E> {
                Ok(match name {
                    b"v" => Name::V,
                    b"ct" => Name::Ct,
                    _ => Name::Other,
                })
            }
        }

        deserializer.deserialize_str(NameVisitor)
    }
}
