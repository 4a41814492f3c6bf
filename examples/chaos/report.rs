//! What came out, and whether it is what was promised.

use std::{collections::BTreeMap, fmt, sync::atomic::Ordering::SeqCst};

use serde::Serialize;

use crate::{
    faults::Fault,
    options::Options,
    phases::millis,
    tally::Tally,
    truth::{Micros, Wrong},
};

/// One fault.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Row {
    pub(crate) fault: Fault,
    /// How often it happened.
    pub(crate) times: u64,
    pub(crate) calls: u64,
    pub(crate) answered: u64,
    /// Dropped on purpose.
    pub(crate) dropped: u64,
    /// By call and kind.
    pub(crate) errors: BTreeMap<String, u64>,
    /// Failures that were worked around.
    pub(crate) bypassed: u64,
    pub(crate) unreadable: u64,
    /// Created values that were not stored, because the key was changed.
    pub(crate) voided: u64,
    pub(crate) creations: u64,
    /// While the fault lasted.
    pub(crate) p99_ms: f64,
    pub(crate) worst_ms: f64,
    pub(crate) wrong: BTreeMap<Wrong, u64>,
    pub(crate) panics: u64,
    pub(crate) hangs: u64,
    /// Errors of calls that promise none.
    pub(crate) refused: BTreeMap<String, u64>,
    /// Creations beside another one of the same process and key.
    pub(crate) twice: u64,
    /// From the end of the fault until every process has written to Redis and read it there.
    pub(crate) back_ms: Option<f64>,
    /// From the end of the fault until the last call that failed.
    pub(crate) calm_ms: Option<f64>,
}

impl Row {
    /// Adds what was counted.
    pub(crate) fn count(&mut self, tally: &Tally) {
        self.calls = tally.calls.load(SeqCst);
        self.answered = tally.answered.load(SeqCst);
        self.dropped = tally.dropped.load(SeqCst);
        self.hangs = tally.hangs.load(SeqCst);
        self.creations = tally.creations.load(SeqCst);
        self.twice = tally.twice.load(SeqCst);
        tally.notes(|notes| {
            self.errors = notes.errors.clone();
            self.refused = notes.refused.clone();
            self.wrong = notes.wrong.clone();
            notes.took.sort_unstable();
            let part = |percent: usize| {
                let at = (notes.took.len() * percent).div_ceil(100).saturating_sub(1);
                notes.took.get(at).map_or(0.0, |time: &Micros| millis(*time))
            };
            (self.p99_ms, self.worst_ms) = (part(99), part(100));
        });
    }

    fn broken(&self) -> Vec<String> {
        let name = self.fault.name();
        let sum = |counts: &BTreeMap<String, u64>| counts.values().sum::<u64>();
        let (wrong, refused) = (self.wrong.values().sum::<u64>(), sum(&self.refused));
        let kinds: Vec<String> =
            self.wrong.iter().map(|(wrong, count)| format!("{wrong:?} {count}")).collect();
        // While nothing is wrong, nothing may fail.
        let errors = if self.fault == Fault::None { sum(&self.errors) } else { 0 };
        let broken = [
            (wrong, format!("{name}: {wrong} wrong answers ({})", kinds.join(", "))),
            (self.panics, format!("{name}: {} panics", self.panics)),
            (self.hangs, format!("{name}: {} calls that do not end", self.hangs)),
            (refused, format!("{name}: {refused} calls failed that should have created")),
            (self.twice, format!("{name}: {} creations beside another one", self.twice)),
            (u64::from(self.back_ms.is_none()), format!("{name}: Redis was not used again")),
            (u64::from(self.calm_ms.is_none()), format!("{name}: calls went on to fail")),
            (errors, format!("{name}: {errors} calls failed")),
        ];
        broken.into_iter().filter(|(count, _)| *count > 0).map(|(_, said)| said).collect()
    }
}

/// All faults.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    tasks: usize,
    keys: u32,
    seed: u64,
    seconds: f64,
    faults: Vec<Row>,
    /// The promises that were broken.
    broken: Vec<String>,
}

impl Report {
    pub(crate) fn new(options: &Options, faults: Vec<Row>) -> Self {
        let broken = faults.iter().flat_map(Row::broken).collect();
        let Options { tasks, keys, seed, .. } = *options;
        Self { tasks, keys, seed, seconds: options.seconds.as_secs_f64(), faults, broken }
    }

    /// Whether all promises were kept.
    pub(crate) fn kept(&self) -> bool {
        self.broken.is_empty()
    }
}

fn time(ms: Option<f64>) -> String {
    ms.map_or("never".to_owned(), |ms| format!("{ms:.0}"))
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<10}{:>8}{:>10}{:>8}{:>10}{:>10}{:>8.0}{:>8.0}{:>7}{:>8}{:>7}{:>7}{:>7}",
            self.fault.name(),
            self.calls,
            self.answered,
            self.errors.values().sum::<u64>(),
            self.bypassed,
            self.creations,
            self.p99_ms,
            self.worst_ms,
            self.wrong.values().sum::<u64>(),
            self.panics,
            self.hangs,
            time(self.back_ms),
            time(self.calm_ms),
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tasks, keys, seed, seconds, .. } = self;
        writeln!(
            f,
            "{tasks} tasks, {keys} keys, 2 processes, {seconds} s for each fault, seed {seed}"
        )?;
        writeln!(f, "times in milliseconds; back, calm: after the end of the fault\n")?;
        writeln!(
            f,
            "{:<10}{:>8}{:>10}{:>8}{:>10}{:>10}{:>8}{:>8}{:>7}{:>8}{:>7}{:>7}{:>7}",
            "fault",
            "calls",
            "answered",
            "errors",
            "bypassed",
            "created",
            "p99",
            "worst",
            "wrong",
            "panics",
            "hangs",
            "back",
            "calm"
        )?;
        self.faults.iter().try_for_each(|row| row.fmt(f))?;
        writeln!(
            f,
            "\nLook at wrong, panics and hangs, which should be 0 whatever happens; and at the errors: only `get`, \
             `set` and\n`delete` have any, what creates goes on without Redis (bypassed). back is when all \
             processes have written to\nRedis and read it there, calm when the last call failed. (The rest \
             of the calls was dropped on purpose.)\n"
        )?;
        if self.broken.is_empty() {
            return writeln!(f, "All promises were kept.");
        }
        writeln!(f, "Broken promises:")?;
        self.broken.iter().try_for_each(|broken| writeln!(f, "  {broken}"))
    }
}
