//! What an entry looks like in the file.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | when it expires, microseconds since the epoch, little endian; `i64::MAX` is never |
//! | 4 | checksum: the low half of XXH3-64 over the rest, seeded with key and expiry |
//! | 4, then the key | only under a short form: the whole key, its length first |
//! | the rest | the value |
//!
//! The lease of a key is a record too, under a key of its own: it expires when the lease ends, and its
//! value is the token of the owner.

use std::borrow::Cow;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed, xxh3_128};

use crate::{Key, Timestamp};

/// LMDB's limit for keys.
const MAX_KEY: usize = 511;

// Bytes that never occur in UTF-8, nor elsewhere in `Key::flat`: no key begins with them.
const EMPTY: &[u8] = &[0xfd];
const SHORTENED: u8 = 0xfe;
/// What the names of leases begin with.
pub(super) const LEASE: &[u8] = &[0xfb];
/// Where the file says that it is ours.
pub(super) const MARKER: &[u8] = b"\xfclarder";
/// What it says there. Another layout gets another number.
pub(super) const LAYOUT: &[u8] = b"larder file 2";
/// The same without leases.
pub(super) const LAYOUT_WITHOUT_LEASES: &[u8] = b"larder file 1";

/// How much of a long key stays readable, and keeps neighbours together.
const PREFIX: usize = 64;

const HEAD: usize = 12;

/// The bytes beside key and value in each entry.
pub(super) const OVERHEAD: usize = HEAD;

/// A key as LMDB takes it: not empty, not too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StoredKey<'k> {
    Plain(Cow<'k, [u8]>),
    /// A digest under which the value says whose it is.
    Short {
        short: Vec<u8>,
        whole: Cow<'k, [u8]>,
    },
}

impl<'k> StoredKey<'k> {
    pub(super) fn new(key: Key<'k>) -> Self {
        let flat = key.flat();
        match flat.len() {
            0 => Self::Plain(Cow::Borrowed(EMPTY)),
            1..=MAX_KEY => Self::Plain(flat),
            _ => Self::Short { short: shortened(&flat), whole: flat },
        }
    }

    /// The key of the lease of this `name`.
    pub(super) const fn lease(name: &'k [u8]) -> Self {
        Self::Plain(Cow::Borrowed(name))
    }

    pub(super) fn into_owned(self) -> StoredKey<'static> {
        match self {
            Self::Plain(key) => StoredKey::Plain(Cow::Owned(key.into_owned())),
            Self::Short { short, whole } => {
                StoredKey::Short { short, whole: Cow::Owned(whole.into_owned()) }
            }
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(key) => key,
            Self::Short { short, .. } => short,
        }
    }

    /// How many bytes of a record come before the value.
    pub(super) fn head_len(&self) -> usize {
        match self {
            Self::Plain(_) => HEAD,
            Self::Short { whole, .. } => HEAD + 4 + whole.len(),
        }
    }

    /// What of a record comes before the value.
    pub(super) fn head(&self, expires_at: Timestamp, value: &[u8]) -> Vec<u8> {
        let mut head = Vec::with_capacity(self.head_len());
        head.extend_from_slice(&expires_at.as_micros().to_le_bytes());
        head.extend_from_slice(&self.checksum(expires_at, value).to_le_bytes());
        if let Self::Short { whole, .. } = self {
            let len = u32::try_from(whole.len()).unwrap_or(u32::MAX);
            head.extend_from_slice(&len.to_le_bytes());
            head.extend_from_slice(whole);
        }
        head
    }

    /// The value in `record`: `None` if the entry is another key's, `Err` if it is damaged.
    pub(super) fn value<'r>(&self, record: &'r [u8]) -> Result<Option<&'r [u8]>, Damaged> {
        let (expires_at, rest) = split_expiry(record)?;
        let (checksum, mut value) = rest.split_first_chunk().ok_or(Damaged)?;
        if let Self::Short { whole, .. } = self {
            let (len, rest) = value.split_first_chunk().ok_or(Damaged)?;
            let len = u32::from_le_bytes(*len) as usize;
            let (stored, rest) = rest.split_at_checked(len).ok_or(Damaged)?;
            if stored != &**whole {
                return Ok(None);
            }
            value = rest;
        }
        let intact = self.checksum(expires_at, value).to_le_bytes() == *checksum;
        if intact { Ok(Some(value)) } else { Err(Damaged) }
    }

    fn checksum(&self, expires_at: Timestamp, value: &[u8]) -> u32 {
        let seed = xxh3_64(self.bytes()) ^ expires_at.as_micros().cast_unsigned();
        let hash = xxh3_64_with_seed(value, seed).to_le_bytes();
        u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]])
    }
}

fn shortened(flat: &[u8]) -> Vec<u8> {
    [&[SHORTENED], &flat[..PREFIX], &xxh3_128(flat).to_le_bytes()].concat()
}

/// What the lease of `key` is called, in the file and by its owner. Two long keys with one digest
/// share a lease: one of them waits for the other.
pub(super) fn lease_name(key: Key<'_>) -> Vec<u8> {
    let flat = key.flat();
    let flat = if flat.len() < MAX_KEY { flat } else { shortened(&flat).into() };
    [LEASE, &*flat].concat()
}

/// Whether this is the name of a lease: a key in the file that is no entry's.
pub(super) fn is_lease(stored: &[u8]) -> bool {
    stored.starts_with(LEASE) && stored.len() <= MAX_KEY
}

/// A record that is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged;

fn split_expiry(record: &[u8]) -> Result<(Timestamp, &[u8]), Damaged> {
    let (micros, rest) = record.split_first_chunk().ok_or(Damaged)?;
    Ok((Timestamp::from_micros(i64::from_le_bytes(*micros)), rest))
}

/// Until when a record is there, that moment included. Damaged ones are gone at once.
pub(super) fn expires_at(record: &[u8]) -> Timestamp {
    split_expiry(record).map_or(Timestamp::from_micros(i64::MIN), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &StoredKey<'_>, at: Timestamp, value: &[u8]) -> Vec<u8> {
        let mut record = key.head(at, value);
        assert_eq!(record.len(), key.head_len());
        record.extend_from_slice(value);
        record
    }

    #[test]
    fn keys_stay_apart_and_within_the_limit() {
        let long = "x".repeat(512);
        let longer = "x".repeat(513);
        let limit = "x".repeat(511);
        let names = ["", "a", &limit, &long, &longer];
        let mut stored: Vec<_> =
            names.iter().map(|name| StoredKey::new(Key::from(*name)).bytes().to_vec()).collect();
        stored.push(StoredKey::new(Key::from(("", ""))).bytes().to_vec());
        stored.push(StoredKey::new(Key::from(("", &longer))).bytes().to_vec());
        stored.push(MARKER.to_vec());
        stored.extend(names.iter().map(|name| lease_name(Key::from(*name))));
        stored.push(lease_name(Key::from(("", &longer))));
        let leases = stored.iter().filter(|key| is_lease(key)).count();
        assert_eq!(leases, names.len() + 1);
        for key in &stored {
            assert!((1..=MAX_KEY).contains(&key.len()));
            assert_eq!(stored.iter().filter(|other| *other == key).count(), 1);
        }
    }

    #[test]
    fn records_come_back_and_changed_ones_do_not() {
        let long = "long ".repeat(200);
        let at = Timestamp::from_secs(7);
        for name in ["", "short", &long] {
            let key = StoredKey::new(Key::from(name));
            let whole = record(&key, at, b"the value");
            assert_eq!(key.value(&whole), Ok(Some(&b"the value"[..])));
            assert_eq!(expires_at(&whole), at);
            for byte in 0..whole.len() {
                let mut changed = whole.clone();
                changed[byte] ^= 0x10;
                assert!(!matches!(key.value(&changed), Ok(Some(_))), "byte {byte} of {name:?}");
                assert!(key.value(&whole[..byte]) != Ok(Some(b"the value")));
            }
        }
    }

    #[test]
    fn a_digest_shared_with_another_key_is_a_miss() {
        let (one, other) = ("1".repeat(600), "2".repeat(600));
        let key = StoredKey::new(Key::from(&one));
        let theirs = StoredKey::new(Key::from(&other));
        assert_eq!(key.value(&record(&theirs, Timestamp::MAX, b"theirs")), Ok(None));
    }
}
