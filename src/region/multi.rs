//! Read-through of many keys at once.

use std::{collections::HashMap, future::Future, mem, time::Instant as Moment};

use tokio::{runtime::Handle, time::timeout_at};

use super::{
    Region,
    batch::Batch,
    create::{Wants, recursion},
    created::Created,
    flight::{Follower, Join, Lead, Seat, deadline},
    held::Held,
    options::OnTimeout,
    outcome::{Outcome, shared},
    read::Left,
    turn::no_runtime,
};
use crate::{AsKey, Error, Failure, Invalidator, Key, Level, Lock, Result, Seen, Store};

/// What became of each key of a batch, in the caller's order; collect it into a
/// `Result<Vec<Option<T>>, Failure<E>>` to fail as a whole.
pub type Outcomes<T, E> = Vec<Result<Option<T>, Failure<E>>>;

/// A key that this batch creates, by its position.
pub(super) struct Led {
    pub(super) at: usize,
    pub(super) lead: Lead,
}

/// Flights that this batch waits for, by the position of their keys.
type Followed = Vec<(usize, Follower)>;

/// The seats of a batch.
#[derive(Default)]
struct Seats {
    led: Vec<Led>,
    /// Those it leads because another one was too slow.
    overtaken: Vec<Led>,
    followed: Followed,
}

/// How the locks of keys are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Take {
    IfFree,
    /// From whoever has them.
    Seize,
    /// Not at all, since the lock fails.
    Without,
}

impl<S, L: Lock, I: Invalidator> Region<S, L, I> {
    /// Finds or creates the values of `items`, and answers in their order.
    pub(super) async fn batch<K, Q, T, E, R, Fut>(
        &self,
        items: Vec<K>,
        wants: Wants,
        create: impl FnMut(Vec<K>) -> Fut,
    ) -> Outcomes<T, E>
    where
        Fut: Future<Output = Result<R, E>>,
        S: Store<T>,
        K: AsKey + Clone,
        R: IntoIterator<Item = (Q, Created<T>)>,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        let mut batch = Batch::new(&items, wants, self.call.wait_timeout, false);
        let seen = self.inner.flights.landed();
        if wants != Wants::New {
            self.look_at_open(&mut batch).await;
        }
        self.complete(&mut batch, seen, create).await;
        batch.into_answers()
    }

    /// Answers what is open in a batch that was looked at after `seen` flights had landed.
    pub(super) async fn complete<K, Q, T, E, R, Fut>(
        &self,
        batch: &mut Batch<'_, K, T, E>,
        mut seen: u64,
        mut create: impl FnMut(Vec<K>) -> Fut,
    ) where
        Fut: Future<Output = Result<R, E>>,
        S: Store<T>,
        K: Clone,
        R: IntoIterator<Item = (Q, Created<T>)>,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        let mut too_slow = Followed::new();
        while !batch.is_complete() {
            let seats = self.seats(batch, too_slow);
            // First what others may be waiting for, then what this batch waits for: no two batches
            // can wait for each other.
            self.lead_multi(batch, seats.led, Take::IfFree, seen, &mut create).await;
            self.lead_multi(batch, seats.overtaken, Take::Seize, seen, &mut create).await;
            too_slow = self.follow(batch, seats.followed).await;
            seen = self.inner.flights.landed();
            self.look_at_open(batch).await;
        }
    }

    /// Reads the keys that are open, and answers those that are fresh.
    pub(super) async fn look_at_open<K, T, E>(&self, batch: &mut Batch<'_, K, T, E>)
    where
        S: Store<T>,
        T: Send,
    {
        let open = batch.open();
        self.look(batch, &open, false).await;
    }

    /// Reads keys, past copies if `anew`, and answers those that are fresh.
    pub(super) async fn look<K, T, E>(
        &self,
        batch: &mut Batch<'_, K, T, E>,
        which: &[usize],
        anew: bool,
    ) where
        S: Store<T>,
        T: Send,
    {
        if which.is_empty() {
            return;
        }
        let keys: Vec<Key<'_>> = which.iter().map(|at| batch.keys[*at]).collect();
        let found = match self.read_multi(&keys, anew).await {
            Ok(found) if anew => found,
            Ok(found) => self.made_sure_multi(&keys, found).await,
            Err(error) => match self.bypass(&error) {
                Ok(()) => which.iter().map(|_| Ok(None)).collect(),
                Err(error) => return self.fail(batch, which, &error),
            },
        };
        let mut fresh = 0;
        for (at, found) in which.iter().zip(found) {
            let key = batch.keys[*at];
            batch.copies[*at] = self.may_be_copy(&found);
            match self.left(key, batch.wants, found).await {
                Ok(Left::Fresh(value)) => {
                    match batch.waits_since {
                        Some(since) => self.tell_waited(key, since, batch.looks_up),
                        None => fresh += 1,
                    }
                    batch.answer(*at, Ok(value));
                }
                Ok(left) => batch.left[*at] = left,
                Err(error) => self.fail(batch, &[*at], &error),
            }
        }
        if fresh > 0 && batch.looks_up {
            self.tell_fresh(fresh);
        }
    }

    /// Takes the seats of all open keys. Who has a stale value does not follow.
    fn seats<K, T, E>(&self, batch: &mut Batch<'_, K, T, E>, too_slow: Followed) -> Seats
    where
        S: Level,
    {
        let mut seats = Seats::default();
        let mut too_slow: HashMap<usize, Follower> = too_slow.into_iter().collect();
        for at in batch.open() {
            let key = batch.keys[at];
            let stale = batch.takes_stale(at);
            let late = too_slow.remove(&at);
            let seat = match &late {
                Some(late) => {
                    let (flights, patience) = (&self.inner.flights, self.call.wait_timeout);
                    flights.overtake(late, patience, batch.crew, self.stamp(key))
                }
                None => self.seat(key, if stale { Join::Pass } else { Join::Wait }, batch.crew),
            };
            match seat {
                Seat::Own => self.fail(batch, &[at], &recursion(key)),
                Seat::Lead(lead) if late.is_some() => seats.overtaken.push(Led { at, lead }),
                Seat::Lead(lead) => seats.led.push(Led { at, lead }),
                Seat::Follow(flight) => match mem::replace(&mut batch.left[at], Left::Missing) {
                    Left::Stale(value) if stale => {
                        self.tell_stale(key, batch.looks_up);
                        batch.answer(at, Ok(value));
                    }
                    _ => seats.followed.push((at, flight)),
                },
            }
        }
        seats
    }

    /// Waits for what others create; returns the flights that took too long and are to be taken over.
    async fn follow<K, T, E>(&self, batch: &mut Batch<'_, K, T, E>, followed: Followed) -> Followed
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        let mut too_slow = Vec::new();
        for (at, flight) in followed {
            let since = *batch.waits_since.get_or_insert_with(Moment::now);
            match self.outcome(&flight, batch.until).await {
                Some(outcome) => {
                    if let Some(answer) = shared(&outcome, Wants::Answer) {
                        self.tell_waited(batch.keys[at], since, batch.looks_up);
                        self.handed(batch.keys[at], flight.stamp(), &answer);
                        batch.answer(at, answer);
                    }
                }
                None if self.call.on_timeout == OnTimeout::Create => too_slow.push((at, flight)),
                None => self.give_up(batch, at).await,
            }
        }
        if !too_slow.is_empty() {
            batch.until = deadline(self.call.wait_timeout);
        }
        too_slow
    }

    /// Answers a key for which the batch has waited too long.
    async fn give_up<K, T, E>(&self, batch: &mut Batch<'_, K, T, E>, at: usize)
    where
        S: Store<T>,
    {
        match self.out_of_time(batch.keys[at], batch.looks_up).await {
            Ok(value) => batch.answer(at, Ok(value)),
            Err(error) => self.fail(batch, &[at], &error),
        }
    }

    /// Answers keys with an error.
    fn fail<K, T, E>(&self, batch: &mut Batch<'_, K, T, E>, which: &[usize], error: &Error)
    where
        S: Level,
    {
        if batch.looks_up {
            self.tell_misses(&which.iter().map(|at| batch.keys[*at]).collect::<Vec<_>>());
        }
        batch.fail(which.iter().copied(), error);
    }

    /// Goes on with the seats of many keys: takes their locks, creates those it got, and then waits
    /// for those that other processes have.
    async fn lead_multi<K, Q, T, E, R, Fut>(
        &self,
        batch: &mut Batch<'_, K, T, E>,
        mut led: Vec<Led>,
        mut take: Take,
        seen: u64,
        create: &mut impl FnMut(Vec<K>) -> Fut,
    ) where
        Fut: Future<Output = Result<R, E>>,
        S: Store<T>,
        K: Clone,
        R: IntoIterator<Item = (Q, Created<T>)>,
        Q: AsKey,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        let (mut waited_for, mut owners) = (None, Seen::default());
        while !led.is_empty() {
            let Some((held, ours, busy)) = self.locks(batch, led, take).await else { return };
            // Someone may have finished between the read and the seat, or the lock.
            let again = if self.inner.lock.is_shared() {
                take == Take::IfFree
            } else {
                self.inner.flights.landed() != seen || ours.iter().any(|led| batch.copies[led.at])
            };
            self.create_multi(batch, ours, &held, again, create).await;
            self.give_back(held).await;
            led = busy;
            let Some(Led { at: first, lead }) = led.first() else { return };
            let first = *first;
            if waited_for.replace(first) != Some(first) {
                owners = Seen::default();
            }
            batch.waits_since.get_or_insert_with(Moment::now);
            let released = self.released(batch.keys[first], &mut owners);
            take = match timeout_at(batch.until, released).await {
                Ok(Ok(())) => {
                    if owners.changed_hands() {
                        self.wait_anew(lead, &mut batch.until);
                    }
                    Take::IfFree
                }
                Ok(Err(error)) => match self.bypass(&error) {
                    Ok(()) => Take::Without,
                    Err(error) => return self.fail(batch, &places(&led), &error),
                },
                Err(_) if self.call.on_timeout == OnTimeout::Create => {
                    // Where another one has the seat now, there is somebody to follow.
                    led.retain(|led| led.lead.begin_anew());
                    Take::Seize
                }
                Err(_) => {
                    for Led { at, .. } in led {
                        self.give_up(batch, at).await;
                    }
                    return;
                }
            };
            // What another process made meanwhile is new enough.
            batch.wants = Wants::Answer;
            self.look(batch, &places(&led), true).await;
            led = led.into_iter().filter_map(|led| self.land_if_answered(batch, led)).collect();
        }
    }

    /// Takes the locks of the keys this batch leads. Returns the leases, the keys that are ours, and
    /// those that other processes have and for which there is nothing to serve meanwhile. `None` if
    /// all of them have failed.
    async fn locks<K, T, E>(
        &self,
        batch: &mut Batch<'_, K, T, E>,
        led: Vec<Led>,
        take: Take,
    ) -> Option<(Held<L>, Vec<Led>, Vec<Led>)>
    where
        S: Level,
    {
        let lock = &self.inner.lock;
        if !lock.is_shared() || take == Take::Without {
            return Some((Held::none(lock), led, Vec::new()));
        }
        if Handle::try_current().is_err() {
            let error = no_runtime(batch.keys[led[0].at]);
            self.fail(batch, &places(&led), &error);
            return None;
        }
        let leases = led.iter().map(|led| self.lease(batch.keys[led.at])).collect();
        let answer = match take {
            Take::Seize => {
                Held::seize(lock, leases).await.map(|held| (held, vec![true; led.len()]))
            }
            _ => Held::acquire(lock, leases).await,
        };
        let (held, is_ours) = match answer.or_else(|error| {
            // A lock that fails is done without.
            self.bypass(&error).map(|()| (Held::none(lock), vec![true; led.len()]))
        }) {
            Ok(answer) => answer,
            Err(error) => {
                self.fail(batch, &places(&led), &error);
                return None;
            }
        };
        let (mut ours, mut busy) = (Vec::with_capacity(led.len()), Vec::new());
        for (led, is_ours) in led.into_iter().zip(is_ours) {
            if is_ours {
                ours.push(led);
                continue;
            }
            let stale = batch.takes_stale(led.at);
            match mem::replace(&mut batch.left[led.at], Left::Missing) {
                Left::Stale(value) if stale => {
                    self.tell_stale(batch.keys[led.at], batch.looks_up);
                    batch.answer(led.at, Ok(value));
                }
                _ => busy.push(led),
            }
        }
        Some((held, ours, busy))
    }

    /// Lands the flight of a key that has its answer, else gives it back.
    pub(super) fn land_if_answered<K, T: Clone + Send + Sync + 'static, E>(
        &self,
        batch: &Batch<'_, K, T, E>,
        led: Led,
    ) -> Option<Led> {
        let Some(answer) = &batch.answers[led.at] else { return Some(led) };
        led.lead.land(|| match answer {
            Ok(value) => self.found(value.as_ref()),
            Err(_) => Outcome::Nothing,
        });
        None
    }
}

fn places(led: &[Led]) -> Vec<usize> {
    led.iter().map(|led| led.at).collect()
}
