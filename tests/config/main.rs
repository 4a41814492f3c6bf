//! Regions from their types and a configuration.
#![cfg(all(
    unix,
    target_pointer_width = "64",
    feature = "config-toml",
    feature = "backend-memory",
    feature = "backend-file",
    feature = "backend-memcached",
    feature = "backend-redis",
    feature = "codec-json",
    feature = "codec-msgpack",
    feature = "codec-postcard",
    feature = "lock-dbm"
))]

#[cfg(test)]
mod declared;
#[cfg(test)]
mod either;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod locks;
#[cfg(test)]
mod regions;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod settings_table;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod sources;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
mod tiers;
#[cfg(test)]
mod values;

#[cfg(test)]
mod types {
    use larder::{
        Config, Framed, FromConfig, Hstore, IntTime, Logging, Memory, Msgpack, Postcard, Redis,
        RedisLock, Region, Result, SharedMarks,
    };

    /// Everything in one process.
    pub(crate) type Small = Region<Framed<Postcard<Memory>>>;
    /// Redis, with all that can be asked of it.
    pub(crate) type Shared =
        Region<Logging<IntTime<Msgpack<Hstore<Redis>>>>, RedisLock, SharedMarks<Redis>>;

    /// The region `r` of pairs such as `("expiration_time", "5m")`.
    pub(crate) fn of<R: FromConfig>(pairs: &[(&str, &str)]) -> Result<R> {
        let empty: Config = serde_json::from_str(r#"{"cache": {"r": {}}}"#).expect("JSON");
        let pairs = pairs.iter().map(|(name, value)| (format!("cache.r.{name}"), *value));
        from(&empty.overlaid(Config::from_pairs(pairs)))
    }

    /// The region `r`.
    pub(crate) fn from<R: FromConfig>(config: &Config) -> Result<R> {
        R::from_config(&config.region("r")?)
    }

    /// Why it is refused.
    pub(crate) fn refused<R: FromConfig>(pairs: &[(&str, &str)]) -> String {
        why(of::<R>(pairs))
    }

    pub(crate) fn why<R>(result: Result<R>) -> String {
        let error = result.err().expect("should be refused");
        assert_eq!((error.kind(), error.layer()), (larder::ErrorKind::Config, "config"), "{error}");
        error.to_string().strip_prefix("config: ").expect("the layer first").to_owned()
    }
}
