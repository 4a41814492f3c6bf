use std::time::Duration;

use super::RedisLock;
use crate::{
    FromConfig, Redis, Result,
    backend::redis::Configured,
    config::{About, Setting, Table},
    lock::settings::{DOGPILE, LEASE, PREFIX},
};

const POLL: Setting<Duration> =
    Setting::new("lock_poll_interval", "How often a wait looks although the server said nothing.")
        .also(&["lock_sleep"])
        .or("1s");

impl<W: Configured> FromConfig for RedisLock<W> {
    fn describe(about: &mut About) {
        about.lock(W::NAME);
        about.setting(&PREFIX);
        about.setting(&LEASE);
        about.setting(&POLL);
        about.setting(&DOGPILE);
        W::describe_settings(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        let prefix = table.get(&PREFIX)?;
        let (lease, poll, dogpile) = (table.get(&LEASE)?, table.get(&POLL)?, table.get(&DOGPILE)?);
        // With the server, because the connection over which it says what is released is shared, too.
        let settings = (W::settings(table)?, prefix, lease, poll, dogpile);
        table.shared(settings, |(_, prefix, lease, poll, dogpile)| {
            let redis = Redis::<W>::from_config(table)?;
            let mut builder = Self::builder(&redis).lease(lease).poll_interval(poll);
            if let Some(prefix) = prefix {
                builder = builder.prefix(prefix);
            }
            if dogpile { builder.dogpile().build() } else { builder.build() }
        })
    }
}
