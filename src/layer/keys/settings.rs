use super::{At, Buckets, KeyMap, Keyed, Prefix, Version};
use crate::{
    FromConfig, Level, Result,
    config::{About, Setting, Table},
};

const KEY_PREFIX: Setting<Option<String>> = Setting::new(
    "key_prefix",
    "What keys begin with in the store. Without it the name of the region and `:`.",
)
.expects("text such as `app:`");

impl<M: KeyMap + FromConfig, S: Level + FromConfig> FromConfig for Keyed<M, S> {
    fn describe(about: &mut About) {
        M::describe(about);
        S::describe(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        Ok(Self::with(M::from_config(table)?, S::from_config(table)?))
    }
}

impl FromConfig for Prefix {
    fn describe(about: &mut About) {
        about.setting(&KEY_PREFIX);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        let prefix = table.get(&KEY_PREFIX)?;
        Ok(Self::new(prefix.unwrap_or_else(|| format!("{}:", table.name()))))
    }
}

impl<const V: u32> FromConfig for Version<V> {
    fn describe(_: &mut About) {}

    fn from_config(_: &Table<'_>) -> Result<Self> {
        Ok(Self)
    }
}

impl<const C: char> FromConfig for At<C> {
    fn describe(_: &mut About) {}

    fn from_config(_: &Table<'_>) -> Result<Self> {
        Ok(Self)
    }
}

impl<const N: u32> FromConfig for Buckets<N> {
    fn describe(_: &mut About) {}

    fn from_config(_: &Table<'_>) -> Result<Self> {
        Ok(Self)
    }
}

#[cfg(feature = "key-hashed")]
mod hashed {
    use super::{About, FromConfig, Result, Setting, Table};
    use crate::{KeyDigest, KeyHash, KeyRules, Normal};

    const HASH_KEYS_LONGER_THAN: Setting<Option<u32>> = Setting::new(
        "hash_keys_longer_than",
        "Which keys become digests: longer than this, in bytes (`Sha1`: characters). Without it all.",
    )
    .expects("a whole number such as `200`");

    impl<D: KeyDigest + Default> FromConfig for KeyHash<D> {
        fn describe(about: &mut About) {
            about.setting(&HASH_KEYS_LONGER_THAN);
        }

        fn from_config(table: &Table<'_>) -> Result<Self> {
            let all = Self::with(D::default());
            Ok(match table.get(&HASH_KEYS_LONGER_THAN)? {
                Some(limit) => all.longer_than(usize::try_from(limit).unwrap_or(usize::MAX)),
                None => all,
            })
        }
    }

    impl<R: KeyRules> FromConfig for Normal<R> {
        fn describe(_: &mut About) {}

        fn from_config(_: &Table<'_>) -> Result<Self> {
            Ok(Self::new())
        }
    }
}
