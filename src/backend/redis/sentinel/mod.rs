//! A master and its replicas, watched by sentinels.

mod builder;
mod held;
mod service;

use std::{borrow::Borrow, fmt, sync::Arc, time::Duration};

use redis::{Cmd, Pipeline, Value};

pub use self::builder::{RedisSentinel, RedisSentinelBuilder};
pub(super) use self::service::Service;
use self::{held::Held, service::Role};
use super::{
    access::Access,
    broadcast::Broadcast,
    command,
    config::Address,
    connection::{Link, Request},
    failure,
    fields::{FieldTtl, Fitted},
    tracking::Listener,
    wire::Carry,
};
use crate::{Domain, Error, ErrorKind, Key, Lease, Place, Result};

/// The wire of a [`RedisSentinel`](crate::RedisSentinel): each connection is made to the server that the
/// sentinels name at that moment.
#[derive(Clone)]
pub struct Sentinel {
    master: Arc<Link>,
    replicas: Option<Arc<Replicas>>,
}

struct Replicas {
    /// Leads to one of them.
    link: Arc<Link>,
    held: Held,
}

impl Sentinel {
    fn new(
        sentinels: &Arc<[Arc<Link>]>,
        name: &str,
        is_tls: bool,
        access: &Access,
        reads_from_replicas: bool,
    ) -> Result<Self> {
        let link = |role| {
            let service = Service::new(name.to_owned(), Arc::clone(sentinels), role, is_tls);
            Ok::<_, Error>(Arc::new(access.server(Address::Service(service))?))
        };
        let listener = access.listener(false)?;
        let replicas =
            |target| Arc::new(Replicas { link: Link::with(target, None), held: Held::default() });
        Ok(Self {
            master: Link::with(link(Role::Master)?, listener),
            replicas: if reads_from_replicas { Some(replicas(link(Role::Replica)?)) } else { None },
        })
    }

    /// Asks the master. One that hangs may have been replaced, so the next call asks the sentinels.
    async fn ask<R: Request>(&self, request: &R) -> Result<R::Answer> {
        let answer = self.master.send(request).await;
        if answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::Timeout) {
            self.master.reconnect();
        }
        answer
    }

    /// Asks a replica, and the master where none answers, or not yet, or `keys` are being created here.
    async fn ask_any<R: Request>(
        &self,
        keys: &[Key<'_>],
        request: &R,
        is_later: fn(&R::Answer) -> bool,
    ) -> Result<R::Answer> {
        if let Some(replicas) = self.replicas.as_ref().filter(|them| !them.held.has_any(keys)) {
            match replicas.link.send(request).await {
                Ok(answer) if !is_later(&answer) => return Ok(answer),
                Ok(_) => {}
                Err(error) if !error.is_transient() => return Err(error),
                Err(_) => replicas.link.reconnect(),
            }
        }
        self.ask(request).await
    }
}

/// Whether a replica that is loading, or that lost its master, would answer another time.
fn is_later(answer: &Value) -> bool {
    match answer {
        Value::ServerError(error) => failure::refusal(error).is_transient(),
        _ => false,
    }
}

fn each<T>(answers: Vec<T>) -> Vec<Result<T>> {
    answers.into_iter().map(Ok).collect()
}

impl Carry for Sentinel {
    const HAS_SLOTS: bool = false;

    fn send(&self, command: &Cmd) -> impl Future<Output = Result<Value>> + Send {
        self.ask(command)
    }

    async fn send_all(&self, commands: &Pipeline) -> Result<Vec<Result<Value>>> {
        self.ask(commands).await.map(each)
    }

    async fn send_fitted<R, F>(&self, make: F) -> Result<(R, Vec<Result<Value>>)>
    where
        R: Borrow<Pipeline> + Send + Sync,
        F: Fn(FieldTtl) -> R + Send + Sync,
    {
        let (commands, answers) = self.ask(&Fitted(make)).await?;
        Ok((commands, each(answers)))
    }

    fn read(&self, keys: &[Key<'_>], command: &Cmd) -> impl Future<Output = Result<Value>> + Send {
        self.ask_any(keys, command, is_later)
    }

    async fn read_all(&self, keys: &[Key<'_>], commands: &Pipeline) -> Result<Vec<Result<Value>>> {
        let is_later = |answers: &Vec<Value>| answers.iter().any(is_later);
        self.ask_any(keys, commands, is_later).await.map(each)
    }

    fn listening(&self, listener: Listener) -> Self {
        Self { master: self.master.listening(listener), replicas: None }
    }

    fn broadcast(&self) -> Option<&Arc<Broadcast>> {
        self.master.listener().and_then(Listener::broadcast)
    }

    async fn look_after(&self) -> Result<()> {
        self.ask(&command("PING", 0, 0)).await.map(drop)
    }

    fn demoted(&self) {
        self.master.reconnect();
    }

    fn held<'a>(&self, leases: impl Iterator<Item = &'a Lease>, lasts: Duration) {
        if let Some(replicas) = &self.replicas {
            replicas.held.add(leases, lasts);
        }
    }

    fn given_back(&self, leases: &[Lease]) {
        if let Some(replicas) = &self.replicas {
            replicas.held.remove(leases);
        }
    }

    fn domain(&self) -> Domain {
        let target = self.master.target();
        Domain::new(("redis-sentinel", target.address.to_string(), target.database))
    }

    fn place(&self) -> Place {
        self.master.target().place("redis sentinel")
    }

    fn describe(&self, shown: &mut fmt::DebugStruct<'_, '_>) {
        let target = self.master.target();
        shown.field("address", &format_args!("{}", target.address));
        target.describe(shown);
        shown.field("reads_from_replicas", &self.replicas.is_some());
        self.master.describe_server(shown);
    }
}

impl fmt::Debug for Sentinel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Sentinel");
        self.describe(&mut shown);
        shown.finish()
    }
}
