use std::time::Duration;

use super::{
    Region,
    invalidate::{Invalidator, Marks},
    lifetimes::Keep,
    options::OnTimeout,
    policy::Policy,
};
use crate::{Clock, EntryTtl, Level, Local, Lock, Result};

/// Builds a [`Region`] with a policy of its own; from [`Region::builder`].
///
/// ```
/// # #[cfg(feature = "backend-memory")] {
/// use std::time::Duration;
/// use larder::{Memo, Region};
///
/// let pages = Region::builder(Memo::<String>::new())
///     .expire_after(Duration::from_secs(60)) // then stale: one refreshes, the others get the old one
///     .keep_for(Duration::from_secs(3600))   // then gone
///     .build()?;
/// # let _ = pages;
/// # }
/// # Ok::<_, larder::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct RegionBuilder<S, L = Local, I = Marks> {
    stack: S,
    lock: L,
    invalidator: I,
    policy: Policy,
    clock: Clock,
}

impl<S: Level> RegionBuilder<S> {
    pub(super) fn new(stack: S) -> Self {
        let (policy, clock) = (Policy::default(), Clock::default());
        Self { stack, lock: Local, invalidator: Marks::default(), policy, clock }
    }
}

impl<S: Level, L: Lock, I: Invalidator> RegionBuilder<S, L, I> {
    /// The lock that keeps other processes from creating the same keys. Default: [`Local`], none.
    pub fn lock<M: Lock>(self, lock: M) -> RegionBuilder<S, M, I> {
        let Self { stack, lock: _, invalidator, policy, clock } = self;
        RegionBuilder { stack, lock, invalidator, policy, clock }
    }

    /// The strategy of [`invalidate`](Region::invalidate). Default: [`Marks`].
    pub fn invalidator<J: Invalidator>(self, invalidator: J) -> RegionBuilder<S, L, J> {
        let Self { stack, lock, invalidator: _, policy, clock } = self;
        RegionBuilder { stack, lock, invalidator, policy, clock }
    }

    /// The logical lifetime: an entry older than this is stale. One caller then refreshes it while
    /// the others get the stale value at once. Default: entries never expire.
    ///
    /// A format without a time ([`NoMeta`](crate::NoMeta)) turns this into the store's TTL.
    pub fn expire_after(mut self, lifetime: Duration) -> Self {
        self.policy.lifetimes.expire_after = Some(lifetime);
        self
    }

    /// The physical lifetime: the store drops an entry this long after its write. Default: twice
    /// `expire_after`, so that there is something stale to serve; for ever without `expire_after`.
    pub fn keep_for(mut self, lifetime: Duration) -> Self {
        self.policy.lifetimes.keep = Keep::For(lifetime);
        self
    }

    /// Gives entries no physical lifetime: they stay until they are removed or evicted. Saves
    /// about 55 bytes a key in Redis; expired entries are still refreshed when asked for.
    pub fn keep_forever(mut self) -> Self {
        self.policy.lifetimes.keep = Keep::Forever;
        self
    }

    /// The longest time a caller waits for the creation of another one, in this process or another.
    /// Then [`on_timeout`](Self::on_timeout) tells what it does. Default: 30 s. Outside a tokio
    /// runtime there is no timer and an asynchronous wait ends with the creation; those of
    /// [`blocking`](Region::blocking) have one.
    pub fn wait_timeout(mut self, patience: Duration) -> Self {
        self.policy.wait_timeout = patience;
        self
    }

    /// What a caller does that has waited for `wait_timeout`. Default: [`OnTimeout::Fail`].
    pub fn on_timeout(mut self, then: OnTimeout) -> Self {
        self.policy.on_timeout = then;
        self
    }

    /// Whether the caller that refreshes a stale value gets the stale one when its creator fails,
    /// and not the error. The failure is logged (at most once a second) and counted
    /// ([`Stats::failures`](crate::Stats::failures)), and the next caller tries again. Default: true.
    pub fn stale_on_error(mut self, stale: bool) -> Self {
        self.policy.stale_on_error = stale;
        self
    }

    /// Keeps what batches do not find: a key for which a batched creator returns nothing gets a
    /// negative entry with this logical lifetime, so that the next batch does not ask for it again.
    /// Also the lifetime of [`Created::nothing`](crate::Created::nothing). Default: batches keep no
    /// negative entries, and others get the region's `expire_after`.
    pub fn negative_ttl(mut self, lifetime: Duration) -> Self
    where
        S: EntryTtl,
    {
        self.policy.negative_ttl = Some(lifetime);
        self
    }

    /// Whether a failing store and undecodable bytes are reported to the callers of
    /// `get_or_create` instead of being treated as a miss. Default: false.
    pub fn strict(mut self, strict: bool) -> Self {
        self.policy.strict = strict;
        self
    }

    /// Where the time comes from. Default: the system. Stores have a clock of their own.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The region.
    ///
    /// # Errors
    ///
    /// [`Config`](crate::ErrorKind::Config) when the policy makes no sense or the stack cannot
    /// keep it: a lifetime of zero, `keep_for` shorter than `expire_after` or on a store that
    /// never drops entries, `expire_after` under one second over a format of whole seconds, or
    /// over a format without a time on a store without a TTL.
    pub fn build(self) -> Result<Region<S, L, I>> {
        let policy = self.policy.agree(&self.stack)?;
        Ok(Region::from_parts(self.stack, self.lock, self.invalidator, policy, self.clock))
    }
}
