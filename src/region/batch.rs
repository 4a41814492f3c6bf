//! What is known about the keys of a batch under way.

use std::{
    collections::HashMap,
    time::{Duration, Instant as Moment},
};

use tokio::time::Instant;

use super::{create::Wants, crew::Crew, flight::deadline, multi::Outcomes, read::Left};
use crate::{AsKey, Error, Failure, Key, Result};

/// A batch under way. Its keys are distinct and in the caller's order; everything else goes by their
/// position.
pub(super) struct Batch<'k, K, T, E> {
    pub(super) items: Vec<&'k K>,
    pub(super) keys: Vec<Key<'k>>,
    pub(super) left: Vec<Left<T>>,
    /// Whether what was found may be an older copy of what the stack has.
    pub(super) copies: Vec<bool>,
    pub(super) answers: Vec<Option<Result<Option<T>, Failure<E>>>>,
    pub(super) crew: Crew,
    pub(super) until: Instant,
    /// For each of the caller's keys the position here.
    places: Vec<usize>,
    /// Whether the creator blocks its thread.
    pub(super) blocks: bool,
    /// What the caller takes for an answer.
    pub(super) wants: Wants,
    /// Whether the caller looks something up.
    pub(super) looks_up: bool,
    /// Since when it has been waiting for others, if it has.
    pub(super) waits_since: Option<Moment>,
}

impl<'k, K, T, E> Batch<'k, K, T, E> {
    /// A batch about which nothing is known, and whose waits end after `patience`.
    pub(super) fn new(all: &'k [K], wants: Wants, patience: Duration, blocks: bool) -> Self
    where
        K: AsKey,
    {
        let mut known = HashMap::with_capacity(all.len());
        let (mut items, mut keys) = (Vec::new(), Vec::new());
        let places: Vec<usize> = all
            .iter()
            .map(|item| {
                let key = item.as_key();
                *known.entry(key).or_insert_with(|| {
                    items.push(item);
                    keys.push(key);
                    keys.len() - 1
                })
            })
            .collect();
        Self {
            left: keys.iter().map(|_| Left::Missing).collect(),
            copies: vec![false; keys.len()],
            answers: keys.iter().map(|_| None).collect(),
            items,
            keys,
            crew: Crew::new(),
            until: deadline(patience),
            places,
            blocks,
            wants,
            looks_up: wants != Wants::New,
            waits_since: None,
        }
    }

    /// Whether there is a stale value, and the caller takes it.
    pub(super) fn takes_stale(&self, at: usize) -> bool {
        self.wants != Wants::New && matches!(self.left[at], Left::Stale(_))
    }

    pub(super) fn is_complete(&self) -> bool {
        self.answers.iter().all(Option::is_some)
    }

    /// Answers everything that is open with an error.
    pub(super) fn fail_open(&mut self, error: &Error) {
        self.fail(self.open(), error);
    }

    /// The answers, in the caller's order.
    pub(super) fn into_answers(mut self) -> Outcomes<T, E>
    where
        T: Clone,
    {
        // Each answer goes to its last place, clones to the places before that.
        let mut uses = vec![0_usize; self.answers.len()];
        for at in &self.places {
            uses[*at] += 1;
        }
        let take = |at: usize| {
            uses[at] -= 1;
            let answer = &mut self.answers[at];
            let answer = if uses[at] == 0 { answer.take() } else { answer.clone() };
            answer.unwrap_or(Ok(None))
        };
        self.places.into_iter().map(take).collect()
    }

    pub(super) fn open(&self) -> Vec<usize> {
        (0..self.keys.len()).filter(|at| self.answers[*at].is_none()).collect()
    }

    pub(super) fn answer(&mut self, at: usize, answer: Result<Option<T>, Failure<E>>) {
        self.answers[at] = Some(answer);
    }

    pub(super) fn fail(&mut self, all: impl IntoIterator<Item = usize>, error: &Error) {
        for at in all {
            self.answer(at, Err(Failure::Cache(error.clone())));
        }
    }
}
