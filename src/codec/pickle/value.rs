use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor},
    ser::SerializeTuple,
};

use super::{int::PyInt, set::Elements, token};

/// Any data of Python, for values whose type is not known, or not the same for all.
///
/// Over [`Pickle`](crate::Pickle) it comes back as it was: lists and tuples, sets and frozen sets are told
/// apart, integers have any size, a dict has any keys, in their order. Over
/// [`Msgpack`](crate::Msgpack) and [`Json`](crate::Json) a tuple or set comes back as a list, and over
/// [`Postcard`](crate::Postcard), whose bytes do not say what they are, it cannot be read. It nests at most 63
/// levels deep, each of which is two of those that a codec allows.
///
/// ```
/// use larder::{Codec, PickleCodec, PyValue};
///
/// // pickle.dumps(("a", [1, None]), 0)
/// let value: PyValue = PickleCodec.decode(b"(Va\np0\n(lp1\nI1\naNatp2\n.")?;
/// let list = PyValue::List(vec![PyValue::Int(1.into()), PyValue::None]);
/// assert_eq!(value, PyValue::Tuple(vec![PyValue::Text("a".to_owned()), list]));
/// # Ok::<_, larder::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum PyValue {
    /// `None`
    None,
    /// `True`
    Bool(bool),
    /// `7`
    Int(PyInt),
    /// `1.5`
    Float(f64),
    /// `"text"`
    Text(String),
    /// `b"bytes"` or `bytearray(b"bytes")`
    Bytes(Vec<u8>),
    /// `[1, 2]`
    List(Vec<Self>),
    /// `(1, 2)`, or a `CachedValue`, which is a tuple in Python, too
    Tuple(Vec<Self>),
    /// `{"a": 1}`, in its order
    Dict(Vec<(Self, Self)>),
    /// `{1, 2}`
    Set(Vec<Self>),
    /// `frozenset({1, 2})`
    FrozenSet(Vec<Self>),
}

impl Serialize for PyValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Always as a newtype, because that is how it is read: a level more.
        match self {
            Self::None => serializer.serialize_newtype_struct(token::VALUE, &()),
            Self::Bool(bool) => serializer.serialize_newtype_struct(token::VALUE, bool),
            Self::Int(int) => serializer.serialize_newtype_struct(token::VALUE, int),
            Self::Float(float) => serializer.serialize_newtype_struct(token::VALUE, float),
            Self::Text(text) => serializer.serialize_newtype_struct(token::VALUE, text),
            Self::Bytes(bytes) => serializer.serialize_newtype_struct(token::VALUE, &Bytes(bytes)),
            Self::List(items) => {
                serializer.serialize_newtype_struct(token::VALUE, &Elements(items))
            }
            Self::Tuple(items) => serializer.serialize_newtype_struct(token::TUPLE, &Tuple(items)),
            Self::Dict(items) => serializer.serialize_newtype_struct(token::VALUE, &Dict(items)),
            Self::Set(items) => serializer.serialize_newtype_struct(token::SET, &Elements(items)),
            Self::FrozenSet(items) => {
                serializer.serialize_newtype_struct(token::FROZEN_SET, &Elements(items))
            }
        }
    }
}

/// A byte string, and no sequence.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct Tuple<'a>(&'a [PyValue]);

impl Serialize for Tuple<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for item in self.0 {
            tuple.serialize_element(item)?;
        }
        tuple.end()
    }
}

struct Dict<'a>(&'a [(PyValue, PyValue)]);

impl Serialize for Dict<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de> Deserialize<'de> for PyValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(token::VALUE, ValueVisitor)
    }
}

struct ValueVisitor;

macro_rules! visit {
    ($($method:ident($ty:ty) => $variant:ident;)*) => {$(
        fn $method<E>(self, value: $ty) -> Result<PyValue, E> {
            Ok(PyValue::$variant(value.into()))
        }
    )*};
}

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = PyValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("data of Python")
    }

    visit! {
        visit_bool(bool) => Bool;
        visit_i64(i64) => Int;
        visit_u64(u64) => Int;
        visit_i128(i128) => Int;
        visit_u128(u128) => Int;
        visit_f64(f64) => Float;
        visit_str(&str) => Text;
        visit_string(String) => Text;
        visit_bytes(&[u8]) => Bytes;
        visit_byte_buf(Vec<u8>) => Bytes;
    }

    fn visit_unit<E>(self) -> Result<PyValue, E> {
        Ok(PyValue::None)
    }

    fn visit_none<E>(self) -> Result<PyValue, E> {
        Ok(PyValue::None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<PyValue, A::Error> {
        items(parts).map(PyValue::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> Result<PyValue, A::Error> {
        let mut items = Vec::with_capacity(parts.size_hint().unwrap_or(0));
        while let Some(item) = parts.next_entry()? {
            items.push(item);
        }
        Ok(PyValue::Dict(items))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inside: D) -> Result<PyValue, D::Error> {
        inside.deserialize_any(self)
    }

    /// What only [`Pickle`](crate::Pickle) tells apart.
    fn visit_enum<A: EnumAccess<'de>>(self, parts: A) -> Result<PyValue, A::Error> {
        let (name, content) = parts.variant::<String>()?;
        match name.as_str() {
            token::INT => content.newtype_variant().map(PyValue::Int),
            token::TUPLE => content.tuple_variant(0, ItemsVisitor).map(PyValue::Tuple),
            token::SET => content.tuple_variant(0, ItemsVisitor).map(PyValue::Set),
            token::FROZEN_SET => content.tuple_variant(0, ItemsVisitor).map(PyValue::FrozenSet),
            _ => Err(A::Error::custom("an enum, which is no data of Python")),
        }
    }
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Vec<PyValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<Vec<PyValue>, A::Error> {
        items(parts)
    }
}

fn items<'de, A: SeqAccess<'de>>(mut parts: A) -> Result<Vec<PyValue>, A::Error> {
    let mut items = Vec::with_capacity(parts.size_hint().unwrap_or(0));
    while let Some(item) = parts.next_element()? {
        items.push(item);
    }
    Ok(items)
}
