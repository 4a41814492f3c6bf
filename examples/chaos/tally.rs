//! What became of the calls of one phase.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use larder::Error;

use crate::truth::{Micros, Wrong};

/// How many wrong answers are told in words.
const TOLD: u64 = 5;

/// Counted while the phase lasts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) calls: AtomicU64,
    pub(crate) answered: AtomicU64,
    /// Calls that were dropped on purpose.
    pub(crate) dropped: AtomicU64,
    pub(crate) hangs: AtomicU64,
    pub(crate) creations: AtomicU64,
    /// Creations beside another one of the same process and key.
    pub(crate) twice: AtomicU64,
    /// When a call last failed.
    pub(crate) last_error: AtomicU64,
    notes: Mutex<Notes>,
}

/// What is not counted so often.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Errors that may be, by call and kind.
    pub(crate) errors: BTreeMap<String, u64>,
    /// Errors of calls that create where nothing can be read, which have none.
    pub(crate) refused: BTreeMap<String, u64>,
    pub(crate) wrong: BTreeMap<Wrong, u64>,
    /// How long calls took, in microseconds.
    pub(crate) took: Vec<Micros>,
}

impl Tally {
    pub(crate) fn notes<R>(&self, note: impl FnOnce(&mut Notes) -> R) -> R {
        note(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn took(&self, time: Duration) {
        let time = Micros::try_from(time.as_micros()).unwrap_or(Micros::MAX);
        self.notes(|notes| notes.took.push(time));
    }

    /// A call failed.
    pub(crate) fn failed(&self, call: &str, creates: bool, error: &Error, now: Micros) {
        self.last_error.fetch_max(now, Relaxed);
        let kind = format!("{call}: {:?}", error.kind());
        let first = self.notes(|notes| {
            let errors = if creates { &mut notes.refused } else { &mut notes.errors };
            let count = errors.entry(kind).or_default();
            *count += 1;
            *count == 1
        });
        if creates && first {
            eprintln!("chaos: a call that creates failed: {call}: {error}");
        }
    }

    /// An answer was wrong.
    pub(crate) fn wrong(&self, wrong: Wrong, said: impl FnOnce() -> String) {
        let count = self.notes(|notes| {
            let count = notes.wrong.entry(wrong).or_default();
            *count += 1;
            *count
        });
        if count <= TOLD {
            eprintln!("chaos: wrong ({wrong:?}): {}", said());
        }
    }
}
