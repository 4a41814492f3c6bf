mod de;
mod ser;

use serde::{
    Serialize,
    de::{DeserializeOwned, DeserializeSeed},
};

use super::{
    Codec, Coded,
    guard::{self, Rules},
};
use crate::Result;

/// Plain tagged text over a backend: what a person types and reads with `redis-cli`.
///
/// | value | bytes |
/// |---|---|
/// | text, `char`, unit variants (as their name) | the UTF-8 itself |
/// | text whose second byte is `7f` | `s\x7f`, then the text |
/// | integers up to 128 bits | `i\x7f`, then decimal: `i\x7f-1` |
/// | `None`, `()`, unit structs | `@\x7fNone` |
/// | byte strings (`serde_bytes`) | `b\x7f`, then the bytes, whatever they are |
/// | `bool` | `?\x7ftrue`, `?\x7ffalse` |
/// | floats | `f\x7f`, then the shortest decimal that reads as the same float: `f\x7f1.5`, `f\x7f1e21`, `f\x7f-inf`, `f\x7fNaN` |
///
/// `Some(x)` and newtypes are written as what is inside; `Some(None)` and `Some(())` are refused,
/// and so is everything with parts: sequences, tuples, maps, structs, other variants. So formats
/// that put the time beside the value ([`IntTime`](crate::IntTime),
/// [`FullDict`](crate::FullDict)) cannot be used; [`NoMeta`](crate::NoMeta) and
/// [`Framed`](crate::Framed) can.
///
/// Text without `7f`, integers, byte strings without `7f`, and `None` are read by, and read what is
/// written by, the raw serializer of `dogpile_backend_redis_advanced`. Its `@\x7fNO_VALUE` is a
/// miss.
pub type Raw<B> = Coded<RawCodec, B>;

/// The codec of [`Raw`].
#[derive(Clone, Copy, Debug, Default)]
pub struct RawCodec;

const MARK: u8 = 0x7f;
const NONE: &[u8] = b"None";
const TRUE: &[u8] = b"true";
const FALSE: &[u8] = b"false";

impl Codec for RawCodec {
    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<()> {
        guard::encode::<Self, _, _>(value, out, |value, out| value.serialize(ser::Writer(out)))
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        guard::decode::<Self, _, _>(bytes, |value| value.deserialize(de::Reader(bytes)))
    }
}

impl Rules for RawCodec {
    const LAYER: &'static str = "raw";
    const BARE_SOME: bool = true;
    const BARE_UNIT_STRUCT: bool = true;
    const FINITE: bool = false;
    const MISSING_LAST: bool = true;
    const MISSING_ANY: bool = true;
    const EMPTY_ELEMENTS: usize = 0;
}
