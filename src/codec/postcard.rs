use serde::{Serialize, de::DeserializeOwned};

use super::{Codec, Coded};
use crate::{Error, ErrorKind, Result};

/// Postcard over a backend: the smallest and fastest, for Rust on both sides.
///
/// Everything is written by position and nothing names itself, so a changed type needs a new key
/// or a flushed store. Types that only self-describing formats can carry (untagged enums,
/// `flatten`, `serde_json::Value`) are refused.
pub type Postcard<B> = Coded<PostcardCodec, B>;

/// The codec of [`Postcard`].
#[derive(Clone, Copy, Debug, Default)]
pub struct PostcardCodec;

impl Codec for PostcardCodec {
    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<()> {
        postcard::to_extend(value, Appended(out))
            .map(drop)
            .map_err(|error| Error::new(ErrorKind::Encode, "postcard").with_source(error))
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        let (value, rest) = postcard::take_from_bytes(bytes)
            .map_err(|error| Error::new(ErrorKind::Decode, "postcard").with_source(error))?;
        if rest.is_empty() {
            Ok(value)
        } else {
            let message = format!("{} bytes left over after the value", rest.len());
            Err(Error::new(ErrorKind::Decode, "postcard").with_message(message))
        }
    }
}

// `to_extend` takes its sink by value.
struct Appended<'a>(&'a mut Vec<u8>);

impl Extend<u8> for Appended<'_> {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.0.extend(bytes);
    }
}
