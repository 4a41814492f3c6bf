//! Making room: expired entries go first, then a share of the others.

use std::{
    ops::Bound,
    time::{Duration, Instant},
};

use super::{
    open::Env,
    record::{LAYOUT, MARKER, expires_at, is_lease},
    writer::{Db, Swept, is_full},
};
use crate::{Clock, Timestamp};

/// Entries looked at in one go; other writes get their turn in between.
const CHUNK_SEEN: usize = 4096;
/// Entries removed in one transaction.
const CHUNK_REMOVED: usize = 512;
/// A full file is searched for expired entries at most this often.
const SEARCH_PAUSE: Duration = Duration::from_secs(10);
/// Of the entries, when the file is full: this share goes at once.
const SHARE: u64 = 16;

/// What is to go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clearing {
    /// What had expired at this time.
    Expired(Timestamp),
    /// Whatever entries come, so many of them.
    Any(usize),
}

/// How full the file is, in pages.
///
/// LMDB never overwrites what a reader may see: even a removal needs free pages. So the file counts
/// as full while some are left.
pub(super) struct Room {
    env: Env,
    db: Db,
    pages: u64,
    page_size: u64,
    clock: Clock,
    /// After which key dropping goes on.
    hand: Option<Vec<u8>>,
    searched: Option<Instant>,
}

impl Room {
    pub(super) fn new(env: Env, db: Db, map_bytes: u64, clock: Clock) -> Self {
        let page_size = u64::from(env.unnamed_database_stat().page_size).max(1);
        let pages = map_bytes / page_size;
        Self { env, db, pages, page_size, clock, hand: None, searched: None }
    }

    /// How many bytes one transaction should write at most.
    pub(super) fn group_bytes(&self) -> u64 {
        (self.pages * self.page_size / 64).clamp(16 << 10, 16 << 20)
    }

    /// Runs `write`, which touches about `bytes` and may add as much, making room as often as that
    /// helps.
    pub(super) fn with_room<T>(
        &mut self,
        bytes: u64,
        may_add: bool,
        mut write: impl FnMut(&Env, Db) -> heed::Result<T>,
    ) -> heed::Result<T> {
        let least = bytes / self.page_size + 4;
        if least > self.limit() {
            return Err(heed::MdbError::MapFull.into());
        }
        // Pages are seldom quite full: at worst, half of each. But keep some of what is there.
        let wanted = (2 * least).min(self.limit() * 3 / 4).max(least);
        if !self.has_room(wanted) {
            let is_bare = unless_full(self.make(wanted))?;
            // What is left are leases. What removes them needs the reserve.
            if may_add && is_bare && !self.has_room(least) {
                return Err(heed::MdbError::MapFull.into());
            }
        }
        let mut tries = 0;
        loop {
            match write(&self.env, self.db) {
                // Full with pages left over: a reader still sees them, or they are not side by
                // side as a big value needs them. Give up before everything is dropped for it.
                Err(error) if is_full(&error) && tries < 4 => {
                    self.env.clear_stale_readers()?;
                    let more = wanted + self.limit() / 4 * tries;
                    unless_full(if tries == 0 { self.turn() } else { self.make(more).map(drop) })?;
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    fn reserve(&self) -> u64 {
        (self.pages / 16).clamp(24, 4096)
    }

    fn limit(&self) -> u64 {
        self.pages.saturating_sub(2 * self.reserve())
    }

    fn used(&self) -> u64 {
        let stat = self.env.unnamed_database_stat();
        (stat.branch_pages + stat.leaf_pages + stat.overflow_pages) as u64
    }

    fn has_room(&self, wanted: u64) -> bool {
        self.used() + wanted <= self.limit()
    }

    /// Says whether there was too little to drop.
    fn make(&mut self, wanted: u64) -> heed::Result<bool> {
        self.env.clear_stale_readers()?;
        if self.searched.is_none_or(|at| at.elapsed() >= SEARCH_PAUSE) {
            let now = self.clock.now();
            let mut after = None;
            loop {
                let swept = self.clear_out(after.as_deref(), &Clearing::Expired(now))?;
                after = swept.next;
                if after.is_none() {
                    break;
                }
            }
            self.searched = Some(Instant::now());
        }
        let wanted = wanted.min(self.limit());
        let mut is_bare = false;
        while !is_bare && !self.has_room(wanted) {
            is_bare = !self.drop_share()?;
        }
        self.turn().map(|()| is_bare)
    }

    /// Drops a share of the entries, and says whether there were any.
    fn drop_share(&mut self) -> heed::Result<bool> {
        let entries = self.env.unnamed_database_stat().entries as u64;
        let mut share = usize::try_from(entries / SHARE + 1).unwrap_or(usize::MAX);
        let mut has_dropped = false;
        let mut rounds = 0;
        // Once to the end of the file and once from its beginning: what is left cannot be dropped.
        while share > 0 && rounds < 2 {
            let hand = self.hand.take();
            let swept = self.clear_out(hand.as_deref(), &Clearing::Any(share))?;
            rounds += u32::from(swept.next.is_none());
            self.hand = swept.next;
            share = share.saturating_sub(usize::try_from(swept.removed).unwrap_or(share));
            has_dropped |= swept.removed > 0;
        }
        Ok(has_dropped)
    }

    /// Two empty steps: pages given back by a transaction are free for the next but one.
    fn turn(&self) -> heed::Result<()> {
        for _ in 0..2 {
            let mut txn = self.env.write_txn()?;
            self.db.put(&mut txn, MARKER, LAYOUT)?;
            txn.commit()?;
        }
        Ok(())
    }

    /// Removes a chunk of entries that come after a key. Leases that go with them are not counted.
    pub(super) fn clear_out(
        &self,
        after: Option<&[u8]>,
        clearing: &Clearing,
    ) -> heed::Result<Swept> {
        let most = match clearing {
            Clearing::Expired(_) => CHUNK_REMOVED,
            Clearing::Any(count) => (*count).min(CHUNK_REMOVED),
        };
        let (keys, next) = self.find(after, clearing, most)?;
        if keys.is_empty() {
            return Ok(Swept { removed: 0, next });
        }
        let mut removed = 0;
        let mut at_once = keys.len();
        let mut rest = &keys[..];
        while !rest.is_empty() {
            match self.remove(&rest[..at_once], clearing) {
                Ok(count) => {
                    removed += count;
                    rest = &rest[at_once..];
                    at_once = at_once.min(rest.len());
                }
                Err(error) if is_full(&error) && at_once > 1 => at_once /= 2,
                Err(error) => return Err(error),
            }
        }
        Ok(Swept { removed, next })
    }

    /// Finds keys to remove, with a read only: no writer waits for that.
    #[expect(clippy::type_complexity, reason = "keys to remove, and where to go on")]
    fn find(
        &self,
        after: Option<&[u8]>,
        clearing: &Clearing,
        most: usize,
    ) -> heed::Result<(Vec<Vec<u8>>, Option<Vec<u8>>)> {
        let txn = self.env.read_txn()?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut keys = Vec::new();
        for (seen, entry) in self.db.range(&txn, &(from, Bound::Unbounded))?.enumerate() {
            let (key, record) = entry?;
            if key != MARKER && clearing.takes(key, record) {
                keys.push(key.to_vec());
            }
            if keys.len() >= most || seen >= CHUNK_SEEN {
                return Ok((keys, Some(key.to_vec())));
            }
        }
        Ok((keys, None))
    }

    fn remove(&self, keys: &[Vec<u8>], clearing: &Clearing) -> heed::Result<u64> {
        let mut txn = self.env.write_txn()?;
        let mut removed = 0;
        for key in keys {
            // It may have been written anew since it was found.
            let is_due = self.db.get(&txn, key)?.is_some_and(|record| clearing.takes(key, record));
            if is_due && self.db.delete(&mut txn, key)? && !is_lease(key) {
                removed += 1;
            }
        }
        txn.commit()?;
        Ok(removed)
    }
}

/// Even a removal may find the file too full; whoever wanted room will see for himself.
fn unless_full<T: Default>(made: heed::Result<T>) -> heed::Result<T> {
    made.or_else(|error| if is_full(&error) { Ok(T::default()) } else { Err(error) })
}

impl Clearing {
    fn takes(self, key: &[u8], record: &[u8]) -> bool {
        match self {
            Self::Expired(now) => expires_at(record) < now,
            // Their owners count on them; those that have ended were searched for before.
            Self::Any(_) => !is_lease(key),
        }
    }
}
