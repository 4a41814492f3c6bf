//! How servers are entered, whichever they are.

use std::{fmt, time::Duration};

use redis::IntoConnectionInfo;

use super::{
    broadcast::{self, Broadcast},
    config::{Address, Target, URL_FORMS, address, check_url, config, set},
    tracking::Listener,
};
use crate::Result;

/// How long a connection may take to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(250);
/// How long an answer may take.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);

/// What all connections of a backend have in common, wherever they lead.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: Option<u32>,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
    pub(super) ca_certificate: Option<Vec<u8>>,
    /// What the names begin with whose changes are told.
    pub(super) tracking: Vec<String>,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            username: None,
            password: None,
            database: None,
            connect_timeout: CONNECT_TIMEOUT,
            response_timeout: RESPONSE_TIMEOUT,
            ca_certificate: None,
            tracking: Vec::new(),
        }
    }
}

/// The methods of a builder that has an [`Access`], which are the same for all of them.
macro_rules! access_settings {
    ($which:literal) => {
        /// The same with what is common to all connections.
        #[cfg(feature = "config")]
        pub(in $crate::backend::redis) fn with_access(
            mut self,
            access: $crate::backend::redis::access::Access,
        ) -> Self {
            self.access = access;
            self
        }

        #[doc = concat!("The ACL user", $which, ". An empty string counts as unset.")]
        pub fn username(mut self, username: impl Into<String>) -> Self {
            self.access.username = $crate::backend::redis::config::set(username.into());
            self
        }

        #[doc = concat!("The password", $which, ". An empty string counts as unset.")]
        pub fn password(mut self, password: impl Into<String>) -> Self {
            self.access.password = $crate::backend::redis::config::set(password.into());
            self
        }

        #[doc = concat!("The number of the database", $which, ". Default: 0.")]
        pub fn database(mut self, database: u32) -> Self {
            self.access.database = Some(database);
            self
        }

        /// How long a connection may take to come up: name resolution, TCP, TLS and login together.
        /// Default: 250 ms.
        ///
        /// Only the calls that meet a server for the first time wait that long. While a server is
        /// known to be down, calls wait 20 ms at most.
        pub fn connect_timeout(mut self, timeout: Duration) -> Self {
            self.access.connect_timeout = timeout;
            self
        }

        /// How long an answer may take, a batch counting as one. Default: 500 ms.
        pub fn response_timeout(mut self, timeout: Duration) -> Self {
            self.access.response_timeout = timeout;
            self
        }

        /// The certificate authorities, in PEM, that vouch for the server, instead of the public
        /// ones. For `rediss://` only.
        pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
            self.access.ca_certificate = Some(pem.into());
            self
        }

        /// Has the server tell what others change under names that begin with `prefix`, so that a
        /// [`Tiered`](crate::Tiered) over this backend drops its copies
        /// ([`coherent`](crate::Tiered::coherent)). Call it again for other prefixes; `""` is for all
        /// names. Copies are made of keys under a prefix only. Default: nothing is told.
        ///
        /// What is changed over *this* connection is known to the tiers over it and told to nobody: what
        /// else writes the same keys, in this process too, needs another `Redis`. (Scripts are an exception:
        /// a value that is created under a [`RedisLock`](crate::RedisLock) is told to its creator, too, and
        /// copied with the next read.)
        ///
        /// The names are those in the server: with a layer such as [`Prefixed`](crate::Prefixed)
        /// below the tiers that of the layer, with [`Hstore`](crate::Hstore) those of the hashes, in a
        /// cluster without it `{space}..` for keys in a space. Client
        /// tracking in broadcasting mode needs Redis 6, Valkey or what speaks RESP3, and the right to
        /// `CLIENT TRACKING`; elsewhere use [`RedisChannel`](crate::RedisChannel).
        pub fn tracking(mut self, prefix: impl Into<String>) -> Self {
            self.access.tracking.push(prefix.into());
            self
        }
    };
}
pub(super) use access_settings;

impl Access {
    /// The server at `url`, or what is wrong with it all.
    pub(super) fn target(&self, url: &str) -> Result<Target> {
        let (plain_url, tls) = check_url(url)?;
        // The client's own message is not passed on: it was not written with our promise about
        // secrets in mind.
        let info = plain_url.as_str().into_connection_info().or(Err(config(URL_FORMS)))?;
        let login = info.redis_settings();
        let unless_set = |set: &Option<String>, part: Option<&str>| {
            set.clone().or_else(|| part.map(str::to_owned).and_then(self::set))
        };
        Self {
            username: unless_set(&self.username, login.username()),
            password: unless_set(&self.password, login.password()),
            ..self.clone()
        }
        .server_of(address(info.addr(), tls, self.ca_certificate.as_deref())?, login.db())
    }

    /// The server at `address`, or what is wrong with the rest.
    pub(super) fn server(&self, address: Address) -> Result<Target> {
        self.clone().server_of(address, 0)
    }

    fn server_of(self, address: Address, database: i64) -> Result<Target> {
        let target = Target {
            address,
            username: self.username,
            password: self.password,
            database: self.database.map_or(database, i64::from),
            connect_timeout: self.connect_timeout,
            response_timeout: self.response_timeout,
            ca_certificate: self.ca_certificate,
        };
        if target.username.is_some() && target.password.is_none() {
            return Err(config(
                "a user name needs a password; for a password alone write \
                               redis://:password@host",
            ));
        }
        if target.database < 0 {
            return Err(config("the number of a database cannot be negative"));
        }
        if target.connect_timeout.is_zero() || target.response_timeout.is_zero() {
            return Err(config("a timeout of zero would fail every call"));
        }
        Ok(target)
    }

    /// Who is told of changes, of some connections if one that is lost `at_loss` matters.
    pub(super) fn listener(&self, at_loss: bool) -> Result<Option<Listener>> {
        broadcast::check(&self.tracking)?;
        let some = !self.tracking.is_empty();
        Ok(some.then(|| Listener::Broadcast(Broadcast::new(self.tracking.clone(), at_loss))))
    }

    /// Shows the timeouts only.
    pub(super) fn show(&self, f: &mut fmt::Formatter<'_>, builder: &str) -> fmt::Result {
        f.debug_struct(builder)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .finish_non_exhaustive()
    }
}
