//! What may go wrong, and when.

use std::time::Duration;

use bytes::Bytes;

use super::hold::Gate;
use crate::{ErrorKind, Op, testing::dice::Dice};

/// Something that goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The call fails with this, and the store is not asked.
    Error(ErrorKind),
    /// The store is asked that much later, by tokio's clock: a paused runtime does not wait.
    Delay(Duration),
    /// The store does what it was asked for, and the caller gets a
    /// [`Timeout`](crate::ErrorKind::Timeout): it cannot know.
    LoseReply,
    /// What a read finds is damaged; each value of a batch. Other calls than reads do not meet it.
    ///
    /// Over entries, where there are no bytes, it is an entry that cannot be read:
    /// [`Decode`](crate::ErrorKind::Decode).
    Corrupt(Damage),
}

/// What happens to bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// One bit is turned over.
    Flip,
    /// The end is missing: one byte at least, at most all.
    Truncate,
    /// They are others.
    Replace(Bytes),
}

impl Damage {
    pub(super) fn inflict(&self, bytes: &Bytes, dice: &mut Dice) -> Bytes {
        match self {
            Self::Replace(others) => others.clone(),
            _ if bytes.is_empty() => Bytes::new(),
            Self::Truncate => bytes.slice(..dice.below(bytes.len())),
            Self::Flip => {
                let mut flipped = bytes.to_vec();
                flipped[dice.below(bytes.len())] ^= 1 << dice.below(8);
                flipped.into()
            }
        }
    }
}

/// Which calls. A call for many keys is one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Calls {
    /// All.
    All,
    /// Those that read, single and batched.
    Reads,
    /// Those that write, single and batched.
    Writes,
    /// Those that remove, single and batched.
    Removals,
    /// Only these.
    Only(Op),
}

impl Calls {
    pub(super) const fn include(self, op: Op) -> bool {
        match self {
            Self::All => true,
            Self::Reads => matches!(op, Op::Get | Op::GetMulti),
            Self::Writes => matches!(op, Op::Set | Op::SetMulti),
            Self::Removals => matches!(op, Op::Remove | Op::RemoveMulti),
            // `==` of enums is not for constants.
            Self::Only(only) => only as u8 == op as u8,
        }
    }
}

impl Fault {
    /// A rule by which all of these `calls` meet the fault.
    #[must_use]
    pub const fn on(self, calls: Calls) -> Rule {
        Rule::new(calls, Action::Inject(self))
    }
}

/// When a [`Fault`] happens; made by [`Fault::on`], for [`ChaosHandle::inject`](super::ChaosHandle::inject).
///
/// ```
/// use larder::{ErrorKind, testing::{Calls, Fault}};
///
/// // The next two reads fail.
/// let two = Fault::Error(ErrorKind::Unavailable).on(Calls::Reads).times(2);
/// // The third write from now on takes place, but its reply is lost.
/// let third = Fault::LoseReply.on(Calls::Writes).skip(2).times(1);
/// // One call in ten fails.
/// let tenth = Fault::Error(ErrorKind::Timeout).on(Calls::All).chance(0.1);
/// # let _ = (two, third, tenth);
/// ```
#[derive(Clone, Debug)]
pub struct Rule {
    calls: Calls,
    action: Action,
    skip: u64,
    times: u64,
    chance: f64,
}

/// What a rule does with a call.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Inject(Fault),
    /// Stops it, before or after the store is asked.
    Hold {
        gate: Gate,
        answered: bool,
    },
}

impl Rule {
    pub(super) const fn new(calls: Calls, action: Action) -> Self {
        Self { calls, action, skip: 0, times: u64::MAX, chance: 1.0 }
    }

    /// Lets that many calls pass before the first. Default: none.
    #[must_use]
    pub const fn skip(mut self, calls: u64) -> Self {
        self.skip = calls;
        self
    }

    /// So many times, and then no more. Default: always.
    #[must_use]
    pub const fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Only with this probability, from 0.0 to 1.0. Default: 1.0. Which calls they are is the same
    /// for the same seed and the same calls in the same order.
    #[must_use]
    pub const fn chance(mut self, chance: f64) -> Self {
        self.chance = chance;
        self
    }

    /// Whether it will never do anything any more.
    pub(super) const fn is_spent(&self) -> bool {
        self.times == 0
    }

    /// What it does with this call, if it is for it.
    pub(super) fn meet(&mut self, op: Op, dice: &mut Dice) -> Option<Action> {
        let harmless =
            matches!(self.action, Action::Inject(Fault::Corrupt(_))) && !Calls::Reads.include(op);
        if harmless || self.is_spent() || !self.calls.include(op) {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        if !dice.says(self.chance) {
            return None;
        }
        self.times -= 1;
        Some(self.action.clone())
    }
}

/// A fault that every call meets.
impl From<Fault> for Rule {
    fn from(fault: Fault) -> Self {
        fault.on(Calls::All)
    }
}
