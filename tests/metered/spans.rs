//! Creations are spans: where they are, what is inside, and what is seen of those who wait.

use std::{
    fmt::{Debug, Write},
    future::ready,
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Instrument, Metadata, Subscriber,
    field::{Field, Visit},
    info, info_span, span,
};
use tracing_core::span::Current;

use super::*;

/// A span or an event, below the span that it is in.
#[derive(Debug)]
struct Line {
    text: String,
    parent: Option<u64>,
    follows: Option<u64>,
    metadata: &'static Metadata<'static>,
}

/// Keeps spans and events of larder and of this test. The id of a span is its line, from 1.
#[derive(Clone, Default)]
struct Trace {
    lines: Arc<Mutex<Vec<Line>>>,
    /// The spans that a thread is in, in tests of one thread each.
    entered: Arc<Mutex<Vec<u64>>>,
}

impl Trace {
    fn push(&self, text: String, parent: Option<u64>, metadata: &'static Metadata<'static>) -> u64 {
        let mut lines = self.lines.lock().unwrap();
        lines.push(Line { text, parent, follows: None, metadata });
        lines.len() as u64
    }

    fn current(&self) -> Option<u64> {
        self.entered.lock().unwrap().last().copied()
    }

    /// What was seen, as `span > span > event`, and after `<` what it follows from.
    fn take(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap();
        let path = |at: u64| {
            let mut path = Vec::new();
            let mut next = Some(at);
            while let Some(at) = next {
                let line = &lines[usize::try_from(at).unwrap() - 1];
                path.push(line.text.clone());
                next = line.parent;
            }
            path.reverse();
            path.join(" > ")
        };
        let told = |at: usize| {
            let follows = lines[at].follows.map(path).map(|path| format!(" < {path}"));
            path(at as u64 + 1) + &follows.unwrap_or_default()
        };
        (0..lines.len()).map(told).collect()
    }
}

impl Subscriber for Trace {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "larder::create" || metadata.target().starts_with("metered")
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut text = Text(span.metadata().name().to_owned());
        span.record(&mut text);
        let parent = match (span.parent(), span.is_root()) {
            (Some(parent), _) => Some(parent.into_u64()),
            (None, true) => None,
            (None, false) => self.current(),
        };
        span::Id::from_u64(self.push(text.0, parent, span.metadata()))
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, span: &span::Id, follows: &span::Id) {
        let at = usize::try_from(span.into_u64()).unwrap() - 1;
        self.lines.lock().unwrap()[at].follows = Some(follows.into_u64());
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.push(text.0, self.current(), event.metadata());
    }

    fn enter(&self, span: &span::Id) {
        self.entered.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, _: &span::Id) {
        self.entered.lock().unwrap().pop();
    }

    fn current_span(&self) -> Current {
        let Some(at) = self.current() else { return Current::none() };
        let metadata = self.lines.lock().unwrap()[usize::try_from(at).unwrap() - 1].metadata;
        Current::new(span::Id::from_u64(at), metadata)
    }
}

/// Name and fields, times left out.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => write!(self.0, "{value:?}").unwrap(),
            "took" => self.0.push_str(" took"),
            name => write!(self.0, " {name}={value:?}").unwrap(),
        }
    }
}

/// What is seen of `work`, inside a span of the caller.
fn traced<F: Future<Output = ()>>(work: F) -> Vec<String> {
    let trace = Trace::default();
    tracing::subscriber::with_default(trace.clone(), || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().unwrap();
        runtime.block_on(work.instrument(info_span!("request")));
    });
    trace.take()
}

async fn create(value: u64) -> u64 {
    info!("at work");
    ready(value).await
}

#[test]
fn a_creation_is_a_span_in_that_of_its_caller() {
    let seen = traced(async {
        let region = Memo::<u64>::new().region();
        region.get_or_create(("user\n", "15"), || create(1)).await.unwrap();
        region.get_or_create(("user\n", "15"), || create(2)).await.unwrap(); // a hit
        region.get("15").await.unwrap();
        region.get_or_create("15", async || 1).await.unwrap();
        let all = async |keys: Vec<&'static str>| {
            info!("at work");
            made(keys)
        };
        region.get_or_create_multi(["a", "b", "15"], all).await.unwrap();
        assert!(region.try_refresh("15", async || Err("down")).await.is_err());
        region
            .blocking()
            .get_or_create("16", || {
                info!("at work");
                1
            })
            .unwrap();
    });
    assert_eq!(
        seen,
        [
            "request",
            "request > create key=(user\\n, 15)",
            "request > create key=(user\\n, 15) > at work",
            "request > create key=15",
            "request > create_multi keys=2",
            "request > create_multi keys=2 > at work",
            "request > create key=15",
            "request > create key=16",
            "request > create key=16 > at work",
        ]
    );
}

#[test]
fn a_wait_is_an_event_of_the_one_who_waits() {
    let seen = traced(async {
        let (region, slow) = (Memo::<u64>::new().region(), Slow::new());
        let ask = |name: &'static str| {
            let (region, slow) = (region.clone(), slow.clone());
            let work = async move { region.get_or_create("k", || slow.create(1)).await };
            tokio::spawn(work.instrument(info_span!("caller", name)))
        };
        let leader = ask("first");
        slow.called(1).await;
        let follower = ask("second");
        settle().await;
        slow.go_once();
        assert_eq!((leader.await.unwrap().unwrap(), follower.await.unwrap().unwrap()), (1, 1));
    });
    assert_eq!(
        seen,
        [
            "request",
            "request > caller name=\"first\"",
            "request > caller name=\"first\" > create key=k",
            "request > caller name=\"second\"",
            "request > caller name=\"second\" > waited for another creation key=k took",
        ]
    );
}

#[test]
fn a_refresh_in_the_background_follows_from_its_caller() {
    let seen = traced(async {
        let region = Memo::<u64>::new().region();
        region.set("k", 1).await.unwrap();
        region.invalidate(larder::Invalidation::Soft).await.unwrap();
        region.get_or_create_in_background("k", || create(2)).await.unwrap();
        until(|| region.in_flight() == 0).await;
    });
    assert_eq!(
        seen,
        [
            "request",
            "refresh key=k < request",
            "refresh key=k > create key=k",
            "refresh key=k > create key=k > at work",
        ]
    );
}

#[test]
fn so_does_one_that_blocks_its_thread() {
    let seen = traced(async {
        let region = Memo::<u64>::new().region();
        region.set("k", 1).await.unwrap();
        region.invalidate(larder::Invalidation::Soft).await.unwrap();
        region.blocking().get_or_create_in_background("k", || 2).unwrap();
        until(|| region.in_flight() == 0).await;
    });
    // The rest happens on a thread of larder's own, which the subscriber of this one does not hear.
    assert_eq!(seen, ["request", "refresh key=k < request"]);
}
