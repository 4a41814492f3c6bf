//! How to read and how to write.

use std::time::Duration;

use crate::{Key, Lease};

/// Some of the tiers of a stack, for one call. They are counted from 1, the nearest to the caller.
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "codec-postcard"))] {
/// use larder::{BackendExt, LayerExt, Memo, Memory, Options, PayloadExt, Tiered, Tiers};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let users = Tiered::new(Memo::new(), Memory::new().postcard().framed()).region();
/// users.set("1", "ann".to_owned()).await?;
/// let far = users.with(Options::new().tiers(Tiers::ALL.without(1)));
/// assert_eq!(far.get("1").await?.as_deref(), Some("ann")); // from the second tier
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tiers(u16);

impl Tiers {
    /// All of them.
    pub const ALL: Self = Self(u16::MAX);

    /// None but the tier `n`. Stacks have at most 16 tiers; 0 and numbers above are none.
    #[must_use]
    pub const fn only(n: u8) -> Self {
        Self(if n == 0 || n > 16 { 0 } else { 1 << (n - 1) })
    }

    /// These without the tier `n`.
    #[must_use]
    pub const fn without(self, n: u8) -> Self {
        Self(self.0 & !Self::only(n).0)
    }

    /// Whether the tier `n` is among them.
    #[must_use]
    pub const fn has(self, n: u8) -> bool {
        self.0 & Self::only(n).0 != 0
    }

    /// Whether none of the first `count` is among them.
    pub(crate) const fn none_of(self, count: u8) -> bool {
        match (self.0 as u64).checked_shl(64 - if count > 16 { 16 } else { count as u32 }) {
            Some(first) => first == 0,
            None => true,
        }
    }

    /// These as they are counted by what is below `count` tiers.
    pub(crate) const fn below(self, count: u8) -> Self {
        // What is further away than anybody counts is there.
        match (!self.0).checked_shr(count as u32) {
            Some(missing) => Self(!missing),
            None => Self::ALL,
        }
    }
}

impl Default for Tiers {
    fn default() -> Self {
        Self::ALL
    }
}

/// How a value is to be read.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ReadOpts {
    /// Which tiers are asked, and given copies.
    pub tiers: Tiers,
    /// Whether only the last of them is asked, and the others are given what it says: for who knows
    /// that a copy is too old.
    pub anew: bool,
    /// Whether absence that is only remembered does not count: for who is about to create what is not
    /// there. Whoever answers such reads from memory ([`Capabilities::remembers_absence`](crate::Capabilities::remembers_absence))
    /// asks again.
    pub recheck: bool,
}

impl ReadOpts {
    /// A read of these tiers.
    #[must_use]
    pub const fn tiers(tiers: Tiers) -> Self {
        Self { tiers, anew: false, recheck: false }
    }

    /// The same, past all copies.
    #[must_use]
    pub const fn anew(mut self) -> Self {
        self.anew = true;
        self
    }

    /// The same, past remembered absence.
    #[must_use]
    pub const fn recheck(mut self) -> Self {
        self.recheck = true;
        self
    }
}

/// How a value is to be written.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct WriteOpts<'a> {
    /// The physical lifetime: the store may drop the entry this long after the write, and a store
    /// that can expire does. `None` keeps it for ever (or until a bounded store evicts it).
    pub keep_for: Option<Duration>,
    /// The lease under which the value was created. A store that can ([`Capabilities::fence`](crate::Capabilities::fence))
    /// writes only while the lease is held, looking and writing in one step, and else refuses with
    /// [`LeaseLost`](crate::ErrorKind::LeaseLost). Every other store ignores it.
    pub fence: Option<&'a Lease>,
    /// Which tiers are written. A tier before them that is left out forgets what it has, or it would go on to
    /// serve that; one behind them keeps it. Only [`Tiered`](crate::Tiered) looks at it.
    pub tiers: Tiers,
}

impl<'a> WriteOpts<'a> {
    /// Options with this physical lifetime.
    #[must_use]
    pub const fn keep_for(keep_for: Option<Duration>) -> Self {
        Self { keep_for, fence: None, tiers: Tiers::ALL }
    }

    /// The same, for these tiers.
    #[must_use]
    pub const fn tiers(mut self, tiers: Tiers) -> Self {
        self.tiers = tiers;
        self
    }

    /// The same, to be written only while `lease` is held.
    #[must_use]
    pub const fn fenced(mut self, lease: &'a Lease) -> Self {
        self.fence = Some(lease);
        self
    }
}

/// One write of a batch: bytes at level 1, an [`Entry`](crate::Entry) at level 3.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Put<'a, V> {
    /// The key.
    pub key: Key<'a>,
    /// What to store under it.
    pub value: V,
    /// How.
    pub opts: WriteOpts<'a>,
}

impl<'a, V> Put<'a, V> {
    /// A write of `value` under `key`.
    pub const fn new(key: Key<'a>, value: V, opts: WriteOpts<'a>) -> Self {
        Self { key, value, opts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_counted_from_the_nearest() {
        let far = Tiers::ALL.without(1);
        assert!(!far.has(1) && far.has(2) && far.has(16) && !far.has(0) && !far.has(17));
        assert_eq!(far.below(1), Tiers::ALL);
        assert_eq!(Tiers::ALL.without(3).below(2), Tiers::ALL.without(1));
        assert_eq!(Tiers::ALL.below(16), Tiers::ALL);
        assert!(Tiers::only(2).below(1).has(1));
        assert!(!Tiers::only(1).below(1).has(1));
    }
}
