use serde::{Serialize, Serializer, de::value::Error, ser::Error as _};

use super::{
    class::{CACHED_VALUE_MODULE, CACHED_VALUE_NAME},
    items::{End, Items},
    token,
};
use crate::format::CACHED_VALUE;

const PROTOCOL: u8 = 4;

/// How many names have a number of one byte.
const MOST_NAMES: usize = 256;

/// Appends the pickle of `value` to `out`.
pub(super) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    out.extend_from_slice(&[0x80, PROTOCOL]);
    let mut pickle = Pickle { out, names: Vec::new() };
    value.serialize(Writer { pickle: &mut pickle, place: Place::Any })?;
    out.push(b'.');
    Ok(())
}

/// What is written, and the memo.
pub(super) struct Pickle<'o> {
    pub(super) out: &'o mut Vec<u8>,
    /// The names of fields in the order of their numbers.
    names: Vec<&'static str>,
}

/// What Python allows where the value goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Any,
    /// What can be hashed: the key of a dict, or an element of a set.
    Hashed,
    /// The elements of a set.
    Set,
    /// The elements of a frozen set.
    FrozenSet,
    /// The bytes of an integer.
    Int,
}

pub(super) struct Writer<'p, 'o> {
    pickle: &'p mut Pickle<'o>,
    place: Place,
}

impl Pickle<'_> {
    /// Writes `content` after the shortest of the opcodes for a length of 1, 4 and 8 bytes.
    fn sized(&mut self, [one, four, eight]: [u8; 3], content: &[u8]) {
        let length = content.len();
        if let Ok(length) = u8::try_from(length) {
            self.out.extend_from_slice(&[one, length]);
        } else if let Ok(length) = u32::try_from(length) {
            self.out.push(four);
            self.out.extend_from_slice(&length.to_le_bytes());
        } else {
            self.out.push(eight);
            self.out.extend_from_slice(&(length as u64).to_le_bytes());
        }
        self.out.extend_from_slice(content);
    }

    fn text(&mut self, text: &str) {
        self.sized([0x8c, b'X', 0x8d], text.as_bytes());
    }

    /// The name of a field, by its number if it was written before.
    pub(super) fn name(&mut self, name: &'static str) {
        let known = self.names.iter().position(|other| *other == name);
        if let Some(number) = known.and_then(|number| u8::try_from(number).ok()) {
            self.out.extend_from_slice(&[b'h', number]);
            return;
        }
        self.text(name);
        if self.names.len() < MOST_NAMES {
            self.out.push(0x94);
            self.names.push(name);
        }
    }

    fn long(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if let Ok(length) = u8::try_from(bytes.len()) {
            self.out.extend_from_slice(&[0x8a, length]);
        } else {
            let length = i32::try_from(bytes.len()).map_err(Error::custom)?;
            self.out.push(0x8b);
            self.out.extend_from_slice(&length.to_le_bytes());
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn int(&mut self, value: i128) -> Result<(), Error> {
        if let Ok(value) = u8::try_from(value) {
            self.out.extend_from_slice(&[b'K', value]);
        } else if let Ok(value) = u16::try_from(value) {
            self.out.push(b'M');
            self.out.extend_from_slice(&value.to_le_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.out.push(b'J');
            self.out.extend_from_slice(&value.to_le_bytes());
        } else {
            return self.long(&super::PyInt::from(value).to_le_bytes());
        }
        Ok(())
    }
}

impl<'p, 'o> Writer<'p, 'o> {
    pub(super) const fn to(pickle: &'p mut Pickle<'o>, place: Place) -> Self {
        Self { pickle, place }
    }

    #[expect(clippy::unnecessary_wraps, reason = "what every method of a serializer ends with")]
    fn put(self, bytes: &[u8]) -> Result<(), Error> {
        self.pickle.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Before something that Python cannot hash.
    fn unhashable(&self, what: &str) -> Result<(), Error> {
        if self.place == Place::Hashed {
            return Err(Error::custom(format_args!(
                "{what} cannot be the key of a dict nor be in a set, in Python; use a tuple"
            )));
        }
        Ok(())
    }

    /// Before items that may be of `inside`.
    fn items(self, open: &[u8], inside: Place, end: End) -> Items<'p, 'o> {
        self.pickle.out.extend_from_slice(open);
        Items { pickle: self.pickle, inside, end, length: 0, in_variant: false }
    }

    fn dict(self) -> Items<'p, 'o> {
        self.items(b"}(", Place::Any, End::Added(b'u'))
    }

    fn tuple(self, length: usize) -> Items<'p, 'o> {
        let inside = if self.place == Place::Hashed { Place::Hashed } else { Place::Any };
        match length {
            0..=3 => self.items(b"", inside, End::Counted),
            _ => self.items(b"(", inside, End::Closed(b't')),
        }
    }

    /// Before the content of a variant: a dict of one item.
    fn variant(&mut self, variant: &'static str) -> Result<(), Error> {
        self.unhashable("a variant with content")?;
        self.pickle.out.push(b'}');
        self.pickle.name(variant);
        self.place = Place::Any;
        Ok(())
    }
}

macro_rules! integers {
    ($($method:ident($ty:ty))*) => {$(
        fn $method(self, value: $ty) -> Result<(), Error> {
            self.pickle.int(value.into())
        }
    )*};
}

impl<'p, 'o> Serializer for Writer<'p, 'o> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Items<'p, 'o>;
    type SerializeTuple = Items<'p, 'o>;
    type SerializeTupleStruct = Items<'p, 'o>;
    type SerializeTupleVariant = Items<'p, 'o>;
    type SerializeMap = Items<'p, 'o>;
    type SerializeStruct = Items<'p, 'o>;
    type SerializeStructVariant = Items<'p, 'o>;

    integers! {
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        match i128::try_from(value) {
            Ok(value) => self.pickle.int(value),
            Err(_) => self.pickle.long(&super::PyInt::from(value).to_le_bytes()),
        }
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.put(&[if value { 0x88 } else { 0x89 }])
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.pickle.out.push(b'G');
        self.put(&value.to_be_bytes())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.pickle.text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        if self.place == Place::Int {
            return self.pickle.long(value);
        }
        self.pickle.sized([b'C', b'B', 0x8e], value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.put(b"N")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.put(b"N")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.put(b"N")
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.pickle.name(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let place = match name {
            token::INT => Place::Int,
            token::SET => {
                self.unhashable("a set")?;
                Place::Set
            }
            token::FROZEN_SET => Place::FrozenSet,
            _ => self.place,
        };
        value.serialize(Writer::to(self.pickle, place))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.variant(variant)?;
        value.serialize(Writer::to(self.pickle, Place::Any))?;
        self.put(b"s")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'p, 'o>, Error> {
        match self.place {
            Place::Set => Ok(self.items(b"\x8f(", Place::Hashed, End::Added(0x90))),
            Place::FrozenSet => Ok(self.items(b"(", Place::Hashed, End::Closed(0x91))),
            Place::Any | Place::Hashed | Place::Int => {
                self.unhashable("a list")?;
                Ok(self.items(b"](", Place::Any, End::Added(b'e')))
            }
        }
    }

    fn serialize_tuple(self, length: usize) -> Result<Items<'p, 'o>, Error> {
        Ok(self.tuple(length))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Items<'p, 'o>, Error> {
        if name != CACHED_VALUE {
            return Ok(self.tuple(length));
        }
        self.unhashable("a `CachedValue`")?;
        self.pickle.text(CACHED_VALUE_MODULE);
        self.pickle.text(CACHED_VALUE_NAME);
        Ok(self.items(&[0x93], Place::Any, End::Called))
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Items<'p, 'o>, Error> {
        self.variant(variant)?;
        Ok(Items { in_variant: true, ..self.tuple(length) })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Items<'p, 'o>, Error> {
        self.unhashable("a dict")?;
        Ok(self.dict())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Items<'p, 'o>, Error> {
        self.unhashable("a struct, which is a dict,")?;
        Ok(self.dict())
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'p, 'o>, Error> {
        self.variant(variant)?;
        Ok(Items { in_variant: true, ..self.dict() })
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
