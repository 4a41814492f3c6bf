//! The dictionary that dogpile.cache keeps beside a value, and the pair of both.

#[cfg(feature = "format-dogpile")]
use std::io::Write as _;
use std::{fmt, marker::PhantomData, ops::RangeInclusive};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
    ser::{SerializeMap, SerializeTupleStruct},
};

use super::creation_time;
use crate::{Error, ErrorKind, Meta, Result, Timestamp};

/// `{"v": 1, "ct": 1471113698.76127}`: the version of the value, and the time of creation in seconds.
#[derive(Clone, Copy)]
pub(super) struct Dict<C> {
    v: u32,
    ct: C,
}

impl Dict<f64> {
    /// With the exact time of creation.
    pub(super) fn exact(meta: &Meta, v: u32, layer: &'static str) -> Result<Self> {
        let ct = to_seconds(creation_time(meta, layer)?).ok_or_else(|| {
            Error::new(ErrorKind::Encode, layer)
                .with_message("the time of creation is not between 1970 and 2255")
        })?;
        Ok(Self { v, ct })
    }
}

impl<C: Into<f64>> Dict<C> {
    /// What it says, if the value has the version `v`.
    pub(super) fn meta(self, v: u32, layer: &'static str) -> Result<Meta> {
        if self.v != v {
            let other = self.v;
            let message = format!("the entry has value version {other}, this stack reads {v}");
            return Err(Error::new(ErrorKind::Version, layer).with_message(message));
        }
        let seconds = self.ct.into();
        let created_at = from_seconds(seconds).ok_or_else(|| {
            Error::new(ErrorKind::Decode, layer)
                .with_message(format!("{seconds} is not a time of creation"))
        })?;
        Ok(Meta::new(created_at))
    }
}

#[cfg(feature = "format-dogpile")]
impl Dict<f64> {
    /// As Python's `json.dumps` writes it. Both write the shortest decimals that read as the same float.
    pub(super) fn write_json(self, out: &mut Vec<u8>) {
        let _infallible = write!(out, "{{\"ct\": {:?}, \"v\": {}}}", self.ct, self.v);
    }
}

impl Dict<i64> {
    /// With the whole second of creation.
    pub(super) fn whole(meta: &Meta, v: u32, layer: &'static str) -> Result<Self> {
        Dict::exact(meta, v, layer)?;
        Ok(Self { v, ct: creation_time(meta, layer)?.as_secs() })
    }
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
impl<C: Serialize> Serialize for Dict<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("v", &self.v)?;
        map.serialize_entry("ct", &self.ct)?;
        map.end()
    }
}

impl<'de, C: Deserialize<'de>> Deserialize<'de> for Dict<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DictVisitor<C>(PhantomData<C>);

        impl<'de, C: Deserialize<'de>> Visitor<'de> for DictVisitor<C> {
            type Value = Dict<C>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a dictionary with `v` and `ct`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Dict<C>, A::Error> {
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

        deserializer.deserialize_map(DictVisitor(PhantomData))
    }
}

/// Seconds that were written as a whole number, by larder at least: where the codec tells what it has, a float
/// is a time, too.
pub(super) struct Seconds(f64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SecondsVisitor;

        #[expect(clippy::cast_precision_loss, reason = "what is not exact is no time either")]
        impl Visitor<'_> for SecondsVisitor {
            type Value = Seconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds since 1970")
            }

            fn visit_i64<E>(self, seconds: i64) -> Result<Seconds, E> {
                Ok(Seconds(seconds as f64))
            }

            fn visit_u64<E>(self, seconds: u64) -> Result<Seconds, E> {
                Ok(Seconds(seconds as f64))
            }

            fn visit_f64<E>(self, seconds: f64) -> Result<Seconds, E> {
                Ok(Seconds(seconds))
            }
        }

        deserializer.deserialize_i64(SecondsVisitor)
    }
}

impl From<Seconds> for f64 {
    fn from(Seconds(seconds): Seconds) -> Self {
        seconds
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

/// The name by which [`Pickle`](crate::Pickle) knows the pair, which is a class in Python.
pub(crate) const CACHED_VALUE: &str = "larder::CachedValue";

/// A value and its dictionary: a pair in every codec but one.
pub(super) struct CachedValue<'a, T, C>(pub(super) &'a T, pub(super) Dict<C>);

impl<T: Serialize, C: Serialize> Serialize for CachedValue<'_, T, C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_tuple_struct(CACHED_VALUE, 2)?;
        pair.serialize_field(self.0)?;
        pair.serialize_field(&self.1)?;
        pair.end()
    }
}
