use std::{
    ops::{AddAssign, Index},
    time::Duration,
};

use super::super::{Event, Op};

/// What operations came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// How many operations, batches counting as one.
    pub calls: u64,
    /// How long they took together.
    pub took: Duration,
    /// How many keys were found by reads.
    pub hits: u64,
    /// How many keys were not.
    pub misses: u64,
    /// The bytes read and written, where that is known.
    pub bytes: u64,
    /// How many operations failed, and keys of batches that could not be read.
    pub errors: u64,
}

impl Figures {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let mut figures = Self {
            calls: 1,
            took: event.took,
            bytes: event.bytes.unwrap_or(0) as u64,
            errors: u64::from(event.error.is_some()),
            ..Self::default()
        };
        if event.op.is_read() && event.error.is_none() {
            for at in 0..event.keys.len() {
                match event.answer(at).hit {
                    Some(true) => figures.hits += 1,
                    Some(false) => figures.misses += 1,
                    None => figures.errors += 1,
                }
            }
        }
        figures
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.took += other.took;
        self.hits += other.hits;
        self.misses += other.misses;
        self.bytes += other.bytes;
        self.errors += other.errors;
    }
}

/// [`Figures`] for each kind of operation: `totals[Op::Get].hits`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals([Figures; Op::ALL.len()]);

impl Totals {
    pub(super) fn read(figures: impl Fn(Op) -> Figures) -> Self {
        Self(Op::ALL.map(figures))
    }

    /// All operations together.
    #[must_use]
    pub fn all(&self) -> Figures {
        let mut all = Figures::default();
        self.0.iter().for_each(|figures| all += *figures);
        all
    }

    pub(super) fn count(&mut self, op: Op, figures: Figures) {
        self.0[op.at()] += figures;
    }
}

impl Index<Op> for Totals {
    type Output = Figures;

    fn index(&self, op: Op) -> &Figures {
        &self.0[op.at()]
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, figures)| *sum += figures);
    }
}
