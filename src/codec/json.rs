use serde::{
    Serialize,
    de::{DeserializeOwned, DeserializeSeed},
};

use super::{
    Codec, Coded,
    guard::{self, Rules},
};
use crate::Result;

/// JSON over a backend: what everything can read.
///
/// Written without spaces, read with or without. Structs are written by name. What JSON has no form
/// for is refused: `NaN` and infinities, which would become `null`; `Some(None)` and `Some(())`,
/// which would be read as `None`; maps whose keys are neither text, numbers, bools nor unit
/// variants. Byte strings become arrays of numbers.
pub type Json<B> = Coded<JsonCodec, B>;

/// The codec of [`Json`].
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonCodec;

impl Codec for JsonCodec {
    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<()> {
        guard::encode::<Self, _, _>(value, out, |value, out| serde_json::to_writer(out, value))
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        guard::decode::<Self, _, _>(bytes, |value| {
            let mut deserializer = serde_json::Deserializer::from_slice(bytes);
            let value = value.deserialize(&mut deserializer)?;
            deserializer.end()?;
            Ok::<_, serde_json::Error>(value)
        })
    }
}

impl Rules for JsonCodec {
    const LAYER: &'static str = "json";
    const BARE_SOME: bool = true;
    const BARE_UNIT_STRUCT: bool = true;
    const FINITE: bool = true;
    const MISSING_LAST: bool = true;
    const MISSING_ANY: bool = true;
    const EMPTY_ELEMENTS: usize = 0;
}
