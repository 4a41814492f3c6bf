use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use redis::ConnectionAddr;

use super::{
    Direct, Redis,
    access::{Access, access_settings},
    connection::Link,
    failure::LAYER,
    sentinel::Service,
};
#[cfg(feature = "backend-redis-tls")]
use crate::backend::tls::Tls;
use crate::{Error, ErrorKind, Place, Result};

pub(super) const URL_FORMS: &str = "not a Redis URL; expected redis://[user:password@]host[:port][/db], \
                         rediss:// for TLS, or unix:///path[?db=1&user=name&pass=word]";

/// Where a server is, and how to enter.
pub(super) struct Target {
    pub(super) address: Address,
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: i64,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
    pub(super) ca_certificate: Option<Vec<u8>>,
}

impl Target {
    /// What the server is called where people watch.
    pub(super) fn place(&self, name: &'static str) -> Place {
        let place = Place::new(name);
        u32::try_from(self.database).map_or(place, |database| place.database(database))
    }

    /// Another server that is entered the same way.
    pub(super) fn at(&self, host: &str, port: u16) -> Result<Self> {
        let tls = self.address.is_tls();
        Ok(Self {
            address: tcp(host, port, tls, self.ca_certificate.as_deref())?,
            username: self.username.clone(),
            password: self.password.clone(),
            database: self.database,
            connect_timeout: self.connect_timeout,
            response_timeout: self.response_timeout,
            ca_certificate: self.ca_certificate.clone(),
        })
    }

    /// The host, where it has one.
    pub(super) fn host(&self) -> &str {
        match &self.address {
            Address::Tcp(host, _) => host,
            #[cfg(feature = "backend-redis-tls")]
            Address::Tls(host, ..) => host,
            #[cfg(unix)]
            Address::Unix(_) => "",
            Address::Service(_) => "",
        }
    }

    /// The port, where it has one.
    pub(super) fn port(&self) -> u16 {
        match &self.address {
            Address::Tcp(_, port) => *port,
            #[cfg(feature = "backend-redis-tls")]
            Address::Tls(_, port, _) => *port,
            #[cfg(unix)]
            Address::Unix(_) => 0,
            Address::Service(_) => 0,
        }
    }

    /// Shows what may be shown, besides the address.
    pub(super) fn describe(&self, shown: &mut fmt::DebugStruct<'_, '_>) {
        shown
            .field("database", &self.database)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout);
    }
}

pub(super) enum Address {
    Tcp(String, u16),
    #[cfg(feature = "backend-redis-tls")]
    Tls(String, u16, Tls),
    #[cfg(unix)]
    Unix(PathBuf),
    /// Whoever has a role at the moment.
    Service(Service),
}

impl Address {
    pub(super) const fn is_tls(&self) -> bool {
        match self {
            Self::Service(service) => service.is_tls(),
            #[cfg(feature = "backend-redis-tls")]
            Self::Tls(..) => true,
            _ => false,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port, tls) = match self {
            Self::Tcp(host, port) => (host, port, ""),
            #[cfg(feature = "backend-redis-tls")]
            Self::Tls(host, port, _) => (host, port, " (TLS)"),
            #[cfg(unix)]
            Self::Unix(path) => return path.display().fmt(f),
            Self::Service(service) => return service.fmt(f),
        };
        if host.contains(':') {
            write!(f, "[{host}]:{port}{tls}")
        } else {
            write!(f, "{host}:{port}{tls}")
        }
    }
}

/// Settings of a [`Redis`] backend; made by [`Redis::builder`].
#[must_use = "a builder does nothing until `build`"]
#[derive(Clone, PartialEq, Eq)]
pub struct RedisBuilder {
    url: String,
    access: Access,
}

impl RedisBuilder {
    pub(super) fn new(url: String) -> Self {
        Self { url, access: Access::default() }
    }

    access_settings!(", instead of the one in the URL");

    /// The backend. Does not connect yet: the first call, or [`Redis::ping`], does.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](ErrorKind::Config), when the URL or the certificate cannot be read, the URL
    /// has settings that nobody knows, or settings contradict each other.
    pub fn build(self) -> Result<Redis> {
        let target = Arc::new(self.access.target(&self.url)?);
        Ok(Redis { wire: Direct(Link::with(target, self.access.listener(false)?)) })
    }
}

/// Shows the timeouts only; the URL may hold a password.
impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.access.show(f, "RedisBuilder")
    }
}

pub(crate) fn config(message: &'static str) -> Error {
    Error::new(ErrorKind::Config, LAYER).with_message(message)
}

pub(super) fn set(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// The URL without TLS, which is ours and not the client's, and whether it asked for TLS.
pub(super) fn check_url(url: &str) -> Result<(String, bool)> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| config(URL_FORMS))?;
    let tls = match scheme {
        "redis" | "valkey" => false,
        "rediss" | "valkeys" => true,
        "unix" | "redis+unix" | "valkey+unix" => {
            check_query(rest)?;
            return Ok((url.to_owned(), false));
        }
        _ => return Err(config(URL_FORMS)),
    };
    let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // Such a password would be taken for a host, port or path, and shown.
    if rest[host_end..].contains('@') {
        return Err(config(
            "an '@' after the host: write '/', '?', '#' and '@' in a user name or password as \
             %2F, %3F, %23 and %40, or use `.username()` and `.password()`",
        ));
    }
    if rest[host_end..].contains('?') {
        return Err(config(
            "only unix:// takes settings after a '?'; write redis://user:password@host/db, and \
             set the rest with the builder",
        ));
    }
    if rest.contains('#') {
        return Err(config(
            "a Redis URL has no fragment; TLS is always verified, a private \
                           authority is given with `.ca_certificate()`",
        ));
    }
    Ok((format!("redis://{rest}"), tls))
}

/// The client would ignore what it does not know.
fn check_query(rest: &str) -> Result<()> {
    if rest.contains('#') {
        return Err(config("write '#' as %23; a Redis URL has no fragment"));
    }
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let mut names: Vec<&str> = query
        .split('&')
        .filter(|setting| !setting.is_empty())
        .map(|setting| setting.split_once('=').map_or(setting, |(name, _)| name))
        .collect();
    names.sort_unstable();
    let is_twice = names.windows(2).any(|pair| pair[0] == pair[1]);
    if is_twice || names.iter().any(|name| !["db", "user", "pass"].contains(name)) {
        return Err(config("after the '?' of unix:// come `db`, `user` and `pass`, each once"));
    }
    Ok(())
}

#[cfg_attr(
    not(feature = "backend-redis-tls"),
    expect(clippy::unnecessary_wraps, reason = "it can fail where TLS is compiled in")
)]
fn tcp(host: &str, port: u16, tls: bool, ca_certificate: Option<&[u8]>) -> Result<Address> {
    #[cfg(feature = "backend-redis-tls")]
    if tls {
        let tls = Tls::new(LAYER, host, ca_certificate)?;
        return Ok(Address::Tls(host.to_owned(), port, tls));
    }
    let _ = (tls, ca_certificate);
    Ok(Address::Tcp(host.to_owned(), port))
}

pub(super) fn address(
    addr: &ConnectionAddr,
    tls: bool,
    ca_certificate: Option<&[u8]>,
) -> Result<Address> {
    if tls && cfg!(not(feature = "backend-redis-tls")) {
        return Err(config("rediss:// needs the feature `backend-redis-tls`"));
    }
    if !tls && ca_certificate.is_some() {
        return Err(config("a CA certificate is for rediss:// only"));
    }
    match addr {
        ConnectionAddr::Tcp(host, port) => tcp(host, *port, tls, ca_certificate),
        #[cfg(unix)]
        ConnectionAddr::Unix(path) => Ok(Address::Unix(path.clone())),
        _ => Err(config("this platform has no such kind of address")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(builder: RedisBuilder) -> String {
        let error = builder.build().expect_err("should be refused");
        assert_eq!((error.kind(), error.layer()), (ErrorKind::Config, "redis"));
        assert_eq!(error.to_string().find("s3cret"), None, "{error}");
        assert_eq!(format!("{error:?}").find("s3cret"), None, "{error:?}");
        error.to_string()
    }

    fn target(builder: RedisBuilder) -> Redis {
        builder.build().expect("should be accepted")
    }

    #[test]
    fn refuses_what_is_no_url_and_keeps_its_secrets() {
        for url in [
            "",
            "localhost",
            "localhost:6379",
            "http://u:s3cret@localhost",
            "redis://",
            "redis://u:s3cret@",
            "redis://u:s3cret@localhost:port",
            "redis://u:s3cret@localhost:99999",
            "redis://u:s3cret@localhost/seven",
            "redis://u:s3cret@localhost/-1",
            "redis://u:s3cret/2@localhost",
            "redis://u:1s3cret#2@localhost",
            "redis://u:1?s3cret@localhost",
            "redis://s3cret@localhost",
            "redis://u:s3cret@localhost/#insecure",
            "redis://u:s3cret@0.0.0.0",
            "redis://u:s3cret@localhost/0?timeout=5",
            "unix://host/path?pass=s3cret&db=x",
            "unix:///path?pass=s3cret&database=1",
            "unix:///path?pass=other&pass=s3cret",
            "unix:///path?pass=1#s3cret",
        ] {
            refused(Redis::builder(url));
        }
        assert!(refused(Redis::builder("redis://u:a/s3cret@host")).contains("%2F"));
        assert!(refused(Redis::builder("redis://h").ca_certificate("s3cret")).contains("rediss"));
        refused(Redis::builder("redis://h").username("s3cret"));
        refused(Redis::builder("redis://h").response_timeout(Duration::ZERO));
    }

    #[test]
    fn shows_where_but_no_secrets() {
        for (url, shown) in [
            ("redis://u:s3cret@localhost", "localhost:6379"),
            ("redis://:s3cret@localhost:7000/3", "localhost:7000"),
            ("valkey://[::1]:7", "[::1]:7"),
            ("unix:///run/redis.sock?db=2&pass=s3cret", "/run/redis.sock"),
            ("redis+unix:///run/redis.sock", "/run/redis.sock"),
        ] {
            let text = format!("{:?}", target(Redis::builder(url)));
            assert!(text.contains(shown) && !text.contains("s3cret"), "{text}");
        }
        let builder = Redis::builder("redis://u:s3cret@h").password("s3cret");
        assert_eq!(format!("{builder:?}").find("s3cret"), None);
    }

    #[test]
    fn takes_what_is_set_over_the_url_and_nothing_for_unset() {
        let redis = target(Redis::builder("redis://u:p%40%2F@h/3").username("").password(""));
        let seen = redis.wire.0.target();
        assert_eq!(seen.username.as_deref(), Some("u"));
        assert_eq!(seen.password.as_deref(), Some("p@/"));
        assert_eq!(seen.database, 3);
        let redis =
            target(Redis::builder("redis://u:p@h/3").username("v").password("q").database(0));
        let seen = redis.wire.0.target();
        assert_eq!((seen.username.as_deref(), seen.password.as_deref()), (Some("v"), Some("q")));
        assert_eq!(seen.database, 0);
        let redis = target(Redis::builder("redis://:@h"));
        assert_eq!(redis.wire.0.target().password, None);
    }

    #[cfg(feature = "backend-redis-tls")]
    #[test]
    fn refuses_certificates_it_cannot_read() {
        let url = "rediss://localhost";
        refused(Redis::builder(url).ca_certificate("s3cret"));
        refused(
            Redis::builder(url)
                .ca_certificate("-----BEGIN CERTIFICATE-----\ns3cret\n-----END CERTIFICATE-----\n"),
        );
        target(Redis::builder(url));
    }
}
