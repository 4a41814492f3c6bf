use serde::{Serialize, de::DeserializeOwned};

use super::{Codec, Coded};
use crate::{Error, ErrorKind, Result};

/// JSON over a backend: what everything can read.
///
/// Written without spaces, read with or without. Structs are written by name. JSON has no form for
/// `NaN` and infinities: they are written as `null`, which reads as `None`, or not at all.
pub type Json<B> = Coded<JsonCodec, B>;

/// The codec of [`Json`].
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonCodec;

impl Codec for JsonCodec {
    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<()> {
        serde_json::to_writer(out, value)
            .map_err(|error| Error::new(ErrorKind::Encode, "json").with_source(error))
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        serde_json::from_slice(bytes)
            .map_err(|error| Error::new(ErrorKind::Decode, "json").with_source(error))
    }
}
