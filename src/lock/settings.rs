use super::Local;
use crate::{
    FromConfig, Result,
    config::{About, Table},
};
#[cfg(any(
    feature = "backend-memcached",
    feature = "backend-redis",
    all(feature = "backend-file", unix, target_pointer_width = "64")
))]
use {crate::config::Setting, std::time::Duration};

#[cfg(any(
    feature = "backend-memcached",
    feature = "backend-redis",
    all(feature = "backend-file", unix, target_pointer_width = "64")
))]
pub(super) const LEASE: Setting<Duration> = Setting::new(
    "lock_lease",
    "How long a lock lasts unless it is renewed: so long a process that died blocks the others.",
)
.also(&["lock_timeout"])
.or("5s");

#[cfg(any(feature = "backend-memcached", feature = "backend-redis"))]
pub(super) const PREFIX: Setting<Option<String>> = Setting::new(
    "lock_prefix",
    "What the names of locks begin with. Without it `larder:lock:`, and with `lock_dogpile` `_lock`.",
)
.expects("text such as `larder:lock:`");

#[cfg(any(feature = "backend-memcached", feature = "backend-redis"))]
pub(super) const DOGPILE: Setting<bool> = Setting::new(
    "lock_dogpile",
    "Whether locks have the form of dogpile.cache, so that larder and Python exclude each other.",
)
.or("false");

impl FromConfig for Local {
    fn describe(about: &mut About) {
        about.lock("local");
    }

    fn from_config(_: &Table<'_>) -> Result<Self> {
        Ok(Self)
    }
}

#[cfg(all(feature = "backend-file", unix, target_pointer_width = "64"))]
impl FromConfig for super::FileLock {
    fn describe(about: &mut About) {
        about.lock("file");
        about.setting(&LEASE);
        crate::File::describe_settings(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        let file = crate::File::from_config(table)?;
        let built = Self::builder(&file).lasts(table.get(&LEASE)?).build();
        built.map_err(|error| table.refuse(&LEASE, error))
    }
}
