use std::{any::Any, fmt, sync::Arc, time::Duration};

use super::{Region, policy::Policy};
use crate::{
    EntryTtl, Tiers,
    entry::{NEVER_FRESH, age_limit},
};

type Accepts = dyn Fn(&dyn Any) -> bool + Send + Sync;

/// What one call wants otherwise than its region; for [`Region::with`].
///
/// What is not set stays as it is in the region.
///
/// ```
/// # #[cfg(feature = "backend-memory")] {
/// use std::time::Duration;
/// use larder::{LayerExt, Memo, Options};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let rates = Memo::<f64>::new().region();
/// rates.set("EUR", 1.0).await?;
///
/// let strict = rates.with(Options::new().expire_after(Duration::from_secs(1)));
/// let rate = strict.get_or_create("EUR", async || 1.1).await?; // no older than a second
/// assert_eq!(rate, 1.0);
///
/// let any = rates.with(Options::new().ignore_expiration(true));
/// assert_eq!(any.get("EUR").await?, Some(1.0)); // however old
///
/// let sane = rates.with(Options::new().should_cache(|rate: &f64| rate.is_finite()));
/// sane.get_or_create("XXX", async || f64::NAN).await?;
/// assert_eq!(rates.get("XXX").await?, None);
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use = "options do nothing until `Region::with`"]
pub struct Options {
    expire_after: Option<Duration>,
    ignore_expiration: Option<bool>,
    should_cache: Option<Arc<Accepts>>,
    wait_timeout: Option<Duration>,
    on_timeout: Option<OnTimeout>,
    stale_on_error: Option<bool>,
    tiers: Option<Tiers>,
    lenient: bool,
}

impl Options {
    /// No wishes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The logical lifetime by which this call judges what is there, in place of the region's
    /// [`expire_after`](crate::RegionBuilder::expire_after). It is not stored: an entry with a
    /// lifetime of its own keeps to that, and other calls judge by theirs. What this call writes is
    /// kept at least as long as it needs. Zero makes every entry stale.
    ///
    /// Over a format without a time ([`NoMeta`](crate::NoMeta)) nothing can be judged; there it is
    /// the store's TTL of what this call writes.
    pub fn expire_after(mut self, lifetime: Duration) -> Self {
        self.expire_after = Some(lifetime);
        self
    }

    /// Takes whatever is there, however old, invalidated or not. Default: false.
    pub fn ignore_expiration(mut self, ignore: bool) -> Self {
        self.ignore_expiration = Some(ignore);
        self
    }

    /// Which created values are stored; the others are only handed out. Asked once for each creation.
    /// Values of another type than `T` are stored. Default: all.
    pub fn should_cache<T: 'static>(
        mut self,
        accepts: impl Fn(&T) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.should_cache =
            Some(Arc::new(move |value| value.downcast_ref::<T>().is_none_or(&accepts)));
        self
    }

    /// The longest this call waits for another caller's creation, in place of the region's
    /// [`wait_timeout`](crate::RegionBuilder::wait_timeout).
    pub fn wait_timeout(mut self, patience: Duration) -> Self {
        self.wait_timeout = Some(patience);
        self
    }

    /// What happens then, in place of the region's [`on_timeout`](crate::RegionBuilder::on_timeout).
    pub fn on_timeout(mut self, then: OnTimeout) -> Self {
        self.on_timeout = Some(then);
        self
    }

    /// Whether a stale value is returned when its refresh fails, in place of the region's
    /// [`stale_on_error`](crate::RegionBuilder::stale_on_error).
    pub fn stale_on_error(mut self, stale: bool) -> Self {
        self.stale_on_error = Some(stale);
        self
    }

    /// The tiers that this call reads and writes; see [`Tiered`](crate::Tiered). A tier before them that is
    /// left out forgets what this call writes; one behind them keeps what it had. Deleting always reaches all of them.
    /// Where no such tier is, nothing is found and nothing is stored. Default: all.
    pub fn tiers(mut self, tiers: Tiers) -> Self {
        self.tiers = Some(tiers);
        self
    }

    /// Whether the region is not strict for this call, which has no way to say what failed.
    pub(super) fn lenient(mut self, lenient: bool) -> Self {
        self.lenient = lenient;
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("expire_after", &self.expire_after)
            .field("ignore_expiration", &self.ignore_expiration)
            .field("should_cache", &self.should_cache.as_ref().map(|_| "a function"))
            .field("wait_timeout", &self.wait_timeout)
            .field("on_timeout", &self.on_timeout)
            .field("stale_on_error", &self.stale_on_error)
            .field("tiers", &self.tiers)
            .field("lenient", &self.lenient)
            .finish()
    }
}

/// What a caller does when another one, here or in another process, has been creating the value for
/// longer than `wait_timeout`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnTimeout {
    /// It fails with [`Timeout`](crate::ErrorKind::Timeout). The default.
    #[default]
    Fail,
    /// It takes over: it creates the value itself and stores it. The one that took too long is
    /// voided. One caller at a time takes over; the others wait for it, again for `wait_timeout`.
    /// Only processes whose time is up within the same few round trips may take over from each other.
    Create,
    /// It takes whatever the store still has, even if that was invalidated; if there is nothing, it
    /// fails.
    Stale,
}

/// The options of a call, complete.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) expire_after: Option<Duration>,
    /// A lifetime that everything written by this call gets.
    pub(super) ttl: Option<Duration>,
    pub(super) ignore_expiration: bool,
    should_cache: Option<Arc<Accepts>>,
    pub(super) wait_timeout: Duration,
    pub(super) on_timeout: OnTimeout,
    pub(super) stale_on_error: bool,
    pub(super) tiers: Tiers,
    /// Whether failures are worked around even if the region is strict.
    pub(super) lenient: bool,
}

impl Call {
    pub(super) fn of(policy: &Policy) -> Self {
        Self {
            expire_after: policy.lifetimes.expire_after,
            ttl: None,
            ignore_expiration: false,
            should_cache: None,
            wait_timeout: policy.wait_timeout,
            on_timeout: policy.on_timeout,
            stale_on_error: policy.stale_on_error,
            tiers: Tiers::ALL,
            lenient: false,
        }
    }

    /// The logical lifetime as entries are compared with it.
    pub(super) fn limit(&self) -> u64 {
        age_limit(self.expire_after)
    }

    /// The same for the first sight, which sees all tiers.
    pub(super) fn first_limit(&self) -> u64 {
        if self.tiers == Tiers::ALL { self.limit() } else { NEVER_FRESH }
    }

    pub(super) fn accepts<T: 'static>(&self, value: &T) -> bool {
        self.should_cache.as_ref().is_none_or(|accepts| accepts(value))
    }

    fn change(&mut self, options: Options) {
        if let Some(lifetime) = options.expire_after {
            self.expire_after = Some(lifetime);
        }
        self.ignore_expiration = options.ignore_expiration.unwrap_or(self.ignore_expiration);
        self.should_cache = options.should_cache.or(self.should_cache.take());
        self.wait_timeout = options.wait_timeout.unwrap_or(self.wait_timeout);
        self.on_timeout = options.on_timeout.unwrap_or(self.on_timeout);
        self.stale_on_error = options.stale_on_error.unwrap_or(self.stale_on_error);
        self.tiers = options.tiers.unwrap_or(self.tiers);
        self.lenient |= options.lenient;
    }
}

impl<S, L, I> Region<S, L, I> {
    /// The same region with other options for the calls made through this handle.
    #[must_use]
    pub fn with(&self, options: Options) -> Self {
        let mut call = (*self.call).clone();
        call.change(options);
        self.calling(call)
    }

    /// The same region, whose writes through this handle give every entry this logical lifetime of
    /// its own, in place of the region's `expire_after`. Only for stacks that can keep it
    /// ([`EntryTtl`]). Over a format of whole seconds ([`Framed`](crate::Framed)) a lifetime under one
    /// second may be over at once.
    ///
    /// ```
    /// # #[cfg(feature = "backend-memory")] {
    /// use std::time::Duration;
    /// use larder::{LayerExt, Memo};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let pages = Memo::<String>::new().region();
    /// pages.with_ttl(Duration::from_secs(5)).set("news", "..".to_owned()).await?;
    /// # Ok::<_, larder::Error>(()) }).unwrap();
    /// # }
    /// ```
    #[must_use]
    pub fn with_ttl(&self, ttl: Duration) -> Self
    where
        S: EntryTtl,
    {
        self.calling(Call { ttl: Some(ttl), ..(*self.call).clone() })
    }

    fn calling(&self, call: Call) -> Self {
        let inner = Arc::clone(&self.inner);
        Self { inner, limit: call.first_limit(), call: Arc::new(call) }
    }
}
