use std::{
    collections::VecDeque,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use super::{Call, Figures, Series, Totals, What};
use crate::{Counters, RequestScope, Timestamp};

/// What one request asked of its caches, or all that happened outside of requests.
///
/// A request keeps its first calls, what is outside of requests the last ones; all are in the figures.
#[derive(Debug)]
pub struct Log {
    id: Option<u64>,
    name: Box<str>,
    started_at: Timestamp,
    started: Instant,
    counters: Arc<Counters>,
    max_lines: usize,
    lines: AtomicUsize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    calls: VecDeque<Arc<Call>>,
    left_out: u64,
    tallies: Vec<(Arc<Series>, Totals)>,
    finished: Option<Finished>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// The status of the answer, where there is such a thing.
    pub status: Option<u16>,
    /// How long it took.
    pub took: Duration,
}

/// A copy of what a [`Log`] has at one moment. Cheap: the calls are shared.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Seen {
    /// The calls, in the order in which they were over.
    pub calls: Vec<Arc<Call>>,
    /// How many keys of calls are not there any more, or never were, for want of room.
    pub left_out: u64,
    /// The figures, with what has been left out, for each region, tier and place.
    pub totals: Vec<(Arc<Series>, Totals)>,
}

impl Log {
    pub(super) fn of_request(scope: &RequestScope, max_lines: usize) -> Self {
        let started = Instant::now();
        Self {
            id: Some(scope.id()),
            name: scope.name().chars().take(200).collect(),
            started_at: scope.started_at(),
            started: started.checked_sub(scope.elapsed()).unwrap_or(started),
            counters: Arc::clone(scope.counters()),
            ..Self::outside(scope.started_at(), started, max_lines)
        }
    }

    pub(super) fn outside(started_at: Timestamp, started: Instant, max_lines: usize) -> Self {
        Self {
            id: None,
            name: "outside of requests".into(),
            started_at,
            started,
            counters: Arc::default(),
            max_lines,
            lines: AtomicUsize::new(0),
            inner: Mutex::default(),
        }
    }

    /// The number of the request ([`RequestScope::id`]); `None` for what is outside of requests.
    #[must_use]
    pub const fn id(&self) -> Option<u64> {
        self.id
    }

    /// The name of the request; cut to 200 characters.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it began.
    #[must_use]
    pub const fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// How it ended; `None` while it runs, or if nobody tells.
    #[must_use]
    pub fn finished(&self) -> Option<Finished> {
        self.inner().finished
    }

    /// What there is now.
    #[must_use]
    pub fn seen(&self) -> Seen {
        let inner = self.inner();
        let calls = inner.calls.iter().cloned().collect();
        Seen { calls, left_out: inner.left_out, totals: inner.tallies.clone() }
    }

    /// How many operations there were on whole stacks, those of single tiers not counted.
    #[must_use]
    pub fn calls(&self) -> u64 {
        let inner = self.inner();
        let whole = inner.tallies.iter().filter(|(series, _)| series.label().tier.is_none());
        whole.map(|(_, totals)| totals.all().calls).sum()
    }

    /// What the application has counted in it.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// For how many lines of one call there is room.
    pub(super) fn room(&self) -> usize {
        match self.id {
            Some(_) => self.max_lines.saturating_sub(self.lines()),
            None => self.max_lines,
        }
    }

    pub(super) fn lines(&self) -> usize {
        self.lines.load(Relaxed)
    }

    /// Keeps a call, with its figures if it was an operation.
    pub(super) fn keep(&self, mut call: Call, figures: Option<Figures>) {
        let began = Instant::now().checked_sub(call.took.unwrap_or_default());
        call.at = began.map_or(Duration::ZERO, |began| began.duration_since(self.started));
        let mut gone = Vec::new();
        let mut inner = self.inner();
        if let (What::Op(op), Some(figures)) = (call.what, figures) {
            inner.tally(call.series()).count(op, figures);
        }
        let lines = self.lines() + call.lines.len();
        let missing = match call.what {
            What::Op(_) => call.count.saturating_sub(call.lines.len()),
            What::Region(_) => 0,
        };
        inner.left_out += missing as u64;
        if call.lines.is_empty() || (self.id.is_some() && lines > self.max_lines) {
            inner.left_out += call.lines.len() as u64;
            return;
        }
        let call = Arc::new(call);
        inner.calls.push_back(call);
        self.lines.store(lines, Relaxed);
        while self.lines() > self.max_lines {
            let Some(oldest) = inner.calls.pop_front() else { break };
            inner.left_out += oldest.lines.len() as u64;
            self.lines.fetch_sub(oldest.lines.len(), Relaxed);
            gone.push(oldest);
        }
        // Their memory is given back without the lock.
        drop(inner);
        drop(gone);
    }

    pub(super) fn finish(&self, status: Option<u16>, took: Duration) {
        self.inner().finished = Some(Finished { status, took });
    }

    pub(super) fn clear(&self) {
        let mut inner = self.inner();
        let gone = mem::take(&mut *inner);
        self.lines.store(0, Relaxed);
        drop(inner);
        drop(gone);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // No code of users runs under this lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn tally(&mut self, series: &Arc<Series>) -> &mut Totals {
        let known = self.tallies.iter().position(|(known, _)| Arc::ptr_eq(known, series));
        let at = known.unwrap_or_else(|| {
            self.tallies.push((Arc::clone(series), Totals::default()));
            self.tallies.len() - 1
        });
        &mut self.tallies[at].1
    }
}
