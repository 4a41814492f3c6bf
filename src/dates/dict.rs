//! `{"__datetime__": true, "0": 1577934245.5}`

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serializer,
    de::{Error, MapAccess, Visitor},
    ser::SerializeMap,
};

use super::{Dict, form::Form, raw::Raw};

/// Under which name the value stands.
const VALUE: &str = "0";

impl Form for Dict {
    fn cut<R: Raw>(raw: R) -> R {
        raw
    }

    fn write<R: Raw, S: Serializer>(raw: R, serializer: S) -> Result<S::Ok, S::Error> {
        let value = raw.dict().map_err(serde::ser::Error::custom)?;
        let mut dict = serializer.serialize_map(Some(2))?;
        dict.serialize_entry(R::TAG, &true)?;
        dict.serialize_entry(VALUE, &value)?;
        dict.end()
    }

    fn read<'de, R: Raw, D: Deserializer<'de>>(deserializer: D) -> Result<R, D::Error> {
        deserializer.deserialize_map(DictVisitor(PhantomData))
    }
}

struct DictVisitor<R>(PhantomData<R>);

impl<'de, R: Raw> Visitor<'de> for DictVisitor<R> {
    type Value = R;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} as a dict with `{}`", R::KIND, R::TAG)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut dict: A) -> Result<R, A::Error> {
        let (mut tagged, mut value) = (false, None);
        while let Some(name) = dict.next_key::<Name<R>>()? {
            match name.part {
                Part::Tag if !tagged => {
                    dict.next_value::<True>()?;
                    tagged = true;
                }
                Part::Value if value.is_none() => value = Some(dict.next_value::<R::Dict>()?),
                Part::Tag | Part::Value => {
                    return Err(A::Error::custom(format_args!("a {} has a name twice", R::KIND)));
                }
            }
        }
        let value = value.filter(|_| tagged).ok_or_else(|| {
            A::Error::custom(format_args!("a {} needs `{}` and `{VALUE}`", R::KIND, R::TAG))
        })?;
        R::of_dict(&value)
            .ok_or_else(|| A::Error::custom(format_args!("no {} that Python has", R::KIND)))
    }
}

enum Part {
    Tag,
    Value,
}

/// A name in the dict of an `R`.
struct Name<R> {
    part: Part,
    of: PhantomData<R>,
}

impl<'de, R: Raw> Deserialize<'de> for Name<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor(PhantomData))
    }
}

struct NameVisitor<R>(PhantomData<R>);

impl<R: Raw> Visitor<'_> for NameVisitor<R> {
    type Value = Name<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` or `{VALUE}`", R::TAG)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Name<R>, E> {
        self.visit_bytes(name.as_bytes())
    }

    // Python 2 writes its texts so.
    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Name<R>, E> {
        let part = match name {
            _ if name == R::TAG.as_bytes() => Part::Tag,
            _ if name == VALUE.as_bytes() => Part::Value,
            _ => {
                let message = format_args!("a {} has `{}` and `{VALUE}` only", R::KIND, R::TAG);
                return Err(E::custom(message));
            }
        };
        Ok(Name { part, of: PhantomData })
    }
}

/// What is true in Python.
struct True;

impl<'de> Deserialize<'de> for True {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bool(TrueVisitor)
    }
}

struct TrueVisitor;

impl TrueVisitor {
    fn check<E: Error>(is_true: bool) -> Result<True, E> {
        if is_true { Ok(True) } else { Err(E::custom("what marks a date is not true")) }
    }
}

impl Visitor<'_> for TrueVisitor {
    type Value = True;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<True, E> {
        Self::check(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<True, E> {
        Self::check(value != 0)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<True, E> {
        Self::check(value != 0)
    }
}
