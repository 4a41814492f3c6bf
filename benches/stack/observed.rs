//! What it costs to be counted, and to be recorded.

use std::sync::Arc;

use larder::{
    BackendExt, LayerExt, Memo, Memory, Observed, PayloadExt, Recorder, Recording, Region,
    RequestScope,
};
use larder_benches::{User, now};
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::case::{Section, Work, create, each, filled, hits};

pub fn metered() -> Section {
    Section::new("Counted hits: get_or_create")
        .case("Region<Memo<T>>", || hits(Memo::new().region()))
        .case("Region<Logging<Memo<T>>>", || hits(Memo::new().logging().region()))
        .case("Region<Metered<Memo<T>>>, no exporter", || {
            hits(Memo::new().metered("bench").region())
        })
        .case("Region<Metered<Memo<T>>>, metrics-exporter-prometheus", || {
            heard(|| hits(Memo::new().metered("bench").region()))
        })
        .case("Region<IntTime<Postcard<Memory>>>", || {
            hits(Memory::new().postcard().int_time().region())
        })
        .case("Region<Metered<IntTime<Postcard<Memory>>>>, the same exporter", || {
            heard(|| hits(Memory::new().postcard().int_time().metered("bytes").region()))
        })
}

/// What `start` starts while an exporter listens: a stack keeps the one that is there when it first counts.
fn heard(start: fn() -> Work) -> Work {
    let exporter = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&exporter, || {
        let mut work = start();
        work(1);
        work
    })
}

pub fn recorded() -> Section {
    Section::new("Recorded hits: get_or_create")
        .case("Region<Memo<T>>", || hits(Memo::new().region()))
        .case("Recorded, off", || hits(into(&Recording::builder().build())))
        .case("Recorded, on, outside of requests", || hits(into(&on())))
        .case("Recorded, on, in a request", in_requests)
}

type Recorded = Region<Observed<Recorder, Memo<User>>>;

fn into(recording: &Arc<Recording>) -> Recorded {
    Observed::with(Recorder::new("users").to(recording), Memo::new()).region()
}

fn on() -> Arc<Recording> {
    let recording = Recording::builder().build();
    recording.start();
    recording
}

/// A request of a hundred calls at a time, which is what some are like.
fn in_requests() -> Work {
    let recording = on();
    let (region, mut scope, mut calls) = (filled(into(&recording)), RequestScope::new("GET /"), 0);
    each(move |key| {
        calls += 1;
        if calls % 100 == 0 {
            scope = RequestScope::new("GET /");
        }
        let _kept = &recording;
        scope.run_blocking(|| now(region.get_or_create(key, create)).expect("no error"))
    })
}
