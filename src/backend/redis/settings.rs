use std::{fs, path::PathBuf, time::Duration};

use super::{Redis, RedisBuilder, RedisChannel};
use crate::{
    FromConfig, Result,
    config::{About, Setting, Table},
};

const URL: Setting<String> = Setting::new("url", "Where the server is.")
    .expects("a Redis URL such as `redis://localhost`")
    .secret();
const USERNAME: Setting<Option<String>> =
    Setting::new("username", "The ACL user, in place of the one in the URL.")
        .expects("text such as `cache`");
const PASSWORD: Setting<Option<String>> =
    Setting::new("password", "The password, in place of the one in the URL.")
        .expects("text, in quotes if it is a number")
        .secret();
const DATABASE: Setting<Option<u32>> =
    Setting::new("database", "The number of the database, in place of the one in the URL.")
        .also(&["db"]);
const CONNECT_TIMEOUT: Setting<Duration> =
    Setting::new("connect_timeout", "How long a connection may take to come up.")
        .also(&["socket_connect_timeout"])
        .or("250ms");
const RESPONSE_TIMEOUT: Setting<Duration> =
    Setting::new("response_timeout", "How long an answer may take.")
        .also(&["socket_timeout"])
        .or("500ms");
const CA_CERTIFICATE: Setting<Option<PathBuf>> = Setting::new(
    "ca_certificate",
    "A file with the certificate authorities, in PEM, that vouch for the server.",
)
.also(&["ssl_ca_certs"])
.expects("a path such as `/etc/ssl/redis-ca.pem`");

const TRACKING: Setting<Option<String>> = Setting::new(
    "tracking",
    "What the names begin with whose changes the server tells, for `Tiered<.., Redis>`.",
)
.expects("text such as `user:`, or the empty text for all names");
const CHANNEL: Setting<String> =
    Setting::new("channel", "On which channel changes are told, for `Tiered<.., RedisChannel>`.")
        .or("larder");

impl Redis {
    pub(crate) fn describe_settings(about: &mut About) {
        about.setting(&URL);
        about.setting(&USERNAME);
        about.setting(&PASSWORD);
        about.setting(&DATABASE);
        about.setting(&CONNECT_TIMEOUT);
        about.setting(&RESPONSE_TIMEOUT);
        about.setting(&CA_CERTIFICATE);
        about.setting(&TRACKING);
    }

    /// How to build it, which is also what tells it from others.
    pub(crate) fn settings(table: &Table<'_>) -> Result<RedisBuilder> {
        let mut builder = Self::builder(table.get(&URL)?)
            .username(table.get(&USERNAME)?.unwrap_or_default())
            .password(table.get(&PASSWORD)?.unwrap_or_default())
            .connect_timeout(table.get(&CONNECT_TIMEOUT)?)
            .response_timeout(table.get(&RESPONSE_TIMEOUT)?);
        if let Some(database) = table.get(&DATABASE)? {
            builder = builder.database(database);
        }
        if let Some(prefix) = table.get(&TRACKING)? {
            builder = builder.tracking(prefix);
        }
        if let Some(path) = table.get(&CA_CERTIFICATE)? {
            let pem = fs::read(&path).map_err(|error| {
                let path = path.display();
                table.refuse(&CA_CERTIFICATE, format_args!("`{path}` cannot be read: {error}"))
            })?;
            builder = builder.ca_certificate(pem);
        }
        Ok(builder)
    }
}

impl FromConfig for Redis {
    fn describe(about: &mut About) {
        about.backend("redis");
        Self::describe_settings(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        table.shared(Self::settings(table)?, |builder: RedisBuilder| {
            builder.build().map_err(|error| table.refuse(&URL, error))
        })
    }
}

impl FromConfig for RedisChannel {
    fn describe(about: &mut About) {
        Redis::describe_settings(about);
        about.setting(&CHANNEL);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        table.shared((Redis::settings(table)?, table.get(&CHANNEL)?), |(_, channel)| {
            Ok(Self::new(&Redis::from_config(table)?, channel))
        })
    }
}
