//! Which keys this process creates right now.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::{Key, Lease};

/// Keys whose leases were taken here. Who has the lock looks for the value again before it creates, and
/// a replica may not know yet what the owner before wrote.
#[derive(Default)]
pub(super) struct Held {
    /// Until when, by flat form.
    until: Mutex<HashMap<Box<[u8]>, Instant>>,
    /// How many there are, so that reads see at once that there are none.
    count: AtomicUsize,
}

impl Held {
    /// The leases of these last for `lasts` from now on.
    pub(super) fn add<'a>(&self, leases: impl Iterator<Item = &'a Lease>, lasts: Duration) {
        let now = Instant::now();
        let Some(end) = now.checked_add(lasts) else { return };
        let mut until = self.until();
        // Those that were lost and not given back.
        until.retain(|_, end| *end > now);
        until.extend(leases.map(|lease| (lease.key().flat().into(), end)));
        self.count.store(until.len(), Ordering::Release);
    }

    /// These were given back.
    pub(super) fn remove(&self, leases: &[Lease]) {
        let mut until = self.until();
        for lease in leases {
            until.remove(&*lease.key().flat());
        }
        self.count.store(until.len(), Ordering::Release);
    }

    /// Whether one of `keys` is among them.
    pub(super) fn has_any(&self, keys: &[Key<'_>]) -> bool {
        if self.count.load(Ordering::Acquire) == 0 {
            return false;
        }
        let now = Instant::now();
        let until = self.until();
        keys.iter().any(|key| until.get(&*key.flat()).is_some_and(|end| *end > now))
    }

    fn until(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_is_held_until_it_is_given_back_or_its_lease_ends() {
        let lease = |name: &str| Lease::new(name.into(), name.as_bytes());
        let (a, b) = (lease("a"), lease("b"));
        let held = Held::default();
        let has = |name: &str| held.has_any(&["x".into(), name.into()]);
        assert!(!has("a"));
        held.add([&a, &b].into_iter(), Duration::from_secs(5));
        assert!(has("a") && has("b") && !has("c"));
        held.remove(&[a]);
        assert!(!has("a") && has("b"));
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(!has("b"));
        held.add([&lease("c")].into_iter(), Duration::from_secs(5));
        assert_eq!(held.count.load(Ordering::Relaxed), 1, "what ended is forgotten");
    }
}
