//! A connection to a server, and its answers.

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use larder::Redis;
use redis::{
    AsyncConnectionConfig, Cmd, ConnectionAddr, IntoConnectionInfo, Pipeline, RedisConnectionInfo,
    RedisError, ServerError, Value, aio::MultiplexedConnection,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use crate::failure::Failure;

/// How long a connection may take to come up, and each answer to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the server is, and how to enter.
pub(crate) struct Target {
    address: Address,
    username: Option<String>,
    password: Option<String>,
    pub(crate) database: i64,
}

enum Address {
    Tcp(String, u16),
    Tls(String, u16, TlsConnector),
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Target {
    /// The server at `url`; `password` is for URLs without one.
    pub(crate) fn new(
        url: &str,
        password: Option<String>,
        ca: Option<&[u8]>,
    ) -> Result<Self, Failure> {
        // The library reads URLs with care for what is secret in them, so it is asked first.
        let mut builder = Redis::builder(url);
        if let Some(password) = &password {
            builder = builder.password(password);
        }
        if let Some(pem) = ca {
            builder = builder.ca_certificate(pem);
        }
        builder.build().map_err(|error| Failure::new(error.to_string()))?;
        let unreadable = || Failure::new("not a Redis URL; expected redis://host[:port][/db]");
        let (scheme, rest) = url.split_once("://").ok_or_else(unreadable)?;
        let tls = ["rediss", "valkeys"].contains(&scheme);
        let plain = if scheme.ends_with("unix") { url.into() } else { format!("redis://{rest}") };
        // The client's own words may repeat the password.
        let info = plain.as_str().into_connection_info().or(Err(unreadable()))?;
        let address = match info.addr() {
            ConnectionAddr::Tcp(host, port) if tls => {
                Address::Tls(host.clone(), *port, connector(ca)?)
            }
            ConnectionAddr::Tcp(host, port) => Address::Tcp(host.clone(), *port),
            #[cfg(unix)]
            ConnectionAddr::Unix(path) => Address::Unix(path.clone()),
            _ => return Err(unreadable()),
        };
        let login = info.redis_settings();
        let part = |part: Option<&str>| part.filter(|part| !part.is_empty()).map(str::to_owned);
        Ok(Self {
            address,
            username: part(login.username()),
            password: part(login.password()).or(password),
            database: login.db(),
        })
    }

    async fn dial(&self) -> Result<MultiplexedConnection, Failure> {
        let lost = |error: io::Error| {
            Failure::new(format!("no connection to {self}: {error}; is the address right?"))
        };
        match &self.address {
            Address::Tcp(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(lost)?;
                self.enter(stream).await
            }
            Address::Tls(host, port, tls) => {
                let name = ServerName::try_from(host.clone());
                let name = name.map_err(|error| lost(io::Error::other(error)))?;
                let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(lost)?;
                let stream = tls.connect(name, stream).await.map_err(|error| {
                    Failure::new(format!(
                        "no TLS with {self}: {error}; --ca names a private authority, and redis:// \
                         is for servers without TLS"
                    ))
                })?;
                self.enter(stream).await
            }
            #[cfg(unix)]
            Address::Unix(path) => {
                let stream = tokio::net::UnixStream::connect(path).await.map_err(lost)?;
                self.enter(stream).await
            }
        }
    }

    /// Logs in over a stream that is open.
    async fn enter<S>(&self, stream: S) -> Result<MultiplexedConnection, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(Some(PATIENCE));
        // The client's own login keeps the server's reasons for itself.
        let login = RedisConnectionInfo::default().set_skip_set_lib_name();
        let opened = MultiplexedConnection::new_with_config(&login, stream, config).await;
        let (mut connection, driver) = opened.map_err(|error| self.broken(&error))?;
        tokio::spawn(driver);
        let mut commands = Vec::new();
        if let Some(password) = &self.password {
            let mut auth = redis::cmd("AUTH");
            if let Some(username) = &self.username {
                auth.arg(username);
            }
            auth.arg(password);
            commands.push(auth);
        }
        if self.database != 0 {
            let mut select = redis::cmd("SELECT");
            select.arg(self.database);
            commands.push(select);
        }
        for command in commands {
            let answer = connection.send_packed_command(&command).await;
            if let Value::ServerError(error) = answer.map_err(|error| self.broken(&error))? {
                return Err(self.refused(&error));
            }
        }
        // What is looked at is no more recently used for it. Servers before 7.2 do not know that.
        let mut look = redis::cmd("CLIENT");
        look.arg("NO-TOUCH").arg("ON");
        connection.send_packed_command(&look).await.map_err(|error| self.broken(&error))?;
        Ok(connection)
    }

    fn broken(&self, error: &RedisError) -> Failure {
        if error.is_timeout() {
            return Failure::new(format!("no answer from {self} within {PATIENCE:?}"));
        }
        match error.kind() {
            redis::ErrorKind::Parse => {
                Failure::new(format!("what answers at {self} does not speak Redis's protocol"))
            }
            redis::ErrorKind::Io => Failure::new(format!(
                "the connection to {self} was closed; if this port wants TLS, write rediss://"
            )),
            _ => Failure::new(format!("{self} cannot be read: {}", error.category())),
        }
    }

    /// An error reply that leaves nothing to go on with.
    pub(crate) fn refused(&self, error: &ServerError) -> Failure {
        let (code, detail) = (error.code(), error.details().unwrap_or_default());
        let todo = match code {
            "WRONGPASS" => "check user name and password, in the URL or in REDIS_PASSWORD",
            "NOAUTH" => {
                "the server wants a password: set REDIS_PASSWORD, or write redis://:password@host"
            }
            "NOPERM" => {
                "the ACL user lacks this right; it needs +@read, and +select for databases but 0"
            }
            "LOADING" => "the server is reading its data; try again",
            _ if detail.contains("DB index") => "the server has no database of this number",
            _ if detail.contains("without any password") => {
                "the server wants no password: leave it away, in REDIS_PASSWORD, too"
            }
            _ => "nothing can be read here",
        };
        let said = format!("{code} {detail}");
        // Some servers repeat what they were sent.
        let said = match &self.password {
            Some(password) if said.contains(password.as_str()) => code.to_owned(),
            _ => said.trim_end().to_owned(),
        };
        Failure::new(format!("{self} says {said}; {todo}"))
    }
}

/// The address alone: everything else may be secret.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Address::Tcp(host, port) | Address::Tls(host, port, _) if host.contains(':') => {
                write!(f, "[{host}]:{port}")
            }
            Address::Tcp(host, port) | Address::Tls(host, port, _) => write!(f, "{host}:{port}"),
            #[cfg(unix)]
            Address::Unix(path) => path.display().fmt(f),
        }
    }
}

fn connector(ca: Option<&[u8]>) -> Result<TlsConnector, Failure> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        // The library has looked at them already.
        Some(pem) => {
            roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).flatten());
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::new(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// A connection that is up.
pub(crate) struct Connection<'a> {
    pub(crate) target: &'a Target,
    connection: MultiplexedConnection,
}

impl<'a> Connection<'a> {
    pub(crate) async fn open(target: &'a Target) -> Result<Self, Failure> {
        let connection = timeout(PATIENCE, target.dial()).await.unwrap_or_else(|_| {
            let todo = match target.address {
                Address::Tls(..) => "; if this port does not speak TLS, write redis://",
                _ => "",
            };
            Err(Failure::new(format!("no connection to {target} within {PATIENCE:?}{todo}")))
        })?;
        Ok(Self { target, connection })
    }

    /// The answer to one command that has to succeed.
    pub(crate) async fn ask(&mut self, command: &Cmd) -> Result<Value, Failure> {
        match self.connection.send_packed_command(command).await {
            Ok(Value::ServerError(error)) => Err(self.target.refused(&error)),
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.lost(&error)),
        }
    }

    /// The answers to many commands, among which may be error replies.
    pub(crate) async fn ask_all(&mut self, commands: &Pipeline) -> Result<Vec<Value>, Failure> {
        let count = commands.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        let answers = self.connection.send_packed_commands(commands, 0, count).await;
        answers.map_err(|error| self.lost(&error))
    }

    /// What ended a connection that was up.
    fn lost(&self, error: &RedisError) -> Failure {
        let target = self.target;
        match error.kind() {
            redis::ErrorKind::Io if !error.is_timeout() => {
                Failure::new(format!("{target} closed the connection; is it still running?"))
            }
            _ => target.broken(error),
        }
    }
}
