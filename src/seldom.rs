//! Warnings that do not flood the log.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::Timestamp;

/// Lets something happen once in each second.
#[derive(Debug, Default)]
pub(crate) struct Seldom {
    /// The second of the last time.
    last: AtomicI64,
}

impl Seldom {
    /// Whether this is the first time in the second of `now`.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        let second = now.as_secs();
        self.last.swap(second, Ordering::Relaxed) != second
    }
}
