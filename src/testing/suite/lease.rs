//! Leases that end by themselves. Time passes here; what is held against a lock is measured, so that
//! a busy machine breaks no promise.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    lock::{leases, renewed, taken, wait_for},
    report::{Broken, Outcome, ensure, same},
};
use crate::{Lease, Lock};

const KEY: &str = "leased";

/// Clocks of a machine and of a server on it agree to this part.
const SLACK: u32 = 20;

/// A lease that was taken or renewed by a call begun then.
struct Since<'a, L> {
    lock: &'a L,
    begun: Instant,
}

impl<L: Lock> Since<'_, L> {
    /// Whether it may have ended by now.
    fn may_be_over(&self) -> bool {
        let lasts = self.lock.lasts();
        self.begun.elapsed() >= lasts.saturating_sub(lasts / SLACK)
    }
}

fn is_short<L: Lock>(lock: &L) -> Outcome {
    let lasts = lock.lasts();
    ensure(lasts <= Duration::from_secs(2), || {
        format!("its leases last {lasts:?}; give it short ones")
    })
}

pub(super) async fn a_lease_ends_by_itself<L: Lock>(lock: L) -> Outcome {
    is_short(&lock)?;
    let [dead, next] = leases(&lock, KEY);
    let held = Since { lock: &lock, begun: Instant::now() };
    same("acquire", &taken(&lock, &dead).await?, &true)?;
    // Its owner does nothing any more. Who waits gets it, woken or not.
    let mine = Since { lock: &lock, begun: wait_for(&lock, &next).await? };
    ensure(held.may_be_over(), || format!("it ended after {:?}", held.begun.elapsed()))?;
    let still = renewed(&lock, &next).await?;
    ensure(still || mine.may_be_over(), || "the new owner lost it at once".to_owned())?;
    same("renew by the old owner", &renewed(&lock, &dead).await?, &false)?;
    lock.release(&[dead, next]).await?;
    same("is_locked, after its release", &lock.is_locked(KEY.into()).await?, &false)
}

pub(super) async fn renewal_keeps_it<L: Lock>(lock: L) -> Outcome {
    is_short(&lock)?;
    let [mine, other]: [Lease; 2] = leases(&lock, KEY);
    let start = Instant::now();
    let mut held = Since { lock: &lock, begun: start };
    same("acquire", &taken(&lock, &mine).await?, &true)?;
    while start.elapsed() < lock.lasts() * 2 {
        tokio::time::sleep(lock.lasts() / 8).await;
        let stolen = taken(&lock, &other).await?;
        if stolen && !held.may_be_over() {
            let after = held.begun.elapsed();
            return Err(Broken::new(format!("it ended {after:?} after a renewal")));
        }
        let renewal = Since { lock: &lock, begun: Instant::now() };
        if stolen || !renewed(&lock, &mine).await? {
            ensure(stolen || held.may_be_over(), || "a held lease was not renewed".to_owned())?;
            // The machine was too busy to hold it: from the start.
            lock.seize(std::slice::from_ref(&mine)).await?;
        }
        held = renewal;
    }
    Ok(())
}
