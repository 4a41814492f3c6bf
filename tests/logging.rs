//! What `Logging` writes, and what the region says about errors that no caller sees.
#![cfg(all(feature = "backend-memory", feature = "codec-json"))]
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::{
    fmt::{Debug, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use larder::{
    Backend, BackendExt, Bytes, Error, ErrorKind, Key, LayerExt, Level, ManualClock, Memory,
    PayloadExt, Region, Result, Timestamp, WriteOpts,
};
use tracing::{
    Event, Level as LogLevel, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// Keeps events of at least one level as lines, durations left out.
#[derive(Clone)]
struct Lines {
    level: LogLevel,
    kept: Arc<Mutex<Vec<String>>>,
    asked: Arc<AtomicUsize>,
}

impl Lines {
    fn new(level: LogLevel) -> Self {
        Self { level, kept: Arc::default(), asked: Arc::default() }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.kept.lock().unwrap())
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.asked.fetch_add(1, Relaxed);
        metadata.target().starts_with("larder") && *metadata.level() <= self.level
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Line(String);
        impl Visit for Line {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                match field.name() {
                    "took" => self.0.push_str(" took"),
                    name => write!(self.0, " {name}={value:?}").unwrap(),
                }
            }
            fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
                write!(self.0, " {}={value}", field.name()).unwrap();
            }
        }
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.kept.lock().unwrap().push(line.0);
    }
}

fn run<F: Future<Output = Result<()>>>(level: LogLevel, future: F) -> Lines {
    let lines = Lines::new(level);
    tracing::subscriber::with_default(lines.clone(), || {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    })
    .unwrap();
    lines
}

async fn traffic() -> Result<()> {
    // Entries above, bytes below.
    let region = Memory::new().logging().hstore().json().int_time().logging().region();
    region.set(("user-15", "name\n"), "ann".to_owned()).await?;
    region.get::<String>(("user-15", "name\n")).await?;
    region.get::<String>("absent").await?;
    region.get_multi::<String>(["a", "b"]).await?;
    region.get::<u8>(("user-15", "name\n")).await?;
    region.delete("absent").await
}

#[test]
fn one_event_for_each_operation_of_each_watched_level() {
    let lines = run(LogLevel::DEBUG, traffic()).take();
    let wanted = [
        "DEBUG op=\"set\" key=(user-15, name\\n) bytes=18 took",
        "DEBUG op=\"set\" key=(user-15, name\\n) took",
        "DEBUG op=\"get\" key=(user-15, name\\n) hit=true bytes=18 took",
        "DEBUG op=\"get\" key=(user-15, name\\n) hit=true took",
        "DEBUG op=\"get\" key=absent hit=false took",
        "DEBUG op=\"get\" key=absent hit=false took",
        "DEBUG op=\"get_multi\" keys=2 hits=0 bytes=0 took",
        "DEBUG op=\"get_multi\" keys=2 hits=0 took",
        "DEBUG op=\"get\" key=(user-15, name\\n) hit=true bytes=18 took",
    ];
    assert_eq!(lines[..wanted.len()], wanted);
    let failed = &lines[wanted.len()];
    assert!(
        failed.starts_with("DEBUG op=\"get\" key=(user-15, name\\n) took error=json:"),
        "{failed}"
    );
    let warned = &lines[wanted.len() + 1];
    assert!(warned.starts_with("WARN message=") && warned.contains("json:"), "{warned}");
    assert_eq!(
        lines[wanted.len() + 2..],
        ["DEBUG op=\"remove\" key=absent took", "DEBUG op=\"remove\" key=absent took"]
    );
}

#[test]
fn nothing_is_written_while_the_level_is_off() {
    let lines = run(LogLevel::INFO, async {
        let region = Memory::new().logging().json().int_time().logging().region();
        region.set("k", 1_u8).await?;
        region.get::<u8>("k").await.map(drop)
    });
    assert_eq!(lines.take(), [""; 0]);
}

/// Refuses everything.
#[derive(Debug)]
struct Down;

impl Level for Down {
    async fn remove(&self, _: Key<'_>) -> Result<()> {
        Err(Error::new(ErrorKind::Unavailable, "down"))
    }
}

impl Backend for Down {
    async fn get(&self, _: Key<'_>) -> Result<Option<Bytes>> {
        Err(Error::new(ErrorKind::Unavailable, "down"))
    }

    async fn set(&self, _: Key<'_>, _: Bytes, _: WriteOpts<'_>) -> Result<()> {
        Err(Error::new(ErrorKind::Unavailable, "down"))
    }
}

#[test]
fn a_dead_store_is_logged_once_a_second() {
    let time = ManualClock::new(Timestamp::from_secs(1_000));
    let lines = run(LogLevel::INFO, async {
        let region = Region::builder(Down.json().int_time()).clock(time.clock()).build()?;
        for _ in 0..100 {
            region.get_or_create("k", async || 1_u8).await?;
        }
        time.advance(std::time::Duration::from_secs(1));
        region.get_or_create("k", async || 1_u8).await?;
        assert_eq!(region.stats().bypassed, 202);
        Ok(())
    });
    let lines = lines.take();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("error=down: the store cannot be reached"), "{}", lines[0]);
    assert!(lines[1].contains("bypassed=201"), "{}", lines[1]);
}
