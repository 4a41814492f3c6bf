//! What was found, and what it cost.

use std::{
    collections::{BTreeMap, HashSet},
    fmt, io,
    sync::atomic::Ordering::Relaxed,
    time::Duration,
};

use indicatif::{HumanBytes, HumanCount};
use larder::{Failure, FileStats};
use serde::Serialize;

use crate::{
    Job, Meter, Run,
    files::{Facts, Kind, Spot},
};

/// Errors that are listed; all are counted.
const LISTED: usize = 5;

/// The sums over a tree.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    kinds: BTreeMap<Kind, Sum>,
    digests: HashSet<[u8; 32]>,
    errors: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Sum {
    files: u64,
    lines: u64,
    words: u64,
    bytes: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, spot: &Spot, answer: Result<Facts, Failure<io::Error>>) {
        match answer {
            Ok(Facts { digest, bytes, lines, words, kind }) => {
                self.kinds.entry(kind).or_default().add(Sum { files: 1, lines, words, bytes });
                self.digests.insert(digest);
            }
            Err(error) => self.errors.push(format!("{}: {error}", spot.path.display())),
        }
    }

    pub(crate) fn merge(mut self, other: Self) -> Self {
        for (kind, sum) in other.kinds {
            self.kinds.entry(kind).or_default().add(sum);
        }
        self.digests.extend(other.digests);
        self.errors.extend(other.errors);
        self
    }
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.files += other.files;
        self.lines += other.lines;
        self.words += other.words;
        self.bytes += other.bytes;
    }
}

/// The table.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    tree: String,
    stack: &'static str,
    levels: &'static str,
    kinds: BTreeMap<Kind, Sum>,
    distinct: u64,
    files: u64,
    errors: usize,
    first_errors: Vec<String>,
    callers: u64,
    calls: u64,
    hits: u64,
    creations: u64,
    shared: u64,
    stale: u64,
    bypassed: u64,
    bytes_read: u64,
    /// As an entry passes the backend: what format and codec make of it, without the key.
    entry_bytes: Option<f64>,
    /// The size of the cache file divided by its entries: keys and pages included.
    file_bytes_per_entry: Option<f64>,
    seconds: f64,
    plain_seconds: Option<f64>,
    ratio: Option<f64>,
}

impl Report {
    pub(crate) fn new(job: &Job, run: Run) -> Self {
        let Run { tally, stats, took, plain } = run;
        let Meter { read, entries, encoded } = &job.meter;
        let errors: Vec<_> = job.lost.iter().chain(&tally.errors).collect();
        let calls = (job.files.len() * job.options.callers) as u64;
        let missed = stats.creations + stats.failures + stats.shared + stats.stale;
        Self {
            tree: job.options.dir.to_string_lossy().into_owned(),
            stack: job.options.stack.name(),
            levels: job.options.stack.levels(),
            distinct: tally.digests.len() as u64,
            files: job.files.len() as u64,
            errors: errors.len(),
            first_errors: errors.into_iter().take(LISTED).cloned().collect(),
            kinds: tally.kinds,
            callers: job.options.callers as u64,
            calls,
            // A region does not count its fresh hits: they would pay for it.
            hits: calls.saturating_sub(missed),
            creations: stats.creations,
            shared: stats.shared,
            stale: stats.stale,
            bypassed: stats.bypassed,
            bytes_read: read.load(Relaxed),
            entry_bytes: mean(encoded.load(Relaxed), entries.load(Relaxed)),
            file_bytes_per_entry: None,
            seconds: took.as_secs_f64(),
            plain_seconds: plain.map(|plain| plain.as_secs_f64()),
            ratio: plain.map(|plain| plain.as_secs_f64() / took.as_secs_f64()),
        }
    }

    /// Adds what only a file can tell.
    pub(crate) fn in_file(self, stats: &FileStats) -> Self {
        Self { file_bytes_per_entry: mean(stats.file_bytes, stats.entries), ..self }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a mean for people to read")]
fn mean(sum: u64, count: u64) -> Option<f64> {
    (count > 0).then(|| sum as f64 / count as f64)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { callers, distinct, .. } = *self;
        writeln!(f, "{}", self.tree.escape_debug())?;
        writeln!(f, "\n{:<10}{:>9}{:>13}{:>13}{:>13}", "kind", "files", "lines", "words", "size")?;
        let mut all = Sum::default();
        for (kind, sum) in &self.kinds {
            all.add(*sum);
            sum.row(f, &format!("{kind:?}").to_lowercase())?;
        }
        all.row(f, "all")?;

        writeln!(f)?;
        let mut row = |name: &str, what: String| writeln!(f, "{name:<17}{what}");
        row("stack", format!("{}: {}", self.stack, self.levels))?;
        row("files", format!("{}, {} of them distinct", count(self.files), count(distinct)))?;
        row("calls", format!("{}, {callers} for each file", count(self.calls)))?;
        row("hits", count(self.hits))?;
        row("creations", count(self.creations))?;
        row("waits shared", count(self.shared))?;
        row("stale", count(self.stale))?;
        row("bypassed", count(self.bypassed))?;
        row("errors", count(self.errors as u64))?;
        for error in &self.first_errors {
            row("", error.escape_debug().to_string())?;
        }
        row("bytes read", HumanBytes(self.bytes_read).to_string())?;
        let each = match (self.entry_bytes, self.file_bytes_per_entry) {
            (Some(entry), Some(file)) => format!("{entry:.1} encoded, {file:.1} of the file"),
            (Some(entry), None) => format!("{entry:.1} encoded"),
            (None, _) => "nothing was kept as bytes".to_owned(),
        };
        row("bytes per entry", each)?;
        row("wall time", time(self.seconds))?;
        if let (Some(plain), Some(ratio)) = (self.plain_seconds, self.ratio) {
            let what = "each file once, whoever asks; page cache warm for both";
            row("plain job", format!("{}: {what}", time(plain)))?;
            row("ratio", format!("{ratio:.2} times as fast as the plain job"))?;
        }
        Ok(())
    }
}

impl Sum {
    fn row(self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        let (files, lines, words) = (count(self.files), count(self.lines), count(self.words));
        let size = HumanBytes(self.bytes).to_string();
        writeln!(f, "{name:<10}{files:>9}{lines:>13}{words:>13}{size:>13}")
    }
}

fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

fn time(seconds: f64) -> String {
    format!("{:.1?}", Duration::from_secs_f64(seconds))
}
