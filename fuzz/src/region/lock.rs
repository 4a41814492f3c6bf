//! A lock between processes that are all in this one, whose leases can be lost.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use larder::{Domain, Key, Lease, Lock, Result, Seen, Token};
use tokio::sync::Notify;

use super::super::yielding::yielding;

#[derive(Clone)]
pub(super) struct Shared {
    /// Without it, there is only one process.
    pub(super) is_shared: bool,
    state: Arc<(Mutex<Held>, Notify)>,
}

/// Who has the lock of which name.
type Held = HashMap<Box<[u8]>, Owner>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Larder(Token),
    /// A program that is none of ours.
    Stranger,
}

impl Shared {
    pub(super) fn new(is_shared: bool) -> Self {
        Self { is_shared, state: Arc::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.state.0.lock().unwrap()
    }

    /// Ends the lease of `key`, whoever has it.
    pub(super) fn lose(&self, key: &str) {
        self.held().remove(key.as_bytes());
        self.state.1.notify_waiters();
    }

    /// Gives the lock to a stranger, if it is free.
    pub(super) fn lend(&self, key: &str) {
        self.held().entry(key.as_bytes().into()).or_insert(Owner::Stranger);
    }

    /// All strangers are done.
    pub(super) fn free(&self) {
        self.held().retain(|_, owner| *owner != Owner::Stranger);
        self.state.1.notify_waiters();
    }

    pub(super) fn is_free(&self) -> bool {
        self.held().is_empty()
    }
}

impl Lock for Shared {
    fn is_shared(&self) -> bool {
        self.is_shared
    }

    fn lease(&self, key: Key<'_>) -> Lease {
        Lease::new(key, key.name().as_bytes())
    }

    async fn acquire(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        yielding(async {
            let mut held = self.held();
            let take = |lease: &Lease| {
                let ours = Owner::Larder(lease.token());
                *held.entry(lease.name().into()).or_insert(ours) == ours
            };
            Ok(leases.iter().map(take).collect())
        })
        .await
    }

    async fn seize(&self, leases: &[Lease]) -> Result<()> {
        yielding(async {
            for lease in leases {
                self.held().insert(lease.name().into(), Owner::Larder(lease.token()));
            }
            self.state.1.notify_waiters();
            Ok(())
        })
        .await
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        yielding(async {
            let held = self.held();
            let is_ours =
                |lease: &Lease| held.get(lease.name()) == Some(&Owner::Larder(lease.token()));
            Ok(leases.iter().map(is_ours).collect())
        })
        .await
    }

    async fn release(&self, leases: &[Lease]) -> Result<()> {
        yielding(async {
            for lease in leases {
                let mut held = self.held();
                if held.get(lease.name()) == Some(&Owner::Larder(lease.token())) {
                    held.remove(lease.name());
                }
            }
            self.state.1.notify_waiters();
            Ok(())
        })
        .await
    }

    async fn released(&self, key: Key<'_>, seen: &mut Seen) -> Result<()> {
        loop {
            let changed = self.state.1.notified();
            match self.held().get(key.name().as_bytes()) {
                None => {
                    seen.free();
                    return Ok(());
                }
                Some(Owner::Larder(token)) if seen.owner(token.as_bytes()) => return Ok(()),
                Some(Owner::Stranger) if seen.owner(b"stranger") => return Ok(()),
                Some(_) => {}
            }
            changed.await;
        }
    }

    async fn is_locked(&self, key: Key<'_>) -> Result<bool> {
        Ok(self.held().contains_key(key.name().as_bytes()))
    }

    fn lasts(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn domain(&self) -> Option<Domain> {
        None
    }
}
