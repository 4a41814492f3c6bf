use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{Format, Formatted, creation_time, refuse_ttl};
use crate::{Codec, Entry, Error, ErrorKind, Meta, Precision, Result, Timestamp};

/// The fewest bytes that still know an entry's age: three of them, then the codec's.
///
/// They count steps of 64 seconds since the beginning of 2020, rounded down, little-endian, until 2054. So
/// an entry looks up to 64 seconds older than it is, and a region with an expiry under 64 seconds is
/// refused when it is built. What is made within 64 seconds after an
/// [invalidation](crate::Region::invalidate) is dated to the step after it, and looks younger by as much.
/// For lifetimes of an hour and more.
///
/// Over [`Postcard`](crate::Postcard), `"a"` created at 1735689600 is `92 a2 25 01 61`.
pub type Coarse<P> = Formatted<CoarseFormat, P>;

/// The format of [`Coarse`].
#[derive(Clone, Copy, Debug, Default)]
pub struct CoarseFormat;

/// A multiple of the step, in seconds since 1970.
const SINCE: i64 = 1_577_836_800;
const STEP: i64 = 64;
const _: () = assert!(SINCE % STEP == 0, "steps are counted from 1970 elsewhere");

impl Format for CoarseFormat {
    const PRECISION: Precision = Precision::Coarse;

    fn encode<C: Codec, T: Serialize>(
        &self,
        codec: &C,
        entry: &Entry<T>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        refuse_ttl(entry, "coarse")?;
        let secs = creation_time(&entry.meta, "coarse")?.as_secs();
        match u32::try_from(secs.saturating_sub(SINCE).div_euclid(STEP)) {
            Ok(steps) if steps < 1 << 24 => out.extend_from_slice(&steps.to_le_bytes()[..3]),
            _ => {
                return Err(Error::new(ErrorKind::Encode, "coarse")
                    .with_message("the time of creation is not between 2020 and 2054"));
            }
        }
        codec.encode(&entry.value, out)
    }

    fn decode<C: Codec, T: DeserializeOwned>(&self, codec: &C, bytes: &Bytes) -> Result<Entry<T>> {
        let Some(([low, middle, high], _)) = bytes.split_first_chunk() else {
            return Err(Error::new(ErrorKind::Decode, "coarse")
                .with_message("fewer than the three bytes of a time"));
        };
        let steps = u32::from_le_bytes([*low, *middle, *high, 0]);
        let created_at = Timestamp::from_secs(SINCE + i64::from(steps) * STEP);
        Ok(Entry::new(codec.decode(&bytes[3..])?, Meta::new(created_at)))
    }
}
