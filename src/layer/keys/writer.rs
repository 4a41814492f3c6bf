//! Room for keys that are made from others.

use std::fmt;

use crate::{Key, Put, key::KeyText};

/// Where a [`KeyMap`](crate::KeyMap) writes a key.
///
/// What is pushed follows what was pushed before. Up to 160 bytes allocate nothing. Takes `write!`, too;
/// it never fails.
pub struct KeyWriter {
    text: KeyText,
    /// Where the name begins in a key with a space.
    split: Option<usize>,
}

impl KeyWriter {
    pub(crate) const fn new() -> Self {
        Self { text: KeyText::new(), split: None }
    }

    /// Appends `text`.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn push_number(&mut self, number: u64) {
        self.text.push_number(number);
    }

    /// Appends `key` as it is: its space, if it has one, and its name.
    pub fn push_key(&mut self, key: Key<'_>) {
        if let Some(space) = key.space() {
            self.push(space);
            self.end_space();
        }
        self.push(key.name());
    }

    /// Makes everything that was pushed until now the space, and what follows the name. The last call
    /// counts; without one the key is a plain one.
    pub fn end_space(&mut self) {
        self.split = Some(self.len());
    }

    #[cfg(feature = "key-hashed")]
    pub(super) fn push_ascii(&mut self, digits: &[u8]) {
        self.text.push_str(str::from_utf8(digits).unwrap_or_default());
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Takes back what was pushed after the first `end` bytes, which end with a whole character.
    #[cfg(feature = "key-hashed")]
    pub(super) fn truncate(&mut self, end: usize) {
        self.text.truncate(end);
    }

    /// The key that was written.
    pub(crate) fn key(&self) -> Key<'_> {
        key_at(self.text.as_str(), self.split)
    }

    fn clear(&mut self) {
        self.text.truncate(0);
        self.split = None;
    }
}

/// Shows the key as far as it is written.
impl fmt::Debug for KeyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyWriter").field(&self.key()).finish()
    }
}

impl fmt::Write for KeyWriter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

/// The key in `text`, whose name begins at `split`.
fn key_at(text: &str, split: Option<usize>) -> Key<'_> {
    match split {
        None => text.into(),
        Some(at) => text.split_at(at).into(),
    }
}

/// The keys of a batch, one after another in one text.
pub(super) struct Written {
    text: String,
    /// For each key where its name begins, if it has a space, and where the key ends.
    ends: Vec<(Option<usize>, usize)>,
}

impl Written {
    /// What `map` writes for each of `keys`.
    pub(super) fn new<'k>(
        keys: impl ExactSizeIterator<Item = Key<'k>>,
        map: impl Fn(Key<'k>, &mut KeyWriter),
    ) -> Self {
        let mut writer = KeyWriter::new();
        let mut written = Self { text: String::new(), ends: Vec::with_capacity(keys.len()) };
        for key in keys {
            writer.clear();
            map(key, &mut writer);
            let key = writer.key();
            written.text.push_str(key.space().unwrap_or_default());
            written.text.push_str(key.name());
            written.ends.push((writer.split, written.text.len()));
        }
        written
    }

    pub(super) fn keys(&self) -> Vec<Key<'_>> {
        let mut from = 0;
        let key = |&(split, end): &(Option<usize>, usize)| {
            let text = &self.text[from..end];
            from = end;
            key_at(text, split)
        };
        self.ends.iter().map(key).collect()
    }

    /// `puts` under these keys.
    pub(super) fn puts<'w, V: Clone>(&'w self, puts: &[Put<'w, V>]) -> Vec<Put<'w, V>> {
        let puts = self.keys().into_iter().zip(puts);
        puts.map(|(key, put)| Put::new(key, put.value.clone(), put.opts)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    /// About where keys go to the heap.
    const INLINE: usize = 160;

    #[test]
    fn keys_of_any_length_come_out_as_they_went_in() {
        for len in [0, 1, INLINE - 1, INLINE, INLINE + 1, 10 * INLINE] {
            let long = "é".repeat(len / 2) + &"x".repeat(len % 2);
            for key in
                [Key::from(&long), ("", &long).into(), (&long, "").into(), (&long, &long).into()]
            {
                let mut whole = KeyWriter::new();
                whole.push_key(key);
                assert_eq!(whole.key(), key);
                // In pieces, after another one, and the writer used again.
                whole.push("more");
                whole.clear();
                if let Some(space) = key.space() {
                    space.chars().for_each(|char| write!(whole, "{char}").unwrap());
                    whole.end_space();
                }
                key.name().chars().for_each(|char| write!(whole, "{char}").unwrap());
                assert_eq!(whole.key(), key);
            }
        }
    }

    #[test]
    fn batches_keep_order_spaces_and_duplicates() {
        let long = "x".repeat(INLINE);
        let keys = ["", "b", "", "b", &long].map(Key::from);
        let pairs = [("", ""), ("a", ""), ("", "b"), (&long, "b")].map(Key::from);
        let keys: Vec<Key<'_>> = keys.into_iter().chain(pairs).collect();
        let written = Written::new(keys.iter().copied(), |key, out| out.push_key(key));
        assert_eq!(written.keys(), keys);
    }
}
