use serde::{Serialize, de::DeserializeOwned};

use super::{Codec, Coded};
use crate::{Error, ErrorKind, Result};

/// Plain tagged text over a backend.
pub type Raw<B> = Coded<RawCodec, B>;

/// The codec of [`Raw`].
#[derive(Clone, Copy, Debug, Default)]
pub struct RawCodec;

impl Codec for RawCodec {
    fn encode<T: Serialize + ?Sized>(&self, _: &T, _: &mut Vec<u8>) -> Result<()> {
        Err(Error::new(ErrorKind::Encode, "raw"))
    }

    fn decode<T: DeserializeOwned>(&self, _: &[u8]) -> Result<T> {
        Err(Error::new(ErrorKind::Decode, "raw"))
    }
}
