use super::{KeyMap, KeyWriter, Keyed};
use crate::{Key, Level};

/// Puts a text before every key, so that applications that share a store do not share its names.
///
/// A plain key gets it before its name, a key in a space before the space, which is the name of the
/// hash under [`Hstore`](crate::Hstore).
///
/// End it with a separator, and give no application a prefix with which that of another one begins:
/// `app:` and `app:admin:` can meet, `app:` and `app-admin:` cannot.
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "codec-json"))] {
/// use larder::{BackendExt, IntTime, Json, Key, LayerExt, Level, Memory, PayloadExt, Prefixed, Region};
///
/// let region: Region<Prefixed<IntTime<Json<Memory>>>> =
///     Memory::new().json().int_time().prefixed("app:").region();
/// let stack = region.stack();
/// assert_eq!(stack.stored_key("user:15".into()), Some(Key::from("app:user:15").into()));
/// assert_eq!(stack.stored_key(("user-15", "posts").into()), Some(Key::from(("app:user-15", "posts")).into()));
/// # }
/// ```
pub type Prefixed<S> = Keyed<Prefix, S>;

/// The map of [`Prefixed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(Box<str>);

impl Prefix {
    /// Puts `text` before every key.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }
}

impl<S: Level> Prefixed<S> {
    /// Puts `prefix` before the keys of `inner`.
    pub fn new(prefix: impl Into<Box<str>>, inner: S) -> Self {
        Self::with(Prefix::new(prefix), inner)
    }
}

impl KeyMap for Prefix {
    fn map(&self, key: Key<'_>, out: &mut KeyWriter) {
        out.push(&self.0);
        out.push_key(key);
    }
}
