use std::{io, sync::Arc, time::Duration};

use bytes::BytesMut;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    config::{Address, Target},
    connection::Live,
    failure,
    protocol::{self, Reply},
};
use crate::{Error, Result};

/// How long sent bytes may stay unacknowledged before a connection counts as lost.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);
/// How long a connection is silent before the kernel asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

impl Target {
    /// A connection that is up and answers.
    pub(super) async fn dial(&self) -> Result<Arc<Live>> {
        match &self.address {
            Address::Tcp(host, port) => self.enter(self.tcp(host, *port).await?).await,
            #[cfg(feature = "backend-memcached-tls")]
            Address::Tls(host, port, tls) => {
                let stream = self.tcp(host, *port).await?;
                let stream = tls.connect(stream).await.map_err(|error| self.unreached(error))?;
                self.enter(stream).await
            }
            #[cfg(unix)]
            Address::Unix(path) => {
                let stream = tokio::net::UnixStream::connect(path).await;
                self.enter(stream.map_err(|error| self.unreached(error))?).await
            }
        }
    }

    async fn tcp(&self, host: &str, port: u16) -> Result<TcpStream> {
        let tune = |stream: &TcpStream| {
            stream.set_nodelay(true)?;
            let socket = SockRef::from(stream);
            #[cfg(target_os = "linux")]
            socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
            socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))
        };
        let stream = TcpStream::connect((host, port)).await;
        let stream = stream.map_err(|error| self.unreached(error))?;
        tune(&stream).map_err(|error| self.unreached(error))?;
        Ok(stream)
    }

    fn unreached(&self, error: io::Error) -> Error {
        let message = format!("no connection to {}: {error}", self.address);
        failure::unavailable(message).with_source(error)
    }

    /// Logs in over a stream that is open. Something has to answer before it counts as a server: the
    /// kernel takes connections for a process that hangs, too.
    async fn enter<S>(&self, mut stream: S) -> Result<Arc<Live>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // First of all what needs no login: where none is wanted, the login would be an entry that
        // anybody can read.
        let mut answer = self.ask(&mut stream, b"mn\r\n").await?;
        if let Some(login) = &self.login {
            if answer == Reply::Done {
                return Err(failure::backend(format!(
                    "{} wants no user and no password: leave them away",
                    self.address
                )));
            }
            answer = self.ask(&mut stream, login.command().as_bytes()).await?;
        }
        match answer {
            Reply::Done => Ok(Live::new(stream)),
            other => Err(failure::refused(other)),
        }
    }

    /// One request and its reply, which is all that may arrive.
    async fn ask<S>(&self, stream: &mut S, request: &[u8]) -> Result<Reply>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let sent = async {
            stream.write_all(request).await?;
            stream.flush().await
        };
        sent.await.map_err(|error| self.unreached(error))?;
        let mut arrived = BytesMut::new();
        loop {
            let count = stream.read_buf(&mut arrived).await;
            if count.map_err(|error| self.unreached(error))? == 0 {
                let message = format!("{} closed the connection at once", self.address);
                return Err(failure::unavailable(message));
            }
            if let Some(reply) = protocol::take(&mut arrived)? {
                return Ok(reply);
            }
        }
    }
}
