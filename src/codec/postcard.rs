use postcard::{Error as WireError, de_flavors};
use serde::{
    Serialize,
    de::{DeserializeOwned, DeserializeSeed},
};

use super::{
    Codec, Coded,
    guard::{self, Rules},
};
use crate::Result;

/// Postcard over a backend: the smallest and fastest, for Rust on both sides.
///
/// Everything is written by position and nothing names itself, so a changed type needs a new key
/// or a flushed store. What only self-describing formats can carry cannot be read (untagged enums,
/// `flatten`, `serde_json::Value`), and a field that `skip_serializing_if` leaves out is refused.
/// `Some(None)` is kept.
///
/// Elements that take up no bytes (`()` in a `Vec<()>`) may be 4096 more than the bytes of the
/// value: their number is only announced, and what is announced is not to be trusted.
pub type Postcard<B> = Coded<PostcardCodec, B>;

/// The codec of [`Postcard`].
#[derive(Clone, Copy, Debug, Default)]
pub struct PostcardCodec;

impl Codec for PostcardCodec {
    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<()> {
        guard::encode::<Self, _, _>(value, out, |value, out| {
            postcard::to_extend(value, Appended(out)).map(drop)
        })
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        guard::decode::<Self, _, _>(bytes, |value| {
            let limits = value.limits();
            let mut deserializer = postcard::Deserializer::from_flavor(Rest(bytes));
            let value = value.deserialize(&mut deserializer)?;
            match deserializer.finalize()? {
                [] => Ok(value),
                _ => Err(limits.left_over::<WireError>()),
            }
        })
    }
}

impl Rules for PostcardCodec {
    const LAYER: &'static str = "postcard";
    const BARE_SOME: bool = false;
    const BARE_UNIT_STRUCT: bool = false;
    const FINITE: bool = false;
    const MISSING_LAST: bool = false;
    const MISSING_ANY: bool = false;
    const EMPTY_ELEMENTS: usize = 4096;
}

// `to_extend` takes its sink by value. For the few bytes of a number, extending by an iterator is
// inlined and twice as fast as `extend_from_slice`; for long slices they are the same.
struct Appended<'a>(&'a mut Vec<u8>);

impl Extend<u8> for Appended<'_> {
    #[inline]
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.0.extend(bytes);
    }
}

/// Reads from a slice. Unlike postcard's own, it does not tell how much is left, which would hide
/// announced lengths from the guard.
struct Rest<'de>(&'de [u8]);

impl<'de> de_flavors::Flavor<'de> for Rest<'de> {
    type Remainder = &'de [u8];
    type Source = &'de [u8];

    #[inline]
    fn pop(&mut self) -> Result<u8, WireError> {
        let (byte, rest) = self.0.split_first().ok_or(WireError::DeserializeUnexpectedEnd)?;
        self.0 = rest;
        Ok(*byte)
    }

    #[inline]
    fn try_take_n(&mut self, n: usize) -> Result<&'de [u8], WireError> {
        let (taken, rest) =
            self.0.split_at_checked(n).ok_or(WireError::DeserializeUnexpectedEnd)?;
        self.0 = rest;
        Ok(taken)
    }

    fn finalize(self) -> Result<&'de [u8], WireError> {
        Ok(self.0)
    }
}
