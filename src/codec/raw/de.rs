use std::{
    fmt::Debug,
    str::{self, FromStr},
};

use serde::{
    Deserializer,
    de::{Error as _, IntoDeserializer, Visitor, value::Error},
    forward_to_deserialize_any,
};

use super::{FALSE, MARK, NONE, TRUE};

/// Reads one value, which is all of the bytes.
#[derive(Clone, Copy)]
pub(super) struct Reader<'de>(pub(super) &'de [u8]);

/// What the bytes say they are.
enum Tagged<'de> {
    Text(&'de str),
    Integer(&'de str),
    Float(&'de str),
    Bool(bool),
    Bytes(&'de [u8]),
    None,
}

impl<'de> Reader<'de> {
    fn tagged(self) -> Result<Tagged<'de>, Error> {
        let &[tag, MARK, ref content @ ..] = self.0 else { return text(self.0).map(Tagged::Text) };
        match (tag, content) {
            // The escape is only written where it is needed.
            (b's', [_, MARK, ..]) => text(content).map(Tagged::Text),
            (b'i', _) => text(content).map(Tagged::Integer),
            (b'f', _) => text(content).map(Tagged::Float),
            (b'b', _) => Ok(Tagged::Bytes(content)),
            (b'?', TRUE) => Ok(Tagged::Bool(true)),
            (b'?', FALSE) => Ok(Tagged::Bool(false)),
            (b'@', NONE) => Ok(Tagged::None),
            _ => Err(Error::custom(format_args!("not what the tag {:?} holds", char::from(tag)))),
        }
    }

    /// What the bytes say they are, where that is text.
    fn name(self) -> Result<&'de str, Error> {
        match self.tagged()? {
            Tagged::Text(text) => Ok(text),
            _ => Err(Error::custom("expected the name of a variant")),
        }
    }
}

fn text(bytes: &[u8]) -> Result<&str, Error> {
    str::from_utf8(bytes).map_err(Error::custom)
}

/// The float that is written as `text`, and not in some other way.
fn float<T: FromStr + Debug>(text: &str) -> Result<T, Error> {
    let float = text.parse().ok().filter(|float: &T| format!("{float:?}") == text);
    float.ok_or_else(|| Error::custom("not a float in its shortest form"))
}

fn visit_integer<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Error> {
    let shortest = match text.as_bytes() {
        b"0" => true,
        [b'-', first, ..] | [first, ..] => (b'1'..=b'9').contains(first),
        [] => false,
    };
    if !shortest {
        return Err(Error::custom("not an integer in its shortest form"));
    }
    // The narrowest type that holds it, as the other codecs do.
    if let Ok(n) = text.parse::<u64>() {
        visitor.visit_u64(n)
    } else if let Ok(n) = text.parse::<i64>() {
        visitor.visit_i64(n)
    } else if let Ok(n) = text.parse::<u128>() {
        visitor.visit_u128(n)
    } else {
        visitor.visit_i128(text.parse().map_err(Error::custom)?)
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.tagged()? {
            Tagged::Text(text) => visitor.visit_borrowed_str(text),
            Tagged::Integer(text) => visit_integer(text, visitor),
            Tagged::Float(text) => visitor.visit_f64(float(text)?),
            Tagged::Bool(bool) => visitor.visit_bool(bool),
            Tagged::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Tagged::None => visitor.visit_unit(),
        }
    }

    // Of the width that is asked for: the shortest text of an `f32` is not that of the same `f64`.
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.tagged()? {
            Tagged::Float(text) => visitor.visit_f32(float(text)?),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.tagged()? {
            Tagged::None => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self.name()?.into_deserializer())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
