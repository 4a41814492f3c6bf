//! Counters and histograms, through the `metrics` facade.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use self::handles::Handles;
use super::{Event, Label, Observe, Observed, Op, RegionEvent};
use crate::{Capabilities, Immediate, Place};

mod handles;
mod names;

/// Counts what the region makes of its keys and what the levels below do, through the `metrics` facade:
/// for Prometheus, `StatsD`, or whatever exporter the application installs.
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "codec-json"))] {
/// use larder::{BackendExt, IntTime, Json, LayerExt, Memory, Metered, PayloadExt, Region};
/// use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let exporter = PrometheusBuilder::new()
///     .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &larder::Meter::SECONDS)
///     .and_then(PrometheusBuilder::install_recorder)
///     .unwrap();
///
/// let users: Region<Metered<IntTime<Json<Memory>>>> =
///     Memory::new().json().int_time().metered("users").region();
/// users.get_or_create("user:1", async || "ann".to_owned()).await?;
/// users.get::<String>("user:1").await?;
///
/// let text = exporter.render();
/// assert!(text.contains("larder_misses_total{region=\"users\"} 1"));
/// assert!(text.contains("larder_hits_total{region=\"users\",state=\"fresh\"} 1"));
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// # }
/// ```
///
/// # What is counted
///
/// Around the stack of a region, what the region makes of its keys, with the label `region`:
///
/// | metric | |
/// |---|---|
/// | `larder_hits_total` | lookups that were given what was there; `state` is `fresh` or `stale` |
/// | `larder_misses_total` | lookups for which nothing that was there would do; with the hits, all lookups |
/// | `larder_creations_total` | values made by creators |
/// | `larder_creator_failures_total` | calls of creators that failed |
/// | `larder_waits_total` | callers served by a creation of somebody else: a value or an error |
/// | `larder_undecodable_total` | entries whose bytes could not be decoded |
/// | `larder_voided_total` | created values not stored, because something newer came in between |
/// | `larder_bypassed_total` | failures of the store or the lock that a call went on without |
/// | `larder_creator_seconds` | histogram: how long creators took, failed ones included |
/// | `larder_wait_seconds` | histogram: how long those callers waited |
///
/// And around any level, what that one does, with the labels `region`, `tier` (if it has that name) and
/// `backend` (where the entries are kept in the end, see [`Place`]):
///
/// | metric | |
/// |---|---|
/// | `larder_backend_seconds` | histogram by `op`: how long an operation took; not inside the process |
/// | `larder_backend_errors_total` | operations that failed |
/// | `larder_evictions_total` | entries that it and the levels below dropped for want of room |
/// | `larder_read_bytes_total`, `larder_written_bytes_total` | bytes of values; only at level 1: `Json<Metered<Redis>>` |
/// | `larder_tier_hits_total`, `larder_tier_misses_total` | keys that the level had and had not; only if it has the name of a tier |
///
/// Keys are never labels. `docs/metrics.md` has queries, `docs/grafana.json` a dashboard.
///
/// # Where it goes
///
/// Once around the stack of each region. What is inside, such as one of two tiers or the bytes below a
/// format, is metered beside that with a [`Label`] that says what it is:
/// `.metered(Label::new("users").tier("memory"))`. Such a meter leaves the region's own counters alone.
/// Regions with one label are counted together.
///
/// # The exporter
///
/// Best installed before the stack is built: then all counters are there from the start, at 0. What happens
/// before it is installed is not counted; from then on it is, by the recorder that was found first. An
/// exporter that forgets idle metrics (`idle_timeout`) must not forget these, because their handles are
/// kept. Buckets for the histograms are [`Meter::SECONDS`].
///
/// # Performance
///
/// A fresh hit inside the process costs an increment of one counter that all threads share; see
/// `benches/stack`. There, reading the clock would take longer than the operation, so nothing is timed, and
/// reads are not looked at except under the name of a tier. Without an exporter every operation looks
/// whether there is one by now.
pub type Metered<S> = Observed<Meter, S>;

/// The observer of [`Metered`].
#[derive(Clone, Debug)]
pub struct Meter {
    label: Label,
    place: Place,
    timed: bool,
    kept: Arc<Kept>,
}

/// What the clones of a meter share, so that they count together.
#[derive(Debug, Default)]
struct Kept {
    handles: OnceLock<Handles>,
    /// How many evictions are counted already.
    evicted: AtomicU64,
}

impl Meter {
    /// Upper bounds for the buckets of all histograms, in seconds: from a server next door to a creator
    /// that takes half a minute.
    pub const SECONDS: [f64; 16] = [
        0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
        2.5, 10.0, 30.0,
    ];

    /// Counts with this label.
    pub fn new(label: impl Into<Label>) -> Self {
        Self { label: label.into(), place: Place::default(), timed: true, kept: Arc::default() }
    }

    /// The handles, once there is a recorder to register them with.
    #[inline]
    fn handles(&self) -> Option<&Handles> {
        self.kept.handles.get().or_else(|| self.register())
    }

    #[cold]
    fn register(&self) -> Option<&Handles> {
        let handles = Handles::register(&self.label, self.place)?;
        Some(self.kept.handles.get_or_init(|| handles))
    }
}

/// With a label that has no name.
impl Default for Meter {
    fn default() -> Self {
        Self::new(Label::default())
    }
}

impl Observe for Meter {
    fn observe(&self, event: &Event<'_>) {
        let Some(Handles { level, .. }) = self.handles() else { return };
        level.record(event, self.timed);
        // The difference, because several levels may count under one label.
        let before = &self.kept.evicted;
        if event.evicted > before.load(Relaxed) {
            level.evicted(event.evicted.saturating_sub(before.fetch_max(event.evicted, Relaxed)));
        }
    }

    #[inline]
    fn enabled(&self) -> bool {
        self.handles().is_some()
    }

    // A read inside the process has nothing to tell that the region does not.
    #[inline]
    fn wants(&self, op: Op) -> bool {
        self.timed || self.label.tier.is_some() || !matches!(op, Op::Get | Op::GetMulti)
    }

    #[inline]
    fn timed(&self) -> bool {
        self.timed
    }

    #[inline]
    fn observe_region(&self, event: &RegionEvent<'_>) {
        // An operation came first, and has registered them if it could.
        if let Some(Handles { region: Some(region), .. }) = self.kept.handles.get() {
            region.record(event);
        }
    }

    fn placed(&mut self, over: Capabilities) {
        self.place = over.place;
        self.timed = over.immediate != Immediate::All;
        self.kept = Arc::default();
        self.handles();
    }
}
