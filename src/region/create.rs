//! Read-through of one key: the algorithm, and nothing else.

use std::{future::Future, pin::Pin, sync::Arc, time::Instant as Moment};

use tokio::time::Instant;
use tracing::{Instrument, info_span};

use super::{
    Region,
    created::Created,
    crew::Crew,
    flight::{Follower, Join, Lead, Seat, deadline},
    options::OnTimeout,
    outcome::{Outcome, shared},
    read::{Answer, Left},
    turn::Turn,
};
use crate::{
    Entry, Error, ErrorKind, Failure, Happened, Invalidator, Key, Level, Lock, Meta, Result, Store,
    Timestamp, Verdict,
};

/// What a caller takes for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// A value; that there is nothing is as good as not knowing.
    Value,
    /// Also to be told that there is nothing.
    Answer,
    /// A new value, whatever is there.
    New,
}

impl Wants {
    /// What is left of an entry for such a caller.
    pub(super) fn of<T>(self, left: Left<T>) -> Left<T> {
        match (self, left) {
            (Self::Value | Self::New, Left::Fresh(None) | Left::Stale(None)) => Left::Missing,
            (Self::New, Left::Fresh(value)) => Left::Stale(value),
            (_, left) => left,
        }
    }
}

/// One call for one key.
#[expect(clippy::struct_excessive_bools, reason = "each says something else")]
#[derive(Clone, Copy)]
pub(super) struct Asked<'k> {
    pub(super) key: Key<'k>,
    pub(super) wants: Wants,
    pub(super) crew: Crew,
    /// How many flights had landed before the last read.
    pub(super) seen: u64,
    /// Whether the seat was taken from one who was too slow.
    pub(super) forced: bool,
    /// Whether the caller has its answer already.
    pub(super) behind: bool,
    /// Whether the creator blocks its thread.
    pub(super) blocks: bool,
    /// Whether what was found may be an older copy of what the stack has.
    pub(super) copy: bool,
    /// Since when it has been waiting for others, if it has.
    pub(super) waits_since: Option<Moment>,
}

impl<'k> Asked<'k> {
    pub(super) fn new(key: Key<'k>, wants: Wants, seen: u64) -> Self {
        let crew = Crew::new();
        let (forced, behind, blocks, copy) = (false, false, false, false);
        Self { key, wants, crew, seen, forced, behind, blocks, copy, waits_since: None }
    }

    /// The same with a creator that blocks its thread.
    pub(super) fn blocking(self) -> Self {
        Self { blocks: true, ..self }
    }
}

impl Asked<'_> {
    /// Whether the caller looks something up, and has no answer yet.
    pub(super) fn looks_up(&self) -> bool {
        self.wants != Wants::New && !self.behind
    }

    /// Whether a stale value is better than an error.
    fn falls_back(&self, stale_on_error: bool) -> bool {
        self.behind || (stale_on_error && self.wants != Wants::New)
    }
}

impl<S, L: Lock, I: Invalidator> Region<S, L, I> {
    /// Everything but the fresh hit, boxed and out of line, to keep the future and the code of a
    /// hit small.
    #[cold]
    #[inline(never)]
    pub(super) fn create_boxed<'a, T, E, Fut>(
        &'a self,
        asked: Asked<'a>,
        found: Answer<T>,
        create: impl FnOnce() -> Fut,
    ) -> Pin<Box<impl Future<Output = Result<Option<T>, Failure<E>>>>>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<Created<T>, E>>,
    {
        Box::pin(self.create(asked, found, create))
    }

    /// Goes on from a read that brought nothing fresh.
    pub(super) async fn create<T, E, Fut>(
        &self,
        mut asked: Asked<'_>,
        found: Answer<T>,
        create: impl FnOnce() -> Fut,
    ) -> Result<Option<T>, Failure<E>>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<Created<T>, E>>,
    {
        let Asked { key, wants, crew, .. } = asked;
        let mut until = deadline(self.call.wait_timeout);
        let mut too_slow: Option<Follower> = None;
        let found = match wants {
            Wants::New => found,
            Wants::Value | Wants::Answer => {
                let found = self.first_sight(key, found).await;
                self.made_sure(key, found).await
            }
        };
        asked.copy = self.may_be_copy(&found);
        let looks_up = asked.looks_up();
        let left = self.left(key, wants, found).await;
        let mut left = self.answered(&[key], looks_up, left)?;
        loop {
            if let Left::Fresh(value) = left {
                self.tell_found(&asked);
                return Ok(value);
            }
            // Who wants a new value is not content with a stale one.
            let waits = wants == Wants::New || matches!(left, Left::Missing);
            let seat = match too_slow.take() {
                None => self.seat(key, if waits { Join::Wait } else { Join::Pass }, crew),
                Some(slow) => {
                    asked.forced = true;
                    let patience = self.call.wait_timeout;
                    self.inner.flights.overtake(&slow, patience, crew, self.stamp(key))
                }
            };
            let flight = match seat {
                Seat::Own => {
                    return Ok(self.answered(&[key], looks_up, Err(recursion(key)))?);
                }
                Seat::Lead(lead) => return self.lead(asked, lead, left, until, create).await,
                Seat::Follow(flight) => flight,
            };
            if let (false, Left::Stale(value)) = (waits, left) {
                self.tell_stale(key, looks_up);
                return Ok(value);
            }
            asked.waits_since.get_or_insert_with(Moment::now);
            match self.outcome(&flight, until).await {
                Some(outcome) => {
                    if let Some(result) = shared(&outcome, wants) {
                        self.tell_found(&asked);
                        self.handed(key, flight.stamp(), &result);
                        return result;
                    }
                }
                None if self.call.on_timeout == OnTimeout::Create => {
                    too_slow = Some(flight);
                    until = deadline(self.call.wait_timeout);
                }
                None => {
                    let answer = self.out_of_time(key, looks_up).await;
                    return Ok(self.answered(&[key], looks_up, answer)?);
                }
            }
            // The flight brought nothing, or something of another type: look again.
            asked.seen = self.inner.flights.landed();
            let found = self.made_sure(key, self.read(key).await).await;
            asked.copy = self.may_be_copy(&found);
            left = self.answered(&[key], looks_up, self.left(key, wants, found).await)?;
        }
    }

    /// Goes on with the seat: sees that no other process creates, creates, stores, and hands the
    /// result to those who wait.
    pub(super) async fn lead<T, E, Fut>(
        &self,
        asked: Asked<'_>,
        lead: Lead,
        left: Left<T>,
        until: Instant,
        create: impl FnOnce() -> Fut,
    ) -> Result<Option<T>, Failure<E>>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<Created<T>, E>>,
    {
        let Asked { key, crew, .. } = asked;
        let turn = self.turn(asked, &lead, left, until).await;
        let (held, stale) = match self.answered(&[key], asked.looks_up(), turn)? {
            Turn::Ours(held, stale) => (held, stale),
            Turn::Theirs(value) => {
                lead.land(|| self.found(value.as_ref()));
                return Ok(value);
            }
            Turn::Pass(value) => return Ok(value),
        };
        // From before: what changes while the creator runs makes its value older, not newer.
        let stamp = self.stamp(key);
        lead.restamp(stamp);
        let work = crew.create(held.renewing(async { create().await }, asked.blocks));
        let began = Moment::now();
        let created = work.instrument(info_span!(target: "larder::create", "create", %key)).await;
        let took = began.elapsed();
        let created = match created {
            Ok(created) => created,
            Err(error) => {
                self.tell_failed(&[key], took);
                let error = Arc::new(error);
                lead.land(|| Outcome::failure(&error));
                self.give_back(held).await;
                return match stale {
                    Left::Stale(value) if asked.falls_back(self.call.stale_on_error) => {
                        self.stands_in(key);
                        self.tell_stale(key, asked.looks_up());
                        Ok(value)
                    }
                    _ => {
                        if asked.looks_up() {
                            self.tell_of(Happened::Miss, key);
                        }
                        Err(Failure::Creator(error))
                    }
                };
            }
        };
        if asked.looks_up() {
            self.tell_of(Happened::Miss, key);
        }
        self.tell_created(&[key], 1, took);
        let (entry, wanted) = self.entry_of(created, stamp);
        let stored = match wanted {
            true => self.store(key, &lead, &held, &entry).await,
            false if asked.wants == Wants::New && entry.value.is_none() => {
                self.forget([(key, &lead, &entry.meta)].into_iter()).await
            }
            false => Ok(()),
        };
        lead.land(|| Outcome::of(entry.value.as_ref()));
        self.give_back(held).await;
        stored?;
        Ok(entry.value)
    }

    /// What this call has found, for those who wait for it.
    pub(super) fn found<T: Clone + Send + Sync + 'static>(&self, value: Option<&T>) -> Outcome {
        // It takes what may be too old for them: they look for themselves.
        if self.call.ignore_expiration { Outcome::Nothing } else { Outcome::of(value) }
    }

    /// What is left of a read for a caller who wants `wants`.
    pub(super) async fn left<T>(
        &self,
        key: Key<'_>,
        wants: Wants,
        found: Answer<T>,
    ) -> Result<Left<T>>
    where
        S: Level,
    {
        Ok(wants.of(self.settle(key, self.usable(found)?).await))
    }

    /// Joins the flight of `key`.
    pub(super) fn seat(&self, key: Key<'_>, how: Join, crew: Crew) -> Seat {
        // A creation from before an invalidation is not worth waiting for.
        let now = self.inner.clock.now();
        let valid = |stamp| {
            let verdict = self.inner.invalidator.judge(key, stamp, now);
            matches!(verdict, Verdict::Valid | Verdict::Outdated)
        };
        let stamp = self.inner.invalidator.stamp(key, now);
        self.inner.flights.join(key, how, crew, stamp, valid)
    }

    /// Tells the stack what a caller was handed that waited for another one.
    pub(super) fn handed<T: Clone, E>(
        &self,
        key: Key<'_>,
        stamp: Timestamp,
        result: &Result<Option<T>, Failure<E>>,
    ) where
        S: Store<T>,
    {
        if let Ok(value) = result {
            let ttl = if value.is_some() { None } else { self.inner.policy.negative_ttl };
            let meta = Meta::new(stamp).with_ttl(ttl.or(self.call.ttl));
            self.inner.stack.handed(key, || Entry::new(value.clone(), meta));
        }
    }

    /// What a caller gets that has waited too long and does not create for itself.
    pub(super) async fn out_of_time<T>(&self, key: Key<'_>, looks_up: bool) -> Result<Option<T>>
    where
        S: Store<T>,
    {
        if self.call.on_timeout == OnTimeout::Stale {
            let found = self.usable(self.read(key).await)?;
            if let Some(value) = found.and_then(|entry| entry.value) {
                self.tell_stale(key, looks_up);
                return Ok(Some(value));
            }
        }
        let waited = self.call.wait_timeout;
        Err(Error::new(ErrorKind::Timeout, "region").with_key(key).with_message(format!(
            "another caller is still creating this value after {waited:?}; raise `wait_timeout`, let \
             the creator fail sooner, or choose another `on_timeout`"
        )))
    }

    /// Logs that a stale value stands in for one that could not be created.
    pub(super) fn stands_in(&self, key: Key<'_>) {
        let error = Error::new(ErrorKind::Backend, "region")
            .with_key(key)
            .with_message("the creator failed; the stale value is served");
        self.inner.tally.warn(&error, self.inner.clock.now());
    }
}

pub(super) fn recursion(key: Key<'_>) -> Error {
    Error::new(ErrorKind::Recursion, "region").with_key(key).with_message(
        "the creator of this key asked for the key itself, and would wait for itself for ever; let it \
         call what is not cached (of a cached function `cache().original(..)`)",
    )
}
