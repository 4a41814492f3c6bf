//! Slots, and names that are in the slot of another.

use std::{borrow::Cow, sync::LazyLock};

use redis::{Arg, Cmd};

use crate::{Key, key::SEPARATOR};

/// How many slots there are.
const COUNT: u16 = 1 << 14;

/// The slot of a name: what stands in its first braces decides, if there is something, else all of it.
pub(super) fn slot(name: &[u8]) -> u16 {
    crc16(tag(name).unwrap_or(name)) % COUNT
}

/// What stands between the first `{` and the `}` after it, if that is something.
fn tag(name: &[u8]) -> Option<&[u8]> {
    let (_, rest) = split(name, b'{')?;
    let (tag, _) = split(rest, b'}')?;
    (!tag.is_empty()).then_some(tag)
}

fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == at)?;
    Some((&text[..at], &text[at + 1..]))
}

/// The slot that decides where a command goes. None for those without a key.
pub(super) fn slot_of(command: &Cmd) -> Option<u16> {
    let mut words = command.args_iter().filter_map(|word| match word {
        Arg::Simple(word) => Some(word),
        _ => None,
    });
    let key = match words.next()? {
        // Script and number of keys.
        b"EVAL" => words.nth(2),
        _ => words.next(),
    };
    key.map(slot)
}

/// The name of an entry outside of hashes. A pair is in the slot of its space, where its lock and,
/// with `Hstore`, its hash are.
pub(super) fn name(key: Key<'_>) -> Cow<'_, [u8]> {
    match key.space() {
        None => Cow::Borrowed(key.name().as_bytes()),
        Some(_) => Cow::Owned(in_slot_of_entry("", key)),
    }
}

/// `prefix`, which has no `{`, and after it a form of `key` that puts all of it into the slot of the
/// key's entry. No two keys have the same.
///
/// | the first part of a key | becomes |
/// |---|---|
/// | has no `}` | `{text}` |
/// | has a tag of its own | `{tag}:text` |
/// | else: is empty, or has a `}` without a tag | `{number}:text`, the smallest number of that slot |
pub(super) fn in_slot_of_entry(prefix: &str, key: Key<'_>) -> Vec<u8> {
    let (text, rest) = match key.space() {
        Some(space) => (space, Some(key.name())),
        None => (key.name(), None),
    };
    let mut name = Vec::with_capacity(prefix.len() + 2 * text.len() + 8 + rest.map_or(0, str::len));
    name.extend_from_slice(prefix.as_bytes());
    name.push(b'{');
    if !text.is_empty() && !text.contains('}') {
        name.extend_from_slice(text.as_bytes());
        name.push(b'}');
    } else {
        match tag(text.as_bytes()) {
            Some(tag) => name.extend_from_slice(tag),
            None => name.extend_from_slice(number_of(slot(text.as_bytes())).as_bytes()),
        }
        name.extend_from_slice(b"}:");
        name.extend_from_slice(text.as_bytes());
    }
    if let Some(rest) = rest {
        name.push(SEPARATOR);
        name.extend_from_slice(rest.as_bytes());
    }
    name
}

/// The smallest number in a slot, in decimal digits.
fn number_of(slot: u16) -> String {
    static NUMBERS: LazyLock<Vec<u32>> = LazyLock::new(|| {
        let mut numbers = vec![None; usize::from(COUNT)];
        let mut missing = numbers.len();
        for number in 0_u32.. {
            let found: &mut Option<u32> =
                &mut numbers[usize::from(self::slot(number.to_string().as_bytes()))];
            if found.is_none() {
                *found = Some(number);
                missing -= 1;
                if missing == 0 {
                    break;
                }
            }
        }
        numbers.into_iter().flatten().collect()
    });
    NUMBERS[usize::from(slot)].to_string()
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    const TABLE: [u16; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            #[expect(clippy::cast_possible_truncation, reason = "it is below 256")]
            let mut crc = (byte as u16) << 8;
            let mut bit = 0;
            while bit < 8 {
                crc = (crc << 1) ^ (if crc & 0x8000 == 0 { 0 } else { 0x1021 });
                bit += 1;
            }
            table[byte] = crc;
            byte += 1;
        }
        table
    };
    bytes.iter().fold(0, |crc, byte| (crc << 8) ^ TABLE[usize::from((crc >> 8) as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slots_are_those_of_the_servers() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        for (name, of) in [
            ("foo", 12182),
            ("", 0),
            ("{foo}", 12182),
            ("a{foo}b{bar}", 12182),
            ("{{foo}}", slot(b"x{{foo}")),
            ("foo{}{bar}", crc16(b"foo{}{bar}") % COUNT),
            ("foo{bar", crc16(b"foo{bar") % COUNT),
        ] {
            assert_eq!(slot(name.as_bytes()), of, "{name}");
        }
    }

    #[test]
    fn every_slot_has_a_number() {
        for slot in 0..COUNT {
            assert_eq!(self::slot(number_of(slot).as_bytes()), slot);
        }
    }

    #[test]
    fn commands_go_by_their_first_key() {
        let command = |words: &[&str]| {
            let mut command = Cmd::new();
            for word in words {
                command.arg(*word);
            }
            slot_of(&command)
        };
        assert_eq!(command(&["GET", "foo"]), Some(12182));
        assert_eq!(command(&["HSET", "foo", "f", "v"]), Some(12182));
        assert_eq!(command(&["EVAL", "return 1", "2", "foo", "{foo}b"]), Some(12182));
        assert_eq!(command(&["PING"]), None);
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof!["[ab{}:0-9]{0,6}", "\\PC{0,8}"]
    }

    proptest! {
        #[test]
        fn lock_entry_and_hash_of_a_key_share_a_slot(
            keys in prop::collection::vec((texts(), prop::option::of(texts())), 1..200),
        ) {
            let mut locks = HashMap::new();
            let mut names = HashMap::new();
            for (text, field) in &keys {
                let key = match field {
                    None => Key::from(text),
                    Some(field) => Key::from((text, field)),
                };
                let (entry, lock) = (name(key), in_slot_of_entry("larder:lock:}", key));
                let at = slot(text.as_bytes());
                prop_assert_eq!(slot(&entry), at, "entry of {:?}", key);
                prop_assert_eq!(slot(&lock), at, "lock of {:?}", key);
                prop_assert_eq!(*locks.entry(lock).or_insert(key), key);
                prop_assert_eq!(*names.entry(entry.into_owned()).or_insert(key), key);
            }
        }
    }
}
