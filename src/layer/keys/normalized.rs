use std::{fmt, marker::PhantomData};

use super::{
    KeyMap, KeyWriter, Keyed,
    hashed::{DIGITS, push_digits},
};
use crate::{Key, Level};

// A percent sign that no two hexadecimal digits follow is never the code of a byte. So these stand for
// what they are, and no other character has to give way to them.
const SEPARATOR: &str = "%.";
const MARKER: &str = "%~";

/// How long what is shortened is without its beginning.
const SHORTEST: usize = MARKER.len() + DIGITS;

/// Makes keys obey the rules `R` of a store, for stores that refuse or, worse, mistake some keys.
///
/// | a key | becomes | for example |
/// |---|---|---|
/// | that obeys the rules and has no `%` | itself | `user:15` |
/// | with forbidden bytes or `%` | the same with these percent-encoded, characters as a whole | `two%20words`, `100%25` |
/// | in a space | a plain key, with `%.` between space and name | `user-15%.posts` |
/// | that is then too long, or empty | as much of its beginning as there is room for, `%~`, and 192 bits of its BLAKE3 digest in base64url | `https://..%~vzN..` |
///
/// Two different keys never become one. Since keys in a space become plain ones, there is no use in an
/// [`Hstore`](crate::Hstore) under it.
///
/// ```
/// # #[cfg(feature = "key-hashed")] {
/// use larder::{Key, LayerExt, Level, Null};
///
/// let stack = Null.normalized();
/// assert_eq!(stack.stored_key("user:15".into()), Some(Key::from("user:15").into()));
/// assert_eq!(stack.stored_key("two words".into()), Some(Key::from("two%20words").into()));
/// assert_eq!(stack.stored_key(("user-15", "posts").into()), Some(Key::from("user-15%.posts").into()));
/// # }
/// ```
pub type Normalized<S, R = MemcachedRules> = Keyed<Normal<R>, S>;

/// What a store demands of its keys.
///
/// ```
/// # #[cfg(feature = "key-hashed")] {
/// use larder::{Key, KeyRules, LayerExt, Level, Normal, Null};
///
/// struct FileNames;
///
/// impl KeyRules for FileNames {
///     const MAX_BYTES: usize = 255;
///
///     fn allows(byte: u8) -> bool {
///         byte.is_ascii_alphanumeric() || b"%.~-_".contains(&byte)
///     }
/// }
///
/// let stack = Null.keyed(Normal::<FileNames>::new());
/// assert_eq!(stack.stored_key("a:é".into()), Some(Key::from("a%3A%C3%A9").into()));
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what keys may be",
    label = "expected rules for keys such as `MemcachedRules`"
)]
pub trait KeyRules: Send + Sync {
    /// The longest key, in bytes. With less than 34 it does not compile, because there is no room for
    /// a digest.
    const MAX_BYTES: usize;

    /// Whether a key may hold this byte. Keys are encoded with the letters and digits of ASCII and
    /// `%.~-_`, so it has to allow these.
    fn allows(byte: u8) -> bool;
}

/// The rules of memcached: at most 250 bytes, no whitespace, no control characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemcachedRules;

impl KeyRules for MemcachedRules {
    const MAX_BYTES: usize = 250;

    fn allows(byte: u8) -> bool {
        byte > b' ' && byte != 0x7f
    }
}

/// The map of [`Normalized`].
pub struct Normal<R = MemcachedRules>(PhantomData<fn() -> R>);

impl<R: KeyRules> Normal<R> {
    /// Makes keys obey the rules that the type names.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S: Level> Normalized<S> {
    /// Makes the keys of `inner` obey [`MemcachedRules`]. For other rules there is [`with`](Keyed::with).
    pub const fn new(inner: S) -> Self {
        Self::with(Normal::new(), inner)
    }
}

impl<R: KeyRules> KeyMap for Normal<R> {
    fn map(&self, key: Key<'_>, out: &mut KeyWriter) {
        let mut encoder = Encoder::<R> { out, beginning: 0, rules: PhantomData };
        if let Some(space) = key.space() {
            encoder.encode(space);
            encoder.push(SEPARATOR);
        }
        encoder.encode(key.name());
        if (1..=R::MAX_BYTES).contains(&encoder.out.len()) {
            return;
        }
        let beginning = encoder.beginning;
        out.truncate(beginning);
        out.push(MARKER);
        push_digits(&blake3::hash(&key.flat()), out);
    }
}

/// Writes a key until it is too long.
struct Encoder<'w, R> {
    out: &'w mut KeyWriter,
    /// How much of it can stay if it gets too long: whole characters.
    beginning: usize,
    rules: PhantomData<fn() -> R>,
}

impl<R: KeyRules> Encoder<'_, R> {
    /// The longest beginning of what is too long.
    const BEGINNING: usize = {
        assert!(R::MAX_BYTES >= SHORTEST, "`MAX_BYTES` leaves no room for a digest");
        R::MAX_BYTES - SHORTEST
    };

    fn encode(&mut self, text: &str) {
        let kept = |bytes: &[u8]| bytes.iter().all(|byte| *byte != b'%' && R::allows(*byte));
        // Most keys are short and need no encoding.
        if self.out.len() + text.len() <= Self::BEGINNING && kept(text.as_bytes()) {
            return self.push(text);
        }
        let mut utf8 = [0; 4];
        for char in text.chars() {
            if self.out.len() > R::MAX_BYTES {
                return;
            }
            let char = char.encode_utf8(&mut utf8);
            if kept(char.as_bytes()) {
                self.push(char);
            } else {
                self.push_encoded(char.as_bytes());
            }
        }
    }

    fn push_encoded(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let mut coded = [b'%'; 12];
        for (byte, code) in bytes.iter().zip(coded.chunks_exact_mut(3)) {
            code[1] = DIGITS[usize::from(byte >> 4)];
            code[2] = DIGITS[usize::from(byte & 0xf)];
        }
        self.out.push_ascii(&coded[..3 * bytes.len()]);
        self.pushed();
    }

    fn push(&mut self, text: &str) {
        self.out.push(text);
        self.pushed();
    }

    fn pushed(&mut self) {
        if self.out.len() <= Self::BEGINNING {
            self.beginning = self.out.len();
        }
    }
}

// Derives would ask the same of `R`.
impl<R> Clone for Normal<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Normal<R> {}

impl<R: KeyRules> Default for Normal<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: KeyRules> fmt::Debug for Normal<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Normal").field("max_bytes", &R::MAX_BYTES).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::KeyBuf;

    /// The fewest bytes that keys can be encoded with, and hardly room for a beginning.
    struct Strict;

    impl KeyRules for Strict {
        const MAX_BYTES: usize = SHORTEST + 6;

        fn allows(byte: u8) -> bool {
            byte.is_ascii_alphanumeric() || b"%.~-_".contains(&byte)
        }
    }

    /// No room for a beginning at all.
    struct Tightest;

    impl KeyRules for Tightest {
        const MAX_BYTES: usize = SHORTEST;

        fn allows(byte: u8) -> bool {
            Strict::allows(byte)
        }
    }

    fn mapped<R: KeyRules>(key: Key<'_>) -> String {
        let mut out = KeyWriter::new();
        Normal::<R>::new().map(key, &mut out);
        assert_eq!(out.key().space(), None);
        let name = out.key().name().to_owned();
        assert!((1..=R::MAX_BYTES).contains(&name.len()), "{key:?}: {name}");
        assert!(name.bytes().all(R::allows), "{key:?}: {name}");
        name
    }

    fn memcached<'k>(key: impl Into<Key<'k>>) -> String {
        mapped::<MemcachedRules>(key.into())
    }

    #[test]
    fn what_obeys_stays_as_it_is() {
        let longest = "x".repeat(250);
        for key in ["k", "user:15", "~", "/", "ключ", "\u{a0}\u{85}", &longest] {
            assert_eq!(memcached(key), key);
        }
    }

    #[test]
    fn what_is_forbidden_is_encoded() {
        for (key, stored) in [
            ("two words", "two%20words"),
            ("100%", "100%25"),
            ("%20", "%2520"),
            ("a\r\nb\0\u{7f}", "a%0D%0Ab%00%7F"),
        ] {
            assert_eq!(memcached(key), stored);
        }
        assert_eq!(mapped::<Strict>("é:1".into()), "%C3%A9%3A1");
    }

    #[test]
    fn pairs_become_plain_and_stay_apart() {
        for (key, stored) in [
            (("user-15", "posts"), "user-15%.posts"),
            (("", ""), "%."),
            (("a", ""), "a%."),
            (("", "a"), "%.a"),
            (("a b", "%."), "a%20b%.%25."),
        ] {
            assert_eq!(memcached(key), stored);
        }
        assert_eq!(memcached("user-15%.posts"), "user-15%25.posts");
    }

    #[test]
    fn what_is_too_long_keeps_a_beginning_of_whole_characters() {
        let digest = |name: &str| name.rsplit_once(MARKER).map(|(_, digest)| digest.to_owned());
        let beginning = |name: String| name.rsplit_once(MARKER).unwrap().0.to_owned();
        assert_eq!(beginning(memcached(&"x".repeat(251))), "x".repeat(216));
        assert_eq!(beginning(memcached(&"é".repeat(200))), "é".repeat(108));
        assert_eq!(beginning(memcached(&"ф".repeat(126))).len(), 216);
        assert_eq!(beginning(memcached(&(" ".repeat(100)))), "%20".repeat(72));
        assert_eq!(beginning(memcached((&"x".repeat(200), &"y".repeat(100)))), {
            "x".repeat(200) + "%." + &"y".repeat(14)
        });
        assert_eq!(
            beginning(memcached((&"x".repeat(240), "y".repeat(100).as_str()))),
            "x".repeat(216)
        );
        assert_eq!(beginning(mapped::<Tightest>("x".repeat(35).as_str().into())), "");
        // Nothing is too short for memcached.
        assert_eq!(beginning(memcached("")), "");
        // A part in what was left away is a part of the digest.
        let (one, two) = ("x".repeat(300) + "1", "x".repeat(300) + "2");
        assert_ne!(digest(&memcached(&one)), digest(&memcached(&two)));
        assert_ne!(memcached((&one, "")), memcached(&one));
    }

    #[test]
    fn a_key_that_looks_shortened_is_not_taken_for_it() {
        let stored = memcached(&"x".repeat(300));
        assert_ne!(memcached(&stored), stored);
        let (beginning, digest) = stored.rsplit_once(MARKER).unwrap();
        assert!(memcached(digest) != stored && memcached((beginning, digest)) != stored);
    }

    fn part() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            // Made of what keys are encoded with, around the longest.
            prop::string::string_regex("([ab%.~/ é]|%20|%\\.|%~){0,24}").unwrap(),
            prop::string::string_regex("[ab %]{210,260}").unwrap(),
        ]
    }

    fn key() -> impl Strategy<Value = KeyBuf> {
        prop_oneof![
            part().prop_map(|name| Key::from(&name).to_buf()),
            (part(), part()).prop_map(|(space, name)| Key::from((&space, &name)).to_buf()),
        ]
    }

    /// Whether both are the same key where, and only where, they are stored as one.
    fn apart<R: KeyRules>(one: Key<'_>, two: Key<'_>) -> bool {
        (one == two) == (mapped::<R>(one) == mapped::<R>(two))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_two_keys_meet(one in key(), two in key()) {
            let (one, two) = (one.as_key(), two.as_key());
            prop_assert!(apart::<MemcachedRules>(one, two) && apart::<Strict>(one, two));
            prop_assert!(apart::<Tightest>(one, two));
        }

        /// Keys that were made to meet others: what those are stored as, and other ways to cut them.
        #[test]
        fn no_key_can_be_made_to_meet_another(key in key(), cut in any::<prop::sample::Index>()) {
            let stored = [mapped::<MemcachedRules>(key.as_key()), mapped::<Strict>(key.as_key())];
            for stored in &stored {
                let borders: Vec<usize> = stored.char_indices().map(|(at, _)| at).collect();
                let pair = stored.split_at(*cut.get(&borders));
                let flat = String::from_utf8_lossy(&key.as_key().flat()).into_owned();
                for other in [stored.into(), pair.into(), Key::from(&flat)] {
                    prop_assert!(apart::<MemcachedRules>(key.as_key(), other), "{:?}", other);
                    prop_assert!(apart::<Strict>(key.as_key(), other), "{:?}", other);
                }
            }
        }
    }
}
