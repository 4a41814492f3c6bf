//! What the server says of its own accord: that a key changed which was read over a connection that
//! tracks.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use redis::{
    Cmd, ProtocolVersion, PushInfo, PushKind, RedisConnectionInfo, Value,
    aio::{AsyncPushSender, SendError},
};
use tokio::sync::{Notify, futures::Notified};

use super::{broadcast::Broadcast, channel::Channel, config::Target};

/// Who waits for a change of which keys.
#[derive(Debug, Default)]
pub struct Waits(Mutex<HashMap<Box<[u8]>, Waiting>>);

/// Those who wait for one key.
#[derive(Debug, Default)]
struct Waiting {
    count: usize,
    change: Arc<Change>,
}

#[derive(Debug, Default)]
struct Change {
    notify: Notify,
    /// How often the server has said so.
    said: AtomicU64,
}

impl Waits {
    /// Begins a wait for changes of the key `name`, which ends when it is dropped.
    pub(crate) fn register<'a>(&'a self, name: &'a [u8]) -> Wait<'a> {
        let mut names = self.names();
        let waiting = names.entry(name.into()).or_default();
        waiting.count += 1;
        Wait { waits: self, name, change: Arc::clone(&waiting.change) }
    }

    /// For how many keys there are waits.
    pub(crate) fn len(&self) -> usize {
        self.names().len()
    }

    fn heard(&self, push: &PushInfo) {
        if push.kind != PushKind::Invalidate {
            return;
        }
        match push.data.first() {
            Some(Value::Array(names)) => {
                for name in names {
                    if let Value::BulkString(name) = name {
                        self.changed(name);
                    }
                }
            }
            // `FLUSHALL` and `FLUSHDB` name no keys.
            _ => self.all_changed(true),
        }
    }

    /// The server says that the key `name` changed.
    fn changed(&self, name: &[u8]) {
        let change = self.names().get(name).map(|waiting| Arc::clone(&waiting.change));
        if let Some(change) = change {
            change.said.fetch_add(1, Ordering::AcqRel);
            change.notify.notify_waiters();
        }
    }

    /// Every key may have changed, whether the server says so or cannot say any more.
    fn all_changed(&self, said: bool) {
        let all: Vec<_> =
            self.names().values().map(|waiting| Arc::clone(&waiting.change)).collect();
        for change in all {
            change.said.fetch_add(said.into(), Ordering::AcqRel);
            change.notify.notify_waiters();
        }
    }

    fn names(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wait for changes of one key.
pub(crate) struct Wait<'a> {
    waits: &'a Waits,
    name: &'a [u8],
    change: Arc<Change>,
}

impl Wait<'_> {
    /// The next change from now on, whether it is awaited yet or not.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.change.notify.notified()
    }

    /// How often the server has said that the key changed. A lost connection does not count.
    pub(crate) fn said(&self) -> u64 {
        self.change.said.load(Ordering::Acquire)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let mut names = self.waits.names();
        if let Some(waiting) = names.get_mut(self.name) {
            waiting.count -= 1;
            if waiting.count == 0 {
                names.remove(self.name);
            }
        }
    }
}

/// Who is told what the server says of its own accord.
#[derive(Clone, Debug)]
pub enum Listener {
    /// Those who wait for keys that they have read.
    Waits(Arc<Waits>),
    /// Those who have copies of what the server knows to have changed.
    Broadcast(Arc<Broadcast>),
    /// Those who have copies of what others say to have changed.
    Channel(Arc<Channel>),
}

impl Listener {
    /// What makes the server speak.
    pub(super) fn command(&self) -> Cmd {
        match self {
            Self::Waits(_) => {
                let mut tracking = redis::cmd("CLIENT");
                tracking.arg("TRACKING").arg("ON");
                tracking
            }
            Self::Broadcast(broadcast) => broadcast.command(),
            Self::Channel(channel) => channel.command(),
        }
    }

    /// It will speak from now on.
    pub(super) fn connected(&self) {
        match self {
            Self::Waits(_) => {}
            Self::Broadcast(broadcast) => broadcast.connected(),
            Self::Channel(channel) => channel.connected(),
        }
    }

    pub(super) fn broadcast(&self) -> Option<&Arc<Broadcast>> {
        match self {
            Self::Waits(_) | Self::Channel(_) => None,
            Self::Broadcast(broadcast) => Some(broadcast),
        }
    }
}

/// Listens on one connection. When that is lost, it is dropped, and everything may have changed.
pub(super) struct Ear(Listener);

impl Ear {
    pub(super) fn new(listener: &Listener) -> Self {
        Self(listener.clone())
    }
}

impl AsyncPushSender for Ear {
    fn send(&self, push: PushInfo) -> Result<(), SendError> {
        match &self.0 {
            Listener::Waits(waits) => waits.heard(&push),
            Listener::Broadcast(broadcast) => broadcast.heard(&push),
            Listener::Channel(channel) => channel.heard(&push),
        }
        Ok(())
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        match &self.0 {
            Listener::Waits(waits) => waits.all_changed(false),
            Listener::Broadcast(broadcast) => broadcast.lost(),
            Listener::Channel(_) => {}
        }
    }
}

impl Target {
    /// The client asks for the protocol that has pushes before we can log in, so here it logs in.
    pub(super) fn login_for_pushes(&self, mut login: RedisConnectionInfo) -> RedisConnectionInfo {
        if let Some(username) = &self.username {
            login = login.set_username(username);
        }
        if let Some(password) = &self.password {
            login = login.set_password(password);
        }
        login.set_protocol(ProtocolVersion::RESP3)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn push(data: Vec<Value>) -> PushInfo {
        PushInfo { kind: PushKind::Invalidate, data }
    }

    fn names(names: &[&str]) -> PushInfo {
        let name = |name: &&str| Value::BulkString(name.as_bytes().to_vec());
        push(vec![Value::Array(names.iter().map(name).collect())])
    }

    fn is_ready(changed: Notified<'_>) -> bool {
        pin!(changed).poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn a_change_wakes_those_who_wait_for_it() {
        let waits = Arc::new(Waits::default());
        let ear = Ear::new(&Listener::Waits(Arc::clone(&waits)));
        let (one, same, other) = (waits.register(b"a"), waits.register(b"a"), waits.register(b"b"));
        let waiting = || [one.changed(), same.changed(), other.changed()];
        let woken = |begun: [Notified<'_>; 3]| begun.map(is_ready);

        assert_eq!(woken(waiting()), [false; 3]);
        let begun = waiting();
        ear.send(names(&["x", "a"])).unwrap();
        assert_eq!(woken(begun), [true, true, false]);
        assert_eq!(woken(waiting()), [false; 3], "a change counts once");
        let begun = waiting();
        ear.send(push(vec![Value::Nil])).unwrap();
        assert_eq!(woken(begun), [true; 3], "everything was flushed");
        let begun = waiting();
        ear.send(PushInfo { kind: PushKind::Message, ..names(&["a"]) }).unwrap();
        assert_eq!(woken(begun), [false; 3]);
        let begun = waiting();
        drop(ear);
        assert_eq!(woken(begun), [true; 3], "the connection was lost");
    }

    #[test]
    fn dropped_waits_leave_nothing() {
        let waits = Waits::default();
        let (one, same, other) = (waits.register(b"a"), waits.register(b"a"), waits.register(b"b"));
        assert_eq!(waits.len(), 2);
        drop(one);
        assert_eq!(waits.len(), 2);
        drop((same, other));
        assert_eq!(waits.len(), 0);
    }
}
