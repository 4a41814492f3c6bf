use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use crate::{Key, KeyBuf};

/// The keys whose copies may be wrong at this moment, and how often that was said of each.
#[derive(Default)]
pub(super) struct Doubts {
    keys: Mutex<HashMap<KeyBuf, usize>>,
    /// How many keys there are, so that a hit need not ask for the lock.
    open: AtomicUsize,
    /// How often doubts were added: what was read while one came and went is in doubt, too.
    count: AtomicU64,
}

impl Doubts {
    pub(super) fn add(&self, keys: &[KeyBuf]) {
        let mut known = self.keys();
        for key in keys {
            *known.entry(key.clone()).or_default() += 1;
        }
        self.open.store(known.len(), Ordering::Release);
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn lift(&self, keys: &[KeyBuf]) {
        let mut known = self.keys();
        for key in keys {
            if let Some(times) = known.get_mut(key) {
                *times -= 1;
                if *times == 0 {
                    known.remove(key);
                }
            }
        }
        self.open.store(known.len(), Ordering::Release);
    }

    /// Taken before copies of `keys` are read: differs from every later [`count`](Self::count) if one of them
    /// is in doubt now, because that may be over before the copy arrives.
    #[inline]
    pub(super) fn mark(&self, keys: &[Key<'_>]) -> u64 {
        let count = self.count();
        if keys.iter().any(|key| self.are_about(*key)) { u64::MAX } else { count }
    }

    #[inline]
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    #[inline]
    pub(super) fn are_about(&self, key: Key<'_>) -> bool {
        self.open.load(Ordering::Acquire) != 0 && self.know(key)
    }

    #[cold]
    fn know(&self, key: Key<'_>) -> bool {
        self.keys().contains_key(&key.to_buf())
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<KeyBuf, usize>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
