use super::{KeyMap, KeyWriter, Keyed};
use crate::{Key, Level};

/// Puts a version before every key: `v3:user:15`. Another version forgets everything, because its keys
/// are others.
///
/// For values whose type has changed so that old bytes would be decoded into something wrong. What the
/// old version stored stays until it expires, and processes that still have the old version go on with
/// it. The version is a part of the type, and costs no memory. Keys of a region without versions in the same
/// store should not begin like one.
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "codec-json"))] {
/// use larder::{BackendExt, IntTime, Json, Key, LayerExt, Level, Memory, PayloadExt, Region, Versioned};
///
/// type Users = Region<Versioned<IntTime<Json<Memory>>, 3>>;
///
/// let users: Users = Memory::new().json().int_time().versioned::<3>().region();
/// assert_eq!(users.stack().stored_key("user:15".into()), Some(Key::from("v3:user:15").into()));
/// # }
/// ```
pub type Versioned<S, const V: u32> = Keyed<Version<V>, S>;

/// The map of [`Versioned`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version<const V: u32>;

impl<S: Level, const V: u32> Versioned<S, V> {
    /// Puts the version before the keys of `inner`.
    pub const fn new(inner: S) -> Self {
        Self::with(Version, inner)
    }
}

impl<const V: u32> KeyMap for Version<V> {
    fn map(&self, key: Key<'_>, out: &mut KeyWriter) {
        out.push("v");
        out.push_number(V.into());
        out.push(":");
        out.push_key(key);
    }
}
