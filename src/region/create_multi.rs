//! Creating those keys of a batch that are ours to create.

use std::{collections::HashMap, future::Future, mem, sync::Arc, time::Instant as Moment};

use tracing::{Instrument, info_span};

use super::{
    Region, batch::Batch, create::Wants, created::Created, held::Held, keep::Made, multi::Led,
    outcome::Outcome, read::Left,
};
use crate::{AsKey, Failure, Happened, Invalidator, Key, Level, Lock, Store};

impl<S, L: Lock, I: Invalidator> Region<S, L, I> {
    /// Creates the keys that are ours, stores them, and hands them to those who wait.
    pub(super) async fn create_multi<K, Q, T, E, R, Fut>(
        &self,
        batch: &mut Batch<'_, K, T, E>,
        ours: Vec<Led>,
        held: &Held<L>,
        again: bool,
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
        // With locks, the leases stand in the order of our keys.
        let mut ours: Vec<(usize, Led)> = ours.into_iter().enumerate().collect();
        if again {
            self.look(batch, &ours.iter().map(|(_, led)| led.at).collect::<Vec<_>>(), true).await;
            ours = ours
                .into_iter()
                .filter_map(|(n, led)| Some((n, self.land_if_answered(batch, led)?)))
                .collect();
        }
        if ours.is_empty() {
            return;
        }
        let mut stamps = Vec::with_capacity(ours.len());
        for (_, led) in &ours {
            let stamp = self.stamp(batch.keys[led.at]);
            led.lead.restamp(stamp);
            stamps.push(stamp);
        }
        let missing = ours.iter().map(|(_, led)| batch.items[led.at].clone()).collect();
        let keys: Vec<Key<'_>> = ours.iter().map(|(_, led)| batch.keys[led.at]).collect();
        // A creator that works before it returns a future does so inside the crew, too.
        let work = held.renewing(async { create(missing).await }, batch.blocks);
        let work = batch.crew.create(work);
        let span = info_span!(target: "larder::create", "create_multi", keys = keys.len());
        let began = Moment::now();
        let created = match work.instrument(span).await {
            Ok(created) => created,
            Err(error) => {
                self.tell_failed(&keys, began.elapsed());
                return self.failed(batch, ours, &Arc::new(error));
            }
        };
        let took = began.elapsed();
        let mut made = sorted(batch, &ours, created);
        if batch.looks_up {
            self.tell_misses(&keys);
        }
        self.tell_created(&keys, made.len(), took);
        let mut entries = Vec::with_capacity(ours.len());
        for ((_, led), stamp) in ours.iter().zip(stamps) {
            let created = made.remove(&led.at).unwrap_or_else(|| self.absent());
            entries.push(self.entry_of(created, stamp));
        }
        let each: Vec<_> = ours
            .iter()
            .zip(&entries)
            .filter(|(_, (_, wanted))| *wanted)
            .map(|((n, led), (entry, _))| {
                let lease = (*n < held.leases().len()).then_some(*n);
                Made { key: batch.keys[led.at], lead: &led.lead, lease, entry }
            })
            .collect();
        let mut stored = self.store_multi(&each, held).await;
        if batch.wants == Wants::New {
            let gone = ours.iter().zip(&entries);
            let gone = gone.filter(|(_, (entry, wanted))| !wanted && entry.value.is_none());
            let gone =
                gone.map(|((_, led), (entry, _))| (batch.keys[led.at], &led.lead, &entry.meta));
            let forgotten = self.forget(gone).await;
            stored = stored.and(forgotten);
        }
        for ((_, Led { at, lead }), (entry, _)) in ours.into_iter().zip(entries) {
            lead.land(|| Outcome::of(entry.value.as_ref()));
            let stored = stored.clone().map_err(Failure::Cache);
            batch.answer(at, stored.map(|()| entry.value));
        }
    }

    /// What a key gets for which the creator returned nothing.
    pub(super) fn absent<T>(&self) -> Created<T> {
        let nothing = Created::nothing();
        if self.inner.policy.negative_ttl.is_some() { nothing } else { nothing.not_stored() }
    }

    /// Hands the creator's error to all, except where there is a stale value.
    fn failed<K, T, E>(
        &self,
        batch: &mut Batch<'_, K, T, E>,
        ours: Vec<(usize, Led)>,
        error: &Arc<E>,
    ) where
        S: Level,
        E: Send + Sync + 'static,
    {
        for (_, Led { at, lead }) in ours {
            lead.land(|| Outcome::failure(error));
            let stale = batch.takes_stale(at) && self.call.stale_on_error;
            let answer = match mem::replace(&mut batch.left[at], Left::Missing) {
                Left::Stale(value) if stale => {
                    self.stands_in(batch.keys[at]);
                    self.tell_stale(batch.keys[at], batch.looks_up);
                    Ok(value)
                }
                _ => {
                    if batch.looks_up {
                        self.tell_of(Happened::Miss, batch.keys[at]);
                    }
                    Err(Failure::Creator(Arc::clone(error)))
                }
            };
            batch.answer(at, answer);
        }
    }
}

/// What was created, by the position of its key. What nobody asked for is left out.
fn sorted<K, Q, T, E>(
    batch: &Batch<'_, K, T, E>,
    ours: &[(usize, Led)],
    created: impl IntoIterator<Item = (Q, Created<T>)>,
) -> HashMap<usize, Created<T>>
where
    Q: AsKey,
{
    let asked: HashMap<Key<'_>, usize> =
        ours.iter().map(|(_, led)| (batch.keys[led.at], led.at)).collect();
    let mut made = HashMap::with_capacity(asked.len());
    for (key, created) in created {
        if let Some(at) = asked.get(&key.as_key()) {
            made.insert(*at, created);
        }
    }
    made
}
