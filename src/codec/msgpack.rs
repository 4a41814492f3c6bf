use serde::{Serialize, de::DeserializeOwned};

use super::{Codec, Coded};
use crate::{Error, ErrorKind, Result};

/// MessagePack over a backend: small, and readable from every language.
///
/// Structs are written by position, so fields may be renamed but not reordered.
pub type Msgpack<B> = Coded<MsgpackCodec, B>;

/// [`Msgpack`] with structs written by name: larger, and fields may be reordered and, with serde's
/// `default`, added.
pub type MsgpackNamed<B> = Coded<MsgpackNamedCodec, B>;

/// The codec of [`Msgpack`].
#[derive(Clone, Copy, Debug, Default)]
pub struct MsgpackCodec;

/// The codec of [`MsgpackNamed`].
#[derive(Clone, Copy, Debug, Default)]
pub struct MsgpackNamedCodec;

impl Codec for MsgpackCodec {
    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<()> {
        encoded(value.serialize(&mut rmp_serde::Serializer::new(out)))
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        decode(bytes)
    }
}

impl Codec for MsgpackNamedCodec {
    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<()> {
        encoded(value.serialize(&mut rmp_serde::Serializer::new(out).with_struct_map()))
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        decode(bytes)
    }
}

fn encoded(result: Result<(), rmp_serde::encode::Error>) -> Result<()> {
    result.map_err(|error| Error::new(ErrorKind::Encode, "msgpack").with_source(error))
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    rmp_serde::from_slice(bytes)
        .map_err(|error| Error::new(ErrorKind::Decode, "msgpack").with_source(error))
}
