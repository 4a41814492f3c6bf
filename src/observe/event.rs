//! What observers are told: of operations on their level, and of what the region makes of them.

use std::{fmt, time::Duration};

use crate::{Error, Key};

/// What was asked of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Read one key.
    Get,
    /// Write one key.
    Set,
    /// Forget one key.
    Remove,
    /// Read many keys.
    GetMulti,
    /// Write many keys.
    SetMulti,
    /// Forget many keys.
    RemoveMulti,
}

impl Op {
    /// Its name, as in a log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Set => "set",
            Self::Remove => "remove",
            Self::GetMulti => "get_multi",
            Self::SetMulti => "set_multi",
            Self::RemoveMulti => "remove_multi",
        }
    }
}

/// One finished operation, seen from one level.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// What was asked.
    pub op: Op,
    /// For which keys; one unless `op` is a batch.
    pub keys: &'a [Key<'a>],
    /// How many of the keys were found, for reads that succeeded.
    pub hits: Option<usize>,
    /// How many bytes the values had, at level 1: those written (also by a write that failed), or
    /// those read.
    pub bytes: Option<usize>,
    /// Why it failed.
    pub error: Option<&'a Error>,
    /// How long the levels below took; zero for an observer that is not
    /// [`timed`](super::Observe::timed).
    pub took: Duration,
    /// How many entries the levels below have dropped for want of room, since they were made.
    pub evicted: u64,
    /// What is told of each key.
    pub(super) each: &'a dyn Each,
}

impl<'a> Event<'a> {
    /// What is known about the key at this position.
    #[must_use]
    pub fn answer(&self, at: usize) -> Answer<'a> {
        self.each.answer(at)
    }
}

/// What is known about one key of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer<'a> {
    /// Whether it was found, for reads that succeeded.
    pub hit: Option<bool>,
    /// The bytes read or written, at level 1.
    pub bytes: Option<&'a [u8]>,
}

/// What is told of each key of an operation, for those who ask.
pub(super) trait Each {
    fn answer(&self, at: usize) -> Answer<'_>;
}

impl fmt::Debug for dyn Each + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

/// What a region made of keys that it was asked for.
///
/// Each key of a call that looks something up is told of once as [`Fresh`](Self::Fresh),
/// [`Stale`](Self::Stale) or [`Miss`](Self::Miss), so their sum is how often the region was asked;
/// the others say what followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Happened {
    /// What was there was fresh, and handed out.
    Fresh,
    /// What was there was stale, and handed out: somebody else makes a new value, the creator failed,
    /// or the wait was too long.
    Stale,
    /// Nothing that was there could be handed out.
    Miss,
    /// A creator returned; `took` is its time.
    Created,
    /// A creator failed; `took` is its time.
    CreatorFailed,
    /// The caller got what somebody else created while it waited, be it a value or an error; `took` is
    /// how long.
    Waited,
    /// The bytes of an entry could not be decoded, which counts as if there were none.
    Undecodable,
    /// A created value was not stored: the key was written, deleted or invalidated meanwhile, somebody
    /// took over, or the lease was lost.
    Voided,
    /// The store or the lock failed, and the call went on without it.
    Bypassed,
}

impl Happened {
    /// Its name, as in a log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Miss => "miss",
            Self::Created => "created",
            Self::CreatorFailed => "creator_failed",
            Self::Waited => "waited",
            Self::Undecodable => "undecodable",
            Self::Voided => "voided",
            Self::Bypassed => "bypassed",
        }
    }
}

/// Told by a region to the observers of its stack.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RegionEvent<'a> {
    /// What happened.
    pub what: Happened,
    /// To which keys, as the region was asked for them. None for [`Fresh`](Happened::Fresh), and where an
    /// error names none.
    pub keys: &'a [Key<'a>],
    /// How many keys that were; for [`Created`](Happened::Created) how many values were made, which may be
    /// fewer than `keys`.
    pub count: usize,
    /// How long it took, where that is told.
    pub took: Option<Duration>,
    /// What was wrong, where something was. What a creator returned is not known here.
    pub error: Option<&'a Error>,
}

impl<'a> RegionEvent<'a> {
    #[inline]
    pub(crate) const fn fresh(count: usize) -> Self {
        Self { what: Happened::Fresh, keys: &[], count, took: None, error: None }
    }

    pub(crate) const fn new(what: Happened, keys: &'a [Key<'a>]) -> Self {
        Self { what, keys, count: keys.len(), took: None, error: None }
    }

    pub(crate) const fn took(mut self, took: Duration) -> Self {
        self.took = Some(took);
        self
    }

    pub(crate) const fn counting(mut self, count: usize) -> Self {
        self.count = count;
        self
    }

    /// That one key, or a call that names none, met an error.
    pub(crate) const fn error(what: Happened, error: &'a Error, keys: &'a [Key<'a>]) -> Self {
        Self { what, keys, count: 1, took: None, error: Some(error) }
    }
}
