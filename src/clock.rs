use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A point in time: microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest one there is; later than any clock shows.
    pub const MAX: Self = Self(i64::MAX);

    /// The earliest one there is.
    pub const MIN: Self = Self(i64::MIN);

    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From whole seconds since the epoch. Saturates beyond the year 294000.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// How long `earlier` was before `self`; zero if it was not.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        let micros = self.0.saturating_sub(earlier.0);
        if micros < 0 { Duration::ZERO } else { Duration::from_micros(micros.unsigned_abs()) }
    }

    /// `self`, rounded down to a multiple of `step` (of at least a microsecond).
    pub(crate) fn floor(self, step: Duration) -> Self {
        let step = i64::try_from(step.as_micros()).unwrap_or(i64::MAX).max(1);
        Self(self.0.div_euclid(step).saturating_mul(step))
    }

    /// `self` and `duration` later; saturates at [`MAX`](Self::MAX).
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// Where a region and its stores get the time from.
///
/// The default is the system's wall clock in its coarse form on Linux (1 to 4 ms, 2.6 ns to read;
/// the precise one costs as much as a whole lookup), elsewhere [`SystemTime`]. The wall clock,
/// because creation times are compared between processes; a clock set back makes entries younger,
/// never a panic.
///
/// For tests there is [`ManualClock`].
#[derive(Clone, Default)]
pub struct Clock {
    manual: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The time.
    #[inline]
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.manual {
            None => system_now(),
            Some(micros) => Timestamp(micros.load(Ordering::Acquire)),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.manual.is_some() { "Clock(manual)" } else { "Clock(system)" })
    }
}

#[cfg(target_os = "linux")]
#[inline]
fn system_now() -> Timestamp {
    use rustix::time::{ClockId, clock_gettime};

    let now = clock_gettime(ClockId::RealtimeCoarse);
    Timestamp(now.tv_sec * 1_000_000 + now.tv_nsec / 1_000)
}

#[cfg(not(target_os = "linux"))]
#[inline]
fn system_now() -> Timestamp {
    from_system(SystemTime::now())
}

fn from_system(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(0).after(since)
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        from_system(time)
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        UNIX_EPOCH + time.since(Timestamp(0))
    }
}

/// A clock that stands still until it is told to move.
///
/// ```
/// use std::time::Duration;
/// use larder::{ManualClock, Timestamp};
///
/// let time = ManualClock::new(Timestamp::from_secs(1_000));
/// let clock = time.clock(); // hand this to regions and stores
/// time.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), Timestamp::from_secs(1_060));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(start.0)))
    }

    /// A [`Clock`] that always shows the time of this one.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock { manual: Some(Arc::clone(&self.0)) }
    }

    /// Moves on by `duration`.
    pub fn advance(&self, duration: Duration) {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        self.0.fetch_add(micros, Ordering::AcqRel);
    }

    /// Jumps to `time`, also backwards.
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_is_close_to_the_precise_one() {
        let precise = Timestamp::from(SystemTime::now());
        let coarse = Clock::default().now();
        let apart = precise.since(coarse).max(coarse.since(precise));
        assert!(apart < Duration::from_secs(1), "{apart:?}");
    }

    #[test]
    fn arithmetic_saturates() {
        let t = Timestamp::from_secs(10);
        assert_eq!(t.since(Timestamp::from_secs(11)), Duration::ZERO);
        assert_eq!(t.after(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_micros(-1).as_secs(), -1);
        assert_eq!(Timestamp::from(SystemTime::from(t)), t);
    }
}
