//! What others change under certain names, told by the server: client tracking in its broadcasting mode.

use std::{
    borrow::Cow,
    sync::{Arc, Weak},
};

use redis::{Cmd, PushInfo, PushKind, Value};

use super::{Redis, Wire, config::config, followers::Followers};
use crate::{Changes, Copies, Key, Name, Result};

/// Who is told of changes of which names.
#[derive(Debug)]
pub struct Broadcast {
    /// What the names begin with.
    prefixes: Vec<String>,
    /// Whether a lost connection is reason enough to forget everything. Where there are several, the
    /// others go on, and what this one would tell may be told by another later.
    at_loss: bool,
    followers: Arc<Followers>,
}

impl Broadcast {
    pub(super) fn new(prefixes: Vec<String>, at_loss: bool) -> Arc<Self> {
        Arc::new(Self { prefixes, at_loss, followers: Arc::default() })
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
        self.followers.all_changed();
    }

    pub(super) fn lost(&self) {
        if self.at_loss {
            self.followers.all_changed();
        }
    }

    pub(super) fn heard(&self, push: &PushInfo) {
        if push.kind != PushKind::Invalidate {
            return;
        }
        match push.data.first() {
            Some(Value::Array(names)) => {
                let names = names.iter().filter_map(|name| match name {
                    Value::BulkString(name) => Some(&**name),
                    _ => None,
                });
                self.followers.changed(names);
            }
            // `FLUSHALL` and `FLUSHDB` name no keys.
            _ => self.followers.all_changed(),
        }
    }
}

/// Prefixes, none of which covers another: the server refuses that.
pub(super) fn check(prefixes: &[String]) -> Result<()> {
    let covers = |(at, one): (usize, &String)| {
        prefixes
            .iter()
            .enumerate()
            .any(|(other, prefix)| at != other && prefix.starts_with(one.as_str()))
    };
    if prefixes.iter().enumerate().any(covers) {
        return Err(config(
            "`tracking`: one of the prefixes covers another; give the shorter one only",
        ));
    }
    Ok(())
}

impl<W: Wire> Changes for Redis<W> {
    fn follow(&self, copies: Weak<dyn Copies>) -> Result<()> {
        let Some(broadcast) = self.wire.broadcast() else {
            return Err(config(
                "this connection does not track: build it with `.tracking(prefix)` (the setting \
                 `tracking`), where the prefix is what the names of all keys begin with, or \"\" (`*`)",
            ));
        };
        broadcast.followers.add(copies);
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
            broadcast.followers.keep_up(|| {
                let wire = self.wire.clone();
                move || {
                    let wire = wire.clone();
                    async move {
                        // One that does not answer is given up, which is all that is wanted.
                        let _ = wire.look_after().await;
                    }
                }
            });
        }
    }

    /// The server does not tell a connection what was changed over it, which may be several tiers'.
    async fn announce(&self, names: &[Box<[u8]>], by: &Weak<dyn Copies>) {
        self.announce_later(names, by);
    }

    fn announce_later(&self, names: &[Box<[u8]>], by: &Weak<dyn Copies>) {
        if let Some(broadcast) = self.wire.broadcast() {
            broadcast.followers.changed_by(by, names);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_must_not_cover_each_other() {
        let all = |prefixes: &[&str]| {
            check(&prefixes.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert!(all(&[]).is_ok() && all(&[""]).is_ok() && all(&["a:", "b:"]).is_ok());
        for covered in [&["a", "a"][..], &["a:b", "a:"], &["", "x"]] {
            assert!(all(covered).is_err(), "{covered:?}");
        }
    }
}
