//! The first tier, whose entries are copies.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{runtime::Handle, time::sleep};

use super::{changes::Copies, doubts::Doubts, told::Told};
use crate::{
    Batch, Clock, Entry, Immediate, Key, KeyBuf, Level, Put, ReadOpts, Result, Store,
    runtime::polled, seldom::Seldom,
};

/// Into how many parts the keys are divided. What happens in one part voids the copies that are being
/// made in it, and no others.
const STRIPES: usize = 256;

/// When a removal that failed is tried again.
const ONCE_MORE: Duration = Duration::from_secs(1);

/// The first tier `A`, and what happened to its keys while copies were being made.
///
/// A copy is as old as the read that brought it. So whoever wants to make one takes a [`Pass`] before
/// asking the tier below, and it is made only if nothing happened meanwhile: looking and writing are one
/// step, under the lock of the stripe. A store that takes its time cannot be asked under a lock; there
/// reads pass a copy by until it is known to be right.
pub(super) struct Near<A> {
    pub(super) store: A,
    /// Whether the store is done when it is asked: it says so, and was not found to be slower.
    at_once: AtomicBool,
    stripes: Box<[Mutex<Stripe>]>,
    hasher: RandomState,
    doubts: Doubts,
    /// The number of the region above, or 0.
    region: AtomicU64,
    failures: AtomicU64,
    warned: Seldom,
}

#[derive(Default)]
struct Stripe {
    /// How often something happened to one of its keys.
    changes: u64,
    /// Under which names changes of its copies are told.
    told: Told,
}

/// The right to make a copy, as long as nothing happens to its key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    stripe: usize,
    changes: u64,
    /// The digest of the name, where changes are told.
    name: Option<u64>,
}

/// Who makes a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// A reader: of what the tier below had.
    Read,
    /// A writer: of what it has now. Other copies under way are void; and where two writers met, nobody
    /// knows whose value is the last, so the key is forgotten.
    Write,
}

impl<A: Level + 'static> Near<A> {
    pub(super) fn new(store: A) -> Arc<Self> {
        Arc::new(Self {
            at_once: (store.capabilities().immediate == Immediate::All).into(),
            store,
            stripes: (0..STRIPES).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            doubts: Doubts::default(),
            region: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            warned: Seldom::default(),
        })
    }

    /// The right to make a copy of `key`, whose changes are told under `name`.
    pub(super) fn pass(&self, key: Key<'_>, name: Option<&[u8]>) -> Pass {
        let (digest, name) = match name {
            Some(name) => {
                let digest = self.hasher.hash_one(name);
                (digest, Some(digest))
            }
            None => (self.hasher.hash_one(key), None),
        };
        let stripe = self.stripe_of(digest);
        Pass { stripe, changes: self.stripe(stripe).changes, name }
    }

    fn stripe_of(&self, digest: u64) -> usize {
        let [low, high, ..] = digest.to_le_bytes();
        usize::from(u16::from_le_bytes([low, high])) % self.stripes.len()
    }

    fn stripe(&self, at: usize) -> MutexGuard<'_, Stripe> {
        self.stripes[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The region above has this number. Of several the first counts.
    pub(super) fn belong(&self, region: u64) {
        let _ = self.region.compare_exchange(0, region, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether a copy is listed under its name, so that it goes when that changes. Copies of a store that
    /// outlives the process may be from before.
    fn lists(&self, key: Key<'_>, pass: Pass) -> bool {
        pass.name.is_none_or(|name| self.stripe(pass.stripe).told.has(name, key))
    }

    #[inline]
    pub(super) fn is_at_once(&self) -> bool {
        self.at_once.load(Ordering::Acquire)
    }

    /// What is known of doubts about `keys`; taken before their copies are read.
    #[inline]
    pub(super) fn mark(&self, keys: &[Key<'_>]) -> u64 {
        if self.is_at_once() { 0 } else { self.doubts.mark(keys) }
    }

    /// Whether a copy of `key` that was read since `mark` may be wrong. Of a store inside the process none
    /// is, so its hits do not ask for the pass.
    #[inline]
    pub(super) fn doubts(&self, key: Key<'_>, mark: u64, pass: impl FnOnce() -> Pass) -> bool {
        !self.is_at_once() && self.is_doubtful(key, mark, pass())
    }

    fn is_doubtful(&self, key: Key<'_>, mark: u64, pass: Pass) -> bool {
        self.doubts.count() != mark || self.doubts.are_about(key) || !self.lists(key, pass)
    }

    /// The copy of `key`, if there is one that is right.
    pub(super) async fn look<T>(
        &self,
        key: Key<'_>,
        opts: ReadOpts,
        pass: impl FnOnce() -> Pass,
    ) -> Option<Entry<Option<T>>>
    where
        A: Store<T>,
    {
        let mark = self.mark(&[key]);
        match self.store.read_with(key, opts).await {
            Ok(found) => found.filter(|_| !self.doubts(key, mark, pass)),
            Err(error) => {
                self.note(Err(error));
                None
            }
        }
    }

    /// The copies of many keys.
    pub(super) async fn look_all<T>(
        &self,
        keys: &[Key<'_>],
        opts: ReadOpts,
        pass: impl Fn(Key<'_>) -> Pass,
    ) -> Batch<Entry<Option<T>>>
    where
        A: Store<T>,
        T: Send,
    {
        let mark = self.mark(keys);
        let found = match self.store.read_multi_with(keys, opts).await {
            Ok(found) => found,
            Err(error) => keys.iter().map(|_| Err(error.clone())).collect(),
        };
        let right = |(key, found): (&Key<'_>, Result<Option<Entry<Option<T>>>>)| match found {
            Ok(found) => Ok(found.filter(|_| !self.doubts(*key, mark, || pass(*key)))),
            Err(error) => {
                self.note(Err(error));
                Ok(None)
            }
        };
        keys.iter().zip(found).map(right).collect()
    }

    /// Counts and logs what failed here, and is done without.
    pub(super) fn note(&self, done: Result<()>) {
        let Err(error) = done else { return };
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if self.warned.is_due(Clock::default().now()) {
            let error = &error as &(dyn std::error::Error + 'static);
            tracing::warn!(error, failures, "larder: the first tier failed and is done without");
        }
    }

    /// Makes copies, except of keys to which something happened since their pass was given. A writer's
    /// keys are forgotten then.
    pub(super) async fn keep<T>(
        self: &Arc<Self>,
        each: &[(Put<'_, &Entry<Option<T>>>, Pass)],
        by: By,
    ) -> Result<()>
    where
        A: Store<T>,
        T: Sync,
    {
        if self.is_at_once() {
            let mut kept = Ok(());
            self.each_stripe(each, by, |stripe, put, pass| {
                let done = match pass {
                    Some(pass) => {
                        self.list(stripe, put.key, pass);
                        polled(self.store.write(put.key, put.value, put.opts))
                    }
                    None if by == By::Write => polled(self.store.remove(put.key)),
                    None => return,
                };
                // What was there before must not go on to be served.
                match done {
                    Some(Ok(())) => {}
                    Some(Err(error)) => {
                        kept = Err(error);
                        self.was_slow(vec![put.key.to_buf()]);
                    }
                    None => self.was_slow(vec![put.key.to_buf()]),
                }
            });
            return kept;
        }
        let doubt = Doubt::cast(self, each.iter().map(|(put, _)| put.key.to_buf()).collect());
        let (mut valid, mut void) = (Vec::with_capacity(each.len()), Vec::new());
        self.each_stripe(each, by, |stripe, put, pass| match pass {
            Some(pass) => {
                self.list(stripe, put.key, pass);
                valid.push(*put);
            }
            None => void.push(put.key),
        });
        let kept = match &valid[..] {
            [] => Ok(()),
            [put] => self.store.write(put.key, put.value, put.opts).await,
            puts => self.store.write_multi(puts).await,
        };
        // What happened since; a writer's own step does not count.
        let own = u64::from(by == By::Write);
        let changed = each
            .iter()
            .filter(|(_, pass)| self.stripe(pass.stripe).changes != pass.changes.wrapping_add(own));
        void.extend(changed.map(|(put, _)| put.key));
        let removed = if void.is_empty() { Ok(()) } else { self.store.remove_multi(&void).await };
        if kept.is_ok() && removed.is_ok() {
            doubt.settle();
        }
        kept.and(removed)
    }

    /// Goes through `each` by stripes, locked one after the other; tells of each the stripe, and its pass
    /// if that is still good.
    fn each_stripe<'a, P>(
        &self,
        each: &'a [(P, Pass)],
        by: By,
        mut tell: impl FnMut(&mut Stripe, &'a P, Option<Pass>),
    ) {
        let mut sorted: Vec<&(P, Pass)> = each.iter().collect();
        // Stable: of two values for a key the later one stays.
        sorted.sort_by_key(|(_, pass)| pass.stripe);
        for group in sorted.chunk_by(|(_, one), (_, other)| one.stripe == other.stripe) {
            let mut stripe = self.stripe(group[0].1.stripe);
            let before = stripe.changes;
            if by == By::Write {
                stripe.changes = before.wrapping_add(1);
            }
            for (item, pass) in group {
                tell(&mut stripe, item, (pass.changes == before).then_some(*pass));
            }
        }
    }

    /// Lists a copy under the name by which its changes are told.
    fn list<T>(&self, stripe: &mut Stripe, key: Key<'_>, pass: Pass)
    where
        A: Store<T>,
    {
        let may_be_there = |key: Key<'_>| !matches!(polled(self.store.read(key)), Some(Ok(None)));
        if let Some(name) = pass.name {
            stripe.told.add(name, key, may_be_there);
        }
    }

    /// Forgets copies: something happened to their keys.
    pub(super) async fn forget(self: &Arc<Self>, each: &[(Key<'_>, Pass)]) -> Result<()> {
        if self.is_at_once() {
            let mut forgotten = Ok(());
            self.each_stripe(each, By::Write, |_, key, _| match polled(self.store.remove(*key)) {
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    forgotten = Err(error);
                    self.was_slow(vec![key.to_buf()]);
                }
                None => self.was_slow(vec![key.to_buf()]),
            });
            return forgotten;
        }
        let doubt = Doubt::cast(self, each.iter().map(|(key, _)| key.to_buf()).collect());
        self.each_stripe(each, By::Write, |_, _, _| {});
        let keys: Vec<Key<'_>> = each.iter().map(|(key, _)| *key).collect();
        self.store.remove_multi(&keys).await?;
        doubt.settle();
        Ok(())
    }

    /// Forgets copies for one who cannot wait for it.
    pub(super) fn forget_soon(self: &Arc<Self>, each: &[(Key<'_>, Pass)]) {
        self.each_stripe(each, By::Write, |_, key, _| self.drop_copies(vec![key.to_buf()]));
    }

    /// Removes copies while their stripe is locked. A store that takes its time does it later, and reads
    /// pass the copies by until then.
    fn drop_copies(self: &Arc<Self>, keys: Vec<KeyBuf>) {
        // One that fails is asked again.
        let is_left = |key: &KeyBuf| {
            !self.is_at_once() || !matches!(polled(self.store.remove(key.as_key())), Some(Ok(())))
        };
        let slow: Vec<KeyBuf> = keys.into_iter().filter(is_left).collect();
        if !slow.is_empty() {
            self.was_slow(slow);
        }
    }

    /// Has copies removed that could not be removed at once.
    #[cold]
    fn was_slow(self: &Arc<Self>, keys: Vec<KeyBuf>) {
        self.at_once.store(false, Ordering::Release);
        drop(Doubt::cast(self, keys));
    }
}

impl<A: Level + 'static> Copies for Near<A> {
    fn region(&self) -> Option<u64> {
        Some(self.region.load(Ordering::Relaxed)).filter(|region| *region != 0)
    }

    fn changed(self: Arc<Self>, name: &[u8]) {
        let digest = self.hasher.hash_one(name);
        let mut stripe = self.stripe(self.stripe_of(digest));
        stripe.changes = stripe.changes.wrapping_add(1);
        let keys = stripe.told.take(digest);
        self.drop_copies(keys);
    }

    fn all_changed(self: Arc<Self>) {
        for at in 0..self.stripes.len() {
            let mut stripe = self.stripe(at);
            stripe.changes = stripe.changes.wrapping_add(1);
            let keys = stripe.told.take_all();
            self.drop_copies(keys);
        }
    }
}

/// Copies that may be wrong, because a store that takes its time is writing or removing them. Reads pass
/// them by. Unless that is settled, they are removed.
struct Doubt<A: Level + 'static> {
    near: Arc<Near<A>>,
    keys: Vec<KeyBuf>,
}

impl<A: Level + 'static> Doubt<A> {
    fn cast(near: &Arc<Near<A>>, keys: Vec<KeyBuf>) -> Self {
        near.doubts.add(&keys);
        Self { near: Arc::clone(near), keys }
    }

    fn settle(mut self) {
        self.near.doubts.lift(&std::mem::take(&mut self.keys));
    }
}

impl<A: Level + 'static> Drop for Doubt<A> {
    fn drop(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let (near, keys) = (Arc::downgrade(&self.near), std::mem::take(&mut self.keys));
        // Without a runtime they stay in doubt.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            let all: Vec<Key<'_>> = keys.iter().map(KeyBuf::as_key).collect();
            while let Some(near) = near.upgrade() {
                match near.store.remove_multi(&all).await {
                    Ok(()) => return near.doubts.lift(&keys),
                    Err(error) => near.note(Err(error)),
                }
                drop(near);
                sleep(ONCE_MORE).await;
            }
        });
    }
}
