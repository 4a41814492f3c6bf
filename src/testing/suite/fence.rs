//! Stores that look at the lease when they write.

use bytes::Bytes;

use super::{
    report::{Broken, Outcome, ensure, same},
    subject::{Plain, Subject},
};
use crate::{Backend, ErrorKind, Key, Lease, Lock, Put, Result, WriteOpts};

const KEY: &str = "fenced";
const FOREVER: WriteOpts<'_> = WriteOpts::keep_for(None);

/// A backend and a lock of one domain.
pub(super) struct Fenced<B, L> {
    pub(super) backend: Plain<B>,
    pub(super) lock: L,
}

impl<B: Backend + 'static, L: Lock> Fenced<B, L> {
    async fn held(&self, key: &str) -> Result<Lease, Broken> {
        let lease = self.lock.lease(key.into());
        same("acquire", &super::lock::taken(&self.lock, &lease).await?, &true)?;
        Ok(lease)
    }

    fn put<'l>(&self, number: u64, lease: &'l Lease) -> Put<'l, Bytes> {
        Put::new(lease.key(), self.backend.value(number), FOREVER.fenced(lease))
    }

    async fn write(&self, number: u64, lease: &Lease, in_batch: bool) -> Result<()> {
        let put = self.put(number, lease);
        if in_batch {
            self.backend.set_multi(&[put]).await
        } else {
            self.backend.set(put.key, put.value, put.opts).await
        }
    }

    async fn expect(&self, key: &str, number: Option<u64>, when: &str) -> Outcome {
        let wanted: Option<Bytes> = number.map(|number| self.backend.value(number));
        let found = self.backend.get(Key::from(key)).await?;
        same(format!("{key}, {when}"), &found, &wanted)
    }
}

fn refused(written: Result<()>, when: &str) -> Outcome {
    match written {
        Err(error) if error.kind() == ErrorKind::LeaseLost => Ok(()),
        Err(error) => Err(error.into()),
        Ok(()) => Err(Broken::new(format!("it was written {when}"))),
    }
}

pub(super) fn they_see_each_other<B: Backend + 'static, L: Lock>(fenced: &Fenced<B, L>) -> Outcome {
    let (fence, domain) = (fenced.backend.capabilities().fence, fenced.lock.domain());
    ensure(fence.is_some() && fence == domain, || {
        format!("the store checks leases of {fence:?}, the lock is of {domain:?}")
    })
}

pub(super) async fn the_owner_writes<B: Backend + 'static, L: Lock>(
    fenced: Fenced<B, L>,
) -> Outcome {
    let owner = fenced.held(KEY).await?;
    for (number, in_batch) in [(1, false), (2, true), (3, false)] {
        fenced.write(number, &owner, in_batch).await?;
        fenced.expect(KEY, Some(number), "written by the owner of its lease").await?;
    }
    // Writing does not end it.
    same("renew", &super::lock::renewed(&fenced.lock, &owner).await?, &true)
}

pub(super) async fn others_are_refused<B: Backend + 'static, L: Lock>(
    fenced: Fenced<B, L>,
) -> Outcome {
    let Fenced { backend, lock } = &fenced;
    backend.set(KEY.into(), backend.value(1), FOREVER).await?;
    let stranger = lock.lease(KEY.into());
    for in_batch in [false, true] {
        refused(fenced.write(2, &stranger, in_batch).await, "without a lease")?;
        let owner = fenced.held(KEY).await?;
        refused(fenced.write(2, &stranger, in_batch).await, "while another held the lease")?;
        lock.seize(std::slice::from_ref(&stranger)).await?;
        refused(fenced.write(2, &owner, in_batch).await, "after its lease was seized")?;
        fenced.expect(KEY, Some(1), "after writes that were refused").await?;
        fenced.write(1, &stranger, in_batch).await?;
        lock.release(std::slice::from_ref(&stranger)).await?;
        refused(fenced.write(2, &stranger, in_batch).await, "after its lease was released")?;
        fenced.expect(KEY, Some(1), "after its lease was released").await?;
    }
    // Who names no lease is not asked for one.
    let owner = fenced.held(KEY).await?;
    backend.set(KEY.into(), backend.value(3), FOREVER).await?;
    fenced.expect(KEY, Some(3), "written without naming a lease").await?;
    Ok(lock.release(&[owner]).await?)
}

/// The others of the batch may be written or not.
pub(super) async fn a_batch_writes_no_lost_one<B: Backend + 'static, L: Lock>(
    fenced: Fenced<B, L>,
) -> Outcome {
    let Fenced { backend, lock } = &fenced;
    let held = [fenced.held("held 1").await?, fenced.held("held 2").await?];
    let lost = ["lost 1", "lost 2"].map(|key| lock.lease(key.into()));
    let (one, two) = (fenced.put(1, &held[0]), fenced.put(3, &held[1]));
    let puts = [one.clone(), fenced.put(2, &lost[0]), two.clone(), fenced.put(4, &lost[1])];
    refused(backend.set_multi(&puts).await, "with two of its leases lost")?;
    for key in ["lost 1", "lost 2"] {
        fenced.expect(key, None, "in a batch, its lease lost").await?;
    }
    let free = Put::new("free".into(), backend.value(5), FOREVER);
    backend.set_multi(&[one, free, two]).await?;
    for (key, number) in [("held 1", 1), ("free", 5), ("held 2", 3)] {
        fenced.expect(key, Some(number), "in a batch, its lease held").await?;
    }
    Ok(())
}
