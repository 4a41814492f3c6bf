//! Storing what was created, unless something came in between.

use super::{Region, created::Created, flight::Lead, held::Held};
use crate::{
    Entry, ErrorKind, Happened, Invalidator, Key, Level, Lock, Meta, Put, Result, Store, Timestamp,
    Verdict,
};

/// An entry of a batch, ready to be stored.
pub(super) struct Made<'a, T> {
    pub(super) key: Key<'a>,
    pub(super) lead: &'a Lead,
    /// Where its lease stands among those that are held.
    pub(super) lease: Option<usize>,
    pub(super) entry: &'a Entry<Option<T>>,
}

impl<S, L: Lock, I: Invalidator> Region<S, L, I> {
    /// The entry for what a creator made, and whether it is to be stored.
    pub(super) fn entry_of<T: 'static>(
        &self,
        created: Created<T>,
        stamp: Timestamp,
    ) -> (Entry<Option<T>>, bool) {
        let Created { value, ttl, stored } = created;
        let (accepted, default_ttl) = match &value {
            Some(value) => (self.call.accepts(value), self.call.ttl),
            None => (true, self.inner.policy.negative_ttl.or(self.call.ttl)),
        };
        let meta = Meta::new(stamp).with_ttl(ttl.or(default_ttl));
        (Entry::new(value, meta), stored && accepted)
    }

    /// Stores an entry, unless its creation was voided or the lease was lost.
    pub(super) async fn store<T>(
        &self,
        key: Key<'_>,
        lead: &Lead,
        held: &Held<L>,
        entry: &Entry<Option<T>>,
    ) -> Result<()>
    where
        S: Store<T>,
    {
        if !self.may_store(key, lead, &entry.meta) {
            self.tell_of(Happened::Voided, key);
            return Ok(());
        }
        let mut opts = self.write_opts(entry.meta.ttl());
        if let [lease] = held.leases() {
            if self.inner.fenced {
                opts = opts.fenced(lease);
            } else if matches!(held.confirm().await.as_deref(), Ok([false])) {
                self.tell_of(Happened::Voided, key);
                return Ok(());
            }
        }
        let written = self.inner.stack.write(key, entry, opts).await;
        self.written(written)
    }

    /// Stores many entries in one go.
    pub(super) async fn store_multi<T>(&self, each: &[Made<'_, T>], held: &Held<L>) -> Result<()>
    where
        S: Store<T>,
        T: Sync,
    {
        let leases = held.leases();
        let confirmed =
            if leases.is_empty() || self.inner.fenced { None } else { held.confirm().await.ok() };
        let mut puts = Vec::with_capacity(each.len());
        for Made { key, lead, lease, entry } in each {
            let lost = lease.zip(confirmed.as_ref()).is_some_and(|(at, ours)| !ours[at]);
            if lost || !self.may_store(*key, lead, &entry.meta) {
                self.tell_of(Happened::Voided, *key);
                continue;
            }
            let mut opts = self.write_opts(entry.meta.ttl());
            if let (true, Some(at)) = (self.inner.fenced, lease) {
                opts = opts.fenced(&leases[*at]);
            }
            puts.push(Put::new(*key, *entry, opts));
        }
        if puts.is_empty() {
            return Ok(());
        }
        let written = self.inner.stack.write_multi(&puts).await;
        self.written(written)
    }

    /// Forgets what a refresh has found to be there no more, unless something newer is there.
    pub(super) async fn forget<'a>(
        &self,
        each: impl Iterator<Item = (Key<'a>, &'a Lead, &'a Meta)>,
    ) -> Result<()>
    where
        S: Level,
    {
        let keys: Vec<Key<'_>> = each
            .filter(|(key, lead, meta)| self.may_store(*key, lead, meta))
            .map(|(key, ..)| key)
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let removed = self.inner.stack.remove_multi(&keys).await;
        self.written(removed)
    }

    /// Asks to store what was created under `key`; false if it was invalidated or replaced meanwhile.
    fn may_store(&self, key: Key<'_>, lead: &Lead, meta: &Meta) -> bool {
        let now = self.inner.clock.now();
        let verdict = self.inner.invalidator.judge(key, meta.stamp(), now);
        matches!(verdict, Verdict::Valid | Verdict::Outdated) && lead.may_store()
    }

    fn written(&self, written: Result<()>) -> Result<()>
    where
        S: Level,
    {
        match written {
            // Somebody took the lock over: what was created stays out of the store, no more.
            Err(error) if error.kind() == ErrorKind::LeaseLost => {
                self.tell_error(Happened::Voided, &error);
                Ok(())
            }
            Err(error) => self.bypass(&error),
            Ok(()) => Ok(()),
        }
    }
}
