use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    hash::{Hash, Hasher},
};

mod dogpile;
mod py_str;
mod text;

pub use self::{
    dogpile::{DogpileFunction, DogpileKey},
    py_str::PyStr,
    text::KeyText,
};

/// Stands between space and name in [`Key::flat`]. This byte never occurs in UTF-8, so no plain
/// key and no other pair can have the same flat form.
pub(crate) const SEPARATOR: u8 = 0xff;

/// A borrowed cache key: a name, optionally inside a space.
///
/// `Copy`, and never allocates: `"k"`, `&string` and `("user-15", "posts")` all convert. A space
/// groups names that belong together; [`Hstore`](crate::Hstore) stores each space as one hash.
///
/// ```
/// use larder::Key;
///
/// let plain = Key::from("user:15");
/// let pair = Key::from(("user-15", "posts"));
/// assert_eq!((plain.space(), plain.name()), (None, "user:15"));
/// assert_eq!((pair.space(), pair.name()), (Some("user-15"), "posts"));
/// assert_ne!(Key::from(("a", "b,c")), Key::from(("a,b", "c")));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key<'a> {
    space: Option<&'a str>,
    name: &'a str,
}

impl<'a> Key<'a> {
    /// The space of a `(space, name)` key.
    #[must_use]
    pub const fn space(self) -> Option<&'a str> {
        self.space
    }

    /// The name inside the space, or the whole of a plain key.
    #[must_use]
    pub const fn name(self) -> &'a str {
        self.name
    }

    /// The key as one byte string, for stores that know no spaces.
    ///
    /// A plain key is its own UTF-8; a pair is `space`, the byte `0xff`, `name`. The form is
    /// injective: two different keys never share it. Borrows unless there is a pair to join.
    #[must_use]
    pub fn flat(self) -> Cow<'a, [u8]> {
        match self.space {
            None => Cow::Borrowed(self.name.as_bytes()),
            Some(space) => {
                let mut joined = Vec::with_capacity(space.len() + 1 + self.name.len());
                joined.extend_from_slice(space.as_bytes());
                joined.push(SEPARATOR);
                joined.extend_from_slice(self.name.as_bytes());
                Cow::Owned(joined)
            }
        }
    }

    /// An owned copy (one allocation).
    #[must_use]
    pub fn to_buf(self) -> KeyBuf {
        match self.space {
            None => KeyBuf { text: self.name.into(), split: PLAIN },
            Some(space) => KeyBuf { text: [space, self.name].concat().into(), split: space.len() },
        }
    }
}

impl Hash for Key<'_> {
    #[expect(
        clippy::inline_always,
        reason = "measured: else the hasher's state goes through memory"
    )]
    #[inline(always)]
    fn hash<H: Hasher>(&self, state: &mut H) {
        if let Some(space) = self.space {
            state.write(space.as_bytes());
            state.write_u8(SEPARATOR);
        }
        state.write(self.name.as_bytes());
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.space {
            None => fmt::Debug::fmt(self.name, f),
            Some(space) => fmt::Debug::fmt(&(space, self.name), f),
        }
    }
}

/// The key as people write it, with control characters and backslashes escaped: `user:15`,
/// `(user-15, posts)`.
impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.space {
            None => Readable(self.name).fmt(f),
            Some(space) => write!(f, "({}, {})", Readable(space), Readable(self.name)),
        }
    }
}

/// Escaped as in a string, but for quotes: those of derived keys are there to be read.
struct Readable<'a>(&'a str);

impl fmt::Display for Readable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '"' | '\'' => f.write_char(c),
            c => c.escape_debug().fmt(f),
        })
    }
}

impl<'a> From<&'a str> for Key<'a> {
    #[inline]
    fn from(name: &'a str) -> Self {
        Self { space: None, name }
    }
}

impl<'a> From<&'a String> for Key<'a> {
    fn from(name: &'a String) -> Self {
        Self::from(name.as_str())
    }
}

impl<'a, A: AsRef<str> + ?Sized, B: AsRef<str> + ?Sized> From<(&'a A, &'a B)> for Key<'a> {
    fn from((space, name): (&'a A, &'a B)) -> Self {
        Self { space: Some(space.as_ref()), name: name.as_ref() }
    }
}

impl<'a> From<&'a KeyBuf> for Key<'a> {
    fn from(key: &'a KeyBuf) -> Self {
        key.as_key()
    }
}

/// An owned [`Key`]; hashes and compares like the key it holds.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyBuf {
    text: Box<str>,
    /// Where the name begins in a `(space, name)` key.
    split: usize,
}

/// The split of a plain key; no text is that long.
const PLAIN: usize = usize::MAX;

impl KeyBuf {
    /// Borrows it.
    #[must_use]
    pub fn as_key(&self) -> Key<'_> {
        match self.split {
            PLAIN => Key { space: None, name: &self.text },
            at => {
                let (space, name) = self.text.split_at(at);
                Key { space: Some(space), name }
            }
        }
    }
}

impl From<Key<'_>> for KeyBuf {
    fn from(key: Key<'_>) -> Self {
        key.to_buf()
    }
}

impl Hash for KeyBuf {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_key().hash(state);
    }
}

impl fmt::Debug for KeyBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_key().fmt(f)
    }
}

/// What keys of a batch may be: `&str`, `String`, `(&str, &str)`, [`Key`], [`KeyBuf`], and references to
/// them.
///
/// Batches hand their items back to the creator, and so take them as they are, and not as a [`Key`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a cache key",
    label = "expected a name such as `&str` or `String`, or a pair of them for a name in a space"
)]
pub trait AsKey {
    /// The key.
    fn as_key(&self) -> Key<'_>;
}

impl<K: AsKey + ?Sized> AsKey for &K {
    fn as_key(&self) -> Key<'_> {
        (**self).as_key()
    }
}

impl AsKey for str {
    fn as_key(&self) -> Key<'_> {
        self.into()
    }
}

impl AsKey for String {
    fn as_key(&self) -> Key<'_> {
        self.into()
    }
}

impl AsKey for Key<'_> {
    fn as_key(&self) -> Key<'_> {
        *self
    }
}

impl AsKey for KeyBuf {
    fn as_key(&self) -> Key<'_> {
        Self::as_key(self)
    }
}

impl<A: AsRef<str>, B: AsRef<str>> AsKey for (A, B) {
    fn as_key(&self) -> Key<'_> {
        (self.0.as_ref(), self.1.as_ref()).into()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, hash::BuildHasher};

    use super::*;

    #[test]
    fn flat_forms_and_hashes_tell_keys_apart() {
        let keys = [
            Key::from("ab"),
            Key::from(("", "ab")),
            Key::from(("a", "b")),
            Key::from(("ab", "")),
            Key::from("a:b"),
            Key::from(("a", "b:c")),
            Key::from(("a:b", "c")),
        ];
        let flat: HashSet<_> = keys.iter().map(|key| key.flat().into_owned()).collect();
        assert_eq!(flat.len(), keys.len());
        let owned: HashSet<_> = keys.iter().map(|key| key.to_buf()).collect();
        assert_eq!(owned.len(), keys.len());
    }

    #[test]
    fn owned_and_borrowed_hash_alike() {
        let state = std::hash::RandomState::new();
        for key in [Key::from("k"), Key::from(("space", "name"))] {
            assert_eq!(state.hash_one(key), state.hash_one(key.to_buf()));
            assert_eq!(key.to_buf().as_key(), key);
        }
    }

    #[test]
    fn shows_itself_without_control_characters() {
        assert_eq!(Key::from("a\nb\\\u{0}").to_string(), "a\\nb\\\\\\0");
        assert_eq!(Key::from("f(\"a\",'b')").to_string(), "f(\"a\",'b')");
        assert_eq!(Key::from(("s", "n")).to_string(), "(s, n)");
        assert_eq!(format!("{:?}", Key::from(("s", "n"))), r#"("s", "n")"#);
    }
}
