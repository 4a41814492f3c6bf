use sha1::Digest as _;

use super::{KeyMap, KeyWriter, Keyed};
use crate::{Key, Level};

/// Stands before a digest of [`Blake3`].
const MARKER: char = '~';

/// Bytes of a BLAKE3 digest that are used: 192 bits, which no two keys will ever share.
const DIGEST: usize = 24;

/// Characters of such a digest.
pub(super) const DIGITS: usize = DIGEST / 3 * 4;

/// Replaces keys by digests of them: all, or only long ones.
///
/// For keys that are too long to be kept a million times over, or that nobody should be able to read in
/// the store. By themselves digests keep nothing secret from who can guess the keys.
///
/// | `D` | the digest | the limit counts |
/// |---|---|---|
/// | [`Blake3`] (default) | `~` and 32 characters of base64url, which are 192 bits | bytes |
/// | [`Sha1`] | 40 hexadecimal digits, as dogpile.cache writes them | characters |
///
/// Of a key in a space each part is a key by itself: the names in one space stay in one space, so that
/// [`Hstore`](crate::Hstore) still has its hashes, and a long name does not cost a short space its own.
///
/// ```
/// # #[cfg(feature = "key-hashed")] {
/// use larder::{Key, KeyHash, LayerExt, Level, Null, Sha1};
///
/// let all = Null.hashed();
/// let digest = "~KFnhREflhc-WupAvDsO39SnuybZ73O3c";
/// assert_eq!(all.stored_key("user:15".into()), Some(Key::from(digest).into()));
///
/// let long = Null.keyed(KeyHash::new().longer_than(200));
/// assert_eq!(long.stored_key("user:15".into()), Some(Key::from("user:15").into()));
///
/// // As dogpile.cache with `key_mangler=sha1_mangle_key`.
/// let dogpile = Null.keyed(KeyHash::with(Sha1));
/// let digest = "53def077a4264bd3183d4eb21b1f56f883e1b572";
/// assert_eq!(dogpile.stored_key("some_key".into()), Some(Key::from(digest).into()));
/// # }
/// ```
pub type Hashed<S, D = Blake3> = Keyed<KeyHash<D>, S>;

/// The map of [`Hashed`]: replaces keys by the digests that `D` makes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyHash<D = Blake3> {
    digest: D,
    limit: Option<usize>,
}

impl KeyHash {
    /// Replaces every key by its [`Blake3`] digest.
    #[must_use]
    pub const fn new() -> Self {
        Self::with(Blake3)
    }
}

impl<D: KeyDigest> KeyHash<D> {
    /// Replaces every key by its `digest`.
    pub const fn with(digest: D) -> Self {
        Self { digest, limit: None }
    }

    /// Replaces only what is longer than `limit`: bytes with [`Blake3`], characters with [`Sha1`].
    ///
    /// dogpile's `length_conditional_mangler(n, sha1_mangle_key)` is `KeyHash::with(Sha1).longer_than(n - 1)`.
    #[must_use]
    pub const fn longer_than(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    fn part(&self, text: &str, out: &mut KeyWriter) {
        match self.limit {
            Some(limit) if !self.digest.replaces(text, limit) => out.push(text),
            _ => self.digest.digest(text, out),
        }
    }
}

impl<S: Level> Hashed<S> {
    /// Replaces every key of `inner` by its [`Blake3`] digest. For another digest or a limit there is
    /// [`with`](Keyed::with).
    pub const fn new(inner: S) -> Self {
        Self::with(KeyHash::new(), inner)
    }
}

impl<D: KeyDigest> KeyMap for KeyHash<D> {
    fn map(&self, key: Key<'_>, out: &mut KeyWriter) {
        if let Some(space) = key.space() {
            self.part(space, out);
            out.end_space();
        }
        self.part(key.name(), out);
    }
}

/// Makes short keys of long ones.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not make digests of keys",
    label = "expected a digest such as `Blake3` or `Sha1`"
)]
pub trait KeyDigest: Send + Sync {
    /// Appends the digest of `text`, or of a part of a key, to `out`.
    fn digest(&self, text: &str, out: &mut KeyWriter);

    /// Whether `text` is replaced where only what is longer than `limit` should be. Say so also of a
    /// short text that could be taken for a digest.
    fn replaces(&self, text: &str, limit: usize) -> bool;
}

/// Digests of 192 bits in 33 characters. Two keys never share one, and with a limit keys that begin as
/// digests do are replaced, too, so that no key can be made up to meet another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blake3;

impl KeyDigest for Blake3 {
    fn digest(&self, text: &str, out: &mut KeyWriter) {
        out.push(MARKER.encode_utf8(&mut [0; 4]));
        push_digits(&blake3::hash(text.as_bytes()), out);
    }

    fn replaces(&self, text: &str, limit: usize) -> bool {
        text.len() > limit || text.starts_with(MARKER)
    }
}

/// The digests of dogpile.cache: 40 hexadecimal digits, and nothing that marks them.
///
/// To share keys with Python, and for nothing else: whoever chooses keys can make two with the same
/// SHA-1, and with a limit a short key that looks like a digest meets the long one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sha1;

impl KeyDigest for Sha1 {
    fn digest(&self, text: &str, out: &mut KeyWriter) {
        let mut digits = [0; 40];
        for (byte, two) in sha1::Sha1::digest(text).iter().zip(digits.chunks_exact_mut(2)) {
            two[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            two[1] = b"0123456789abcdef"[usize::from(byte & 0xf)];
        }
        out.push_ascii(&digits);
    }

    fn replaces(&self, text: &str, limit: usize) -> bool {
        // No text has more characters than bytes.
        text.len() > limit && text.chars().count() > limit
    }
}

/// The first 192 bits of `hash` in base64url.
pub(super) fn push_digits(hash: &blake3::Hash, out: &mut KeyWriter) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut digits = [0; DIGITS];
    let groups = hash.as_bytes()[..DIGEST].chunks_exact(3);
    for (bytes, four) in groups.zip(digits.chunks_exact_mut(4)) {
        let bits = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
        for (digit, shift) in four.iter_mut().zip([18, 12, 6, 0]) {
            *digit = ALPHABET[(bits >> shift & 0x3f) as usize];
        }
    }
    out.push_ascii(&digits);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::KeyBuf;

    fn mapped<D: KeyDigest>(map: &KeyHash<D>, key: Key<'_>) -> KeyBuf {
        let mut out = KeyWriter::new();
        map.map(key, &mut out);
        out.key().to_buf()
    }

    fn name<D: KeyDigest>(map: &KeyHash<D>, key: &str) -> String {
        mapped(map, key.into()).as_key().name().to_owned()
    }

    #[test]
    fn sha1_is_what_dogpile_writes() {
        let always = KeyHash::with(Sha1);
        for (key, digest) in [
            ("some_key", "53def077a4264bd3183d4eb21b1f56f883e1b572"),
            ("tests.cache.test_decorator:one|1 2", "aead490a8ace2d69a00160f1fd8fd8a16552c24f"),
            ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            ("clé", "fb910ef7d45de1bef846bf4a3638e93ceb884872"),
        ] {
            assert_eq!(name(&always, key), digest, "{key}");
        }
    }

    #[test]
    fn with_sha1_the_limit_counts_characters() {
        // `length_conditional_mangler(4, sha1_mangle_key)`: "when the length is 4 or more".
        let map = KeyHash::with(Sha1).longer_than(4 - 1);
        for (key, is_hashed) in [
            ("", false),
            ("abc", false),
            ("abcd", true),
            ("äöü", false),
            ("äöüß", true),
            ("🦀🦀🦀", false),
        ] {
            let digest = name(&KeyHash::with(Sha1), key);
            assert_eq!(name(&map, key), if is_hashed { &digest } else { key }, "{key}");
        }
    }

    #[test]
    fn with_blake3_the_limit_counts_bytes() {
        let map = KeyHash::new().longer_than(3);
        for (key, is_hashed) in [
            ("", false),
            ("abc", false),
            ("abcd", true),
            ("ä", false),
            ("äö", true),
            ("~", true),
            ("~a", true),
        ] {
            let digest = name(&KeyHash::new(), key);
            assert_eq!(name(&map, key), if is_hashed { &digest } else { key }, "{key}");
        }
    }

    #[test]
    fn each_part_of_a_pair_is_a_key_by_itself() {
        let (long, all) = (KeyHash::new().longer_than(8), KeyHash::new());
        let digest = name(&all, "much too long");
        for (key, stored) in [
            (("user-15", "posts"), ("user-15", "posts")),
            (("user-15", "much too long"), ("user-15", digest.as_str())),
            (("much too long", "posts"), (digest.as_str(), "posts")),
        ] {
            assert_eq!(mapped(&long, key.into()).as_key(), stored.into());
        }
        let (space, name) = (name(&all, "user-15"), name(&all, "posts"));
        assert_eq!(mapped(&all, ("user-15", "posts").into()).as_key(), (&space, &name).into());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn digests_have_their_form(key in any::<String>()) {
            let digest = name(&KeyHash::new(), &key);
            let digits = digest.strip_prefix('~').unwrap();
            prop_assert_eq!(digits.len(), 32);
            prop_assert!(digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            let digest = name(&KeyHash::with(Sha1), &key);
            prop_assert_eq!(digest.len(), 40);
            prop_assert!(digest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
        }

        /// Also of keys that were made to meet: digests of other keys.
        #[test]
        fn with_a_limit_no_two_keys_meet(
            keys in prop::collection::vec("(~|[ab]){0,6}", 2..6), limit in 0_usize..5,
        ) {
            let map = KeyHash::new().longer_than(limit);
            let mut all: Vec<String> = keys.iter().map(|key| name(&map, key)).collect();
            all.extend(keys);
            all.sort();
            all.dedup();
            let mut stored: Vec<String> = all.iter().map(|key| name(&map, key)).collect();
            stored.sort();
            stored.dedup();
            prop_assert_eq!(stored.len(), all.len());
        }
    }
}
