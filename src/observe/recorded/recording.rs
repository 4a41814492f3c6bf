use std::{
    collections::VecDeque,
    fmt, mem,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::Instant,
};

use super::{Beat, Call, Figures, Log, Recorder, Series};
use crate::{Clock, Event, Label, Place, RegionEvent, RequestScope};

/// How many series there are at most; what comes after them is put into one.
const MAX_SERIES: usize = 256;
/// How many requests are kept, unless set otherwise.
const MAX_REQUESTS: usize = 100;
/// How many lines one request has, unless set otherwise.
const MAX_LINES: usize = 2_000;
/// How many requests' worth of lines there is room for: few requests have so many.
const FULL_REQUESTS: usize = 25;

/// What [`Recorded`](crate::Recorded) has seen: the last requests call by call, and figures of everything.
///
/// One for the whole process is always there ([`Recording::global`]); it is **off** until
/// [`start`](Self::start) is called. One of your own is for tests:
///
/// ```
/// # #[cfg(all(feature = "observe-recorded", feature = "backend-memory"))] {
/// use std::sync::Arc;
/// use larder::{Memo, Observed, Op, Recorder, Recording, RequestScope};
/// use larder::LayerExt;
///
/// let recording = Recording::builder().build();
/// recording.start();
/// let recorder = Recorder::new("users").to(&recording);
/// let users = Observed::with(recorder, Memo::<String>::new()).region();
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// RequestScope::new("GET /users/7").run(users.get_or_create("7", async || "ann".to_owned())).await?;
/// let request = &recording.requests()[0];
/// let (series, totals) = &request.seen().totals[0];
/// assert_eq!((request.name(), series.label().to_string()), ("GET /users/7", "users".to_owned()));
/// assert_eq!((totals[Op::Get].misses, totals[Op::Set].calls), (1, 1));
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// # }
/// ```
///
/// # Memory
///
/// Bounded, whatever is asked: the last 100 requests with 2000 keys each, all of them together with 50 000;
/// the last 2000 keys outside of requests; 200 bytes of each key and 400 of each error; figures of 256 kinds
/// of labels and places, 10 kB each. That is 10 to 20 MB when it is full.
pub struct Recording {
    is_on: AtomicBool,
    /// The name under which requests have their log.
    name: Box<str>,
    began: Instant,
    max_requests: usize,
    max_lines: usize,
    keeps_values: AtomicBool,
    next: AtomicU64,
    series: Mutex<Vec<Arc<Series>>>,
    requests: Mutex<VecDeque<Arc<Log>>>,
    outside: Log,
}

/// What a request knows of a recording.
#[derive(Clone)]
enum Kept {
    Log(Arc<Log>),
    Ignored,
}

static GLOBAL: LazyLock<Arc<Recording>> = LazyLock::new(|| Recording::builder().build());

impl Recording {
    /// The one of this process, which recorders and the panel have unless they are given another one.
    #[must_use]
    pub fn global() -> &'static Arc<Self> {
        &GLOBAL
    }

    /// Begins one with other bounds.
    pub fn builder() -> RecordingBuilder {
        RecordingBuilder { max_requests: MAX_REQUESTS, max_lines: MAX_LINES, keeps_values: false }
    }

    /// Records from now on.
    pub fn start(&self) {
        self.is_on.store(true, SeqCst);
    }

    /// Records no more. What there is stays.
    pub fn stop(&self) {
        self.is_on.store(false, SeqCst);
    }

    /// Whether it records.
    #[inline]
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.is_on.load(Relaxed)
    }

    /// Keeps the first 200 bytes of values from now on, or not: by default not. Only recorders around bytes
    /// see them. Values may be secrets, and whoever sees the panel sees what is kept.
    pub fn keep_values(&self, keep: bool) {
        self.keeps_values.store(keep, Relaxed);
    }

    /// Whether values are kept.
    #[must_use]
    pub fn keeps_values(&self) -> bool {
        self.keeps_values.load(Relaxed)
    }

    /// Forgets everything. Requests under way are not listed any more.
    pub fn clear(&self) {
        let gone = mem::take(&mut *self.locked_requests());
        drop(gone);
        self.outside.clear();
        self.all_series().iter().for_each(|series| series.clear());
    }

    /// The last requests, the newest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Arc<Log>> {
        self.locked_requests().iter().rev().cloned().collect()
    }

    /// What happened outside of requests.
    #[must_use]
    pub const fn outside(&self) -> &Log {
        &self.outside
    }

    /// The figures of all that have seen something, by their labels.
    #[must_use]
    pub fn series(&self) -> Vec<Arc<Series>> {
        let mut series = self.all_series();
        series.retain(|series| !series.is_empty());
        series.sort_by(|a, b| {
            let by = |series: &Series| (series.label().clone(), series.place().to_string());
            by(a).cmp(&by(b))
        });
        series
    }

    /// What a series did in each second of the last minute; the last one is not over.
    pub fn beats(&self, series: &Series) -> Vec<Beat> {
        series.beats(self.second()).collect()
    }

    /// Notes that a request is over, and how. Requests that asked no cache are listed by this, too.
    ///
    /// `RequestLayer` does it for the recording of the process.
    pub fn finish(&self, scope: &RequestScope, status: Option<u16>) {
        if self.is_on()
            && let Some(log) = self.log_of(scope)
        {
            log.finish(status, scope.elapsed());
        }
    }

    /// Does not list this request: for those that are about the recording itself.
    pub fn ignore(&self, scope: &RequestScope) {
        if let Some(Kept::Log(log)) = scope.stash().put(&self.name, Kept::Ignored) {
            self.locked_requests().retain(|listed| !Arc::ptr_eq(listed, &log));
        }
    }

    // Out of line, so that hits that nobody records stay small.
    #[cold]
    #[inline(never)]
    pub(super) fn observe(&self, event: &Event<'_>, recorder: &Recorder) {
        let series = recorder.series();
        let figures = Figures::of(event);
        series.count(event.op, &figures, event.evicted, self.second());
        self.keep(Some(figures), |room| {
            Call::of_event(event, Arc::clone(series), room, self.keeps_values())
        });
    }

    #[cold]
    #[inline(never)]
    pub(super) fn hear(&self, event: &RegionEvent<'_>, recorder: &Recorder) {
        let series = recorder.series();
        series.hear(event);
        // These are in the lines of the operations.
        if !matches!(event.what, crate::Happened::Fresh | crate::Happened::Miss) {
            self.keep(None, |room| Call::of_region(event, Arc::clone(series), room));
        }
    }

    /// The series of a label and a place.
    pub(super) fn find(&self, label: &Label, place: Place) -> Arc<Series> {
        let mut all = self.locked_series();
        let find = |all: &[Arc<Series>], label: &Label, place| {
            all.iter().find(|s| s.label() == label && s.place() == place).cloned()
        };
        if let Some(known) = find(&all, label, place) {
            return known;
        }
        let is_last = all.len() + 1 >= MAX_SERIES;
        let (label, place) =
            if is_last { (Label::new("others"), Place::default()) } else { (label.clone(), place) };
        find(&all, &label, place).unwrap_or_else(|| {
            let series = Arc::new(Series::new(label, place));
            all.push(Arc::clone(&series));
            series
        })
    }

    fn keep(&self, figures: Option<Figures>, call: impl FnOnce(usize) -> Call) {
        let keep = |log: &Log| {
            let mut call = call(log.room());
            call.number = self.next.fetch_add(1, Relaxed);
            log.keep(call, figures);
        };
        match RequestScope::current() {
            None => keep(&self.outside),
            Some(scope) => {
                if let Some(log) = self.log_of(&scope) {
                    keep(&log);
                }
            }
        }
    }

    /// The log of a request, which is listed from then on; `None` for one that is ignored.
    fn log_of(&self, scope: &RequestScope) -> Option<Arc<Log>> {
        let mut made = None;
        let kept = scope.stash().get_or_insert_with(&self.name, || {
            let log = Arc::new(Log::of_request(scope, self.max_lines));
            Kept::Log(Arc::clone(made.insert(log)))
        });
        let Kept::Log(log) = kept else { return None };
        if made.is_some_and(|made| Arc::ptr_eq(&made, &log)) {
            self.list(Arc::clone(&log));
        }
        Some(log)
    }

    fn list(&self, log: Arc<Log>) {
        let mut requests = self.locked_requests();
        requests.push_back(log);
        let mut lines: usize = requests.iter().map(|log| log.lines()).sum();
        let mut gone = Vec::new();
        while requests.len() > self.max_requests || lines > self.max_lines * FULL_REQUESTS {
            let Some(oldest) = requests.pop_front() else { break };
            lines = lines.saturating_sub(oldest.lines());
            gone.push(oldest);
        }
        // Their memory is given back without the lock.
        drop(requests);
        drop(gone);
    }

    /// The second that runs, since it was made.
    fn second(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    fn all_series(&self) -> Vec<Arc<Series>> {
        self.locked_series().clone()
    }

    fn locked_series(&self) -> MutexGuard<'_, Vec<Arc<Series>>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locked_requests(&self) -> MutexGuard<'_, VecDeque<Arc<Log>>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys and values belong to others.
        f.debug_struct("Recording")
            .field("is_on", &self.is_on())
            .field("keeps_values", &self.keeps_values())
            .field("requests", &self.locked_requests().len())
            .finish_non_exhaustive()
    }
}

/// Builds a [`Recording`]; from [`Recording::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct RecordingBuilder {
    max_requests: usize,
    max_lines: usize,
    keeps_values: bool,
}

impl RecordingBuilder {
    /// How many requests are kept; default 100, at least 1.
    pub fn max_requests(mut self, requests: usize) -> Self {
        self.max_requests = requests.max(1);
        self
    }

    /// How many keys of each request are kept, and of what is outside of requests; default 2000. When a
    /// request begins, the oldest go that are more than 25 times as many together.
    pub fn max_lines(mut self, lines: usize) -> Self {
        self.max_lines = lines;
        self
    }

    /// Whether values are kept, see [`Recording::keep_values`]; default no.
    pub fn keep_values(mut self, keep: bool) -> Self {
        self.keeps_values = keep;
        self
    }

    /// A recording, which is off.
    #[must_use]
    pub fn build(self) -> Arc<Recording> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let began = Instant::now();
        Arc::new(Recording {
            is_on: AtomicBool::new(false),
            name: format!("larder recording {}", MADE.fetch_add(1, Relaxed)).into(),
            began,
            max_requests: self.max_requests,
            max_lines: self.max_lines,
            keeps_values: AtomicBool::new(self.keeps_values),
            next: AtomicU64::new(1),
            series: Mutex::default(),
            requests: Mutex::default(),
            outside: Log::outside(Clock::default().now(), began, self.max_lines),
        })
    }
}
