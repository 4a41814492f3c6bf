//! What others change under certain names, told by the server: client tracking in its broadcasting mode.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{Cmd, PushInfo, PushKind, Value};
use tokio::{runtime::Handle, task::AbortHandle, time};

use super::{Redis, Wire, config::config, wire::Carry};
use crate::{Changes, Copies, Key, Result, layer::Name};

/// How often a connection is looked after over which nothing is asked: how long a lost one goes unnoticed
/// while all reads are served by copies.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// Who is told of changes of which names.
pub struct Broadcast {
    /// What the names begin with.
    prefixes: Vec<String>,
    /// Whether a lost connection is reason enough to forget everything. Where there are several, the
    /// others go on, and what this one would tell may be told by another later.
    at_loss: bool,
    followers: Mutex<Vec<Weak<dyn Copies>>>,
    keeper: Mutex<Option<AbortHandle>>,
    told: AtomicU64,
}

impl Broadcast {
    pub(super) fn new(prefixes: Vec<String>, at_loss: bool) -> Arc<Self> {
        Arc::new(Self {
            prefixes,
            at_loss,
            followers: Mutex::default(),
            keeper: Mutex::default(),
            told: AtomicU64::new(0),
        })
    }

    /// What switches it on: all changes under the prefixes, except those made over this connection. Those
    /// of scripts are told all the same.
    pub(super) fn command(&self) -> Cmd {
        let mut tracking = redis::cmd("CLIENT");
        tracking.arg("TRACKING").arg("ON").arg("BCAST").arg("NOLOOP");
        for prefix in &self.prefixes {
            tracking.arg("PREFIX").arg(prefix);
        }
        tracking
    }

    /// Whether changes of `name` are told.
    fn hears_of(&self, name: &[u8]) -> bool {
        self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_bytes()))
    }

    /// A connection is up, over which nothing was asked yet. What happened while there was none, nobody
    /// knows.
    pub(super) fn connected(&self) {
        self.all_changed();
    }

    pub(super) fn lost(&self) {
        if self.at_loss {
            self.all_changed();
        }
    }

    pub(super) fn heard(&self, push: &PushInfo) {
        if push.kind != PushKind::Invalidate {
            return;
        }
        match push.data.first() {
            Some(Value::Array(names)) => {
                let followers = self.followers();
                for name in names {
                    if let Value::BulkString(name) = name {
                        self.told.fetch_add(1, Ordering::Relaxed);
                        followers.iter().for_each(|copies| Arc::clone(copies).changed(name));
                    }
                }
            }
            // `FLUSHALL` and `FLUSHDB` name no keys.
            _ => self.all_changed(),
        }
    }

    fn all_changed(&self) {
        self.followers().into_iter().for_each(Copies::all_changed);
    }

    fn followers(&self) -> Vec<Arc<dyn Copies>> {
        self.list().iter().filter_map(Weak::upgrade).collect()
    }

    fn list(&self) -> MutexGuard<'_, Vec<Weak<dyn Copies>>> {
        self.followers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that somebody looks after the connections of `wire`, as long as there are copies.
    fn keep_up<W: Carry>(self: &Arc<Self>, wire: &W) {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if keeper.as_ref().is_some_and(|keeper| !keeper.is_finished()) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let (broadcast, wire) = (Arc::clone(self), wire.clone());
        let task = runtime.spawn(async move {
            while !broadcast.followers().is_empty() {
                time::sleep(LOOK_AFTER).await;
                // One that does not answer is given up, which is all that is wanted.
                wire.look_after().await;
            }
        });
        *keeper = Some(task.abort_handle());
    }
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast")
            .field("prefixes", &self.prefixes)
            .field("followers", &self.followers().len())
            .field("told", &self.told.load(Ordering::Relaxed))
            .finish()
    }
}

/// Prefixes, none of which covers another: the server refuses that.
pub(super) fn check(prefixes: &[String]) -> Result<()> {
    let covers = |(at, one): (usize, &String)| {
        prefixes.iter().enumerate().any(|(other, prefix)| at != other && prefix.starts_with(one.as_str()))
    };
    if prefixes.iter().enumerate().any(covers) {
        return Err(config("`tracking`: one of the prefixes covers another; give the shorter one only"));
    }
    Ok(())
}

impl<W: Wire> Changes for Redis<W> {
    fn follow(&self, copies: Weak<dyn Copies>) -> Result<()> {
        let Some(broadcast) = self.wire.broadcast() else {
            return Err(config(
                "this connection does not track: build it with `.tracking(prefix)`, where the prefix is \
                 what the names of all keys begin with, or \"\"",
            ));
        };
        let mut followers = broadcast.list();
        followers.retain(|copies| copies.strong_count() > 0);
        followers.push(copies);
        Ok(())
    }

    fn name(&self, key: Key<'_>, hashes: bool) -> Name {
        let name = match key.space() {
            Some(space) if hashes => Cow::Borrowed(space.as_bytes()),
            _ => W::name(key),
        };
        match self.wire.broadcast() {
            Some(broadcast) if broadcast.hears_of(&name) => Name::Told(name.into()),
            _ => Name::Unheard,
        }
    }

    fn listen(&self) {
        if let Some(broadcast) = self.wire.broadcast() {
            broadcast.keep_up(&self.wire);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_must_not_cover_each_other() {
        let all = |prefixes: &[&str]| check(&prefixes.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert!(all(&[]).is_ok() && all(&[""]).is_ok() && all(&["a:", "b:"]).is_ok());
        for covered in [&["a", "a"][..], &["a:b", "a:"], &["", "x"]] {
            assert!(all(covered).is_err(), "{covered:?}");
        }
    }
}
