use super::{KeyMap, KeyWriter, Keyed};
use crate::{Key, Level};

/// Packs keys that end with a number by `N` into one space, so that plain keys cost under
/// [`Hstore`](crate::Hstore) what fields of small hashes cost: about 10 bytes with a small value, where
/// a key of its own takes about a hundred.
///
/// | a key, with `N` = 100 | becomes |
/// |---|---|
/// | `1234` | the field `34` of the hash `12` |
/// | `user:1234`, `user:7` | the field `34` of the hash `user:12`, `7` of `user:0` |
/// | `user:001234` | the field `34` of the hash `user:0012` |
/// | that ends with no number, or one over 64 bits: `about` | itself; with a `.` at its end if it ends with `.`, `/` or a digit |
/// | in a space: `(posts, 15)` | itself; with a `/` at the end of the space if that ends with `.`, `/` or a digit: `(user-15/, posts)` |
///
/// Two different keys never become one, and no plain key shares its name with a bucket. (Under a plain
/// [`Hstore`](crate::Hstore) already a plain key and a space may not have the same name.)
///
/// It pays where numbers are dense: a bucket with a single field costs more than a plain key. It
/// pays more with values that are small, too, because Redis keeps a hash small (a *listpack*) only
/// while
///
/// * it has no more fields than `hash-max-listpack-entries` says. That is 512 unless somebody changed it;
///   where it is 128, so is the largest `N` that pays, and beyond 128 names of fields take a byte more;
/// * no value has more than `hash-max-listpack-value` bytes, 64 unless changed.
///
/// A bucket that breaks one of these takes five times the memory from then on, until it is removed. A
/// bucket has one TTL under all policies but [`PerField`](crate::PerField), so its entries go together.
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "codec-postcard"))] {
/// use larder::{
///     BackendExt, Bucketed, Framed, Hstore, Key, LayerExt, Level, Memory, PayloadExt, Postcard, Region,
/// };
///
/// let region: Region<Framed<Postcard<Bucketed<Hstore<Memory>, 100>>>> =
///     Memory::new().hstore().bucketed::<100>().postcard().framed().region();
/// let stored = region.stack().stored_key("user:1234".into());
/// assert_eq!(stored, Some(Key::from(("user:12", "34")).into()));
/// # }
/// ```
///
/// Buckets of one are none:
///
/// ```compile_fail
/// # use larder::{LayerExt, Level, Null};
/// Null.bucketed::<1>().stored_key("user:1234".into());
/// ```
pub type Bucketed<S, const N: u32> = Keyed<Buckets<N>, S>;

/// The map of [`Bucketed`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buckets<const N: u32>;

impl<S: Level, const N: u32> Bucketed<S, N> {
    /// Packs the keys of `inner`.
    pub const fn new(inner: S) -> Self {
        Self::with(Buckets, inner)
    }
}

impl<const N: u32> KeyMap for Buckets<N> {
    fn map(&self, key: Key<'_>, out: &mut KeyWriter) {
        const { assert!(N >= 2, "a bucket holds two keys or more") };
        match (key.space(), numbered(key.name())) {
            (None, Some((before, number))) => {
                out.push(before);
                out.push_number(number / u64::from(N));
                out.end_space();
                out.push_number(number % u64::from(N));
            }
            (None, None) => push_apart(key.name(), ".", out),
            (Some(space), _) => {
                push_apart(space, "/", out);
                out.end_space();
                out.push(key.name());
            }
        }
    }
}

/// Splits the number off at the end of `name`. Zeros before it stay with what is before it; so they do
/// in the name of the bucket, where they tell `007` from `07`.
fn numbered(name: &str) -> Option<(&str, u64)> {
    let before = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &name[before.len()..];
    let number = match digits.trim_start_matches('0') {
        "" => digits.get(digits.len().checked_sub(1)?..)?,
        number => number,
    };
    Some((&name[..name.len() - number.len()], number.parse().ok()?))
}

/// Writes `text` so that it ends neither like a bucket, with a digit, nor like what another mark was
/// put to.
fn push_apart(text: &str, mark: &str, out: &mut KeyWriter) {
    out.push(text);
    if text.ends_with(|last: char| last.is_ascii_digit() || last == '.' || last == '/') {
        out.push(mark);
    }
}
