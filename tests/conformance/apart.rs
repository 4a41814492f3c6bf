//! A lock that promises less than the suite asks: some different keys have one lock. It is asked about keys
//! that are all told apart.

use std::{
    collections::HashMap,
    fmt::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use larder::{Domain, Key, Lease, Lock, Result, Seen, Token};

/// Its leases stand for those that `lock` has of the digits of a key's bytes.
#[derive(Clone)]
pub(crate) struct Apart<L> {
    lock: L,
    leases: Arc<Mutex<HashMap<Token, Lease>>>,
}

impl<L: Lock> Apart<L> {
    pub(crate) fn new(lock: L) -> Self {
        Self { lock, leases: Arc::default() }
    }

    fn inner(&self, leases: &[Lease]) -> Vec<Lease> {
        let known = self.leases.lock().unwrap();
        leases.iter().map(|lease| known[&lease.token()].clone()).collect()
    }
}

fn digits(key: Key<'_>) -> String {
    key.flat().iter().fold(String::from("x"), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    })
}

impl<L: Lock> Lock for Apart<L> {
    fn lease(&self, key: Key<'_>) -> Lease {
        let lease = Lease::new(key, digits(key).into_bytes());
        let inner = self.lock.lease((&digits(key)).into());
        self.leases.lock().unwrap().insert(lease.token(), inner);
        lease
    }

    async fn acquire(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        self.lock.acquire(&self.inner(leases)).await
    }

    async fn seize(&self, leases: &[Lease]) -> Result<()> {
        self.lock.seize(&self.inner(leases)).await
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        self.lock.renew(&self.inner(leases)).await
    }

    async fn release(&self, leases: &[Lease]) -> Result<()> {
        self.lock.release(&self.inner(leases)).await
    }

    async fn released(&self, key: Key<'_>, seen: &mut Seen) -> Result<()> {
        self.lock.released((&digits(key)).into(), seen).await
    }

    async fn is_locked(&self, key: Key<'_>) -> Result<bool> {
        self.lock.is_locked((&digits(key)).into()).await
    }

    fn lasts(&self) -> Duration {
        self.lock.lasts()
    }

    fn domain(&self) -> Option<Domain> {
        self.lock.domain()
    }
}
