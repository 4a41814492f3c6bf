use std::{fs, path::PathBuf, time::Duration};

use super::{Memcached, MemcachedBuilder};
use crate::{
    FromConfig, Result,
    config::{About, Setting, Table},
};

const URL: Setting<String> =
    Setting::new("url", "Where the servers are: a URL, or several with spaces between.")
        .expects("memcached URLs such as `memcached://cache1 memcached://cache2`")
        .secret();
const USERNAME: Setting<Option<String>> =
    Setting::new("username", "The user, for servers whose URL names none.")
        .expects("text such as `cache`");
const PASSWORD: Setting<Option<String>> =
    Setting::new("password", "The password, for servers whose URL has none.")
        .expects("text, in quotes if it is a number")
        .secret();
const FAILOVER: Setting<bool> =
    Setting::new("failover", "Whether the other servers stand in for one that is down.").or("true");
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
.expects("a path such as `/etc/ssl/memcached-ca.pem`");

const EXACT_KEYS: Setting<bool> = Setting::new(
    "exact_keys",
    "Whether keys are sent as they are, `%` included, and those that memcached does not take refused.",
)
.or("false");
const FLAGS: Setting<Option<u32>> = Setting::new(
    "flags",
    "The client flags of values, by which other programs know what they are: 1 for pickles in Python.",
);

impl Memcached {
    pub(crate) fn describe_settings(about: &mut About) {
        about.setting(&URL);
        about.setting(&USERNAME);
        about.setting(&PASSWORD);
        about.setting(&FAILOVER);
        about.setting(&CONNECT_TIMEOUT);
        about.setting(&RESPONSE_TIMEOUT);
        about.setting(&CA_CERTIFICATE);
        about.setting(&EXACT_KEYS);
        about.setting(&FLAGS);
    }
}

impl FromConfig for Memcached {
    fn describe(about: &mut About) {
        about.backend("memcached");
        Self::describe_settings(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        let mut builder = Self::builder(table.get(&URL)?.split_whitespace())
            .username(table.get(&USERNAME)?.unwrap_or_default())
            .password(table.get(&PASSWORD)?.unwrap_or_default())
            .failover(table.get(&FAILOVER)?)
            .connect_timeout(table.get(&CONNECT_TIMEOUT)?)
            .response_timeout(table.get(&RESPONSE_TIMEOUT)?)
            .exact_keys(table.get(&EXACT_KEYS)?);
        if let Some(path) = table.get(&CA_CERTIFICATE)? {
            let pem = fs::read(&path).map_err(|error| {
                let path = path.display();
                table.refuse(&CA_CERTIFICATE, format_args!("`{path}` cannot be read: {error}"))
            })?;
            builder = builder.ca_certificate(pem);
        }
        if let Some(flags) = table.get(&FLAGS)? {
            builder = builder.flags(flags);
        }
        table.shared(builder, |builder: MemcachedBuilder| {
            builder.build().map_err(|error| table.refuse(&URL, error))
        })
    }
}
