//! Which stack wrote these bytes.
//!
//! Bytes do not say for certain: `0x05` is a number in MessagePack and in Postcard, `7` is a number in JSON and
//! a text. So each reading that is possible is weighed: by how many bits it takes luck to look like this.
//! The readings of all values of a prefix are weighed together, since one program wrote them.

use std::collections::{BTreeMap, HashSet};

use larder::PyValue;
use serde::Serialize;

use crate::{
    stack::{Codec, Format, Stack, looks_pickled},
    value::{items, named},
};

/// What a value that its prefix's stack cannot read speaks against the stack.
const UNREAD: f64 = 20.0;
/// How far the best stack is before the next, or before nothing, to be called certain, or likely.
const CERTAIN: f64 = 24.0;
const LIKELY: f64 = 8.0;
/// What speaks against a few bytes of time before a value that nobody can read, however many there are.
const DOUBT: f64 = 12.0;
/// How many bytes of a value are weighed, from its beginning, so that no long one outvotes many short ones.
const WEIGHED: usize = 64;
/// Metadata of dogpile.cache are no longer than this.
const LONGEST_META: usize = 1024;
/// No cache has values from before this (2005), in seconds since 1970.
const DAWN: f64 = 1_104_537_600.0;
/// How far the clocks of two machines may be apart, in seconds.
const SKEW: f64 = 120.0;

/// One way to read a value.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) stack: Stack,
    /// How many bits speak for it.
    bits: f64,
    /// How many more its time of creation does: once, however many values have the same.
    time_bits: f64,
    /// In seconds since 1970.
    pub(crate) created: Option<f64>,
    /// The entry's own lifetime, in milliseconds.
    pub(crate) own_ttl: Option<u64>,
    /// An entry that says that there is nothing.
    pub(crate) negative: bool,
    pub(crate) value: Option<PyValue>,
    /// How many bytes are before the value, where they are no part of what the codec wrote.
    pub(crate) before: usize,
}

/// How sure it is that a stack is the one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Surety {
    Guess,
    Likely,
    Certain,
}

/// Every way to read `bytes` at `now`, in seconds since 1970. `is_whole` unless it is a beginning.
pub(crate) fn readings(bytes: &[u8], is_whole: bool, now: f64) -> Vec<Reading> {
    let mut all = Vec::new();
    let headers = [Header::dogpile(bytes), Header::framed(bytes, now), Header::coarse(bytes, now)];
    for header in headers.into_iter().flatten().chain([Header::none(bytes)]) {
        header.readings(is_whole, now, &mut all);
    }
    all
}

/// What stands before a value.
struct Header<'b> {
    format: Format,
    /// How many bytes it has.
    before: usize,
    bits: f64,
    created: Option<f64>,
    own_ttl: Option<u64>,
    negative: bool,
    rest: &'b [u8],
}

impl<'b> Header<'b> {
    fn none(bytes: &'b [u8]) -> Self {
        let format = Format::NoMeta;
        let (created, own_ttl, negative) = (None, None, false);
        Self { format, bits: 0.0, before: 0, created, own_ttl, negative, rest: bytes }
    }

    fn dogpile(bytes: &'b [u8]) -> Option<Self> {
        let at = bytes.iter().take(LONGEST_META).position(|byte| *byte == b'|')?;
        let meta = Codec::Json.decode(&bytes[..at])?;
        let format = Format::Dogpile(version(&meta)?);
        let created = Some(seconds(named(&meta, "ct")?)?);
        Some(Self { format, bits: 120.0, created, before: at + 1, ..Self::none(&bytes[at + 1..]) })
    }

    fn framed(bytes: &'b [u8], now: f64) -> Option<Self> {
        let (&[tag @ 0x10..=0x13, a, b, c, d], mut rest) = bytes.split_first_chunk()? else {
            return None;
        };
        let created = f64::from(u32::from_le_bytes([a, b, c, d]));
        let bits = 6.0 + 32.0 - (age(created, now)? + 1.0).log2();
        let own_ttl = if tag & 1 == 0 { None } else { Some(leb128(&mut rest)?) };
        let negative = tag & 2 != 0;
        if negative && !rest.is_empty() {
            return None;
        }
        let format = Format::Framed;
        let before = bytes.len() - rest.len();
        Some(Self { format, bits, before, created: Some(created), own_ttl, negative, rest })
    }

    fn coarse(bytes: &'b [u8], now: f64) -> Option<Self> {
        let (&[low, middle, high], rest) = bytes.split_first_chunk()?;
        let steps = u32::from_le_bytes([low, middle, high, 0]);
        let created = 1_577_836_800.0 + f64::from(steps) * 64.0;
        let bits = 24.0 - (age(created, now)? / 64.0 + 1.0).log2();
        // Texts begin like this, and many of them alike. So do the times of many days, before other bytes.
        let mut head = bytes.iter().take(WEIGHED);
        let is_text = head.all(|byte| !byte.is_ascii_control() || b"\t\n\r".contains(byte));
        let bits = if is_text { 0.0 } else { bits };
        Some(Self {
            format: Format::Coarse,
            bits,
            before: 3,
            created: Some(created),
            ..Self::none(rest)
        })
    }

    fn readings(&self, is_whole: bool, now: f64, all: &mut Vec<Reading>) {
        let (own_ttl, negative) = (self.own_ttl, self.negative);
        let reading = |format, codec, bits: f64, created, value| {
            let stack = Stack { format, codec };
            // Those of dogpile are a text, whatever the time in it.
            let (bits, time_bits) = match self.format {
                Format::Framed | Format::Coarse => (bits, self.bits),
                _ => (bits + self.bits, 0.0),
            };
            let before = self.before;
            Reading { stack, bits, time_bits, created, own_ttl, negative, value, before }
        };
        for codec in Codec::ALL {
            if negative {
                // Nothing is nothing in every codec.
                all.push(reading(self.format, codec, 0.0, self.created, None));
                continue;
            }
            let Some((bits, value)) = weighed(codec, self.rest, self.before, is_whole) else {
                continue;
            };
            let pair = value.as_ref().filter(|_| self.format == Format::NoMeta).and_then(items);
            if let Some((pair, (format, more, created))) =
                pair.and_then(|pair| Some((pair, with_meta(pair, now)?)))
            {
                let value = Some(pair[0].clone());
                all.push(reading(format, codec, bits + more, Some(created), value));
            }
            all.push(reading(self.format, codec, bits, self.created, value));
        }
    }
}

/// The value in `bytes`, where `codec` could have written them, and how much that says; so many bytes are
/// `before` them.
fn weighed(
    codec: Codec,
    bytes: &[u8],
    before: usize,
    is_whole: bool,
) -> Option<(f64, Option<PyValue>)> {
    if codec == Codec::Other {
        return Some((0.0, None));
    }
    if !is_whole {
        let pickled = codec == Codec::Pickle && matches!(bytes, [0x80, 2..=5, ..]);
        return pickled.then_some((14.0, None));
    }
    let len = bytes.len().min(WEIGHED.saturating_sub(before));
    let value = codec.decode(bytes);
    // Pickles of classes that nobody here knows are pickles all the same.
    if codec == Codec::Pickle && value.is_none() {
        return looks_pickled(bytes).then(|| (bits(codec, bytes, len, &PyValue::None), None));
    }
    let value = value?;
    let bits = bits(codec, bytes, len, &value);
    Some((bits, Some(value)))
}

/// How many bits speak for it that `codec` wrote `value` as `bytes`, of which `len` are weighed.
#[expect(clippy::cast_precision_loss, reason = "a weight")]
fn bits(codec: Codec, bytes: &[u8], len: usize, value: &PyValue) -> f64 {
    let len = len as f64;
    match (codec, value) {
        // One byte in 26 is a digit.
        (Codec::Json, PyValue::Int(_) | PyValue::Float(_)) => 4.7 * len,
        (Codec::Json, _) => 4.0 + 3.0 * len,
        // Half of all bytes are small numbers.
        (Codec::Msgpack, _) if bytes.len() == 1 => 0.5,
        // What begins with a length of one byte is any bytes as long, those that begin with a time, too.
        (Codec::Msgpack, PyValue::Text(text)) if is_legible(text) => 4.0 + len,
        (Codec::Msgpack, _) if matches!(bytes, [0xa0..=0xbf | 0xd4..=0xd8, ..]) => 0.0,
        (Codec::Msgpack, _) => 4.0 + len,
        (Codec::Pickle, _) if looks_pickled(bytes) => 22.0 + 2.0 * len,
        // A program of protocol 0 that runs to its end is no accident, unless it is of two bytes or three.
        (Codec::Pickle, _) if bytes.len() > 3 => 2.0 * len,
        (Codec::Pickle, _) => len,
        (Codec::Raw, PyValue::Text(text)) if is_legible(text) => 1.4 * len,
        (Codec::Raw, PyValue::Text(_)) => -4.0 * len.min(8.0),
        (Codec::Raw, _) => 16.0 + len,
        (Codec::Other, _) => 0.0,
    }
}

fn is_legible(text: &str) -> bool {
    text.chars().all(|char| !char.is_control() || ['\n', '\r', '\t'].contains(&char))
}

/// The format in which `pair` is value and metadata, how much speaks for it, and the time of creation.
fn with_meta(pair: &[PyValue], now: f64) -> Option<(Format, f64, f64)> {
    let [_, meta] = pair else { return None };
    if let PyValue::Int(_) = meta {
        let created = seconds(meta)?;
        return Some((Format::IntTime, 32.0 - (age(created, now)? + 1.0).log2(), created));
    }
    let (version, ct) = (version(meta)?, named(meta, "ct")?);
    let format = match ct {
        PyValue::Int(_) => Format::IntDict(version),
        _ => Format::FullDict(version),
    };
    Some((format, 30.0, seconds(ct)?))
}

/// That of the value, in its metadata.
fn version(meta: &PyValue) -> Option<u32> {
    let PyValue::Int(version) = named(meta, "v")? else { return None };
    u32::try_from(version).ok()
}

/// A time that a cache could have written.
fn seconds(value: &PyValue) -> Option<f64> {
    let seconds = match value {
        PyValue::Int(int) => f64::from(u32::try_from(int).ok()?),
        PyValue::Float(float) => *float,
        _ => return None,
    };
    (0.0..1e11).contains(&seconds).then_some(seconds)
}

/// How long ago, if that makes sense.
fn age(created: f64, now: f64) -> Option<f64> {
    (DAWN..now + SKEW).contains(&created).then(|| (now - created).max(0.0))
}

fn leb128(bytes: &mut &[u8]) -> Option<u64> {
    let len = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
    let (number, rest) = bytes.split_at(len);
    *bytes = rest;
    let push = |sum: u64, byte: &u8| sum.checked_mul(128)?.checked_add((byte & 0x7f).into());
    number.iter().rev().try_fold(0, push)
}

fn is_doubtful(stack: Stack) -> bool {
    stack.codec == Codec::Other && stack.format != Format::NoMeta
}

/// For each value the stack that explains most of those it stands with, and how sure that is.
///
/// Takes the readings of all values of one prefix. What the best stack cannot read is weighed anew among
/// itself.
pub(crate) fn decide(values: &[Vec<Reading>]) -> Vec<(Stack, Surety)> {
    let nothing = Stack { format: Format::NoMeta, codec: Codec::Other };
    let mut decided = vec![(nothing, Surety::Guess); values.len()];
    let mut left: Vec<usize> = (0..values.len()).collect();
    while !left.is_empty() {
        let mut weights: BTreeMap<Stack, f64> = BTreeMap::new();
        // What many values begin with alike is one thing seen, not many.
        let mut times: HashSet<(Stack, Option<u64>)> = HashSet::new();
        for readings in left.iter().map(|at| &values[*at]) {
            for reading in readings {
                let doubt = if is_doubtful(reading.stack) { -DOUBT } else { 0.0 };
                let weight = weights.entry(reading.stack).or_insert(doubt);
                *weight += reading.bits + UNREAD;
                let time = (reading.stack, reading.created.map(f64::to_bits));
                if reading.time_bits > 0.0 && times.insert(time) {
                    *weight += reading.time_bits;
                }
            }
        }
        let mut ranked: Vec<_> = weights.iter().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(a.1));
        let Some((stack, best)) = ranked.first() else { break };
        // Where the codec cannot be told, the question is how sure the format is.
        let is_rival = |rival: &Stack| stack.codec != Codec::Other || rival.format != stack.format;
        let next = ranked[1..].iter().find(|(rival, _)| is_rival(rival));
        let surety = match *best - next.map_or(0.0, |(_, bits)| **bits) {
            _ if **stack == nothing => Surety::Guess,
            margin if margin >= CERTAIN => Surety::Certain,
            margin if margin >= LIKELY => Surety::Likely,
            _ => Surety::Guess,
        };
        let before = left.len();
        left.retain(|at| {
            let reads = values[*at].iter().any(|reading| reading.stack == **stack);
            if reads {
                decided[*at] = (**stack, surety);
            }
            !reads
        });
        if left.len() == before {
            break;
        }
    }
    decided
}

#[cfg(test)]
mod tests {
    use larder::{CoarseFormat, Entry, FramedFormat, Meta, MsgpackCodec, PostcardCodec, Timestamp};

    use super::{Surety, decide, readings};

    /// Fifty values of one moment, written `age` seconds before `now`, as one stack is seen in all of them.
    fn seen<F: larder::Format, C: larder::Codec>(
        (format, codec): (F, C),
        now: u32,
        age: u32,
    ) -> Option<(String, Surety)> {
        let created = Timestamp::from_micros(i64::from(now - age) * 1_000_000);
        let values = (0..50_u32).map(|id| {
            let (value, mut out) = ((id, format!("User {id}"), Some("mail")), Vec::new());
            let entry = Entry::new(&value, Meta::new(created));
            format.encode(&codec, &entry, &mut out).ok()?;
            Some(readings(&out, true, now.into()))
        });
        let mut decided = decide(&values.collect::<Option<Vec<_>>>()?);
        decided.dedup();
        let [(stack, surety)] = decided[..] else { return None };
        Some((stack.to_string(), surety))
    }

    /// Whatever the bytes of the time are: there are days on which those of `Coarse` are legible. But in one
    /// minute of some hundred they are how MessagePack begins a list as long as the values.
    #[test]
    fn times_of_any_day_are_recognised() {
        let (mut all, mut missed) = (0, Vec::new());
        // Five days or so, for two years.
        for now in (1_795_295_000_u32..1_858_000_000).step_by(417_713) {
            for age in [0, 5, 300] {
                let is = |seen: Option<(String, Surety)>, name: &str| {
                    seen.is_some_and(|(stack, surety)| stack == name && surety >= Surety::Likely)
                };
                for (name, seen) in [
                    ("Framed<Postcard?>", seen((FramedFormat, PostcardCodec), now, age)),
                    ("Framed<Msgpack>", seen((FramedFormat, MsgpackCodec), now, age)),
                    ("Coarse<Postcard?>", seen((CoarseFormat, PostcardCodec), now, age)),
                ] {
                    all += 1;
                    if !is(seen, name) {
                        missed.push((name, now, age));
                    }
                }
            }
        }
        assert!(missed.len() * 200 < all, "{} of {all}: {missed:?}", missed.len());
    }

    /// Texts whose first three bytes would be times of the last hours, each another one.
    #[test]
    fn texts_are_no_times_however_fresh() {
        let text = |first: u8, second: char| format!("{}{second}3.", char::from(first));
        let texts = ['|', '}', '~']
            .into_iter()
            .flat_map(|second| (b'!'..=b'~').map(move |first| text(first, second)));
        let newest = f64::from(u32::from_le_bytes(*b"~~3\0"));
        let now = 1_577_836_800.0 + 64.0 * newest + 3600.0;
        let read: Vec<_> = texts.map(|text| readings(text.as_bytes(), true, now)).collect();
        let mut decided = decide(&read);
        decided.dedup();
        let [(stack, _)] = decided[..] else { panic!("{decided:?}") };
        assert_eq!(stack.to_string(), "NoMeta<Raw>");
    }
}
