//! What an exporter tells.

use std::fmt::Debug;

use metrics::LocalRecorderGuard;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// An exporter for this thread, until the test ends.
pub(crate) struct Scrape {
    pub(crate) handle: PrometheusHandle,
    _guard: LocalRecorderGuard<'static>,
}

/// What one region was counted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) fresh: u64,
    pub(crate) stale: u64,
    pub(crate) misses: u64,
    pub(crate) creations: u64,
    pub(crate) failures: u64,
    pub(crate) waits: u64,
    pub(crate) undecodable: u64,
    pub(crate) voided: u64,
    pub(crate) bypassed: u64,
}

impl Counts {
    pub(crate) fn lookups(&self) -> u64 {
        self.fresh + self.stale + self.misses
    }
}

impl Scrape {
    pub(crate) fn new() -> Self {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &larder::Meter::SECONDS)
            .unwrap()
            .build_recorder();
        let handle = recorder.handle();
        let guard = metrics::set_default_local_recorder(Box::leak(Box::new(recorder)));
        Self { handle, _guard: guard }
    }

    /// The value of one line, such as `larder_misses_total{region="users"}`; `None` if there is no such line.
    pub(crate) fn find(&self, series: &str) -> Option<u64> {
        let text = self.handle.render();
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        Some(line.parse().unwrap())
    }

    pub(crate) fn value(&self, series: &str) -> u64 {
        let missing = || panic!("no {series} in\n{}", self.handle.render());
        self.find(series).unwrap_or_else(missing)
    }

    /// What the region `name` was counted for.
    pub(crate) fn counts(&self, name: &str) -> Counts {
        let value =
            |metric: &str| self.value(&format!("larder_{metric}_total{{region=\"{name}\"}}"));
        let hits = |state| {
            self.value(&format!("larder_hits_total{{region=\"{name}\",state=\"{state}\"}}"))
        };
        Counts {
            fresh: hits("fresh"),
            stale: hits("stale"),
            misses: value("misses"),
            creations: value("creations"),
            failures: value("creator_failures"),
            waits: value("waits"),
            undecodable: value("undecodable"),
            voided: value("voided"),
            bypassed: value("bypassed"),
        }
    }
}
