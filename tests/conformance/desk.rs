//! A lock inside the process that keeps all promises, or all but one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use larder::{Domain, Key, Lease, Lock, Result, Seen, Token};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

/// What a [`Desk`] does wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Slip {
    #[default]
    None,
    OneToken,
    LeavesOutAnswers,
    EverybodyHolds,
    RefusesItsOwner,
    OneLockForAll,
    IgnoresSpaces,
    AnyoneReleases,
    SeizesNothing,
    RenewsWhatIsFree,
    AllOrNothing,
    TwinsHold,
    LooksThenTakes,
    WakesNobody,
    DroppedWaitsStay,
    NeverEnds,
    EndsEarly,
    RenewsNothing,
}

/// Who holds what by its name, and until when.
type Held = HashMap<Box<[u8]>, (Token, Instant)>;

#[derive(Debug, Default)]
struct Drawer {
    held: Mutex<Held>,
    changed: Notify,
    waiting: Mutex<usize>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Desk {
    slip: Slip,
    lasts: Duration,
    drawer: Arc<Drawer>,
    used: Arc<Mutex<Option<Lease>>>,
}

impl Desk {
    pub(crate) fn new(slip: Slip, lasts: Duration) -> Self {
        Self { slip, lasts, ..Self::default() }
    }

    fn is(&self, slip: Slip) -> bool {
        self.slip == slip
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        let mut held = self.drawer.held.lock().unwrap();
        if !self.is(Slip::NeverEnds) {
            held.retain(|_, (_, until)| *until > Instant::now());
        }
        held
    }

    fn until(&self) -> Instant {
        let lasts = if self.is(Slip::EndsEarly) { self.lasts / 4 } else { self.lasts };
        Instant::now() + lasts
    }

    fn name(&self, key: Key<'_>) -> Box<[u8]> {
        match self.slip {
            Slip::OneLockForAll => b"all".as_slice().into(),
            Slip::IgnoresSpaces => key.name().as_bytes().into(),
            _ => key.flat().into(),
        }
    }

    pub(crate) fn here(&self) -> Domain {
        Domain::new(Arc::as_ptr(&self.drawer))
    }

    pub(crate) fn holds(&self, lease: &Lease) -> bool {
        self.held().get(lease.name()).is_some_and(|(token, _)| *token == lease.token())
    }

    pub(crate) fn holds_key(&self, key: Key<'_>) -> bool {
        self.held().contains_key(&self.name(key))
    }

    fn put(&self, lease: &Lease) {
        self.held().insert(lease.name().into(), (lease.token(), self.until()));
    }

    fn take(&self, lease: &Lease) -> bool {
        let free = !self.held().contains_key(lease.name());
        let own = self.holds(lease) && !self.is(Slip::RefusesItsOwner);
        let taken = free || own || self.is(Slip::EverybodyHolds);
        if taken {
            self.put(lease);
        }
        taken
    }

    fn answers(&self, mut answers: Vec<bool>) -> Vec<bool> {
        if self.is(Slip::LeavesOutAnswers) {
            answers.dedup();
        }
        answers
    }
}

impl Lock for Desk {
    fn lease(&self, key: Key<'_>) -> Lease {
        let lease = Lease::new(key, self.name(key));
        if !self.is(Slip::OneToken) {
            return lease;
        }
        let mut used = self.used.lock().unwrap();
        used.take_if(|used| used.key() != key);
        used.get_or_insert(lease).clone()
    }

    async fn acquire(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        let free = |lease: &Lease| !self.held().contains_key(lease.name()) || self.holds(lease);
        if self.is(Slip::AllOrNothing) && !leases.iter().all(free) {
            return Ok(vec![false; leases.len()]);
        }
        if self.is(Slip::TwinsHold) || self.is(Slip::LooksThenTakes) {
            let answers: Vec<bool> = leases.iter().map(free).collect();
            if self.is(Slip::LooksThenTakes) {
                tokio::task::yield_now().await;
            }
            leases.iter().zip(&answers).filter(|(_, free)| **free).for_each(|(l, _)| self.put(l));
            return Ok(answers);
        }
        Ok(self.answers(leases.iter().map(|lease| self.take(lease)).collect()))
    }

    async fn seize(&self, leases: &[Lease]) -> Result<()> {
        if self.is(Slip::SeizesNothing) {
            return self.acquire(leases).await.map(drop);
        }
        for lease in leases {
            self.put(lease);
        }
        Ok(())
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        let renew = |lease: &Lease| {
            let held = self.holds(lease);
            let free = self.is(Slip::RenewsWhatIsFree) && !self.held().contains_key(lease.name());
            if (held && !self.is(Slip::RenewsNothing)) || free {
                self.put(lease);
            }
            held || free
        };
        Ok(self.answers(leases.iter().map(renew).collect()))
    }

    async fn release(&self, leases: &[Lease]) -> Result<()> {
        for lease in leases {
            if self.holds(lease) || self.is(Slip::AnyoneReleases) {
                self.held().remove(lease.name());
            }
        }
        if !self.is(Slip::WakesNobody) {
            self.drawer.changed.notify_waiters();
        }
        Ok(())
    }

    async fn released(&self, key: Key<'_>, _: &mut Seen) -> Result<()> {
        let changed = self.drawer.changed.notified();
        let held = self.held().get(&self.name(key)).copied();
        let Some((_, until)) = held else { return Ok(()) };
        if self.is(Slip::DroppedWaitsStay) {
            let room = {
                let mut waiting = self.drawer.waiting.lock().unwrap();
                *waiting += 1;
                *waiting < 20
            };
            if !room {
                return Err(larder::Error::new(larder::ErrorKind::Backend, "desk"));
            }
        }
        // A little late rather than too early.
        let rest = until.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        let _ = timeout(rest, changed).await;
        if self.is(Slip::DroppedWaitsStay) {
            *self.drawer.waiting.lock().unwrap() -= 1;
        }
        Ok(())
    }

    async fn is_locked(&self, key: Key<'_>) -> Result<bool> {
        Ok(self.holds_key(key))
    }

    fn lasts(&self) -> Duration {
        self.lasts
    }

    fn domain(&self) -> Option<Domain> {
        Some(self.here())
    }
}
