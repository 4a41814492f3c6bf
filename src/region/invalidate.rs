//! Invalidation: everything that was created before a moment is stale, or gone.

use std::{fmt, future::Future, sync::atomic::Ordering, time::Duration};

use super::Region;
use crate::{Error, ErrorKind, Key, Level, Lock, Result, Timestamp, sync::AtomicI64};

/// What an invalidation does to the values created before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Invalidation {
    /// They are gone: callers wait for new ones.
    Hard,
    /// They are stale: one caller makes a new one, the others are given the old one meanwhile.
    Soft,
}

/// What is left of an entry; from [`Invalidator::judge`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It was not invalidated.
    Valid,
    /// It was invalidated, but may be served while a new one is made.
    Stale,
    /// It was invalidated and must not be served.
    Gone,
    /// What is known is too old to tell: [`catch_up`](Invalidator::catch_up) first, then ask again.
    Outdated,
}

/// Which entries of a region are invalidated: the strategy behind
/// [`Region::invalidate`](crate::Region::invalidate).
///
/// The default is [`Marks`], two points in time for the whole region. A strategy of your own sees
/// the key, so that it can tell the entries of one tenant from those of another:
///
/// ```
/// # #[cfg(feature = "backend-memory")] {
/// use std::{collections::HashMap, sync::Mutex, time::Duration};
/// use larder::{Invalidation, Invalidator, Key, Memo, Region, Result, Timestamp, Verdict};
///
/// /// Forgets everything of one tenant (the space of the keys).
/// #[derive(Default)]
/// struct Tenants(Mutex<HashMap<String, Timestamp>>);
///
/// impl Tenants {
///     fn forget(&self, tenant: &str, now: Timestamp) {
///         let from = now.after(Duration::from_micros(1));
///         self.0.lock().unwrap().insert(tenant.to_owned(), from);
///     }
///
///     fn valid_from(&self, key: Key<'_>) -> Option<Timestamp> {
///         self.0.lock().unwrap().get(key.space()?).copied()
///     }
/// }
///
/// impl Invalidator for Tenants {
///     fn valid_from(&self, _: impl FnOnce() -> Timestamp) -> Timestamp {
///         self.0.lock().unwrap().values().copied().max().unwrap_or(Timestamp::MIN)
///     }
///
///     fn judge(&self, key: Key<'_>, created_at: Timestamp, _: Timestamp) -> Verdict {
///         match self.valid_from(key) {
///             Some(from) if created_at < from => Verdict::Gone,
///             _ => Verdict::Valid,
///         }
///     }
///
///     fn stamp(&self, key: Key<'_>, now: Timestamp) -> Timestamp {
///         self.valid_from(key).map_or(now, |from| from.max(now))
///     }
///
///     async fn invalidate(&self, _: Invalidation, now: Timestamp, _: Duration) -> Result<()> {
///         self.0.lock().unwrap().values_mut().for_each(|from| *from = now.after(Duration::from_micros(1)));
///         Ok(())
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let pages = Region::builder(Memo::<u32>::new()).invalidator(Tenants::default()).build()?;
/// pages.set(("acme", "front"), 1).await?;
/// pages.set(("other", "front"), 2).await?;
/// pages.invalidator().forget("acme", larder::Clock::default().now());
/// assert_eq!(pages.get(("acme", "front")).await?, None);
/// assert_eq!(pages.get(("other", "front")).await?, Some(2));
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// # }
/// ```
///
/// # Consistency
///
/// An invalidation wins over creations that are running. That works without knowing them: a value
/// is as old as the *beginning* of its creation, so one that began before the invalidation is
/// invalid when it arrives, in whatever process it was made.
pub trait Invalidator: Send + Sync + 'static {
    /// Whether others invalidate too, so that there is something to [`catch_up`](Self::catch_up) with.
    const SHARED: bool = false;

    /// What was created then or later is valid, whatever its key; [`Timestamp::MAX`] if that cannot be
    /// told. Asked by every hit, so it must be quick. Only for what is older does the region ask
    /// [`judge`](Self::judge), which costs a hit an allocation.
    fn valid_from(&self, now: impl FnOnce() -> Timestamp) -> Timestamp;

    /// What is left of an entry that was created at `created_at`. Entries without a time of creation
    /// come with [`Timestamp::MIN`].
    fn judge(&self, key: Key<'_>, created_at: Timestamp, now: Timestamp) -> Verdict;

    /// The time of creation for a value whose creation begins at `now`: the same or a little later,
    /// so that [`judge`](Self::judge) finds it valid.
    fn stamp(&self, key: Key<'_>, now: Timestamp) -> Timestamp;

    /// Invalidates everything that was created before `now`. Times of creation are known to `step`
    /// ([`Precision::step`](crate::Precision::step)).
    ///
    /// # Errors
    ///
    /// When others cannot be told of it.
    fn invalidate(
        &self,
        how: Invalidation,
        now: Timestamp,
        step: Duration,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Learns what others have invalidated. Called when [`judge`](Self::judge) says
    /// [`Outdated`](Verdict::Outdated), and must change that, also when it fails.
    fn catch_up(&self, now: Timestamp) -> impl Future<Output = ()> + Send {
        let _ = now;
        async {}
    }
}

/// The default [`Invalidator`]: for each kind the time of the last invalidation, known to this
/// region (and its clones) alone. Costs a hit one comparison.
#[derive(Debug)]
pub struct Marks {
    /// Values created before this are stale or gone.
    valid_from: AtomicI64,
    /// Values created before this are gone.
    hard_from: AtomicI64,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            valid_from: AtomicI64::new(Timestamp::MIN.as_micros()),
            hard_from: AtomicI64::new(Timestamp::MIN.as_micros()),
        }
    }
}

impl Marks {
    /// From when on values are valid, and from when on they are not gone.
    pub(super) fn from(&self) -> (Timestamp, Timestamp) {
        let time = |mark: &AtomicI64| Timestamp::from_micros(mark.load(Ordering::Acquire));
        (time(&self.valid_from), time(&self.hard_from))
    }

    /// The first time of creation that an invalidation at `now` leaves valid: later than every stamp
    /// given so far, although the clock may not have moved since.
    pub(super) fn next(&self, now: Timestamp, step: Duration) -> Timestamp {
        let (valid_from, _) = self.from();
        now.floor(step).max(valid_from).after(step)
    }

    /// Moves a mark forward, never back: the order in which kinds arrive does not matter.
    pub(super) fn advance(&self, how: Invalidation, from: Timestamp) {
        if how == Invalidation::Hard {
            self.hard_from.fetch_max(from.as_micros(), Ordering::AcqRel);
        }
        self.valid_from.fetch_max(from.as_micros(), Ordering::AcqRel);
    }
}

impl Invalidator for Marks {
    #[inline]
    fn valid_from(&self, _: impl FnOnce() -> Timestamp) -> Timestamp {
        Timestamp::from_micros(self.valid_from.load(Ordering::Acquire))
    }

    fn judge(&self, _: Key<'_>, created_at: Timestamp, _: Timestamp) -> Verdict {
        match self.from() {
            (_, hard_from) if created_at < hard_from => Verdict::Gone,
            (valid_from, _) if created_at < valid_from => Verdict::Stale,
            _ => Verdict::Valid,
        }
    }

    fn stamp(&self, _: Key<'_>, now: Timestamp) -> Timestamp {
        now.max(self.from().0)
    }

    async fn invalidate(&self, how: Invalidation, now: Timestamp, step: Duration) -> Result<()> {
        self.advance(how, self.next(now, step));
        Ok(())
    }
}

impl<S, L: Lock, I: Invalidator> Region<S, L, I> {
    /// Invalidates every value that was created before this moment.
    ///
    /// Costs nothing but a mark in time: no entry is touched. After a hard invalidation everything
    /// from before it is missing; after a soft one it is stale, and is served while one caller makes
    /// a new one (no `expire_after` is needed for that). A soft one never weakens a hard one.
    ///
    /// By default this region and its clones know of it, and nobody else;
    /// [`SharedMarks`](crate::SharedMarks) tells every process.
    ///
    /// With a format of whole seconds ([`IntTime`](crate::IntTime), [`Framed`](crate::Framed)),
    /// values made in the second of an invalidation are dated to the next one, so that they can be
    /// told from those before it; likewise with [`Coarse`](crate::Coarse), whose steps have 64 seconds.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) where the format keeps no time
    /// ([`NoMeta`](crate::NoMeta)); with a shared strategy also the failures of its store, and then
    /// nothing is invalidated.
    ///
    /// # Concurrency
    ///
    /// Wins over creations that are running, here and in other processes: their values go to those
    /// who wait already, and are invalid from the start.
    ///
    /// # Cancellation
    ///
    /// When the future is dropped, the invalidation has taken place or not.
    pub async fn invalidate(&self, how: Invalidation) -> Result<()>
    where
        S: Level,
    {
        let Some(step) = self.inner.stack.capabilities().created_at.step() else {
            return Err(Error::new(ErrorKind::Unsupported, "region").with_message(
                "this format keeps no time of creation, so nothing can be invalidated by it: \
                 delete keys, or use a format with a time (`Framed`, `IntTime`)",
            ));
        };
        self.inner.invalidator.invalidate(how, self.inner.clock.now(), step).await
    }

    /// The strategy of [`invalidate`](Self::invalidate).
    #[must_use]
    pub fn invalidator(&self) -> &I {
        &self.inner.invalidator
    }
}

impl fmt::Display for Invalidation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MICRO: Duration = Duration::from_micros(1);

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn judge(marks: &Marks, micros: i64) -> Verdict {
        marks.judge("k".into(), at(micros), at(0))
    }

    #[test]
    fn a_soft_mark_never_weakens_a_hard_one() {
        let marks = Marks::default();
        assert_eq!(judge(&marks, i64::MIN), Verdict::Valid);
        marks.advance(Invalidation::Hard, marks.next(at(10), MICRO));
        marks.advance(Invalidation::Soft, marks.next(at(20), MICRO));
        assert_eq!(judge(&marks, 10), Verdict::Gone);
        assert_eq!(judge(&marks, 11), Verdict::Stale);
        assert_eq!(judge(&marks, 20), Verdict::Stale);
        assert_eq!(judge(&marks, 21), Verdict::Valid);
        marks.advance(Invalidation::Hard, marks.next(at(20), MICRO));
        assert_eq!(judge(&marks, 21), Verdict::Gone);
    }

    #[test]
    fn what_begins_after_a_mark_is_valid_and_invalidated_by_the_next() {
        for (step, created) in [(MICRO, 1_700_000), (SECOND, 1_000_000)] {
            let marks = Marks::default();
            let now = at(1_700_000);
            marks.advance(Invalidation::Hard, marks.next(now, step));
            assert_eq!(judge(&marks, created), Verdict::Gone, "made in the same {step:?}");
            let stamp = marks.stamp("k".into(), now).floor(step);
            assert_eq!(judge(&marks, stamp.as_micros()), Verdict::Valid);
            marks.advance(Invalidation::Hard, marks.next(now, step));
            assert_eq!(judge(&marks, stamp.as_micros()), Verdict::Gone);
        }
    }
}
