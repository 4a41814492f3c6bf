//! Why values cannot be read.

use std::{collections::BTreeMap, fmt};

use serde::{Serialize, Serializer};

use crate::survey::Entry;

/// How many reasons are told apart in what is said of some entries.
const MOST: usize = 3;

/// Some entries that cannot be read, for one reason.
#[derive(Debug, Serialize)]
pub(crate) struct Unread {
    pub(crate) reason: Reason,
    pub(crate) share: f64,
}

/// Why a value cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// What the codec says.
    Refused(String),
    /// All of it was not fetched.
    TooLong,
    /// Its bytes do not say what they are.
    Bare,
    /// Several, of which each is rare.
    Others,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused(said) => said,
            Self::TooLong => "longer than what is fetched (--max-value)",
            Self::Bare => "bytes that do not describe themselves",
            Self::Others => "other reasons",
        })
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why some of `entries` cannot be read, the most frequent reasons first.
pub(crate) fn unread<'e, 's: 'e>(
    entries: impl Iterator<Item = &'e Entry<'s>>,
    now: f64,
) -> Vec<Unread> {
    let (mut all, mut weights) = (0.0, BTreeMap::<Reason, f64>::new());
    for entry in entries {
        all += entry.weight;
        if let Some(reason) = entry.unread(now) {
            *weights.entry(reason).or_default() += entry.weight;
        }
    }
    let mut found: Vec<Unread> = weights
        .into_iter()
        .map(|(reason, weight)| Unread { reason, share: weight / all })
        .collect();
    found.sort_by(|a, b| b.share.total_cmp(&a.share));
    if found.len() > MOST {
        let share = found.drain(MOST..).map(|of| of.share).sum();
        found.push(Unread { reason: Reason::Others, share });
    }
    found
}
