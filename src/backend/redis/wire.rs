//! How a request reaches its server.

use std::{
    borrow::{Borrow, Cow},
    fmt,
    sync::Arc,
    time::Duration,
};

use redis::{Cmd, Pipeline, Value};

use super::{
    broadcast::Broadcast,
    command,
    connection::Link,
    fields::{FieldTtl, Fitted},
    tracking::Listener,
};
use crate::{Domain, Key, Lease, Place, Result};

/// How the requests of a [`Redis`](crate::Redis) reach their server: [`Direct`],
/// [`Cluster`](crate::Cluster) or [`Sentinel`](crate::Sentinel). Nobody else can implement it.
pub trait Wire: Carry {}

impl<W: Carry> Wire for W {}

/// What a [`Wire`] does.
pub trait Carry: Clone + Send + Sync + 'static {
    /// Whether the keys of one command must be in one slot.
    const HAS_SLOTS: bool;

    /// Sends a command. The answer may be an error reply.
    fn send(&self, command: &Cmd) -> impl Future<Output = Result<Value>> + Send;

    /// Sends many commands at the same time; the answers are in their order. An error where nobody
    /// answered, else one for each command that was not answered.
    fn send_all(
        &self,
        commands: &Pipeline,
    ) -> impl Future<Output = Result<Vec<Result<Value>>>> + Send;

    /// [`send_all`](Self::send_all) for commands that depend on what servers can do about fields; also
    /// what `make` made.
    fn send_fitted<R, F>(
        &self,
        make: F,
    ) -> impl Future<Output = Result<(R, Vec<Result<Value>>)>> + Send
    where
        R: Borrow<Pipeline> + Send + Sync,
        F: Fn(FieldTtl) -> R + Send + Sync;

    /// Sends a command that reads `keys` and nothing else, perhaps to a server that lags behind.
    fn read(&self, keys: &[Key<'_>], command: &Cmd) -> impl Future<Output = Result<Value>> + Send {
        let _ = keys;
        self.send(command)
    }

    /// [`send_all`](Self::send_all) for commands that read `keys` and nothing else.
    fn read_all(
        &self,
        keys: &[Key<'_>],
        commands: &Pipeline,
    ) -> impl Future<Output = Result<Vec<Result<Value>>>> + Send {
        let _ = keys;
        self.send_all(commands)
    }

    /// The same servers over other connections, which tell `listener` of changes.
    #[must_use]
    fn listening(&self, listener: Listener) -> Self;

    /// Who is told of changes by these connections.
    fn broadcast(&self) -> Option<&Arc<Broadcast>>;

    /// Asks all servers whether they are there, and connects where need be.
    ///
    /// # Errors
    ///
    /// What one of them failed with.
    fn look_after(&self) -> impl Future<Output = Result<()>> + Send;

    /// The server says that it is a replica.
    fn demoted(&self);

    /// These leases were taken or renewed, for so long.
    fn held<'a>(&self, leases: impl Iterator<Item = &'a Lease>, lasts: Duration) {
        let _ = (leases, lasts);
    }

    /// These leases were given back.
    fn given_back(&self, leases: &[Lease]) {
        let _ = leases;
    }

    /// Where the entries and the locks of one key see each other.
    fn domain(&self) -> Domain;

    /// What it is called where people watch.
    fn place(&self) -> Place;

    /// The name of an entry outside of hashes.
    fn name(key: Key<'_>) -> Cow<'_, [u8]> {
        key.flat()
    }

    /// The name of the lock of `key`, in the slot of its entry.
    fn lock_name(prefix: &str, key: Key<'_>) -> Vec<u8> {
        [prefix.as_bytes(), &key.flat()].concat()
    }

    /// The slot of a name, where there are slots.
    fn slot(name: &[u8]) -> u16 {
        let _ = name;
        0
    }

    /// Shows where it leads and its timeouts, and no secrets.
    fn describe(&self, shown: &mut fmt::DebugStruct<'_, '_>);
}

/// One server, at an address that is known.
#[derive(Clone)]
pub struct Direct(pub(super) Arc<Link>);

impl Carry for Direct {
    const HAS_SLOTS: bool = false;

    fn send(&self, command: &Cmd) -> impl Future<Output = Result<Value>> + Send {
        self.0.send(command)
    }

    async fn send_all(&self, commands: &Pipeline) -> Result<Vec<Result<Value>>> {
        Ok(self.0.send(commands).await?.into_iter().map(Ok).collect())
    }

    async fn send_fitted<R, F>(&self, make: F) -> Result<(R, Vec<Result<Value>>)>
    where
        R: Borrow<Pipeline> + Send + Sync,
        F: Fn(FieldTtl) -> R + Send + Sync,
    {
        let (commands, answers) = self.0.send(&Fitted(make)).await?;
        Ok((commands, answers.into_iter().map(Ok).collect()))
    }

    fn listening(&self, listener: Listener) -> Self {
        Self(self.0.listening(listener))
    }

    fn broadcast(&self) -> Option<&Arc<Broadcast>> {
        self.0.listener().and_then(Listener::broadcast)
    }

    async fn look_after(&self) -> Result<()> {
        self.0.send(&command("PING", 0, 0)).await.map(drop)
    }

    fn demoted(&self) {
        // After a failover the old master answers so on connections that are still open.
        self.0.reconnect();
    }

    fn domain(&self) -> Domain {
        let target = self.0.target();
        Domain::new(("redis", target.address.to_string(), target.database))
    }

    fn place(&self) -> Place {
        self.0.target().place("redis")
    }

    fn describe(&self, shown: &mut fmt::DebugStruct<'_, '_>) {
        let target = self.0.target();
        shown.field("address", &format_args!("{}", target.address));
        target.describe(shown);
        self.0.describe_server(shown);
    }
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Direct");
        self.describe(&mut shown);
        shown.finish()
    }
}
