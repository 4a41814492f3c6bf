use std::time::Duration;

use super::{Domain, Lease, Lock, Seen};
use crate::{Key, Result};

/// No lock between processes: the flights of the region keep order inside this one. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Local;

impl Lock for Local {
    #[inline]
    fn is_shared(&self) -> bool {
        false
    }

    fn lease(&self, key: Key<'_>) -> Lease {
        Lease::new(key, [])
    }

    async fn acquire(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        Ok(vec![true; leases.len()])
    }

    async fn seize(&self, _: &[Lease]) -> Result<()> {
        Ok(())
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        Ok(vec![true; leases.len()])
    }

    async fn release(&self, _: &[Lease]) -> Result<()> {
        Ok(())
    }

    async fn released(&self, _: Key<'_>, _: &mut Seen) -> Result<()> {
        Ok(())
    }

    async fn is_locked(&self, _: Key<'_>) -> Result<bool> {
        Ok(false)
    }

    fn lasts(&self) -> Duration {
        Duration::MAX
    }

    fn domain(&self) -> Option<Domain> {
        None
    }
}
