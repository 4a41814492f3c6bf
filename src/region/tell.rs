//! Telling what happened: to the region's statistics, and to the observers of its stack.

use std::time::{Duration, Instant};

use tracing::debug;

use super::{Region, create::Asked};
use crate::{Error, Happened, Key, Level, RegionEvent, Result};

impl<S: Level, L, I> Region<S, L, I> {
    /// That fresh values are handed out. Nothing is counted here, because every hit would pay for it.
    #[inline]
    pub(super) fn tell_fresh(&self, count: usize) {
        self.inner.stack.tell(&RegionEvent::fresh(count));
    }

    pub(super) fn tell(&self, event: &RegionEvent<'_>) {
        self.inner.tally.count(event);
        self.inner.stack.tell(event);
    }

    /// That something happened to a key.
    pub(super) fn tell_of(&self, what: Happened, key: Key<'_>) {
        self.tell(&RegionEvent::new(what, &[key]));
    }

    /// That a caller was given something stale; told of lookups only.
    pub(super) fn tell_stale(&self, key: Key<'_>, looked_up: bool) {
        if looked_up {
            self.tell_of(Happened::Stale, key);
        }
    }

    /// What a call comes to that asked for `keys`: an error means in vain, if it looked them up.
    pub(super) fn answered<R>(
        &self,
        keys: &[Key<'_>],
        looked_up: bool,
        answer: Result<R>,
    ) -> Result<R> {
        if answer.is_err() && looked_up {
            self.tell_misses(keys);
        }
        answer
    }

    /// That keys were asked for in vain.
    pub(super) fn tell_misses(&self, keys: &[Key<'_>]) {
        if !keys.is_empty() {
            self.tell(&RegionEvent::new(Happened::Miss, keys));
        }
    }

    /// That a call found its value after all: if it has been waiting, because another one made it.
    pub(super) fn tell_found(&self, asked: &Asked<'_>) {
        match asked.waits_since {
            Some(_) if asked.behind => {}
            Some(since) => self.tell_waited(asked.key, since, asked.looks_up()),
            None if asked.looks_up() => self.tell_fresh(1),
            None => {}
        }
    }

    /// That a caller got what somebody else made; if it looked something up, in vain.
    pub(super) fn tell_waited(&self, key: Key<'_>, since: Instant, looked_up: bool) {
        if looked_up {
            self.tell_of(Happened::Miss, key);
        }
        let took = since.elapsed();
        debug!(target: "larder::create", %key, ?took, "waited for another creation");
        self.tell(&RegionEvent::new(Happened::Waited, &[key]).took(took));
    }

    /// That a creator ran, and how many values it made.
    pub(super) fn tell_created(&self, keys: &[Key<'_>], made: usize, took: Duration) {
        self.tell(&RegionEvent::new(Happened::Created, keys).counting(made).took(took));
    }

    /// That a creator failed.
    pub(super) fn tell_failed(&self, keys: &[Key<'_>], took: Duration) {
        self.tell(&RegionEvent::new(Happened::CreatorFailed, keys).took(took));
    }

    /// That an error was met and worked around.
    pub(super) fn tell_error(&self, what: Happened, error: &Error) {
        self.tell(&RegionEvent::error(what, error, error.key().as_slice()));
    }
}
