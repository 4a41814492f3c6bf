use super::{KeyMap, KeyWriter, Keyed};
use crate::{Key, Level};

/// Splits plain keys at the first `C`, so that [`Hstore`](crate::Hstore) packs what has the same
/// beginning into one hash.
///
/// | a key, with `'\|'` | becomes |
/// |---|---|
/// | `user-15\|posts` | the field `posts` of the hash `user-15` |
/// | `user-15\|posts\|3` | the field `posts\|3` of the hash `user-15` |
/// | without `\|`: `about` | `\|about`, which is the name of no hash |
/// | in a space: `(user-15, posts)` | `(\|\|user-15, posts)` |
///
/// Two different keys never become one, and no plain key shares its name with a hash. What makes a hash
/// small is told at [`Bucketed`](crate::Bucketed).
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "codec-json"))] {
/// use larder::{
///     BackendExt, Hstore, IntTime, Json, Key, LayerExt, Level, Memory, PayloadExt, Region, SplitAt,
/// };
///
/// let region: Region<IntTime<Json<SplitAt<Hstore<Memory>, '|'>>>> =
///     Memory::new().hstore().split_at::<'|'>().json().int_time().region();
/// let stored = region.stack().stored_key("user-15|posts".into());
/// assert_eq!(stored, Some(Key::from(("user-15", "posts")).into()));
/// # }
/// ```
pub type SplitAt<S, const C: char> = Keyed<At<C>, S>;

/// The map of [`SplitAt`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At<const C: char>;

impl<S: Level, const C: char> SplitAt<S, C> {
    /// Splits the keys of `inner`.
    pub const fn new(inner: S) -> Self {
        Self::with(At, inner)
    }
}

impl<const C: char> KeyMap for At<C> {
    fn map(&self, key: Key<'_>, out: &mut KeyWriter) {
        let mut buffer = [0; 4];
        let mark: &str = C.encode_utf8(&mut buffer);
        match (key.space(), key.name().split_once(C)) {
            // The spaces made here are those without a mark.
            (None, Some(pair)) => out.push_key(pair.into()),
            (None, None) => {
                out.push(mark);
                out.push(key.name());
            }
            (Some(_), _) => {
                out.push(mark);
                out.push(mark);
                out.push_key(key);
            }
        }
    }
}
