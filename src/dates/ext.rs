//! Extension types of MessagePack: code 1 with `>I` seconds, 2 with `>III` year, month and day, 3 with `>I`
//! seconds.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
    ser::SerializeTuple,
};

use super::{Ext, form::Form, raw::Raw};
use crate::codec::EXT_STRUCT;

/// Bytes of a group.
const GROUP: usize = size_of::<u32>();

impl Form for Ext {
    fn cut<R: Raw>(raw: R) -> R {
        raw.seconds()
    }

    fn write<R: Raw, S: Serializer>(raw: R, serializer: S) -> Result<S::Ok, S::Error> {
        let (groups, len) = raw.ext().map_err(serde::ser::Error::custom)?;
        let mut bytes = Bytes { bytes: [0; 3 * GROUP], len: len * GROUP };
        for (four, group) in bytes.bytes.chunks_exact_mut(GROUP).zip(groups) {
            four.copy_from_slice(&group.to_be_bytes());
        }
        serializer.serialize_newtype_struct(EXT_STRUCT, &Coded { code: R::CODE, bytes })
    }

    fn read<'de, R: Raw, D: Deserializer<'de>>(deserializer: D) -> Result<R, D::Error> {
        let Coded { code, bytes } =
            deserializer.deserialize_newtype_struct(EXT_STRUCT, ExtVisitor(PhantomData::<R>))?;
        if code != R::CODE {
            return Err(D::Error::custom(format_args!(
                "a {} is the extension type {}, and this is {code}",
                R::KIND,
                R::CODE
            )));
        }
        let mut groups = [0; 3];
        for (group, four) in groups.iter_mut().zip(bytes.bytes.chunks_exact(GROUP)) {
            *group = four.iter().fold(0, |group, byte| group << 8 | u32::from(*byte));
        }
        let groups = bytes.len.is_multiple_of(GROUP).then(|| &groups[..bytes.len / GROUP]);
        groups
            .and_then(R::of_ext)
            .ok_or_else(|| D::Error::custom(format_args!("no {} that Python has", R::KIND)))
    }
}

/// An extension type, as serde's formats for MessagePack know it.
struct Coded {
    code: i8,
    bytes: Bytes,
}

impl Serialize for Coded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_tuple(2)?;
        pair.serialize_element(&self.code)?;
        pair.serialize_element(&self.bytes)?;
        pair.end()
    }
}

struct ExtVisitor<R>(PhantomData<R>);

impl<'de, R: Raw> Visitor<'de> for ExtVisitor<R> {
    type Value = Coded;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} as the extension type {}", R::KIND, R::CODE)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, pair: D) -> Result<Coded, D::Error> {
        pair.deserialize_tuple(2, self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Coded, A::Error> {
        let code = pair.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let bytes = pair.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
        Ok(Coded { code, bytes })
    }
}

/// At most three groups of bytes.
struct Bytes {
    bytes: [u8; 3 * GROUP],
    len: usize,
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.bytes[..self.len])
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("at most 12 bytes")
    }

    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<Bytes, E> {
        let (mut bytes, len) = ([0; 3 * GROUP], value.len());
        let room = bytes.get_mut(..len).ok_or_else(|| E::invalid_length(len, &self))?;
        room.copy_from_slice(value);
        Ok(Bytes { bytes, len })
    }
}
