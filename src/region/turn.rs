//! Whose turn it is to create: what other processes do, by the lock that all of them share.

use std::time::Instant as Moment;

use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use super::{
    Region,
    create::{Asked, Wants},
    flight::Lead,
    held::Held,
    options::OnTimeout,
    read::Left,
};
use crate::{Error, ErrorKind, Invalidator, Key, Level, Lock, Result, Seen, Store};

/// Whose turn it is to create, once the lock between processes was asked.
pub(super) enum Turn<L: Lock, T> {
    /// Ours, with the lease and what there is to fall back on.
    Ours(Held<L>, Left<T>),
    /// Another process created it.
    Theirs(Option<T>),
    /// Another process is creating it, and there is something that this caller takes meanwhile.
    Pass(Option<T>),
}

impl<S, L: Lock, I: Invalidator> Region<S, L, I> {
    /// Waits for the turn to create, and looks whether that is still necessary.
    pub(super) async fn turn<T>(
        &self,
        mut asked: Asked<'_>,
        lead: &Lead,
        mut left: Left<T>,
        mut until: Instant,
    ) -> Result<Turn<L, T>>
    where
        S: Store<T>,
    {
        let Asked { key, wants, seen, forced, .. } = asked;
        let lock = &self.inner.lock;
        if !lock.is_shared() {
            // Someone may have finished between the read and the seat, or in another process.
            if wants != Wants::New && (asked.copy || self.inner.flights.landed() != seen) {
                left = self.left(key, wants, self.read_anew(key).await).await?;
            }
            return Ok(match left {
                Left::Fresh(value) => {
                    self.tell_found(&asked);
                    Turn::Theirs(value)
                }
                left => Turn::Ours(Held::none(lock), left),
            });
        }
        if Handle::try_current().is_err() {
            return Err(no_runtime(key));
        }
        if forced {
            return self.seize(key, left).await;
        }
        let (mut wants, mut outrun, mut owners) = (wants, false, Seen::default());
        loop {
            let (held, ours) = match Held::acquire(lock, vec![self.lease(key)]).await {
                Ok(answer) => answer,
                Err(error) => return self.without_lock(&error, left),
            };
            if ours == [true] {
                // Another process may have finished before we got the lock.
                if wants != Wants::New {
                    left = self.left(key, wants, self.read_anew(key).await).await?;
                }
                if let Left::Fresh(value) = left {
                    self.give_back(held).await;
                    self.tell_found(&asked);
                    return Ok(Turn::Theirs(value));
                }
                return Ok(Turn::Ours(held, left));
            }
            match left {
                Left::Stale(value) if wants != Wants::New => {
                    self.tell_stale(key, asked.looks_up());
                    return Ok(Turn::Pass(value));
                }
                other => left = other,
            }
            asked.waits_since.get_or_insert_with(Moment::now);
            match timeout_at(until, self.released(key, &mut owners)).await {
                Ok(Ok(())) if owners.changed_hands() => self.wait_anew(lead, &mut until),
                Ok(Ok(())) => {}
                Ok(Err(error)) => return self.without_lock(&error, left),
                Err(_) if self.call.on_timeout == OnTimeout::Create => {
                    // Where another one has the seat now, it is at the lock, too.
                    if lead.begin_anew() || outrun {
                        return self.seize(key, left).await;
                    }
                    outrun = true;
                    self.wait_anew(lead, &mut until);
                }
                Err(_) => return Ok(Turn::Pass(self.out_of_time(key, asked.looks_up()).await?)),
            }
            // What another process made meanwhile is new enough.
            if wants == Wants::New {
                wants = Wants::Value;
            }
            left = self.left(key, wants, self.read_anew(key).await).await?;
            if let Left::Fresh(value) = left {
                self.tell_found(&asked);
                return Ok(Turn::Theirs(value));
            }
        }
    }

    /// Takes the lock from a process that was too slow.
    async fn seize<T>(&self, key: Key<'_>, left: Left<T>) -> Result<Turn<L, T>>
    where
        S: Level,
    {
        match Held::seize(&self.inner.lock, vec![self.lease(key)]).await {
            Ok(held) => Ok(Turn::Ours(held, left)),
            Err(error) => self.without_lock(&error, left),
        }
    }

    /// A lock that fails is done without.
    fn without_lock<T>(&self, error: &Error, left: Left<T>) -> Result<Turn<L, T>>
    where
        S: Level,
    {
        self.bypass(error)?;
        Ok(Turn::Ours(Held::none(&self.inner.lock), left))
    }
}

pub(super) fn no_runtime(key: Key<'_>) -> Error {
    Error::new(ErrorKind::Config, "region").with_key(key).with_message(
        "a lock between processes needs a tokio runtime: call from inside one, or through \
         `blocking()`",
    )
}
