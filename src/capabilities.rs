//! What a stack can keep, where, and how it answers.

use std::{fmt, time::Duration};

use crate::Domain;

/// For which keys a store honours [`WriteOpts::keep_for`](crate::WriteOpts::keep_for) to the letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expires {
    /// For none: entries stay until they are removed or evicted.
    #[default]
    Never,
    /// For plain keys, but not for keys in a space (a hash without, or with a renewed, TTL).
    PlainKeys,
    /// For all keys; a key in a space may go earlier with its hash.
    Always,
}

/// How exactly a format keeps the time of creation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// Not at all.
    #[default]
    None,
    /// In steps of 64 seconds, rounded down.
    Coarse,
    /// In whole seconds, rounded down.
    Seconds,
    /// In microseconds.
    Micros,
}

impl Precision {
    /// How far apart two times are that can be told from each other; `None` where no time is kept.
    #[must_use]
    pub const fn step(self) -> Option<Duration> {
        match self {
            Self::None => None,
            Self::Coarse => Some(Duration::from_secs(64)),
            Self::Seconds => Some(Duration::from_secs(1)),
            Self::Micros => Some(Duration::from_micros(1)),
        }
    }
}

/// What a store does without waiting: it is done when it is first polled, inside a runtime or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Immediate {
    /// Nothing.
    #[default]
    Nothing,
    /// Reads; writes may wait.
    Reads,
    /// Reads and writes.
    All,
}

/// What a stack can keep, and how it answers. A region checks its policy against this when it is
/// built, so that nothing is dropped silently later.
#[expect(clippy::struct_excessive_bools, reason = "each says something else")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whether the store drops entries by itself.
    pub expires: Expires,
    /// Whether the time of creation is kept, and how exactly.
    pub created_at: Precision,
    /// Whose leases the store checks in the same step as it writes ([`WriteOpts::fence`](crate::WriteOpts::fence)).
    pub fence: Option<Domain>,
    /// What is done without waiting. Decides where [`Blocking`](crate::Blocking) can do without a
    /// runtime.
    pub immediate: Immediate,
    /// Whether a lifetime for each entry and negative entries are kept: true for what is
    /// [`EntryTtl`](crate::EntryTtl). For those who only know it at run time, such as a configuration.
    pub entry_ttl: bool,
    /// Whether keys in a space are fields of one hash of that name, which changes as a whole.
    pub hashes: bool,
    /// Whether it is told of changes that others make ([`Tiered::coherent`](crate::Tiered::coherent)).
    pub coherent: bool,
    /// How many tiers there are beyond the first: 0 but for [`Tiered`](crate::Tiered) and the
    /// store of a request.
    pub further_tiers: u8,
    /// Whether that there is nothing may be the answer of a memory, and not of the store
    /// ([`ReadOpts::recheck`](crate::ReadOpts::recheck)). A region makes sure before it creates.
    pub remembers_absence: bool,
    /// Where entries are kept in the end.
    pub place: Place,
}

/// Where entries are kept, for people who watch a stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Place {
    /// What keeps them: `redis`, `memory`. Empty, where the backend does not say.
    pub name: &'static str,
    /// The database, of a server that has several.
    pub database: Option<u32>,
}

impl Place {
    /// The place with this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, database: None }
    }

    /// The same in one of several databases.
    #[must_use]
    pub const fn database(mut self, database: u32) -> Self {
        self.database = Some(database);
        self
    }
}

/// `redis 3`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        self.database.map_or(Ok(()), |database| write!(f, " {database}"))
    }
}

impl Capabilities {
    /// The same with `expires`.
    #[must_use]
    pub const fn with_expires(mut self, expires: Expires) -> Self {
        self.expires = expires;
        self
    }

    /// The same with `created_at`.
    #[must_use]
    pub const fn with_created_at(mut self, created_at: Precision) -> Self {
        self.created_at = created_at;
        self
    }

    /// The same with `fence`.
    #[must_use]
    pub const fn with_fence(mut self, fence: Domain) -> Self {
        self.fence = Some(fence);
        self
    }

    /// The same with `immediate`.
    #[must_use]
    pub const fn with_immediate(mut self, immediate: Immediate) -> Self {
        self.immediate = immediate;
        self
    }

    /// The same with `entry_ttl`.
    #[must_use]
    pub const fn with_entry_ttl(mut self) -> Self {
        self.entry_ttl = true;
        self
    }

    /// The same with `hashes`.
    #[must_use]
    pub const fn with_hashes(mut self) -> Self {
        self.hashes = true;
        self
    }

    /// The same with `place`.
    #[must_use]
    pub const fn with_place(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// The same with `further_tiers`.
    #[must_use]
    pub const fn with_further_tiers(mut self, tiers: u8) -> Self {
        self.further_tiers = tiers;
        self
    }

    /// The same with `remembers_absence`.
    #[must_use]
    pub const fn with_remembered_absence(mut self) -> Self {
        self.remembers_absence = true;
        self
    }
}
