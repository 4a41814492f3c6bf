//! Leases: records beside the entries, compared and changed on the thread that writes.

use std::time::Duration;

use heed::{RoTxn, RwTxn};

use super::{
    File, fault,
    record::{LEASE, OVERHEAD, StoredKey, expires_at, is_lease, lease_name},
    writer::{Db, Op},
};
use crate::{Clock, Domain, Key, Lease, Result, Seen, Timestamp, Token};

const TOKEN: usize = 32;

/// How soon a wait looks again at first, and how seldom at last.
const STEP: Duration = Duration::from_millis(1);
const LONGEST_STEP: Duration = Duration::from_millis(10);

/// A lease as the file knows it.
#[derive(Debug)]
pub(super) struct Claim {
    name: Box<[u8]>,
    token: Token,
}

impl Claim {
    pub(super) fn of(lease: &Lease) -> Self {
        Self { name: lease.name().into(), token: lease.token() }
    }

    /// Whether the owner is the last who took the lease, and nobody took it away. A lease that has
    /// ended is still on record: nobody else has had it, so nobody else has created.
    pub(super) fn is_on_record(&self, db: Db, txn: &RoTxn<'_>) -> heed::Result<bool> {
        Ok(find(db, txn, &self.name)?.is_some_and(|found| found.is_of(self)))
    }
}

/// What the file has under the name of a lease.
#[derive(Clone, Copy)]
struct Found {
    token: [u8; TOKEN],
    ends_at: Timestamp,
}

impl Found {
    fn is_of(self, claim: &Claim) -> bool {
        self.token == *claim.token.as_bytes()
    }

    /// The moment at which it ends is still its own, as with entries.
    fn has_ended(self, now: Timestamp) -> bool {
        self.ends_at < now
    }
}

/// A damaged record is none: whoever had the lease has lost it.
fn find(db: Db, txn: &RoTxn<'_>, name: &[u8]) -> heed::Result<Option<Found>> {
    if !is_lease(name) {
        return Ok(None);
    }
    let Some(record) = db.get(txn, name)? else { return Ok(None) };
    let token = StoredKey::lease(name).value(record).ok().flatten();
    let token = token.and_then(|token| token.try_into().ok());
    Ok(token.map(|token| Found { token, ends_at: expires_at(record) }))
}

/// How many leases are on record.
pub(super) fn count(db: Db, txn: &RoTxn<'_>) -> heed::Result<u64> {
    db.prefix_iter(txn, LEASE)?.try_fold(0, |count, found| found.map(|_| count + 1))
}

/// What is to become of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Acquire,
    Seize,
    Renew,
    Release,
}

/// The change of one lease.
#[derive(Debug)]
pub(super) struct LeaseOp {
    change: Change,
    claim: Claim,
    lasts: Duration,
    /// Read when it is the turn of the change, which may have waited.
    clock: Clock,
}

impl LeaseOp {
    pub(super) fn is_acquisition(&self) -> bool {
        self.change == Change::Acquire
    }

    pub(super) fn may_add(&self) -> bool {
        matches!(self.change, Change::Acquire | Change::Seize)
    }

    pub(super) fn bytes(&self) -> usize {
        self.claim.name.len() + TOKEN + OVERHEAD
    }

    /// Says whether the lease is the owner's; after a release, whether it was.
    pub(super) fn apply(&self, db: Db, txn: &mut RwTxn<'_>) -> heed::Result<bool> {
        let claim = &self.claim;
        let now = self.clock.now();
        let found = find(db, txn, &claim.name)?;
        let is_mine = found.is_some_and(|found| found.is_of(claim));
        let may = match self.change {
            Change::Acquire => is_mine || found.is_none_or(|found| found.has_ended(now)),
            Change::Seize => true,
            Change::Renew | Change::Release => is_mine,
        };
        if !may {
            return Ok(false);
        }
        if self.change == Change::Release {
            return db.delete(txn, &claim.name);
        }
        let token = claim.token.as_bytes();
        let mut record = StoredKey::lease(&claim.name).head(now.after(self.lasts), token);
        record.extend_from_slice(token);
        db.put(txn, &claim.name, &record)?;
        Ok(true)
    }
}

/// What [`FileLock`](crate::FileLock) is made of.
impl File {
    pub(crate) fn new_lease(key: Key<'_>) -> Lease {
        Lease::new(key, lease_name(key))
    }

    /// Changes all of `leases` in one transaction, and says of each whether it is its owner's.
    pub(crate) async fn change_leases(
        &self,
        change: Change,
        leases: &[Lease],
        lasts: Duration,
    ) -> Result<Vec<bool>> {
        let mut ops = Vec::with_capacity(leases.len());
        for lease in leases {
            if !is_lease(lease.name()) {
                return Err(fault::foreign_lease(&self.shared.path).with_key(lease.key()));
            }
            let (claim, clock) = (Claim::of(lease), self.clock.clone());
            ops.push(Op::Lease(LeaseOp { change, claim, lasts, clock }));
        }
        match (leases, self.write(ops).await) {
            ([lease], Err(error)) => Err(error.with_key(lease.key())),
            (_, done) => done,
        }
    }

    /// The lease of `name`, and the transaction that this was read in.
    fn lease_of(&self, name: &[u8]) -> Result<(Option<Found>, usize)> {
        let txn = self.reader()?;
        let found = find(self.shared.db, &txn, name).map_err(|error| self.fault(error))?;
        Ok((found.filter(|found| !found.has_ended(self.clock.now())), txn.id()))
    }

    pub(crate) fn has_lease(&self, key: Key<'_>) -> Result<bool> {
        Ok(self.lease_of(&lease_name(key))?.0.is_some())
    }

    /// Waits until the lease of `key` is not held any more by who holds it now, or has another owner than was
    /// `seen` before.
    ///
    /// There is nobody who could wake us: other processes share memory with this one, no more. But
    /// a look is a read of that memory, of a single word while nobody writes. So this is not the
    /// polling that costs: it asks no server, takes no lock while nothing changes, and a wait keeps
    /// a core busy for 2 µs in 10 ms, most of that in the timer.
    pub(crate) async fn lease_gone(&self, key: Key<'_>, seen: &mut Seen) -> Result<()> {
        let name = lease_name(key);
        let (first, mut at) = self.lease_of(&name)?;
        let Some(mut held) = first else {
            seen.free();
            return Ok(());
        };
        if seen.owner(&held.token) {
            return Ok(());
        }
        let mut step = STEP;
        loop {
            tokio::time::sleep(step).await;
            step = (2 * step).min(LONGEST_STEP);
            // The number is there a moment before readers get what was written; the look goes by
            // what it has read.
            let is_unchanged = self.shared.env.info().last_txn_id == at;
            if is_unchanged && !held.has_ended(self.clock.now()) {
                continue;
            }
            match self.lease_of(&name)? {
                (Some(found), _) if seen.owner(&found.token) => return Ok(()),
                (Some(found), txn) => (held, at) = (found, txn),
                (None, _) => {
                    seen.free();
                    return Ok(());
                }
            }
        }
    }

    pub(crate) fn domain(&self) -> Domain {
        self.shared.domain()
    }
}
