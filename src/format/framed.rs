use std::time::Duration;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{Format, Formatted, TtlFormat, creation_time};
use crate::{Codec, Entry, Error, ErrorKind, Meta, Precision, Result, Timestamp};

/// larder's own format: a header of 5 bytes, then the codec's bytes.
///
/// Age and lifetime can be read, checked and expired without decoding the value, and the entry may
/// have a lifetime of its own.
///
/// | bytes | what |
/// |---|---|
/// | 1 | tag: version 1 in the high four bits, flags in the low four: `1` the entry's own lifetime follows; `2` a negative entry, which has no value; `4`, `8` are reserved and refused |
/// | 4 | whole seconds since 1970 of the creation, rounded down, `u32` little-endian (until 2106) |
/// | 1..10, with flag `1` | the entry's own lifetime in milliseconds, rounded up, LEB128 |
/// | the rest | the value, as the codec writes it; nothing with flag `2` |
///
/// Over [`Postcard`](crate::Postcard), `"a"` is `10 e2 69 af 57 01 61`. As with
/// [`IntTime`](crate::IntTime), an expiry under one second is refused when the region is built.
pub type Framed<P> = Formatted<FramedFormat, P>;

/// The format of [`Framed`].
#[derive(Clone, Copy, Debug, Default)]
pub struct FramedFormat;

const VERSION: u8 = 0x10;
const TTL: u8 = 0x01;
const NOTHING: u8 = 0x02;

impl Format for FramedFormat {
    const PRECISION: Precision = Precision::Seconds;
    const ENTRY_TTL: bool = true;

    fn encode<C: Codec, T: Serialize>(
        &self,
        codec: &C,
        entry: &Entry<T>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        push_header(0, &entry.meta, out)?;
        codec.encode(&entry.value, out)
    }

    fn decode<C: Codec, T: DeserializeOwned>(&self, codec: &C, bytes: &Bytes) -> Result<Entry<T>> {
        let (meta, value) = split(VERSION, bytes).ok_or_else(|| {
            Error::new(ErrorKind::Decode, "framed").with_message("not a framed entry of version 1")
        })?;
        Ok(Entry::new(codec.decode(value)?, meta))
    }

    fn encode_nothing(&self, meta: &Meta, out: &mut Vec<u8>) -> Result<()> {
        push_header(NOTHING, meta, out)
    }

    fn decode_nothing(&self, bytes: &[u8]) -> Option<Meta> {
        let (meta, rest) = split(VERSION | NOTHING, bytes)?;
        rest.is_empty().then_some(meta)
    }
}

impl TtlFormat for FramedFormat {}

fn push_header(flags: u8, meta: &Meta, out: &mut Vec<u8>) -> Result<()> {
    let secs = creation_time(meta, "framed")?.as_secs();
    let secs = u32::try_from(secs).map_err(|error| {
        Error::new(ErrorKind::Encode, "framed")
            .with_message("the time of creation is not between 1970 and 2106")
            .with_source(error)
    })?;
    out.push(VERSION | flags | if meta.ttl().is_some() { TTL } else { 0 });
    out.extend_from_slice(&secs.to_le_bytes());
    if let Some(ttl) = meta.ttl() {
        let millis = ttl.as_nanos().div_ceil(1_000_000);
        push_leb128(u64::try_from(millis).unwrap_or(u64::MAX), out);
    }
    Ok(())
}

/// Metadata and what follows it, if the tag is `kind`, with or without a lifetime.
fn split(kind: u8, bytes: &[u8]) -> Option<(Meta, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<5>()?;
    let [tag, secs @ ..] = *header;
    let meta = Meta::new(Timestamp::from_secs(i64::from(u32::from_le_bytes(secs))));
    match tag ^ kind {
        0 => Some((meta, rest)),
        TTL => {
            let (millis, rest) = split_leb128(rest)?;
            Some((meta.with_ttl(Some(Duration::from_millis(millis))), rest))
        }
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "masked to seven bits")]
fn push_leb128(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn split_leb128(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut n = 0_u64;
    for (i, byte) in bytes.iter().take(10).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if i == 9 && bits > 1 {
            return None; // more than 64 bits
        }
        n |= bits << (7 * i);
        if byte & 0x80 == 0 {
            // A last byte of zero adds nothing: not the shortest form.
            return (i == 0 || bits > 0).then(|| (n, &bytes[i + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leb128_there_and_back() {
        for n in [0, 1, 127, 128, 300_000, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            push_leb128(n, &mut out);
            assert_eq!(split_leb128(&out), Some((n, &[][..])));
            assert_eq!(split_leb128(&out[..out.len() - 1]), None);
        }
        assert_eq!(split_leb128(&[0xff; 11]), None);
        assert_eq!(split_leb128(&[0x80, 0x00]), None);
    }
}
