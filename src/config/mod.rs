//! Configuration: the type of a region says what its settings are.
//!
//! Each region has one flat table with the settings of all its levels, in the manner of
//! dogpile.cache:
//!
//! ```toml
//! [cache.users]
//! url = "redis://localhost"
//! expiration_time = "5m"           # then stale
//! redis_expiration_time = "10m"    # then gone
//! ```
//!
//! ```
//! # #[cfg(all(feature = "config-toml", feature = "backend-redis", feature = "codec-msgpack"))] {
//! use larder::{Config, Hstore, IntTime, Logging, Msgpack, Redis, RedisLock, Region};
//!
//! type Users = Region<Logging<IntTime<Msgpack<Hstore<Redis>>>>, RedisLock>;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("cache.toml");
//! # std::fs::write(&path, "[cache.users]\nurl = 'redis://localhost'\nexpiration_time = '5m'").unwrap();
//! let config = Config::from_toml_file(path)?   // cache.toml
//!     .overlaid(Config::from_env("CACHE")?);   // CACHE__USERS__URL wins over the file
//! let users = Users::from_config(&config.region("users")?)?;
//! # let _ = users;
//! # }
//! # Ok::<_, larder::Error>(())
//! ```
//!
//! A region is configured by itself as here, as one of many ([`Regions`]), or as a static that is
//! [`Declared`] first. Which backend or lock it has can be a setting, too: [`Either`](crate::Either).
//!
//! The redis settings above are those of the stack, the lock and the marks at once: they share one
//! connection, and regions with the same settings share it with them (see [`Config`]).
//!
//! The name of a region is no part of its keys. Regions that share a store and ask for the same keys need
//! a [`Prefixed`](crate::Prefixed) in their types: its prefix is the name of the region, unless
//! `key_prefix` says otherwise.
//!
//! Mistakes are errors of kind [`Config`](crate::ErrorKind::Config) when the region is built, all of a
//! table in one: unknown, missing, doubled and unreadable settings, by name and place. The values of
//! secret and of unknown settings never appear.
//!
//! # A level of your own
//!
//! ```
//! # #[cfg(all(feature = "codec-json", feature = "backend-memory"))] {
//! use larder::{
//!     Bytes, Config, Error, ErrorKind, FromConfig, IntTime, Json, Memory, Region, Result, Transform,
//!     Transformed,
//!     config::{About, Setting, Table},
//! };
//!
//! /// Hides bytes from the eyes of passers-by.
//! #[derive(Debug)]
//! struct Masked(u8);
//!
//! impl Transform for Masked {
//!     fn seal(&self, plain: Bytes) -> Result<Bytes> {
//!         Ok(plain.iter().map(|byte| byte ^ self.0).collect())
//!     }
//!
//!     fn open(&self, sealed: Bytes) -> Result<Bytes> {
//!         self.seal(sealed)
//!     }
//! }
//!
//! const MASK: Setting<u64> =
//!     Setting::new("mask", "What bytes are masked with.").expects("a number from 1 to 255").secret();
//!
//! impl FromConfig for Masked {
//!     fn describe(about: &mut About) {
//!         about.setting(&MASK);
//!     }
//!
//!     fn from_config(table: &Table<'_>) -> Result<Self> {
//!         match u8::try_from(table.get(&MASK)?) {
//!             Ok(0) | Err(_) => Err(table.refuse(&MASK, "a number from 1 to 255 is expected")),
//!             Ok(mask) => Ok(Self(mask)),
//!         }
//!     }
//! }
//!
//! type Notes = Region<IntTime<Json<Transformed<Masked, Memory>>>>;
//!
//! let config = Config::from_pairs([("cache.notes.mask", "42"), ("cache.notes.max_entries", "100")]);
//! let notes = Notes::from_config(&config.region("notes")?)?;
//!
//! let config = Config::from_pairs([("cache.notes.mask", "4200")]);
//! let refused = Notes::from_config(&config.region("notes")?).unwrap_err();
//! assert_eq!(refused.to_string(), "config: `cache.notes.mask`: a number from 1 to 255 is expected");
//! # let _ = notes;
//! # }
//! # Ok::<_, larder::Error>(())
//! ```
//!
#![doc = include_str!("../../docs/settings.md")]

mod about;
mod check;
mod declared;
#[cfg(feature = "config-toml")]
mod file;
mod node;
mod regions;
mod setting;
mod source;
mod table;
mod value;

use std::sync::Arc;

pub(crate) use self::regions::type_name;
pub use self::{
    about::About,
    declared::{Declared, Loaded},
    regions::{Regions, RegionsBuilder},
    setting::{Described, Setting},
    source::Config,
    table::Table,
    value::{FromValue, Size, Value},
};
use crate::Result;

/// What can be built from the table of a region: a backend, a lock, a layer with those below it, a
/// region.
///
/// Implemented by all levels here; [the module](self) shows one of your own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be built from a configuration",
    label = "`FromConfig` is not implemented for this",
    note = "every level of the stack, its lock and its invalidator need it; implement it for those of \
            your own, it is two short functions"
)]
pub trait FromConfig: Sized {
    /// Tells what it understands: settings of its own, then those of the levels below. Without
    /// this, nothing.
    fn describe(about: &mut About) {
        let _ = about;
    }

    /// Builds it from `table`, first the levels below.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](crate::ErrorKind::Config), when the settings make no sense; what else can
    /// fail while it is built.
    fn from_config(table: &Table<'_>) -> Result<Self>;
}

impl<S: FromConfig> FromConfig for Arc<S> {
    fn describe(about: &mut About) {
        S::describe(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        S::from_config(table).map(Self::new)
    }
}
