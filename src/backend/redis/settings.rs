use std::{fs, path::PathBuf, time::Duration};

use super::{
    Cluster, Direct, Redis, RedisBuilder, RedisChannel, RedisClusterBuilder, RedisSentinelBuilder,
    Sentinel, Wire, access::Access, config::set,
};
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

const TRACKING: Setting<Option<Vec<String>>> = Setting::new(
    "tracking",
    "What the names begin with whose changes the server tells, for `Tiered<.., Redis>`.",
)
.expects("texts such as `user:`, in a list or with commas, or `*` for all names");
const CHANNEL: Setting<String> =
    Setting::new("channel", "On which channel changes are told, for `Tiered<.., RedisChannel>`.")
        .or("larder");
const NODES: Setting<Vec<String>> =
    Setting::new("nodes", "Where some of the nodes of the cluster are; the others are found.")
        .also(&["urls"])
        .expects("URLs such as `redis://one:7000`, in a list or with commas")
        .secret();
const SENTINELS: Setting<Vec<String>> =
    Setting::new("sentinels", "Where the sentinels are, all of them at best.")
        .expects("URLs such as `redis://one:26379`, in a list or with commas")
        .secret();
const SERVICE: Setting<String> =
    Setting::new("service", "By which name the sentinels know the master.")
        .also(&["service_name"])
        .or("mymaster");
const SENTINEL_USERNAME: Setting<Option<String>> = Setting::new(
    "sentinel_username",
    "The ACL user of the sentinels, in place of those in their URLs.",
)
.expects("text such as `cache`");
const SENTINEL_PASSWORD: Setting<Option<String>> = Setting::new(
    "sentinel_password",
    "The password of the sentinels, in place of those in their URLs.",
)
.expects("text, in quotes if it is a number")
.secret();
const READ_FROM_REPLICAS: Setting<bool> =
    Setting::new("read_from_replicas", "Whether reads go to a replica that may lag behind.")
        .or("false");

/// A [`Wire`] that a configuration can tell how to make.
pub trait Configured: Wire {
    /// What chooses it in an `Either`.
    const NAME: &'static str;

    /// How to build it, which is also what tells it from others.
    type Builder: Clone + PartialEq + Send + 'static;

    /// Its settings.
    fn describe_settings(about: &mut About);

    /// What they say.
    ///
    /// # Errors
    ///
    /// When one is missing or wrong.
    fn settings(table: &Table<'_>) -> Result<Self::Builder>;

    /// Builds it.
    ///
    /// # Errors
    ///
    /// Those of the builder, which name the setting.
    fn build(builder: Self::Builder, table: &Table<'_>) -> Result<Redis<Self>>;
}

impl Configured for Direct {
    const NAME: &'static str = "redis";
    type Builder = RedisBuilder;

    fn describe_settings(about: &mut About) {
        about.setting(&URL);
        describe_access(about);
    }

    fn settings(table: &Table<'_>) -> Result<RedisBuilder> {
        Ok(RedisBuilder::new(table.get(&URL)?).with_access(access(table)?))
    }

    fn build(builder: RedisBuilder, table: &Table<'_>) -> Result<Redis> {
        builder.build().map_err(|error| table.refuse(&URL, error))
    }
}

impl Configured for Cluster {
    const NAME: &'static str = "redis-cluster";
    type Builder = RedisClusterBuilder;

    fn describe_settings(about: &mut About) {
        about.setting(&NODES);
        describe_access(about);
    }

    fn settings(table: &Table<'_>) -> Result<RedisClusterBuilder> {
        Ok(RedisClusterBuilder::new(table.get(&NODES)?).with_access(access(table)?))
    }

    fn build(builder: RedisClusterBuilder, table: &Table<'_>) -> Result<Redis<Self>> {
        builder.build().map_err(|error| table.refuse(&NODES, error))
    }
}

impl Configured for Sentinel {
    const NAME: &'static str = "redis-sentinel";
    type Builder = RedisSentinelBuilder;

    fn describe_settings(about: &mut About) {
        about.setting(&SENTINELS);
        about.setting(&SERVICE);
        about.setting(&SENTINEL_USERNAME);
        about.setting(&SENTINEL_PASSWORD);
        about.setting(&READ_FROM_REPLICAS);
        describe_access(about);
    }

    fn settings(table: &Table<'_>) -> Result<RedisSentinelBuilder> {
        let builder = RedisSentinelBuilder::new(table.get(&SENTINELS)?, table.get(&SERVICE)?);
        Ok(builder
            .with_access(access(table)?)
            .sentinel_username(table.get(&SENTINEL_USERNAME)?.unwrap_or_default())
            .sentinel_password(table.get(&SENTINEL_PASSWORD)?.unwrap_or_default())
            .read_from_replicas(table.get(&READ_FROM_REPLICAS)?))
    }

    fn build(builder: RedisSentinelBuilder, table: &Table<'_>) -> Result<Redis<Self>> {
        builder.build().map_err(|error| table.refuse(&SENTINELS, error))
    }
}

fn describe_access(about: &mut About) {
    about.setting(&USERNAME);
    about.setting(&PASSWORD);
    about.setting(&DATABASE);
    about.setting(&CONNECT_TIMEOUT);
    about.setting(&RESPONSE_TIMEOUT);
    about.setting(&CA_CERTIFICATE);
    about.setting(&TRACKING);
}

fn access(table: &Table<'_>) -> Result<Access> {
    let ca_certificate = table.get(&CA_CERTIFICATE)?.map(|path| {
        fs::read(&path).map_err(|error| {
            let path = path.display();
            table.refuse(&CA_CERTIFICATE, format_args!("`{path}` cannot be read: {error}"))
        })
    });
    Ok(Access {
        username: table.get(&USERNAME)?.and_then(set),
        password: table.get(&PASSWORD)?.and_then(set),
        database: table.get(&DATABASE)?,
        connect_timeout: table.get(&CONNECT_TIMEOUT)?,
        response_timeout: table.get(&RESPONSE_TIMEOUT)?,
        ca_certificate: ca_certificate.transpose()?,
        tracking: match table.get(&TRACKING)? {
            Some(all) if all == ["*"] => vec![String::new()],
            Some(prefixes) if prefixes.iter().any(|prefix| prefix.contains('*')) => {
                let error = "prefixes are texts without `*`, which alone stands for all names";
                return Err(table.refuse(&TRACKING, error));
            }
            prefixes => prefixes.unwrap_or_default(),
        },
    })
}

impl<W: Configured> FromConfig for Redis<W> {
    fn describe(about: &mut About) {
        about.backend(W::NAME);
        W::describe_settings(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        // A connection that tracks is not told what is changed over it, so regions do not share one.
        let region = table.get(&TRACKING)?.map(|_| table.name().to_owned());
        table.shared((W::settings(table)?, region), |(builder, _)| W::build(builder, table))
    }
}

impl<W: Configured> FromConfig for RedisChannel<W> {
    fn describe(about: &mut About) {
        W::describe_settings(about);
        about.setting(&CHANNEL);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        table.shared((W::settings(table)?, table.get(&CHANNEL)?), |(_, channel)| {
            Ok(Self::new(&Redis::<W>::from_config(table)?, channel))
        })
    }
}
