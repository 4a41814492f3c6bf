//! Writing and removing: the truth first, then the copies.

use super::{
    Begun, Tiered,
    changes::Changes,
    near::{By, Pass},
    shorter,
};
use crate::{Entry, Key, Level, Put, Result, Store, WriteOpts};

impl<L1: Level + 'static, L2: Level, C: Changes> Tiered<L1, L2, C> {
    /// Writes many entries, or one.
    pub(super) async fn write_all<T>(&self, puts: &[Put<'_, &Entry<Option<T>>>]) -> Result<()>
    where
        L1: Store<T>,
        L2: Store<T>,
        T: Sync,
    {
        let begun = self.begin_all(puts.iter().map(|put| put.key));
        let unsettled = Unsettled::new(self, &begun);
        let (mut near, mut far, mut past) = (Vec::new(), Vec::new(), Vec::new());
        for (put, begun) in puts.iter().zip(&begun) {
            let (near_tiers, far_tiers) = self.split(put.opts.tiers);
            let keep_for = shorter(put.opts.keep_for, self.l2_ttl);
            if let Some(tiers) = far_tiers {
                far.push(Put { opts: WriteOpts { keep_for, tiers, ..put.opts }, ..*put });
            }
            match near_tiers.filter(|_| begun.copies) {
                Some(tiers) => {
                    let keep_for = shorter(keep_for, self.l1_ttl);
                    let opts = WriteOpts { keep_for, tiers, fence: None };
                    near.push((Put { opts, ..*put }, begun.pass));
                }
                // What is skipped must not go on to serve what was there before.
                None => past.push((put.key, begun.pass)),
            }
        }
        self.changes.listen();
        let written = match &far[..] {
            [] => Ok(()),
            [put] => self.far.write(put.key, put.value, put.opts).await,
            puts => self.far.write_multi(puts).await,
        };
        // While `L2` is away a copy is better than nothing. One that refuses goes on to say something else,
        // and a lost lease says that somebody has a newer value.
        if written.as_ref().is_err_and(|error| !error.is_transient()) {
            past.extend(near.drain(..).map(|(put, pass)| (put.key, pass)));
        }
        let mut kept = if past.is_empty() { Ok(()) } else { self.near.forget(&past).await };
        if !near.is_empty() {
            kept = kept.and(self.near.keep(&near, By::Write).await);
        }
        if far.is_empty() {
            unsettled.settle();
        } else {
            unsettled.announced().await;
        }
        written.and(kept)
    }

    /// Removes many keys, or one.
    pub(super) async fn remove_all(&self, keys: &[Key<'_>]) -> Result<()> {
        let begun = self.begin_all(keys.iter().copied());
        let unsettled = Unsettled::new(self, &begun);
        // Also for who has no copies: what cannot be announced now is made up for.
        self.changes.listen();
        let removed = match keys {
            [key] => self.far.remove(*key).await,
            keys => self.far.remove_multi(keys).await,
        };
        let each: Vec<_> = begun.iter().map(|begun| (begun.key, begun.pass)).collect();
        let forgotten = self.near.forget(&each).await;
        unsettled.announced().await;
        removed.and(forgotten)
    }
}

/// Keys that are being written, and nobody told of it yet. Whoever drops the write midway does not know
/// what `L2` has now.
struct Unsettled<'a, 'k, L1: Level + 'static, L2: Level, C: Changes> {
    tiers: &'a Tiered<L1, L2, C>,
    each: Vec<(Key<'k>, Pass)>,
    names: Vec<Box<[u8]>>,
}

impl<'a, 'k, L1: Level + 'static, L2: Level, C: Changes> Unsettled<'a, 'k, L1, L2, C> {
    fn new(tiers: &'a Tiered<L1, L2, C>, begun: &[Begun<'k>]) -> Self {
        let each = begun.iter().map(|begun| (begun.key, begun.pass)).collect();
        let names = begun.iter().filter_map(|begun| begun.name.clone()).collect();
        Self { tiers, each, names }
    }

    /// Tells the others.
    async fn announced(self) {
        if !self.names.is_empty() {
            self.tiers.changes.announce(&self.names, &self.tiers.copies()).await;
        }
        self.settle();
    }

    fn settle(mut self) {
        self.each.clear();
    }
}

impl<L1: Level + 'static, L2: Level, C: Changes> Drop for Unsettled<'_, '_, L1, L2, C> {
    fn drop(&mut self) {
        if !self.each.is_empty() {
            self.tiers.near.forget_soon(&self.each);
            self.tiers.changes.announce_later(&self.names, &self.tiers.copies());
        }
    }
}
