//! A format for the fewest bytes that still know an entry's age: a level of one's own.

use larder::{
    Bytes, Codec, Entry, Error, ErrorKind, Format, Formatted, Meta, Precision, Result, Timestamp,
};
use serde::{Serialize, de::DeserializeOwned};

/// Three bytes with the time of creation, then the codec's bytes.
///
/// They count steps of 64 seconds since 2020, rounded down, little-endian, until 2054. So an entry looks
/// up to 64 seconds older than it is: for lifetimes of some minutes and more.
pub(crate) type Coarse<P> = Formatted<CoarseFormat, P>;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CoarseFormat;

const SINCE: i64 = 1_577_836_800;
const STEP: i64 = 64;

impl Format for CoarseFormat {
    const PRECISION: Precision = Precision::Seconds;

    fn encode<C: Codec, T: Serialize>(
        &self,
        codec: &C,
        entry: &Entry<T>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let created_at = entry.meta.created_at().map(Timestamp::as_secs);
        let steps = created_at.map(|secs| (secs - SINCE).div_euclid(STEP));
        match steps.map(u32::try_from) {
            Some(Ok(steps)) if steps < 1 << 24 => out.extend(&steps.to_le_bytes()[..3]),
            _ => {
                return Err(Error::new(ErrorKind::Encode, "coarse")
                    .with_message("the time of creation is not between 2020 and 2054"));
            }
        }
        codec.encode(&entry.value, out)
    }

    fn decode<C: Codec, T: DeserializeOwned>(&self, codec: &C, bytes: &Bytes) -> Result<Entry<T>> {
        let Some(([low, middle, high], value)) = bytes.split_first_chunk() else {
            return Err(Error::new(ErrorKind::Decode, "coarse").with_message("fewer than 3 bytes"));
        };
        let steps = u32::from_le_bytes([*low, *middle, *high, 0]);
        let created_at = Timestamp::from_secs(SINCE + i64::from(steps) * STEP);
        Ok(Entry::new(codec.decode(value)?, Meta::new(created_at)))
    }
}
