use super::{MemcachedLock, builder::PREFIX as DEFAULT_PREFIX};
use crate::{
    FromConfig, Memcached, Result,
    config::{About, Setting, Table},
    lock::settings::LEASE,
};

const PREFIX: Setting<String> =
    Setting::new("lock_prefix", "What the names of locks begin with.").or(DEFAULT_PREFIX);

impl FromConfig for MemcachedLock {
    fn describe(about: &mut About) {
        about.lock("memcached");
        about.setting(&PREFIX);
        about.setting(&LEASE);
        Memcached::describe_settings(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        let (prefix, lease) = (table.get(&PREFIX)?, table.get(&LEASE)?);
        let builder = Self::builder(&Memcached::from_config(table)?).prefix(prefix).lease(lease);
        builder.build().map_err(|error| table.refuse(&LEASE, error))
    }
}
