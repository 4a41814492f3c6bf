//! What parent and children say to each other: a job as an argument, lines of JSON on pipes.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// Microseconds since 1970, by the clock of the machine that all processes share.
pub(crate) type Micros = i64;

pub(crate) fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros::try_from(since.as_micros()).unwrap_or(Micros::MAX)
}

/// The time until then.
pub(crate) fn until(then: Micros) -> Duration {
    Duration::from_micros(u64::try_from(then - now()).unwrap_or(0))
}

/// What a child is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) url: String,
    pub(crate) key: String,
    pub(crate) tasks: usize,
    pub(crate) creator_ms: u32,
    pub(crate) expire_ms: Option<u32>,
    pub(crate) lease_ms: u32,
    /// Go on asking for so long; else ask once.
    pub(crate) go_on_ms: Option<u32>,
}

/// Begin and end of something.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) began: Micros,
    pub(crate) ended: Micros,
}

/// What a child has to say.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    /// It is connected, and its tasks wait for the signal, which is a time on a line.
    Ready,
    /// A creation has begun; said at once, because it may be the last thing.
    Creating,
    Done(Findings),
}

/// What a child saw.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Findings {
    /// The creations that came to an end.
    pub(crate) created: Vec<Span>,
    /// The writes to the store.
    pub(crate) stored: Vec<Span>,
    /// All values that callers got.
    pub(crate) values: BTreeSet<u64>,
    /// When each caller got its value; of those who asked once.
    pub(crate) got: Vec<Micros>,
    /// When the first of them did, for each process; added up by the parent.
    pub(crate) first_got: Vec<Micros>,
    /// How long each call took, in microseconds, but for those that created; of those who went on.
    pub(crate) took: Vec<Micros>,
    /// Callers who were given a stale value.
    pub(crate) stale: u64,
    pub(crate) errors: Vec<String>,
}

/// Says one line.
pub(crate) fn say(said: &Said) -> io::Result<()> {
    let line = serde_json::to_string(said)? + "\n";
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.flush()
}
