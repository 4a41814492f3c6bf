//! The controls of a layer that is somewhere inside a stack.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    hold::Hold,
    rule::{Action, Calls, Rule},
};
use crate::{Op, testing::dice::Dice};

/// Controls a [`Chaos`](super::Chaos) layer, wherever it is; clones control the same one.
///
/// Rules are asked in the order in which they were injected, and the first that has something for a
/// call is the last that is asked. So faults for the same calls happen one after the other.
#[derive(Clone)]
pub struct ChaosHandle(Arc<Mutex<State>>);

struct State {
    rules: Vec<Rule>,
    dice: Dice,
    asked: Counts,
    injected: Counts,
}

/// What a call meets, and the seed of what is random about it.
pub(super) struct Met {
    pub(super) action: Action,
    pub(super) seed: u64,
}

impl ChaosHandle {
    pub(super) fn new(seed: u64) -> Self {
        let (asked, injected) = (Counts::default(), Counts::default());
        Self(Arc::new(Mutex::new(State {
            rules: Vec::new(),
            dice: Dice::new(seed),
            asked,
            injected,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule, or a [`Fault`](super::Fault) that all calls meet from now on.
    pub fn inject(&self, rule: impl Into<Rule>) {
        self.state().rules.push(rule.into());
    }

    /// Stops the next of these `calls` before the store is asked.
    pub fn hold(&self, calls: Calls) -> Hold {
        self.hold_at(calls, false)
    }

    /// Stops the next of these `calls` when the store has answered, its answer in hand.
    pub fn hold_answer(&self, calls: Calls) -> Hold {
        self.hold_at(calls, true)
    }

    fn hold_at(&self, calls: Calls, answered: bool) -> Hold {
        let (hold, gate) = Hold::new();
        self.inject(Rule::new(calls, Action::Hold { gate, answered }).times(1));
        hold
    }

    /// Forgets all rules. Calls that met one already are not affected.
    pub fn calm(&self) {
        self.state().rules.clear();
    }

    /// How many of these `calls` were made, those that failed included.
    #[must_use]
    pub fn asked(&self, calls: Calls) -> u64 {
        self.state().asked.sum(calls)
    }

    /// How many of these `calls` met a rule, those that were held included.
    #[must_use]
    pub fn injected(&self, calls: Calls) -> u64 {
        self.state().injected.sum(calls)
    }

    /// What a call of this kind meets, if anything.
    pub(super) fn meet(&self, op: Op) -> Option<Met> {
        let mut state = self.state();
        let State { rules, dice, asked, injected } = &mut *state;
        asked.count(op);
        let action = rules.iter_mut().find_map(|rule| rule.meet(op, dice))?;
        injected.count(op);
        rules.retain(|rule| !rule.is_spent());
        Some(Met { action, seed: dice.roll() })
    }
}

impl fmt::Debug for ChaosHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("ChaosHandle")
            .field("rules", &state.rules)
            .field("asked", &state.asked.sum(Calls::All))
            .field("injected", &state.injected.sum(Calls::All))
            .finish()
    }
}

/// Calls by their kind.
#[derive(Default)]
struct Counts([u64; OPS.len()]);

const OPS: [Op; 6] = [Op::Get, Op::Set, Op::Remove, Op::GetMulti, Op::SetMulti, Op::RemoveMulti];

impl Counts {
    fn count(&mut self, op: Op) {
        for (count, _) in self.0.iter_mut().zip(OPS).filter(|(_, other)| *other == op) {
            *count += 1;
        }
    }

    fn sum(&self, calls: Calls) -> u64 {
        let counts = self.0.iter().zip(OPS).filter(|(_, op)| calls.include(*op));
        counts.map(|(count, _)| count).sum()
    }
}
