use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{Format, Formatted, creation_time, refuse_ttl};
use crate::{Codec, Entry, Error, ErrorKind, Meta, Precision, Result, Timestamp};

/// The pair of the value and the whole second of its creation: `["a",1471113698]`.
///
/// The smallest portable format with a time; every language reads it. The second is rounded down,
/// so an entry looks up to one second older than it is, and a region with an expiry under one
/// second is refused when it is built.
///
/// Over [`Msgpack`](crate::Msgpack), `"a"` is `92 a1 61 ce 57 af 69 e2`.
pub type IntTime<P> = Formatted<IntTimeFormat, P>;

/// The format of [`IntTime`].
#[derive(Clone, Copy, Debug, Default)]
pub struct IntTimeFormat;

impl Format for IntTimeFormat {
    const PRECISION: Precision = Precision::Seconds;

    fn encode<C: Codec, T: Serialize>(
        &self,
        codec: &C,
        entry: &Entry<T>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        refuse_ttl(entry, "int_time")?;
        let secs = creation_time(&entry.meta, "int_time")?.as_secs();
        let secs = u64::try_from(secs).map_err(|error| {
            Error::new(ErrorKind::Encode, "int_time")
                .with_message("the time of creation is before 1970")
                .with_source(error)
        })?;
        codec.encode(&(&entry.value, secs), out)
    }

    fn decode<C: Codec, T: DeserializeOwned>(&self, codec: &C, bytes: &Bytes) -> Result<Entry<T>> {
        let (value, secs): (T, u64) = codec.decode(bytes)?;
        let created_at = i64::try_from(secs)
            .ok()
            .map(Timestamp::from_secs)
            .filter(|time| *time < Timestamp::MAX)
            .ok_or_else(|| {
                Error::new(ErrorKind::Decode, "int_time")
                    .with_message(format!("{secs} is not a time of creation"))
            })?;
        Ok(Entry::new(value, Meta::new(created_at)))
    }
}
