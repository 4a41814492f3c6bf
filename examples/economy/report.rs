//! The table.

use std::fmt;

use serde::Serialize;

use crate::{measure::Used, stacks::Row};

/// One row of it.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) stack: &'static str,
    pub(crate) ttl: bool,
    /// How exactly it is known when an entry was created.
    pub(crate) created: Option<&'static str>,
    pub(crate) bytes: i64,
    pub(crate) bytes_per_entry: f64,
    pub(crate) percent: f64,
    settled_bytes: i64,
    settled_percent: f64,
    write_seconds: f64,
    read_seconds: f64,
}

impl Line {
    pub(crate) fn new(row: &Row, used: Used) -> Self {
        Self {
            stack: row.label,
            ttl: row.ttl,
            created: row.created(),
            bytes: used.bytes,
            bytes_per_entry: 0.0,
            percent: 0.0,
            settled_bytes: used.settled,
            settled_percent: 0.0,
            write_seconds: used.write.as_secs_f64(),
            read_seconds: used.read.as_secs_f64(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) server: String,
    pub(crate) entries: u32,
    pub(crate) rows: Vec<Line>,
}

impl Report {
    /// Compares all `rows` with the first.
    pub(crate) fn new(server: String, entries: u32, mut rows: Vec<Line>) -> Self {
        let (bytes, settled) = rows.first().map_or((1, 1), |row| (row.bytes, row.settled_bytes));
        for row in &mut rows {
            row.bytes_per_entry = ratio(row.bytes, entries.into());
            row.percent = 100.0 * ratio(row.bytes, bytes);
            row.settled_percent = 100.0 * ratio(row.settled_bytes, settled);
        }
        Self { server, entries, rows }
    }

    /// The smallest that knows, or does not know, when an entry was created.
    pub(crate) fn best(&self, created: bool) -> Option<&Line> {
        let rows = self.rows.iter().filter(|row| row.created.is_some() == created);
        rows.min_by_key(|row| row.bytes)
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn ratio(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, {} entries\n", self.server, self.entries)?;
        writeln!(
            f,
            "{:<49} {:<4}{:>5} {:>12} {:>8} {:>7} {:>8} {:>6} {:>6}",
            "stack", "TTL", "time", "bytes", "an entry", "", "settled", "write", "read"
        )?;
        for row in &self.rows {
            let Line { stack, created, bytes, bytes_per_entry, percent, .. } = row;
            let (ttl, created) = (if row.ttl { "TTL" } else { "" }, created.unwrap_or("-"));
            let (settled, write, read) = (row.settled_percent, row.write_seconds, row.read_seconds);
            writeln!(
                f,
                "{stack:<49} {ttl:<4}{created:>5} {bytes:>12} {bytes_per_entry:>8.2} {percent:>6.2}% \
                 {settled:>7.2}% {write:>5.1}s {read:>5.1}s"
            )?;
        }
        writeln!(f, "\ntime: how exactly it is known when an entry was created.")?;
        writeln!(
            f,
            "Percent of the first row: after the last write; settled: after all was read."
        )?;
        for (created, what) in [(true, "with a time of creation"), (false, "without")] {
            if let Some(row) = self.best(created) {
                writeln!(f, "Smallest {what}: {}, {:.2}%.", row.stack, row.percent)?;
            }
        }
        Ok(())
    }
}
