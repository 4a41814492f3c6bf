use crate::{
    FromConfig, Null, Result,
    config::{About, Table},
};
#[cfg(feature = "backend-memory")]
use crate::{
    Memo, Memory,
    config::{Setting, Size},
};

#[cfg(feature = "backend-memory")]
const MAX_ENTRIES: Setting<Option<u64>> = Setting::new(
    "max_entries",
    "How many entries are held; 100,000 where there is no bound at all.",
)
.expects("a whole number such as `100000`");
#[cfg(feature = "backend-memory")]
const MAX_BYTES: Setting<Option<Size>> =
    Setting::new("max_bytes", "How much memory the entries take, in place of `max_entries`.");

/// As the default, which is also the only bound.
#[cfg(feature = "backend-memory")]
fn entries(table: &Table<'_>) -> Result<usize> {
    match table.get(&MAX_ENTRIES)? {
        None => Ok(super::bounded::DEFAULT_ENTRIES),
        Some(0) => Err(table.refuse(&MAX_ENTRIES, NOTHING_FITS)),
        Some(entries) => Ok(usize::try_from(entries).unwrap_or(usize::MAX)),
    }
}

#[cfg(feature = "backend-memory")]
const NOTHING_FITS: &str =
    "is zero: nothing would ever be kept; for that there is the backend `Null`";

#[cfg(feature = "backend-memory")]
impl FromConfig for Memory {
    fn describe(about: &mut About) {
        about.backend("memory");
        about.setting(&MAX_ENTRIES);
        about.setting(&MAX_BYTES);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        match (table.get(&MAX_ENTRIES)?, table.get(&MAX_BYTES)?) {
            (Some(_), Some(_)) => {
                Err(table.refuse(&MAX_BYTES, "a store has one bound; remove this or `max_entries`"))
            }
            (_, Some(Size(0))) => Err(table.refuse(&MAX_BYTES, NOTHING_FITS)),
            (_, Some(Size(bytes))) => Ok(Self::with_max_bytes(bytes)),
            (_, None) => Ok(Self::with_capacity(entries(table)?)),
        }
    }
}

#[cfg(feature = "backend-memory")]
impl<T: Clone> FromConfig for Memo<T> {
    fn describe(about: &mut About) {
        about.backend("memo");
        about.setting(&MAX_ENTRIES);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        Ok(Self::with_capacity(entries(table)?))
    }
}

impl FromConfig for Null {
    fn describe(about: &mut About) {
        about.backend("null");
    }

    fn from_config(_: &Table<'_>) -> Result<Self> {
        Ok(Self)
    }
}
