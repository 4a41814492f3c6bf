use std::{
    fmt, io, mem,
    sync::{Arc, Mutex, PoisonError, RwLock, Weak},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Cmd, Pipeline, RedisConnectionInfo, RedisError, RedisResult,
    ServerError, Value, aio::MultiplexedConnection, io::tcp::socket2,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    runtime::Handle,
    task::AbortHandle,
    time::{Instant, timeout},
};

use super::{
    config::{Address, Target},
    driver::Driver,
    failure::{self, LAYER},
    fields::Abilities,
    tracking::{Ear, Listener},
};
use crate::{Error, ErrorKind, Result};

/// The pause after a failed attempt to connect; doubled by each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How long a call waits for a connection to a server that was down a moment ago.
const PATIENCE: Duration = Duration::from_millis(20);
/// How long sent bytes may stay unacknowledged before a connection counts as lost. Without it a
/// machine that vanished goes unnoticed for a quarter of an hour.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);
/// How long a connection is silent before the kernel asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How old a connection gets before a change of the server's role is a reason to make another.
const YOUNG: Duration = Duration::from_secs(1);
/// How many commands may wait for their turn to be written before callers wait for room.
const QUEUE: usize = 512;

/// A connection that is made when first needed, shared by all, and made anew when lost. A backend has
/// one; another, that tracks, serves waits.
///
/// Not the client's own manager: that one keeps a refused login for ever, lets every caller wait
/// while a dead server is tried again, and hands the loss of an idle connection to a caller.
pub(crate) struct Link {
    target: Arc<Target>,
    /// Who is told what the server says of its own accord, where it shall.
    listener: Option<Listener>,
    live: RwLock<Option<Arc<Live>>>,
    fault: Mutex<Option<Fault>>,
    /// Held while a connection is being made.
    dialing: Arc<tokio::sync::Mutex<()>>,
}

/// A connection that is up.
pub(super) struct Live {
    connection: MultiplexedConnection,
    abilities: Abilities,
    since: Instant,
    driver: AbortHandle,
}

impl Live {
    /// Asks the server something about itself.
    pub(super) async fn ask(&self, command: &Cmd, response_timeout: Duration) -> Result<Value> {
        let answer = self.connection.clone().send_packed_command(command).await;
        answer.map_err(|error| failure::exchange(error, response_timeout))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Why the last attempt to connect failed, and when the next may be made.
struct Fault {
    error: Error,
    pause: Duration,
    until: Instant,
}

/// What is sent in one go: a command, or a pipeline.
pub(crate) trait Request: Sync {
    type Answer: Send;

    fn send(
        &self,
        connection: &mut MultiplexedConnection,
        abilities: &Abilities,
    ) -> impl Future<Output = RedisResult<Self::Answer>> + Send;
}

impl Request for Cmd {
    type Answer = Value;

    fn send(
        &self,
        connection: &mut MultiplexedConnection,
        _: &Abilities,
    ) -> impl Future<Output = RedisResult<Value>> + Send {
        connection.send_packed_command(self)
    }
}

impl Request for Pipeline {
    type Answer = Vec<Value>;

    fn send(
        &self,
        connection: &mut MultiplexedConnection,
        _: &Abilities,
    ) -> impl Future<Output = RedisResult<Vec<Value>>> + Send {
        connection.send_packed_commands(self, 0, self.len())
    }
}

impl Link {
    pub(super) fn new(target: Target) -> Arc<Self> {
        Self::with(Arc::new(target), None)
    }

    /// Another connection to the same server, which tells `listener` of changes.
    pub(crate) fn listening(&self, listener: Listener) -> Arc<Self> {
        Self::with(Arc::clone(&self.target), Some(listener))
    }

    pub(super) fn with(target: Arc<Target>, listener: Option<Listener>) -> Arc<Self> {
        Arc::new(Self {
            target,
            listener,
            live: RwLock::default(),
            fault: Mutex::default(),
            dialing: Arc::default(),
        })
    }

    pub(super) fn listener(&self) -> Option<&Listener> {
        self.listener.as_ref()
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Sends a command or a pipeline. Among the answers may be error replies.
    pub(crate) async fn send<R: Request>(self: &Arc<Self>, request: &R) -> Result<R::Answer> {
        let live = match self.live() {
            Some(live) => live,
            // Boxed, so that a hit does not carry what only a first call needs.
            None => Box::pin(self.connect()).await?,
        };
        let mut connection = live.connection.clone();
        match request.send(&mut connection, &live.abilities).await {
            Ok(answer) => Ok(answer),
            Err(error) => Box::pin(self.recover(&live, error, request)).await,
        }
    }

    /// Takes a failed exchange apart: a lost connection is replaced and the request sent again.
    ///
    /// Again is safe, because every command we send has the same effect when it runs twice. Once
    /// is enough: a server that is gone refuses the new connection at once.
    #[cold]
    async fn recover<R: Request>(
        self: &Arc<Self>,
        live: &Arc<Live>,
        error: RedisError,
        request: &R,
    ) -> Result<R::Answer> {
        let fail = |error| failure::exchange(error, self.target.response_timeout);
        if error.is_unrecoverable_error() {
            self.forget(live);
        }
        if !error.is_connection_dropped() && !failure::is_cut_off(&error) {
            return Err(fail(error));
        }
        let fresh = self.connect().await?;
        let mut connection = fresh.connection.clone();
        request.send(&mut connection, &fresh.abilities).await.map_err(|error| {
            if error.is_unrecoverable_error() {
                self.forget(&fresh);
            }
            fail(error)
        })
    }

    /// Shows what the server of the present connection can do, where it was asked.
    pub(super) fn describe_server(&self, shown: &mut fmt::DebugStruct<'_, '_>) {
        let field_ttl = self.live().and_then(|live| live.abilities.known());
        let field_ttl = field_ttl.map_or("not asked yet".to_owned(), |found| found.to_string());
        shown.field("field_ttl", &format_args!("{field_ttl}"));
    }

    fn live(&self) -> Option<Arc<Live>> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_live(&self, live: Option<Arc<Live>>) {
        let mut slot = self.live.write().unwrap_or_else(PoisonError::into_inner);
        // What was there is dropped after the lock.
        let _before = mem::replace(&mut *slot, live);
        drop(slot);
    }

    /// Gives up a connection, unless it was replaced already. The next call makes another.
    fn forget(&self, lost: &Arc<Live>) {
        let mut slot = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if slot.as_ref().is_some_and(|live| Arc::ptr_eq(live, lost)) {
            *slot = None;
        }
    }

    /// Gives up the connection on behalf of the next call: the server took another role, and the
    /// address may lead to another server by now. A young connection stays, since the address
    /// leads where it did.
    #[cold]
    pub(super) fn reconnect(&self) {
        if let Some(live) = self.live().filter(|live| live.since.elapsed() > YOUNG) {
            self.forget(&live);
        }
    }

    /// The last failure, and whether its pause is still on.
    fn fault(&self) -> Option<(Error, bool)> {
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.as_ref().map(|fault| (fault.error.clone(), Instant::now() < fault.until))
    }

    #[cold]
    async fn connect(self: &Arc<Self>) -> Result<Arc<Live>> {
        match self.fault() {
            None => self.connected().await,
            Some((error, true)) => Err(error),
            Some((error, false)) => timeout(PATIENCE, self.connected()).await.unwrap_or(Err(error)),
        }
    }

    /// Waits for the attempt that is being made, or makes one.
    async fn connected(self: &Arc<Self>) -> Result<Arc<Live>> {
        // Whoever waited keeps the turn: giving it back to take it anew, while it goes to the next who
        // waits, would let all of them go round for ever once the pause is over.
        let turn = Arc::clone(&self.dialing).lock_owned().await;
        if let Some(live) = self.live() {
            return Ok(live);
        }
        if let Some((error, true)) = self.fault() {
            return Err(error);
        }
        let runtime = Handle::try_current().map_err(|error| {
            Error::new(ErrorKind::Config, LAYER)
                .with_message("a call outside of a Tokio runtime")
                .with_source(error)
        })?;
        // A task of its own: a caller that gives up must not take away what others wait for.
        let link = Arc::clone(self);
        let dial = runtime.spawn(async move {
            let result = link.dial_once().await;
            drop(turn);
            result
        });
        dial.await.unwrap_or_else(|_| {
            let error = Error::new(ErrorKind::Unavailable, LAYER);
            Err(error.with_message("the Tokio runtime ended, or has I/O or time disabled"))
        })
    }

    async fn dial_once(&self) -> Result<Arc<Live>> {
        let limit = self.target.connect_timeout;
        let result =
            timeout(limit, self.target.dial(self.listener.as_ref())).await.unwrap_or_else(|_| {
                let message = format!("no connection to {} within {limit:?}", self.target.address);
                Err(Error::new(ErrorKind::Unavailable, LAYER).with_message(message))
            });
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(live) => {
                *fault = None;
                self.set_live(Some(Arc::clone(&live)));
                Ok(live)
            }
            Err(error) => {
                let pause = match &*fault {
                    None => FIRST_PAUSE,
                    Some(before) => (before.pause * 2).min(LONGEST_PAUSE),
                };
                let until = Instant::now() + pause;
                *fault = Some(Fault { error: error.clone(), pause, until });
                Err(error)
            }
        }
    }
}

impl Target {
    pub(super) async fn dial(&self, listener: Option<&Listener>) -> Result<Arc<Live>> {
        match &self.address {
            Address::Tcp(host, port) => {
                let stream = self.tcp(host, *port).await?;
                self.enter(stream, listener).await
            }
            #[cfg(feature = "backend-redis-tls")]
            Address::Tls(host, port, tls) => {
                let stream = self.tcp(host, *port).await?;
                let stream = tls.connect(stream).await.map_err(|error| self.unreached(error))?;
                self.enter(stream, listener).await
            }
            #[cfg(unix)]
            Address::Unix(path) => {
                let stream = tokio::net::UnixStream::connect(path).await;
                self.enter(stream.map_err(|error| self.unreached(error))?, listener).await
            }
            Address::Service(service) => service.dial(self, listener).await,
        }
    }

    async fn tcp(&self, host: &str, port: u16) -> Result<TcpStream> {
        let tune = |stream: &TcpStream| {
            stream.set_nodelay(true)?;
            let socket = socket2::SockRef::from(stream);
            #[cfg(target_os = "linux")]
            socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
            socket.set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(KEEPALIVE))
        };
        let stream = TcpStream::connect((host, port)).await;
        let stream = stream.map_err(|error| self.unreached(error))?;
        tune(&stream).map_err(|error| self.unreached(error))?;
        Ok(stream)
    }

    fn unreached(&self, error: io::Error) -> Error {
        Error::new(ErrorKind::Unavailable, LAYER)
            .with_message(format!("no connection to {}: {error}", self.address))
            .with_source(error)
    }

    /// Logs in over a stream that is open.
    async fn enter<S>(&self, stream: S, listener: Option<&Listener>) -> Result<Arc<Live>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let fail = |error| failure::exchange(error, self.response_timeout);
        let refused = |error: &ServerError| failure::login_refusal(error, self.password.as_deref());
        let mut config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(Some(self.response_timeout))
            .set_pipeline_buffer_size(QUEUE);
        // The client's own login keeps the server's reasons for itself, so it is left to us, where
        // it can be.
        let mut login = RedisConnectionInfo::default().set_skip_set_lib_name();
        if let Some(listener) = listener {
            config = config.set_push_sender(Ear::new(listener));
            login = self.login_for_pushes(login);
        }
        let opened = MultiplexedConnection::new_with_config(&login, stream, config).await;
        let (connection, driver) = opened.map_err(|error| match ServerError::try_from(error) {
            Ok(error) => refused(&error),
            Err(error) => fail(error),
        })?;
        let live = Arc::new_cyclic(|live| {
            let driver = tokio::spawn(Driver::new(Weak::clone(live), driver));
            let (abilities, since) = (Abilities::default(), Instant::now());
            Live { connection, abilities, since, driver: driver.abort_handle() }
        });

        // One by one and not in a pipeline, for which the client loses the reason when a connection
        // breaks in the middle.
        let mut connection = live.connection.clone();
        let mut login = async |command: &Cmd| -> Result<Option<ServerError>> {
            match connection.send_packed_command(command).await.map_err(fail)? {
                Value::ServerError(error) => Ok(Some(error)),
                _ => Ok(None),
            }
        };
        if let Some(password) = self.password.as_ref().filter(|_| listener.is_none()) {
            let mut auth = redis::cmd("AUTH");
            self.username.iter().for_each(|username| {
                auth.arg(username);
            });
            login(auth.arg(password)).await?.map_or(Ok(()), |error| Err(refused(&error)))?;
        }
        if self.database != 0 {
            let mut select = redis::cmd("SELECT");
            let answer = login(select.arg(self.database)).await?;
            answer.map_or(Ok(()), |error| Err(refused(&error)))?;
        }
        // For the operator's `CLIENT LIST`, and so that something answers before it counts as a
        // server. An old server does not know the command, a user may lack the right to it; neither
        // matters, but "too many clients" does.
        let mut name = redis::cmd("CLIENT");
        let answer = login(name.arg("SETINFO").arg("LIB-NAME").arg("larder")).await?;
        if let Some(error) = answer.map(|error| refused(&error)).filter(Error::is_transient) {
            return Err(error);
        }
        if let Some(listener) = listener {
            let answer = login(&listener.command()).await?;
            answer.map_or(Ok(()), |error| Err(refused(&error)))?;
            listener.connected();
        }
        Ok(live)
    }
}
