//! A lock between "processes" inside this one, whose leases end only by being given back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use larder::{Domain, Key, Lease, Lock, Result, Seen, Token};
use tokio::sync::Notify;

use crate::support::yielding::yielding;

/// Gives way before and after everything it does; clones are the same lock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Desk(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    held: Mutex<HashMap<Box<[u8]>, Token>>,
    freed: Notify,
}

impl Desk {
    fn table(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, Token>> {
        self.0.held.lock().unwrap()
    }

    /// How many leases are held.
    pub(crate) fn held(&self) -> usize {
        self.table().len()
    }

    fn is_held(&self, lease: &Lease) -> bool {
        self.table().get(lease.name()) == Some(&lease.token())
    }
}

impl Lock for Desk {
    fn lease(&self, key: Key<'_>) -> Lease {
        Lease::new(key, key.flat().to_vec())
    }

    async fn acquire(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        let take = |lease: &Lease| {
            let token = lease.token();
            *self.table().entry(lease.name().into()).or_insert(token) == token
        };
        Ok(yielding(async { leases.iter().map(take).collect() }).await)
    }

    async fn seize(&self, leases: &[Lease]) -> Result<()> {
        let all = leases.iter().map(|lease| (lease.name().into(), lease.token()));
        yielding(async { self.table().extend(all) }).await;
        Ok(())
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        Ok(yielding(async { leases.iter().map(|lease| self.is_held(lease)).collect() }).await)
    }

    async fn release(&self, leases: &[Lease]) -> Result<()> {
        let give = |lease: &Lease| {
            if self.is_held(lease) {
                self.table().remove(lease.name());
                self.0.freed.notify_waiters();
            }
        };
        yielding(async { leases.iter().for_each(give) }).await;
        Ok(())
    }

    async fn released(&self, key: Key<'_>, _: &mut Seen) -> Result<()> {
        loop {
            let freed = self.0.freed.notified();
            if !yielding(async { self.table().contains_key(&*key.flat()) }).await {
                return Ok(());
            }
            freed.await;
        }
    }

    async fn is_locked(&self, key: Key<'_>) -> Result<bool> {
        Ok(self.table().contains_key(&*key.flat()))
    }

    fn lasts(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn domain(&self) -> Option<Domain> {
        None
    }
}
