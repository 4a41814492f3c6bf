use std::{fmt::Debug, io::Write};

use serde::{
    Serialize, Serializer,
    de::value::Error,
    ser::{Error as _, Impossible},
};

use super::{FALSE, MARK, NONE, TRUE};

/// Writes one value.
pub(super) struct Writer<'a>(pub(super) &'a mut Vec<u8>);

type Refused = Impossible<(), Error>;

impl Writer<'_> {
    fn tagged(self, tag: u8, content: &[u8]) {
        self.0.extend_from_slice(&[tag, MARK]);
        self.0.extend_from_slice(content);
    }

    fn float(self, value: impl Debug) -> Result<(), Error> {
        self.0.extend_from_slice(&[b'f', MARK]);
        write!(self.0, "{value:?}").map_err(Error::custom)
    }
}

#[cold]
fn refused<T>(what: &str) -> Result<T, Error> {
    Err(Error::custom(format_args!(
        "`Raw` holds text, numbers, bools, byte strings and None, but no {what}; use `Msgpack`, \
         `Json` or `Postcard`, and `NoMeta` or `Framed` as the format of `Raw`"
    )))
}

macro_rules! integers {
    ($($method:ident($ty:ty))*) => {$(
        fn $method(self, value: $ty) -> Result<(), Error> {
            self.0.extend_from_slice(&[b'i', MARK]);
            write!(self.0, "{value}").map_err(Error::custom)
        }
    )*};
}

impl Serializer for Writer<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Refused;
    type SerializeTuple = Refused;
    type SerializeTupleStruct = Refused;
    type SerializeTupleVariant = Refused;
    type SerializeMap = Refused;
    type SerializeStruct = Refused;
    type SerializeStructVariant = Refused;

    integers! {
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
        serialize_u128(u128)
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.tagged(b'?', if value { TRUE } else { FALSE });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.float(value)
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.float(value)
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        if value.as_bytes().get(1) == Some(&MARK) {
            self.tagged(b's', value.as_bytes());
        } else {
            self.0.extend_from_slice(value.as_bytes());
        }
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.tagged(b'b', value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.tagged(b'@', NONE);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        refused("variants with content")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Refused, Error> {
        refused("sequences")
    }

    fn serialize_tuple(self, _: usize) -> Result<Refused, Error> {
        refused("tuples")
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Refused, Error> {
        refused("tuples")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Refused, Error> {
        refused("variants with content")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Refused, Error> {
        refused("maps")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Refused, Error> {
        refused("structs")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Refused, Error> {
        refused("variants with content")
    }
}
