//! What came out, and whether it is what was promised.

use std::fmt;

use serde::Serialize;

use crate::{
    options::Options,
    rush::{Cold, Killed},
    talk::Micros,
    traffic::Expiring,
};

/// Errors that are shown; all are counted.
const SHOWN: usize = 3;

/// How long something took, many times, in milliseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Spread {
    p50: f64,
    p99: f64,
    max: f64,
}

impl Spread {
    pub(crate) fn of(times: impl Iterator<Item = Micros>) -> Self {
        let mut times: Vec<Micros> = times.collect();
        times.sort_unstable();
        let part = |percent: usize| {
            let at = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(at).map_or(0.0, |time| millis(*time))
        };
        Self { p50: part(50), p99: part(99), max: part(100) }
    }
}

/// Milliseconds, from the clock of a whole machine: never less than none.
#[expect(clippy::cast_precision_loss, reason = "for people to read")]
pub(crate) fn millis(micros: Micros) -> f64 {
    micros.max(0) as f64 / 1000.0
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50, p99, max } = self;
        write!(f, "p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms")
    }
}

/// All scenarios.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    options: Options,
    cold: Cold,
    expiring: Expiring,
    killed: Killed,
    /// The promises that were broken.
    broken: Vec<String>,
}

impl Report {
    pub(crate) fn new(options: Options, cold: Cold, expiring: Expiring, killed: Killed) -> Self {
        let broken = [cold.broken(), expiring.broken(), killed.broken()].concat();
        Self { options, cold, expiring, killed, broken }
    }

    /// Whether all promises were kept.
    pub(crate) fn kept(&self) -> bool {
        self.broken.is_empty()
    }
}

/// What is said of promises that were not kept.
fn missed<const N: usize>(promises: [(bool, String); N]) -> Vec<String> {
    promises.into_iter().filter(|(kept, _)| !kept).map(|(_, said)| said).collect()
}

impl Cold {
    fn broken(&self) -> Vec<String> {
        let Self { callers, served, values, started, finished, .. } = *self;
        missed([
            ((started, finished) == (1, 1), format!("cold: {started} creations instead of 1")),
            (served == callers, format!("cold: {served} of {callers} callers were served")),
            (values == 1, format!("cold: callers got {values} different values")),
        ])
    }
}

impl Expiring {
    fn broken(&self) -> Vec<String> {
        let Self { most_in_a_period: most, creations, blocked, .. } = *self;
        let errors = self.errors.len();
        missed([
            (creations > 0, "expiring: nobody refreshed".to_owned()),
            (most <= 1, format!("expiring: {most} creations in one period")),
            (blocked == 0, format!("expiring: {blocked} callers waited for a creation")),
            (errors == 0, format!("expiring: {errors} callers got an error")),
        ])
    }
}

impl Killed {
    fn broken(&self) -> Vec<String> {
        let Self { callers, served, values, started, finished, last_ms, bound_ms, .. } = *self;
        let late = format!("killed: the last value came {last_ms:.0} ms after the kill");
        missed([
            (
                (started, finished) == (2, 1),
                format!("killed: {started} creations begun and {finished} ended, not 2 and 1"),
            ),
            (served == callers, format!("killed: {served} of {callers} callers were served")),
            (values == 1, format!("killed: callers got {values} different values")),
            (last_ms <= f64::from(bound_ms), late),
        ])
    }
}

/// One row.
fn row(f: &mut fmt::Formatter<'_>, name: &str, what: impl fmt::Display) -> fmt::Result {
    writeln!(f, "  {name:<22}{what}")
}

fn errors(f: &mut fmt::Formatter<'_>, errors: &[String]) -> fmt::Result {
    if !errors.is_empty() {
        row(f, "errors", errors.len())?;
    }
    errors.iter().take(SHOWN).try_for_each(|error| row(f, "", error.escape_debug()))
}

impl fmt::Display for Cold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cold: one key that nobody has")?;
        row(f, "callers", self.callers)?;
        row(f, "served", self.served)?;
        row(f, "creations", format_args!("{} begun, {} ended", self.started, self.finished))?;
        row(f, "start to last value", format_args!("{:.1} ms", self.whole_ms))?;
        row(f, "the store took", format_args!("{:.1} ms", self.store_ms))?;
        row(f, "store to first value", &self.first_after_store_ms)?;
        row(f, "store to every value", &self.after_store_ms)?;
        errors(f, &self.errors)
    }
}

impl fmt::Display for Expiring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "expiring: one key that gets stale under traffic")?;
        row(f, "tasks that go on", self.tasks)?;
        row(f, "calls", format_args!("{}, of which {} got stale values", self.calls, self.stale))?;
        row(f, "creations", format_args!("{} in {:.1} periods", self.creations, self.periods))?;
        row(f, "most in a period", self.most_in_a_period)?;
        row(f, "callers blocked", self.blocked)?;
        row(f, "calls of the others", &self.call_ms)?;
        errors(f, &self.errors)
    }
}

impl fmt::Display for Killed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "killed: one key whose creator is killed")?;
        row(f, "callers that survive", self.callers)?;
        row(f, "served", self.served)?;
        row(f, "creations", format_args!("{} begun, {} ended", self.started, self.finished))?;
        let bound = self.bound_ms;
        row(f, "kill to last value", format_args!("{:.1} ms, at most {bound}", self.last_ms))?;
        errors(f, &self.errors)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { processes, tasks, creator_ms, expire_ms, lease_ms, .. } = self.options;
        writeln!(f, "{processes} processes with {tasks} tasks each")?;
        writeln!(f, "creator {creator_ms} ms, stale after {expire_ms} ms, lease {lease_ms} ms\n")?;
        writeln!(f, "{}\n{}\n{}", self.cold, self.expiring, self.killed)?;
        if self.broken.is_empty() {
            return writeln!(f, "All promises were kept.");
        }
        writeln!(f, "Broken promises:")?;
        self.broken.iter().try_for_each(|broken| writeln!(f, "  {broken}"))
    }
}
