//! The entries: those of the benchmark of `dogpile_backend_redis_advanced`, in 2016.

use larder::{Key, KeyBuf};
use serde::{Deserialize, Serialize};

/// How many entries the benchmark has, and the fewest that have some of each kind.
pub(crate) const FULL: u32 = 1_100_000;
pub(crate) const FEWEST: u32 = 110;

/// How many entries go in one batch.
const BATCH: u32 = 1000;

const PAIRS: [&str; 6] =
    ["foo", "foobar", "foobarbiz", "foobarbizbash", "foobarbizbashfizzbuzz", "fizzbuzz"];
const TEXTS: [&str; 4] =
    ["qkknasdkk", "kehzipqyfnslhtqnzjsgqolf", "7124n9jasdgqbozjayqkdhag", "61jkansd89asd"];

/// A dictionary in Python.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) one: u32,
    pub(crate) two: String,
}

/// A number below 2^24 in three bytes, where a codec writes bytes as they are: Postcard takes four for
/// those from 2^21 on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tight([u8; 3]);

impl From<u32> for Tight {
    fn from(number: u32) -> Self {
        let [low, middle, high, _] = number.to_le_bytes();
        Self([low, middle, high])
    }
}

/// How keys are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// `1234`, `foo|34`.
    Plain,
    /// `(1200, 1234)`, `(foo, 34)`.
    Tuples,
}

/// Entries of one kind with the same beginning of their keys.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    prefix: &'static str,
    count: u32,
}

pub(crate) struct Dataset {
    pub(crate) numbers: [Part; 1],
    pub(crate) pairs: [Part; 6],
    pub(crate) texts: [Part; 4],
}

impl Dataset {
    /// About `entries` entries: ten of eleven are numbers.
    pub(crate) fn new(entries: u32) -> Self {
        let part = |prefix| Part { prefix, count: entries / 110 };
        Self {
            numbers: [Part { prefix: "", count: entries / 110 * 100 }],
            pairs: PAIRS.map(part),
            texts: TEXTS.map(part),
        }
    }

    pub(crate) fn entries(&self) -> u32 {
        let parts = self.numbers.iter().chain(&self.pairs).chain(&self.texts);
        parts.map(|part| part.count).sum()
    }
}

impl Part {
    /// The keys in batches, with their numbers.
    pub(crate) fn batches(self, keys: Keys) -> impl Iterator<Item = Vec<(KeyBuf, u32)>> {
        (0..self.count).step_by(BATCH as usize).map(move |from| {
            let batch = from..self.count.min(from + BATCH);
            batch.map(|number| (self.key(keys, number), number)).collect()
        })
    }

    fn key(self, keys: Keys, number: u32) -> KeyBuf {
        let prefix = self.prefix;
        match keys {
            Keys::Plain if prefix.is_empty() => Key::from(&number.to_string()).to_buf(),
            Keys::Plain => Key::from(&format!("{prefix}|{number}")).to_buf(),
            Keys::Tuples => {
                let hundred = (number / 100 * 100).to_string();
                let space = if prefix.is_empty() { &*hundred } else { prefix };
                Key::from((space, &number.to_string())).to_buf()
            }
        }
    }

    pub(crate) fn number(number: u32) -> u32 {
        number * 10
    }

    pub(crate) fn pair(self, number: u32) -> Pair {
        Pair { one: number * 399, two: self.prefix.to_owned() }
    }

    pub(crate) fn text(self, _: u32) -> String {
        self.prefix.to_owned()
    }
}
