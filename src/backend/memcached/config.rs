use std::{fmt, path::PathBuf, time::Duration};

use super::{
    Memcached, connection::Link, failure::config, names::Names, ring::Ring, servers::Servers, url,
};
use crate::Result;
#[cfg(feature = "backend-memcached-tls")]
use crate::backend::{memcached::failure::LAYER, tls::Tls};

/// How long a connection may take to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(250);
/// How long an answer may take.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);
/// The port that servers have unless told otherwise.
pub(super) const PORT: u16 = 11211;

/// Where a server is, and how to enter.
pub(super) struct Target {
    pub(super) address: Address,
    pub(super) login: Option<Login>,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
}

pub(super) enum Address {
    Tcp(String, u16),
    #[cfg(feature = "backend-memcached-tls")]
    Tls(String, u16, Tls),
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Address {
    /// What libmemcached calls it, whose name decides where it is on the ring.
    fn ring_name(&self) -> String {
        match self {
            Self::Tcp(host, PORT) => host.clone(),
            Self::Tcp(host, port) => format!("{host}:{port}"),
            #[cfg(feature = "backend-memcached-tls")]
            Self::Tls(host, PORT, _) => host.clone(),
            #[cfg(feature = "backend-memcached-tls")]
            Self::Tls(host, port, _) => format!("{host}:{port}"),
            #[cfg(unix)]
            Self::Unix(path) => format!("{}:0", path.display()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port, tls) = match self {
            Self::Tcp(host, port) => (host, port, ""),
            #[cfg(feature = "backend-memcached-tls")]
            Self::Tls(host, port, _) => (host, port, " (TLS)"),
            #[cfg(unix)]
            Self::Unix(path) => return path.display().fmt(f),
        };
        if host.contains(':') {
            write!(f, "[{host}]:{port}{tls}")
        } else {
            write!(f, "{host}:{port}{tls}")
        }
    }
}

/// A user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: String,
}

impl Login {
    /// Both, or neither where both are empty.
    pub(super) fn new(username: String, password: String) -> Result<Option<Self>> {
        match (username.is_empty(), password.is_empty()) {
            (true, true) => return Ok(None),
            (false, false) => {}
            _ => return Err(config("a user name needs a password, and a password a user name")),
        }
        let has_space = |text: &str| text.contains(|c: char| c.is_whitespace() || c.is_control());
        if has_space(&username) || has_space(&password) {
            return Err(config("memcached has no user names and no passwords with spaces"));
        }
        Ok(Some(Self { username, password }))
    }

    /// What the server takes for a login, in place of a first write. The key means nothing.
    pub(super) fn command(&self) -> String {
        let Self { username, password } = self;
        let size = username.len() + 1 + password.len();
        format!("set login 0 0 {size}\r\n{username} {password}\r\n")
    }
}

/// Settings of a [`Memcached`] backend; made by [`Memcached::builder`].
#[must_use = "a builder does nothing until `build`"]
#[derive(Clone, PartialEq, Eq)]
pub struct MemcachedBuilder {
    urls: Vec<String>,
    username: String,
    password: String,
    failover: bool,
    connect_timeout: Duration,
    response_timeout: Duration,
    ca_certificate: Option<Vec<u8>>,
    exact_keys: bool,
    flags: Option<u32>,
}

impl MemcachedBuilder {
    pub(super) fn new(urls: Vec<String>) -> Self {
        Self {
            urls,
            username: String::new(),
            password: String::new(),
            failover: true,
            connect_timeout: CONNECT_TIMEOUT,
            response_timeout: RESPONSE_TIMEOUT,
            ca_certificate: None,
            exact_keys: false,
            flags: None,
        }
    }

    /// The user, for servers whose URL names none. An empty string counts as unset.
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.username = username.into();
        self
    }

    /// The password, for servers whose URL has none. An empty string counts as unset.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = password.into();
        self
    }

    /// Whether the other servers stand in for one that is down; see [`Memcached`]. Without it, calls for
    /// its keys fail. Default: `true`.
    pub fn failover(mut self, failover: bool) -> Self {
        self.failover = failover;
        self
    }

    /// How long a connection may take to come up: name resolution, TCP, TLS, login and a first answer
    /// together. Default: 250 ms.
    ///
    /// Only the calls that meet a server for the first time wait that long. While a server is known
    /// to be down, calls wait 20 ms at most.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long an answer may take, a batch counting as one. A server that says nothing at all for so
    /// long is down. Default: 500 ms.
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// The certificate authorities, in PEM, that vouch for the servers, instead of the public ones.
    /// For `memcacheds://` only.
    pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_certificate = Some(pem.into());
        self
    }

    /// Whether keys are sent as they are, as other programs send them, those with `%` included. Keys that
    /// memcached does not take are then refused, together with the batch they are in: errors of kind
    /// [`Unsupported`](crate::ErrorKind::Unsupported). Default: `false`, every key gets a name of its own.
    pub fn exact_keys(mut self, exact: bool) -> Self {
        self.exact_keys = exact;
        self
    }

    /// The *client flags* of values, by which other programs know what their bytes are, such as 1 for
    /// pickled ones in Python; see [`Memcached`](Memcached#together-with-python). Values are written
    /// with them, and values that have others (compressed ones, too) are not read: errors of kind
    /// [`Decode`](crate::ErrorKind::Decode), which a region counts as misses. Default: values are
    /// written with 0 and read whatever they have, which saves some bytes of each read.
    pub fn flags(mut self, flags: u32) -> Self {
        self.flags = Some(flags);
        self
    }

    /// The backend. Does not connect yet: the first call, or [`Memcached::ping`], does.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](crate::ErrorKind::Config), when there is no server, a URL or the certificate
    /// cannot be read, or settings contradict each other.
    pub fn build(self) -> Result<Memcached> {
        if self.urls.is_empty() {
            return Err(config("no server: at least one URL is needed"));
        }
        if self.connect_timeout.is_zero() || self.response_timeout.is_zero() {
            return Err(config("a timeout of zero would fail every call"));
        }
        let login = Login::new(self.username, self.password)?;
        let (mut links, mut names) = (Vec::new(), Vec::new());
        let mut has_tls = false;
        for url in &self.urls {
            let server = url::parse(url)?;
            has_tls |= server.tls;
            let address = address(server.place, server.tls, self.ca_certificate.as_deref())?;
            let name = address.ring_name();
            if names.iter().any(|(other, _)| *other == name) {
                return Err(config(format!("{address} is there twice; give it a weight instead")));
            }
            names.push((name, server.weight));
            links.push(Link::new(Target {
                address,
                login: server.login.or_else(|| login.clone()),
                connect_timeout: self.connect_timeout,
                response_timeout: self.response_timeout,
            }));
        }
        if self.ca_certificate.is_some() && !has_tls {
            return Err(config("a CA certificate is for memcacheds:// only"));
        }
        let servers = Servers { links, ring: Ring::new(&names), failover: self.failover };
        let names = if self.exact_keys { Names::Exact } else { Names::Normal };
        Ok(Memcached::from_servers(servers, names, self.flags))
    }
}

/// Shows no URLs, which may hold passwords.
impl fmt::Debug for MemcachedBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemcachedBuilder")
            .field("servers", &self.urls.len())
            .field("failover", &self.failover)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .field("exact_keys", &self.exact_keys)
            .field("flags", &self.flags)
            .finish_non_exhaustive()
    }
}

fn address(place: url::Place, tls: bool, ca_certificate: Option<&[u8]>) -> Result<Address> {
    match place {
        #[cfg(feature = "backend-memcached-tls")]
        url::Place::Tcp(host, port) if tls => {
            let tls = Tls::new(LAYER, &host, ca_certificate)?;
            Ok(Address::Tls(host, port, tls))
        }
        #[cfg(not(feature = "backend-memcached-tls"))]
        url::Place::Tcp(..) if tls => {
            let _ = ca_certificate;
            Err(config("memcacheds:// needs the feature `backend-memcached-tls`"))
        }
        url::Place::Tcp(host, port) => Ok(Address::Tcp(host, port)),
        #[cfg(unix)]
        url::Place::Unix(path) => Ok(Address::Unix(path)),
        #[cfg(not(unix))]
        url::Place::Unix(_) => Err(config("this platform has no such kind of address")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn refused(builder: MemcachedBuilder) -> String {
        let error = builder.build().expect_err("should be refused");
        assert_eq!((error.kind(), error.layer()), (ErrorKind::Config, "memcached"));
        assert_eq!(error.to_string().find("s3cret"), None, "{error}");
        assert_eq!(format!("{error:?}").find("s3cret"), None, "{error:?}");
        error.to_string()
    }

    fn one(url: &str) -> MemcachedBuilder {
        Memcached::builder([url])
    }

    fn login(builder: MemcachedBuilder) -> Option<String> {
        let memcached = builder.build().expect("should be accepted");
        memcached.servers().links[0].target().login.as_ref().map(Login::command)
    }

    #[test]
    fn refuses_what_makes_no_sense_and_keeps_its_secrets() {
        refused(Memcached::builder(Vec::<String>::new()));
        for url in [
            "",
            "localhost",
            "localhost:11211",
            "http://u:s3cret@localhost",
            "memcached://",
            "memcached://u:s3cret@",
            "memcached://u:s3cret@localhost:port",
            "memcached://u:s3cret@localhost:99999",
            "memcached://u:s3cret@localhost/0",
            "memcached://u:s3cret/2@localhost",
            "memcached://u:1s3cret#2@localhost",
            "memcached://u:1?s3cret@localhost",
            "memcached://s3cret@localhost",
            "memcached://u:s3cret%20@localhost",
            "memcached://u:s3cret%zz@localhost",
            "memcached://u:s3cret@localhost/#insecure",
            "memcached://u:s3cret@localhost?timeout=s3cret",
            "memcached://u:s3cret@localhost?weight=0",
            "memcached://u:s3cret@localhost?weight=s3cret",
            "memcached://[::1",
            "memcached+unix://s3cret/path",
            "memcached+unix://u:s3cret@",
            "memcached+unix:///path?pass=s3cret",
            "memcached+unix:///path#s3cret",
        ] {
            refused(one(url));
        }
        assert!(refused(one("memcached://u:a/s3cret@host")).contains("%2F"));
        assert!(refused(one("memcached://h").ca_certificate("s3cret")).contains("memcacheds"));
        refused(one("memcached://h").username("s3cret"));
        refused(one("memcached://h").password("s3cret"));
        refused(one("memcached://h").username("u").password("s3cret s3cret"));
        refused(one("memcached://h").response_timeout(Duration::ZERO));
        let twice = refused(Memcached::builder(["memcached://h", "memcached://h:11211"]));
        assert!(twice.contains("h:11211 is there twice"), "{twice}");
    }

    #[test]
    fn shows_where_but_no_secrets() {
        for (url, shown) in [
            ("memcached://u:s3cret@localhost", "localhost:11211"),
            ("memcached://u:s3cret@localhost:7000/", "localhost:7000"),
            ("memcached://[::1]:7?weight=3", "[::1]:7"),
            ("memcached+unix:///run/memcached.sock", "/run/memcached.sock"),
            ("memcached+unix://u:s3cret@/run/a%20b.sock?weight=2", "/run/a b.sock"),
        ] {
            let text = format!("{:?}", one(url).build().expect(url));
            assert!(text.contains(shown) && !text.contains("s3cret"), "{text}");
        }
        let builder = one("memcached://u:s3cret@h").password("s3cret");
        assert_eq!(format!("{builder:?}").find("s3cret"), None);
    }

    #[test]
    fn each_server_has_its_login() {
        let command = "set login 0 0 6\r\nu p@/:\r\n".to_owned();
        assert_eq!(login(one("memcached://u:p%40%2F%3A@h")), Some(command.clone()));
        assert_eq!(
            login(one("memcached://u:p%40%2F:@h").username("v").password("q")),
            Some(command)
        );
        let other = "set login 0 0 3\r\nv q\r\n".to_owned();
        assert_eq!(login(one("memcached://h").username("v").password("q")), Some(other));
        assert_eq!(login(one("memcached://:@h").username("").password("")), None);
    }

    #[test]
    fn names_on_the_ring_are_those_of_libmemcached() {
        for (url, name) in [
            ("memcached://h", "h"),
            ("memcached://h:11211", "h"),
            ("memcached://h:7", "h:7"),
            ("memcached://[::1]:7", "::1:7"),
            ("memcached+unix:///run/a.sock", "/run/a.sock:0"),
            #[cfg(feature = "backend-memcached-tls")]
            ("memcacheds://h", "h"),
        ] {
            let memcached = one(url).build().expect(url);
            assert_eq!(memcached.servers().links[0].target().address.ring_name(), name);
        }
    }

    #[cfg(feature = "backend-memcached-tls")]
    #[test]
    fn refuses_certificates_it_cannot_read() {
        refused(one("memcacheds://localhost").ca_certificate("s3cret"));
        one("memcacheds://localhost").build().expect("the public authorities");
    }

    #[cfg(not(feature = "backend-memcached-tls"))]
    #[test]
    fn says_what_tls_needs() {
        assert!(refused(one("memcacheds://h")).contains("backend-memcached-tls"));
    }
}
