//! Whether one process creates a key twice at the same time.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which creators of a process are running. Of one key there is one at a time, unless the key was written,
/// deleted or invalidated since the call of one of them began: that one's value is not stored, and
/// somebody has to make another.
#[derive(Debug)]
pub(crate) struct Creations {
    keys: Vec<Mutex<Key>>,
}

#[derive(Debug, Default)]
struct Key {
    /// How many writes began or ended.
    writes: u64,
    /// How many of them are under way.
    writing: usize,
    /// Of each creator that runs, how many writes there had been when its call began.
    running: Vec<u64>,
}

impl Creations {
    pub(crate) fn new(keys: u32) -> Self {
        Self { keys: (0..keys).map(|_| Mutex::default()).collect() }
    }

    fn key(&self, key: u32) -> MutexGuard<'_, Key> {
        self.keys[key as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call begins that may create: how many writes there have been.
    pub(crate) fn asks(&self, key: u32) -> u64 {
        self.key(key).writes
    }

    /// The creator begins of a call that began after so many writes, and runs until this is dropped; whether
    /// another one runs for the same.
    pub(crate) fn begin(&self, key: u32, asked: u64) -> (Running<'_>, bool) {
        let mut state = self.key(key);
        let unchanged = state.writing == 0 && state.writes == asked;
        let twice = unchanged && state.running.contains(&asked);
        state.running.push(asked);
        (Running { creations: self, key, asked }, twice)
    }

    /// Something is done to keys that voids creations, until this is dropped.
    pub(crate) fn write(
        &self,
        keys: impl Iterator<Item = u32> + Clone,
    ) -> Writing<'_, impl Iterator<Item = u32> + Clone> {
        for key in keys.clone() {
            let mut state = self.key(key);
            state.writes += 1;
            state.writing += 1;
        }
        Writing { creations: self, keys }
    }
}

pub(crate) struct Running<'a> {
    creations: &'a Creations,
    key: u32,
    asked: u64,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.creations.key(self.key);
        if let Some(at) = state.running.iter().position(|asked| *asked == self.asked) {
            state.running.swap_remove(at);
        }
    }
}

pub(crate) struct Writing<'a, I: Iterator<Item = u32> + Clone> {
    creations: &'a Creations,
    keys: I,
}

impl<I: Iterator<Item = u32> + Clone> Drop for Writing<'_, I> {
    fn drop(&mut self) {
        for key in self.keys.clone() {
            let mut state = self.creations.key(key);
            state.writes += 1;
            state.writing -= 1;
        }
    }
}
