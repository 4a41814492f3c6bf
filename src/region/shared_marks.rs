use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;

use super::invalidate::{Invalidation, Invalidator, Marks, Verdict};
use crate::{Backend, Error, ErrorKind, Key, Result, Timestamp, WriteOpts, sync::AtomicI64};

/// How old what is known of the others may get.
const INTERVAL: Duration = Duration::from_millis(100);

/// An [`Invalidator`] that all processes share: the marks stand in a backend.
///
/// Every region that is given the same backend and name sees the invalidations of all the others,
/// within [`interval`](Self::interval) (100 ms): no value is served by knowledge older than that.
/// A region that is asked all the time reads the marks ten times a second, one that is not asked
/// reads nothing.
///
/// ```
/// # #[cfg(all(feature = "backend-redis", feature = "codec-msgpack"))]
/// # async fn run() -> larder::Result<()> {
/// use larder::{BackendExt, Invalidation, PayloadExt, Redis, Region, SharedMarks};
///
/// let redis = Redis::new("redis://localhost")?;
/// let marks = SharedMarks::new(redis.clone(), "users");
/// let users = Region::builder(redis.msgpack().int_time()).invalidator(marks).build()?;
/// users.invalidate(Invalidation::Soft).await?; // for every process
/// # Ok(()) }
/// ```
///
/// # Keys
///
/// `larder:invalid:{name}:hard` and `larder:invalid:{name}:soft`, each the time in microseconds since
/// 1970 as decimal digits. They must not be evicted: a store that evicts them forgets the
/// invalidation.
///
/// # Failures
///
/// While the backend cannot be read, what is known goes on to hold, and the backend is asked again
/// after the interval. An invalidation that cannot be written is an error, and holds nowhere.
///
/// # Concurrency
///
/// Of two processes that invalidate within the same round trip, the earlier of the two times may stay:
/// values made between the two are then taken for valid. Times come from the clocks of the
/// processes; clocks that disagree move the moment by as much.
#[derive(Debug)]
pub struct SharedMarks<B> {
    backend: B,
    hard: String,
    soft: String,
    interval: Duration,
    marks: Marks,
    /// When the marks were last read, in microseconds.
    read_at: AtomicI64,
    reading: tokio::sync::Mutex<()>,
}

impl<B: Backend> SharedMarks<B> {
    /// The marks called `name` in `backend`: the same for all regions that share entries.
    pub fn new(backend: B, name: &str) -> Self {
        Self {
            backend,
            hard: format!("larder:invalid:{name}:hard"),
            soft: format!("larder:invalid:{name}:soft"),
            interval: INTERVAL,
            marks: Marks::default(),
            read_at: AtomicI64::new(Timestamp::MIN.as_micros()),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// How long an invalidation by another process may go unnoticed. Default: 100 ms. With zero,
    /// the marks are read again as soon as the clock moves.
    #[must_use]
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    fn is_outdated(&self, now: Timestamp) -> bool {
        let read_at = Timestamp::from_micros(self.read_at.load(Ordering::Acquire));
        // A clock that was set back must not keep old knowledge alive.
        now < read_at || now > read_at.after(self.interval)
    }

    async fn read(&self) -> Result<()> {
        let keys = [Key::from(&self.hard), Key::from(&self.soft)];
        let found = self.backend.get_multi(&keys).await?;
        for (mark, how) in found.into_iter().zip([Invalidation::Hard, Invalidation::Soft]) {
            if let Some(from) = mark?.as_deref().map(parse).transpose()? {
                self.marks.advance(how, from);
            }
        }
        Ok(())
    }
}

impl<B: Backend + 'static> Invalidator for SharedMarks<B> {
    const SHARED: bool = true;

    #[inline]
    fn valid_from(&self, now: impl FnOnce() -> Timestamp) -> Timestamp {
        if self.is_outdated(now()) { Timestamp::MAX } else { self.marks.from().0 }
    }

    fn judge(&self, key: Key<'_>, created_at: Timestamp, now: Timestamp) -> Verdict {
        if self.is_outdated(now) {
            return Verdict::Outdated;
        }
        self.marks.judge(key, created_at, now)
    }

    fn stamp(&self, key: Key<'_>, now: Timestamp) -> Timestamp {
        self.marks.stamp(key, now)
    }

    async fn invalidate(&self, how: Invalidation, now: Timestamp, step: Duration) -> Result<()> {
        let _turn = self.reading.lock().await;
        // Later than what the others have marked, and than what was made since.
        self.read().await?;
        let from = self.marks.next(now, step);
        let key = match how {
            Invalidation::Hard => &self.hard,
            Invalidation::Soft => &self.soft,
        };
        let mark = Bytes::from(from.as_micros().to_string());
        self.backend.set(key.into(), mark, WriteOpts::default()).await?;
        self.marks.advance(how, from);
        Ok(())
    }

    async fn catch_up(&self, now: Timestamp) {
        let _turn = self.reading.lock().await;
        if !self.is_outdated(now) {
            return; // somebody else did it meanwhile
        }
        if let Err(error) = self.read().await {
            let error = &error as &(dyn std::error::Error + 'static);
            tracing::warn!(error, "the invalidations of other processes cannot be read");
        }
        self.read_at.store(now.as_micros(), Ordering::Release);
    }
}

fn parse(mark: &[u8]) -> Result<Timestamp> {
    let micros = std::str::from_utf8(mark).ok().and_then(|digits| digits.parse().ok());
    micros.map(Timestamp::from_micros).ok_or_else(|| {
        Error::new(ErrorKind::Decode, "shared marks")
            .with_message("a mark is not a number of microseconds; delete the key of this mark")
    })
}
