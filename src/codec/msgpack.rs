use std::{io, marker::PhantomData};

use rmp_serde::decode::Error as DecodeError;
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, DeserializeSeed},
};

use super::{
    Codec, Coded,
    guard::{self, Bounded, Rules},
};
use crate::Result;

/// MessagePack over a backend: small, and readable from every language.
///
/// Structs are written by position, so fields may be renamed but not reordered, and a field that
/// `skip_serializing_if` leaves out must not be followed by one that is written. `Some(x)` is
/// written as `x`, so `Some(None)` and `Some(())` are refused: they would be read as `None`.
/// Integers of 128 bits are 16 bytes of binary data, big-endian.
pub type Msgpack<B> = Coded<MsgpackCodec, B>;

/// [`Msgpack`] with structs written by name: larger, and fields may be reordered and, with serde's
/// `default`, added or left out.
pub type MsgpackNamed<B> = Coded<MsgpackNamedCodec, B>;

/// The codec of [`Msgpack`].
#[derive(Clone, Copy, Debug, Default)]
pub struct MsgpackCodec;

/// The codec of [`MsgpackNamed`].
#[derive(Clone, Copy, Debug, Default)]
pub struct MsgpackNamedCodec;

impl Codec for MsgpackCodec {
    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<()> {
        guard::encode::<Self, _, _>(value, out, |value, out| {
            value.serialize(&mut rmp_serde::Serializer::new(out))
        })
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        guard::decode::<Self, _, _>(bytes, |value| read(bytes, value))
    }
}

impl Rules for MsgpackCodec {
    const LAYER: &'static str = "msgpack";
    const BARE_SOME: bool = true;
    const BARE_UNIT_STRUCT: bool = false; // an empty array
    const FINITE: bool = false;
    const MISSING_LAST: bool = true;
    const MISSING_ANY: bool = false;
    const EMPTY_ELEMENTS: usize = 0;
    const EXT: bool = true;
}

impl Codec for MsgpackNamedCodec {
    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<()> {
        guard::encode::<Self, _, _>(value, out, |value, out| {
            value.serialize(&mut rmp_serde::Serializer::new(out).with_struct_map())
        })
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        guard::decode::<Self, _, _>(bytes, |value| read(bytes, value))
    }
}

impl Rules for MsgpackNamedCodec {
    const LAYER: &'static str = "msgpack_named";
    const MISSING_LAST: bool = true;
    const MISSING_ANY: bool = true;
    const BARE_SOME: bool = MsgpackCodec::BARE_SOME;
    const BARE_UNIT_STRUCT: bool = MsgpackCodec::BARE_UNIT_STRUCT;
    const FINITE: bool = MsgpackCodec::FINITE;
    const EMPTY_ELEMENTS: usize = MsgpackCodec::EMPTY_ELEMENTS;
    const EXT: bool = MsgpackCodec::EXT;
}

fn read<T: DeserializeOwned>(
    bytes: &[u8],
    value: Bounded<'_, PhantomData<T>>,
) -> Result<T, DecodeError> {
    let limits = value.limits();
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes);
    let value = value.deserialize(&mut deserializer)?;
    // The deserializer does not say how far it came. It did to the end if it finds no marker.
    match <()>::deserialize(&mut deserializer) {
        Err(DecodeError::InvalidMarkerRead(error))
            if error.kind() == io::ErrorKind::UnexpectedEof =>
        {
            Ok(value)
        }
        _ => Err(limits.left_over()),
    }
}
