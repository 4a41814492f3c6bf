//! Leases on the locks of keys: taken in one go, renewed while the creator runs, given back
//! whatever happens.

use std::{convert::Infallible, future::pending, future::poll_fn, pin::pin, task::Poll};

use tokio::{runtime::Handle, task::AbortHandle};

use super::Region;
use crate::{Error, ErrorKind, Key, KeyBuf, Lease, Level, Lock, Result, Seen};

/// How many times a lease is renewed before it would end.
const RENEWALS: u32 = 3;

/// The lock between processes knows the keys of the store: who shares an entry shares its lock, whatever
/// the layers in between make of the caller's key.
impl<S: Level, L: Lock, I> Region<S, L, I> {
    /// A lease of `key`, not yet held.
    pub(super) fn lease(&self, key: Key<'_>) -> Lease {
        let stored = self.inner.stack.stored_key(key);
        self.inner.lock.lease(stored.as_ref().map_or(key, KeyBuf::as_key))
    }

    /// Waits until the lock of `key` may be free, or has another owner than was `seen` before.
    pub(super) async fn released(&self, key: Key<'_>, seen: &mut Seen) -> Result<()> {
        let stored = self.inner.stack.stored_key(key);
        self.inner.lock.released(stored.as_ref().map_or(key, KeyBuf::as_key), seen).await
    }

    /// Whether any process holds the lock of `key`.
    pub(super) async fn is_leased(&self, key: Key<'_>) -> Result<bool> {
        let stored = self.inner.stack.stored_key(key);
        self.inner.lock.is_locked(stored.as_ref().map_or(key, KeyBuf::as_key)).await
    }
}

/// The leases that one call holds. Those that are left are given back when it is dropped, by a task
/// of their own: a creator that is cancelled or panics leaves nothing locked.
pub(super) struct Held<L: Lock> {
    lock: L,
    leases: Vec<Lease>,
}

impl<L: Lock> Held<L> {
    /// No lease at all.
    pub(super) fn none(lock: &L) -> Self {
        Self { lock: lock.clone(), leases: Vec::new() }
    }

    /// Takes those of `leases` that are free, and says for each whether it is ours.
    pub(super) async fn acquire(lock: &L, leases: Vec<Lease>) -> Result<(Self, Vec<bool>)> {
        // Complete before it asks: a call that is dropped, or whose answer is lost, gives back what
        // it may have got.
        let mut held = Self { lock: lock.clone(), leases };
        let ours = held.complete(lock.acquire(&held.leases).await?)?;
        let mut each = ours.iter();
        held.leases.retain(|_| each.next().is_some_and(|ours| *ours));
        Ok((held, ours))
    }

    /// Takes `leases` from whoever has them.
    pub(super) async fn seize(lock: &L, leases: Vec<Lease>) -> Result<Self> {
        let held = Self { lock: lock.clone(), leases };
        lock.seize(&held.leases).await?;
        Ok(held)
    }

    pub(super) fn leases(&self) -> &[Lease] {
        &self.leases
    }

    /// Whether each lease is still ours.
    pub(super) async fn confirm(&self) -> Result<Vec<bool>> {
        self.complete(self.lock.renew(&self.leases).await?)
    }

    /// The answers of a lock, if there is one for each lease.
    fn complete(&self, answers: Vec<bool>) -> Result<Vec<bool>> {
        let (wanted, got) = (self.leases.len(), answers.len());
        if got == wanted {
            return Ok(answers);
        }
        Err(Error::new(ErrorKind::Backend, "region")
            .with_message(format!("the lock gave {got} answers for {wanted} leases")))
    }

    /// Gives the leases back.
    pub(super) async fn release(mut self) -> Result<()> {
        if self.leases.is_empty() {
            return Ok(());
        }
        let released = self.lock.release(&self.leases).await;
        // Also after a failure: they end by themselves.
        self.leases.clear();
        released
    }

    /// Runs `work`, and renews the leases for as long as it is polled. Work that is not polled any
    /// more, or blocks its thread for longer than a lease lasts, loses them: it may hang for ever.
    /// Work of which it is known that it `blocks` has them renewed by a task beside it.
    pub(super) async fn renewing<F: Future>(&self, work: F, blocks: bool) -> F::Output {
        if self.leases.is_empty() {
            return work.await;
        }
        let Ok(runtime) = Handle::try_current() else { return work.await };
        let renewal = renew(self.lock.clone(), self.leases.clone());
        if blocks {
            let _ended = Ended(runtime.spawn(renewal).abort_handle());
            return work.await;
        }
        let mut work = pin!(work);
        let mut renewal = pin!(renewal);
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Pending => renewal.as_mut().poll(cx).map(|never| match never {}),
            ready @ Poll::Ready(_) => ready,
        })
        .await
    }
}

/// Renews leases, without an end.
async fn renew<L: Lock>(lock: L, leases: Vec<Lease>) -> Infallible {
    let every = lock.lasts() / RENEWALS;
    loop {
        tokio::time::sleep(every).await;
        // A renewal that fails is tried again by the next.
        if let Ok(ours) = lock.renew(&leases).await
            && !ours.contains(&true)
        {
            return pending().await;
        }
    }
}

/// A task that ends with the work it is for, however that ends.
struct Ended(AbortHandle);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<L: Lock> Drop for Held<L> {
    fn drop(&mut self) {
        if self.leases.is_empty() {
            return;
        }
        // Without a runtime they end by themselves.
        if let Ok(runtime) = Handle::try_current() {
            let (lock, leases) = (self.lock.clone(), std::mem::take(&mut self.leases));
            runtime.spawn(async move { lock.release(&leases).await });
        }
    }
}
