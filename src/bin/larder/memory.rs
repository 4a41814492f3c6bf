//! What entries take in Redis, by the sizes of its structures.
//!
//! Of 64-bit servers: Redis 6 to 8.0 (`server.h`, `dict.h`, `sds.h`, `listpack.c`), and Valkey from 8.1 on, which
//! puts a key into the object of its value (`object.c`, `hashtable.c`). Later versions of Redis do similarly, and
//! are taken for Redis 8.0: there a plain key takes some 20 bytes less than is said, a small hash the same.

use crate::{
    sample::{Content, Sample},
    server::Server,
};

/// `dictEntry`: key, value, next.
const DICT_ENTRY: u64 = 24;
/// `clusterDictEntryMetadata`: the next and the one before.
const SLOT_LINKS: u64 = 16;
/// `robj`: type, encoding, use, references, pointer.
const OBJECT: u64 = 16;
/// `dict`: type, two tables and their sizes.
const DICT: u64 = 56;
/// The longest text that is one allocation with its object: `OBJ_ENCODING_EMBSTR_SIZE_LIMIT`.
const EMBEDDED: usize = 44;
/// Numbers below this are shared by all keys: `OBJ_SHARED_INTEGERS`.
const SHARED: i64 = 10_000;
/// A listpack's length and number of elements, and its end.
const LISTPACK: u64 = 6 + 1;
/// Valkey's `hashtable`: buckets of a cache line, with so many entries.
const BUCKET: f64 = 64.0;
const BUCKET_ENTRIES: f64 = 7.0;
/// `hash-max-listpack-entries` and `hash-max-listpack-value`, as they are unless somebody changed them.
const PACKED_FIELDS: f64 = 512.0;
const PACKED_BYTES: usize = 64;

/// How much is taken for so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Allocator {
    /// jemalloc in steps of so many bytes: 8 as Redis builds it, 16 as Debian does.
    Jemalloc(u64),
    /// The C library's: 8 bytes before each, in steps of 16.
    Libc,
}

impl Allocator {
    fn takes(self, bytes: u64) -> u64 {
        match self {
            // Four sizes between two powers of two.
            Self::Jemalloc(quantum) => match bytes {
                0..=8 => 8,
                _ => bytes.next_multiple_of(quantum.max(bytes.next_power_of_two() / 8)),
            },
            Self::Libc => (bytes + 8).next_multiple_of(16).max(32) - 8,
        }
    }
}

/// How a server keeps keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// Entry (of so many bytes), key and object are three allocations.
    Redis { entry: u64 },
    /// A key is inside of its object, and so is a value if all of that has room in so many bytes; then some do
    /// without the pointer to it.
    Valkey { room: u64, saved: u64 },
}

impl Family {
    /// Told by `Valkey 8.1.1`.
    fn of(server: &Server) -> Self {
        let mut words = server.name.as_deref().unwrap_or_default().split([' ', '.']);
        let kind = words.next();
        let mut part = || words.next().and_then(|part| part.parse::<u32>().ok());
        match (kind, part(), part()) {
            (Some("Valkey"), Some(8), Some(1..)) => Self::Valkey { room: 64, saved: 0 },
            (Some("Valkey"), Some(9..), _) => Self::Valkey { room: 128, saved: 8 },
            // In a cluster, all keys of a slot are a list.
            (_, Some(7), Some(0..=2)) if server.is_cluster => {
                Self::Redis { entry: DICT_ENTRY + SLOT_LINKS }
            }
            _ => Self::Redis { entry: DICT_ENTRY },
        }
    }
}

/// A server's memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    family: Family,
    allocator: Allocator,
    shares_numbers: bool,
    /// How many keys the tables of all keys, and of all TTLs, are for.
    keys: f64,
}

/// A field with its value, in a hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// In a listpack.
    packed: u64,
    /// In a table.
    spread: u64,
    is_long: bool,
}

impl Model {
    /// The server's; if it does not tell how it counts, the one that agrees best with what `MEMORY USAGE` says of the sampled keys.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(crate) fn of(sample: &Sample) -> Self {
        let model = |allocator| Self {
            family: Family::of(&sample.server),
            allocator,
            shares_numbers: sample.server.shares_numbers,
            keys: sample.database_keys.max(1) as f64,
        };
        let allocators = match (&sample.server.allocator, sample.server.quantum) {
            (Some(name), _) if name.starts_with("libc") => vec![Allocator::Libc],
            (_, Some(quantum)) => vec![Allocator::Jemalloc(quantum)],
            _ => vec![Allocator::Jemalloc(8), Allocator::Jemalloc(16)],
        };
        let models = allocators.iter().map(|allocator| model(*allocator));
        let error = |model: &Self| -> f64 {
            let errors = sample.keys.iter().filter_map(|key| {
                let Content::Text(stored) = &key.content else { return None };
                let whole = stored.is_whole().then_some(&stored.bytes)?;
                let ttl = key.ttl.is_some();
                let said = model.plain(key.name.len(), whole, ttl) - model.unsaid(ttl)?;
                Some((said - key.memory? as f64).abs())
            });
            errors.sum()
        };
        models.min_by(|a, b| error(a).total_cmp(&error(b))).unwrap_or(model(Allocator::Jemalloc(8)))
    }

    fn takes(&self, bytes: u64) -> u64 {
        self.allocator.takes(bytes)
    }

    /// A plain key with its value, and with a TTL of its own.
    pub(crate) fn plain(&self, name: usize, value: &[u8], ttl: bool) -> f64 {
        let places = self.places(ttl);
        let object = object(name, ttl);
        // With the text's header of 3 bytes, and the zero after it.
        let text = 4 + value.len() as u64;
        places
            + whole(match self.family {
                Family::Redis { .. } => self.takes(sds(name)) + self.value(value),
                Family::Valkey { .. } if number(value).is_some() => self.takes(object),
                Family::Valkey { room, saved } if object - saved + text <= room => {
                    self.takes(object - saved + text)
                }
                Family::Valkey { .. } => self.takes(object) + self.takes(sds(value.len())),
            })
    }

    /// What `MEMORY USAGE` leaves out of a key, where it is always the same.
    pub(crate) fn unsaid(&self, ttl: bool) -> Option<f64> {
        match self.family {
            Family::Redis { entry } => Some(self.places(ttl) - whole(entry)),
            // The keys of some, and not of others.
            Family::Valkey { saved: 0, .. } => None,
            Family::Valkey { .. } => Some(self.places(ttl)),
        }
    }

    /// A place in the table of all keys, and in that of all TTLs.
    fn places(&self, ttl: bool) -> f64 {
        let (of_key, of_ttl) = match self.family {
            Family::Redis { entry } => {
                let place = table(self.keys) / self.keys;
                (whole(self.takes(entry)) + place, whole(self.takes(DICT_ENTRY)) + place)
            }
            Family::Valkey { .. } => {
                let place = buckets(self.keys) / self.keys;
                (place, place)
            }
        };
        of_key + if ttl { of_ttl } else { 0.0 }
    }

    /// The value of a plain key of Redis.
    fn value(&self, value: &[u8]) -> u64 {
        match number(value) {
            Some(0..SHARED) if self.shares_numbers => 0,
            Some(_) => self.takes(OBJECT),
            None if value.len() <= EMBEDDED => self.takes(OBJECT + 4 + value.len() as u64),
            None => self.takes(OBJECT) + self.takes(sds(value.len())),
        }
    }

    pub(crate) fn field(&self, name: &[u8], value: &[u8]) -> Field {
        Field {
            packed: element(name) + element(value),
            spread: self.takes(DICT_ENTRY)
                + self.takes(sds(name.len()))
                + self.takes(sds(value.len())),
            is_long: name.len().max(value.len()) > PACKED_BYTES,
        }
    }

    /// A hash of `count` fields such as `fields`.
    pub(crate) fn hash(&self, name: usize, fields: &[Field], count: f64, ttl: bool) -> f64 {
        let is_small = count <= PACKED_FIELDS && !fields.iter().any(|field| field.is_long);
        self.hash_as(is_small, name, fields, count, ttl)
    }

    /// The same where it is known whether it is a listpack.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size")]
    pub(crate) fn hash_as(
        &self,
        is_small: bool,
        name: usize,
        fields: &[Field],
        count: f64,
        ttl: bool,
    ) -> f64 {
        let mean = |part: fn(&Field) -> u64| {
            fields.iter().map(part).sum::<u64>() as f64 / fields.len().max(1) as f64
        };
        let head = self.places(ttl)
            + whole(match self.family {
                Family::Redis { .. } => self.takes(sds(name)) + self.takes(OBJECT),
                Family::Valkey { .. } => self.takes(object(name, ttl)),
            });
        if !is_small {
            let places = self.takes(table(count) as u64);
            return head + whole(self.takes(DICT) + places) + count * mean(|field| field.spread);
        }
        let elements = mean(|field| field.packed) * count;
        head + whole(self.takes(LISTPACK + elements.round() as u64))
    }
}

/// The places of a table for so many: a power of two of pointers.
fn table(count: f64) -> f64 {
    8.0 * count.max(4.0).log2().ceil().exp2()
}

/// The buckets of a table for so many, and those behind buckets that are full.
fn buckets(count: f64) -> f64 {
    let buckets = (count / BUCKET_ENTRIES).max(1.0).log2().ceil().exp2();
    // Keys fall into buckets by chance: with this mean, some have more of them than there is room for.
    let mean = count / buckets;
    let (mut chance, mut full) = ((-mean).exp(), 1.0);
    for entries in 1..=8 {
        full -= chance;
        chance *= mean / f64::from(entries);
    }
    BUCKET * buckets * (1.0 + full.max(0.0))
}

/// Valkey's object with the key in it, its length, and the time at which it ends.
fn object(name: usize, ttl: bool) -> u64 {
    OBJECT + 1 + sds(name) + if ttl || name >= 128 { 8 } else { 0 }
}

#[expect(clippy::cast_precision_loss, reason = "a size")]
fn whole(bytes: u64) -> f64 {
    bytes as f64
}

/// A text on its own: header, the text, a zero.
fn sds(len: usize) -> u64 {
    let header = match len {
        1..32 => 1,
        0 | 32..256 => 3,
        256..65_536 => 5,
        _ => 9,
    };
    header + len as u64 + 1
}

/// An element of a listpack: what it is and how long, the content, and the way back.
fn element(content: &[u8]) -> u64 {
    let len = content.len() as u64;
    let bytes = match number(content) {
        Some(0..=127) => 1,
        Some(-4096..=4095) => 2,
        Some(-0x8000..=0x7fff) => 3,
        Some(-0x80_0000..=0x7f_ffff) => 4,
        Some(-0x8000_0000..=0x7fff_ffff) => 5,
        Some(_) => 9,
        None if len < 64 => 1 + len,
        None if len < 4096 => 2 + len,
        None => 5 + len,
    };
    bytes + back(bytes)
}

/// The way back over so many bytes: `lpEncodeBacklen`.
fn back(bytes: u64) -> u64 {
    match bytes {
        0..128 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

/// The number that Redis stores instead of a text.
fn number(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= 20)?;
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_listpacks_are_as_long_as_redis_makes_them() {
        for (len, bytes) in [
            (1, 1 + 1 + 1),
            (63, 1 + 63 + 1),
            (64, 2 + 64 + 1),
            (4096, 5 + 4096 + 2),
            (20_000, 5 + 20_000 + 3),
            (3_000_000, 5 + 3_000_000 + 4),
        ] {
            assert_eq!(element(&vec![b'x'; len]), bytes, "{len}");
        }
        assert_eq!((back(268_435_454), back(268_435_455)), (4, 5));
        assert_eq!((element(b"127"), element(b"-1"), element(b"40000")), (2, 3, 5));
    }
}
