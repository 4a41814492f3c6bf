use super::MemcachedLock;
use crate::{
    FromConfig, Memcached, Result,
    config::{About, Table},
    lock::settings::{DOGPILE, LEASE, PREFIX},
};

impl FromConfig for MemcachedLock {
    fn describe(about: &mut About) {
        about.lock("memcached");
        about.setting(&PREFIX);
        about.setting(&LEASE);
        about.setting(&DOGPILE);
        Memcached::describe_settings(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        let (prefix, lease) = (table.get(&PREFIX)?, table.get(&LEASE)?);
        let mut builder = Self::builder(&Memcached::from_config(table)?);
        if let Some(prefix) = prefix {
            builder = builder.prefix(prefix);
        }
        if table.get(&DOGPILE)? {
            builder = builder.dogpile();
        }
        // Nothing but the prefix can be wrong with it yet.
        builder.clone().build().map_err(|error| table.refuse(&PREFIX, error))?;
        builder.lease(lease).build().map_err(|error| table.refuse(&LEASE, error))
    }
}
