use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// How long the entries of a region live. The region tells its stack when it is built
/// ([`Level::adopt`](crate::Level::adopt)), because a tier that gets copies has to know when they would
/// have been dropped where they come from.
#[derive(Clone, Copy)]
pub struct Lifetimes {
    /// Logical.
    pub(super) expire_after: Option<Duration>,
    /// Physical.
    pub(super) keep: Keep,
    region: u64,
}

/// The physical lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// Twice the logical one, so that there is something stale to serve.
    Twice,
    /// The same as the logical one: for formats that know no time.
    Same,
    Forever,
    For(Duration),
}

impl Lifetimes {
    /// Those of a new region.
    pub(super) fn new(expire_after: Option<Duration>, keep: Keep) -> Self {
        static REGIONS: AtomicU64 = AtomicU64::new(1);
        Self { expire_after, keep, region: REGIONS.fetch_add(1, Ordering::Relaxed) }
    }

    /// A number that no other region of this process has, by which the levels of one stack know that they
    /// belong together.
    #[must_use]
    pub const fn region(&self) -> u64 {
        self.region
    }

    /// How long the store may keep an entry with this lifetime of its own, or with none, after its
    /// write; `None` is for ever.
    #[must_use]
    pub fn keep_for(&self, own: Option<Duration>) -> Option<Duration> {
        self.keep_for_call(own, self.expire_after)
    }

    /// The same for a call that judges by `expire_after`: as long as this call or the others need it.
    pub(super) fn keep_for_call(
        &self,
        own: Option<Duration>,
        expire_after: Option<Duration>,
    ) -> Option<Duration> {
        let logical = own.or_else(|| match (self.keep, self.expire_after, expire_after) {
            (Keep::Same, _, expire_after) => expire_after,
            (_, Some(region), Some(call)) => Some(region.max(call)),
            _ => None,
        });
        match self.keep {
            Keep::Twice => logical.map(|logical| logical.saturating_mul(2)),
            Keep::Same => logical,
            Keep::Forever => None,
            Keep::For(keep_for) => Some(keep_for.max(own.unwrap_or_default())),
        }
    }
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self::new(None, Keep::Twice)
    }
}

impl fmt::Debug for Lifetimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lifetimes")
            .field("expire_after", &self.expire_after)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}
