//! Reading, and what is left of what was read.

use super::{Region, invalidate::Verdict};
use crate::{
    Batch, Entry, Error, ErrorKind, Happened, Immediate, Invalidator, Key, Level, Lock, Meta,
    ReadOpts, Result, Store, Tiers, Timestamp, entry::NEVER_FRESH, runtime::polled,
};

/// What a stack answers to a read.
pub(super) type Answer<T> = Result<Option<Entry<Option<T>>>>;

/// What was seen at a glance, if anything: stale, or known to be nothing. In a box, so that a hit carries no
/// room for it.
pub(super) type Glanced<T> = Option<Box<Entry<Option<T>>>>;

#[cold]
#[inline(never)]
fn set_aside<T>(other: Option<Entry<Option<T>>>) -> Glanced<T> {
    other.map(Box::new)
}

/// What is left of an entry. The `None` inside is a negative entry: known to be nothing.
pub(super) enum Left<T> {
    /// It can be handed out.
    Fresh(Option<T>),
    /// It can be handed out while somebody makes a new one.
    Stale(Option<T>),
    /// Nothing is there.
    Missing,
}

impl<T> Left<T> {
    /// The value, if it is fresh.
    pub(super) fn fresh(self) -> Option<T> {
        match self {
            Self::Fresh(value) => value,
            Self::Stale(_) | Self::Missing => None,
        }
    }
}

impl<S, L: Lock, I: Invalidator> Region<S, L, I> {
    /// The fresh value under `key`, if the stack can tell it without waiting; else what it could tell.
    #[expect(clippy::inline_always, reason = "measured: else the value is moved once more")]
    #[inline(always)]
    pub(super) fn glance<T>(&self, limit: u64, key: Key<'_>) -> Result<T, Glanced<T>>
    where
        S: Store<T>,
    {
        if limit == NEVER_FRESH {
            return Err(None);
        }
        match self.inner.stack.glance(key) {
            Some(Entry { value: Some(value), meta }) if self.is_fresh(meta, limit) => {
                self.tell_fresh(1);
                Ok(value)
            }
            other => Err(set_aside(other)),
        }
    }

    /// Reads `key` if the stack answers at once, `Err` with what there is other than a fresh value; `None` if it
    /// does not.
    #[inline]
    pub(super) fn fresh_at_once<T>(
        &self,
        limit: u64,
        key: Key<'_>,
        immediate: impl FnOnce() -> Immediate,
    ) -> Option<Result<T, Answer<T>>>
    where
        S: Store<T>,
    {
        match self.glance(limit, key) {
            Ok(value) => Some(Ok(value)),
            Err(Some(other)) => Some(Err(Ok(Some(*other)))),
            Err(None) if immediate() == Immediate::Nothing => None,
            Err(None) => polled(self.fresh(limit, key)),
        }
    }

    /// Reads `key`: `Ok` with the value if it is fresh, else `Err` with whatever the stack said.
    pub(super) async fn fresh<T>(&self, limit: u64, key: Key<'_>) -> Result<T, Answer<T>>
    where
        S: Store<T>,
    {
        if limit == NEVER_FRESH {
            return Err(Ok(None));
        }
        match self.inner.stack.read(key).await {
            Ok(Some(Entry { value: Some(value), meta })) if self.is_fresh(meta, limit) => {
                self.tell_fresh(1);
                Ok(value)
            }
            answer => Err(answer),
        }
    }

    /// What a `get` answers that did not find a fresh value at first sight.
    pub(super) async fn get_at_second_sight<T>(
        &self,
        key: Key<'_>,
        found: Answer<T>,
    ) -> Result<Option<T>>
    where
        S: Store<T>,
    {
        let found = self.first_sight(key, found).await;
        let may_be_copy = self.may_be_copy(&found);
        let found = self.answered(&[key], true, self.missed(found))?;
        let mut left = self.settle(key, found).await;
        if may_be_copy && !matches!(left, Left::Fresh(_)) {
            let found = self.missed(self.read_anew(key).await);
            left = self.settle(key, self.answered(&[key], true, found)?).await;
        }
        match left {
            Left::Fresh(_) => self.tell_fresh(1),
            Left::Stale(_) | Left::Missing => self.tell_of(Happened::Miss, key),
        }
        Ok(left.fresh())
    }

    /// What is left of many keys.
    pub(super) async fn left_of_many<T>(&self, keys: &[Key<'_>]) -> Result<Vec<Left<T>>>
    where
        S: Store<T>,
        T: Send,
    {
        let (mut left, mut outdated) = (Vec::with_capacity(keys.len()), Vec::new());
        for (at, found) in self.read_multi(keys, false).await?.into_iter().enumerate() {
            let may_be_copy = self.may_be_copy(&found);
            let found = self.missed(found)?;
            left.push(self.settle(keys[at], found).await);
            if may_be_copy && !matches!(left[at], Left::Fresh(_)) {
                outdated.push(at);
            }
        }
        if !outdated.is_empty() {
            let again: Vec<Key<'_>> = outdated.iter().map(|at| keys[*at]).collect();
            for (at, found) in outdated.into_iter().zip(self.read_multi(&again, true).await?) {
                let found = self.missed(found)?;
                left[at] = self.settle(keys[at], found).await;
            }
        }
        Ok(left)
    }

    /// Whether a first look has seen nothing because this call asks some of the tiers only.
    pub(super) fn looks_twice(&self) -> bool {
        self.call.tiers != Tiers::ALL
    }

    /// What was found, or what the tiers have that this call asks.
    pub(super) async fn first_sight<T>(&self, key: Key<'_>, found: Answer<T>) -> Answer<T>
    where
        S: Store<T>,
    {
        if self.looks_twice() { self.read(key).await } else { found }
    }

    /// What was found by one who is about to create; that there is nothing does not count if it was
    /// only remembered.
    pub(super) async fn made_sure<T>(&self, key: Key<'_>, found: Answer<T>) -> Answer<T>
    where
        S: Store<T>,
    {
        match found {
            Ok(None) if self.inner.remembers => {
                self.inner.stack.read_with(key, ReadOpts::tiers(self.call.tiers).recheck()).await
            }
            found => found,
        }
    }

    /// The same for many keys.
    pub(super) async fn made_sure_multi<T>(
        &self,
        keys: &[Key<'_>],
        mut found: Batch<Entry<Option<T>>>,
    ) -> Batch<Entry<Option<T>>>
    where
        S: Store<T>,
        T: Send,
    {
        if !self.inner.remembers {
            return found;
        }
        let absent = found.iter().enumerate().filter(|(_, found)| matches!(found, Ok(None)));
        let absent: Vec<usize> = absent.map(|(at, _)| at).collect();
        if absent.is_empty() {
            return found;
        }
        let asked: Vec<Key<'_>> = absent.iter().map(|at| keys[*at]).collect();
        let opts = ReadOpts::tiers(self.call.tiers).recheck();
        match self.inner.stack.read_multi_with(&asked, opts).await {
            Ok(answers) => {
                for (at, answer) in absent.into_iter().zip(answers) {
                    found[at] = answer;
                }
            }
            Err(error) => absent.into_iter().for_each(|at| found[at] = Err(error.clone())),
        }
        found
    }

    /// Reads what this call asks.
    pub(super) async fn read<T>(&self, key: Key<'_>) -> Answer<T>
    where
        S: Store<T>,
    {
        if self.looks_twice() {
            self.inner.stack.read_with(key, ReadOpts::tiers(self.call.tiers)).await
        } else {
            self.inner.stack.read(key).await
        }
    }

    /// Reads past copies, which may be older than what the stack has.
    pub(super) async fn read_anew<T>(&self, key: Key<'_>) -> Answer<T>
    where
        S: Store<T>,
    {
        if self.inner.tiered {
            self.inner.stack.read_with(key, ReadOpts::tiers(self.call.tiers).anew()).await
        } else {
            self.read(key).await
        }
    }

    /// Reads many keys, past copies if `anew`.
    pub(super) async fn read_multi<T>(
        &self,
        keys: &[Key<'_>],
        anew: bool,
    ) -> Result<Batch<Entry<Option<T>>>>
    where
        S: Store<T>,
        T: Send,
    {
        let (stack, tiers) = (&self.inner.stack, self.call.tiers);
        match anew && self.inner.tiered {
            true => stack.read_multi_with(keys, ReadOpts::tiers(tiers).anew()).await,
            false if self.looks_twice() => {
                stack.read_multi_with(keys, ReadOpts::tiers(tiers)).await
            }
            false => stack.read_multi(keys).await,
        }
    }

    /// Whether the stack may have something newer than this.
    pub(super) fn may_be_copy<T>(&self, found: &Answer<T>) -> bool {
        self.inner.tiered && matches!(found, Ok(Some(_)))
    }

    /// Whether an entry is fresh for this call, at first sight.
    #[inline]
    pub(super) fn is_fresh(&self, meta: Meta, limit: u64) -> bool {
        let now = || self.inner.clock.now();
        meta.stamp() >= self.inner.invalidator.valid_from(now) && meta.is_fresh(limit, now)
    }

    /// Whether an entry is fresh for this call; `Verdict::Outdated` if that cannot be told yet.
    fn judge(&self, key: Key<'_>, meta: &Meta, now: Timestamp) -> Verdict {
        match self.inner.invalidator.judge(key, meta.stamp(), now) {
            Verdict::Valid if !meta.is_fresh(self.call.limit(), || now) => Verdict::Stale,
            verdict => verdict,
        }
    }

    /// What is left of an answer that was not a fresh value at first sight. Asks the other processes
    /// what they have invalidated, if that is not known.
    pub(super) async fn settle<T>(&self, key: Key<'_>, entry: Option<Entry<Option<T>>>) -> Left<T> {
        let Some(Entry { value, meta }) = entry else { return Left::Missing };
        let now = self.inner.clock.now();
        if I::SHARED && self.judge(key, &meta, now) == Verdict::Outdated {
            self.inner.invalidator.catch_up(now).await;
        }
        match self.judge(key, &meta, now) {
            _ if self.call.ignore_expiration => Left::Fresh(value),
            Verdict::Valid => Left::Fresh(value),
            // A strategy that is still outdated does not make values worse.
            Verdict::Stale | Verdict::Outdated => Left::Stale(value),
            Verdict::Gone => Left::Missing,
        }
    }

    /// A read that failed: a miss if only the entry is to blame.
    pub(super) fn missed<T>(&self, found: Answer<T>) -> Answer<T>
    where
        S: Level,
    {
        match found {
            Err(error) if error.is_unreadable() => self.unreadable(&error).map(|()| None),
            found => found,
        }
    }

    /// What is left of a read once failures are worked around.
    pub(super) fn usable<T>(&self, found: Answer<T>) -> Answer<T>
    where
        S: Level,
    {
        match self.missed(found) {
            Err(error) if !error.is_unreadable() => self.bypass(&error).map(|()| None),
            found => found,
        }
    }

    /// An entry that cannot be decoded is a miss.
    fn unreadable(&self, error: &Error) -> Result<()>
    where
        S: Level,
    {
        if error.kind() == ErrorKind::Version {
            return Ok(()); // an old entry, nothing wrong with it
        }
        self.tell_error(Happened::Undecodable, error);
        self.forgive(error)
    }

    /// A store or a lock that fails is done without.
    pub(super) fn bypass(&self, error: &Error) -> Result<()>
    where
        S: Level,
    {
        self.tell_error(Happened::Bypassed, error);
        self.forgive(error)
    }

    fn forgive(&self, error: &Error) -> Result<()> {
        if self.inner.policy.strict && !self.call.lenient {
            return Err(error.clone());
        }
        self.inner.tally.warn(error, self.inner.clock.now());
        Ok(())
    }
}
