//! Rows measured in turn and printed beside each other, each as a ratio to the first.

use std::{hint::black_box, sync::Barrier, thread};

use serde_json::{Map, Value, json};
use tokio::runtime::Handle;

use crate::{Sample, Trace, timed};

/// How often every row gets its turn unless the table says otherwise.
const ROUNDS: u32 = 41;

pub struct Table<'a> {
    title: String,
    unit: &'a str,
    calls: u32,
    threads: u32,
    rounds: u32,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    name: String,
    measure: Box<dyn FnMut() -> Sample + 'a>,
    samples: Vec<Sample>,
    figures: Vec<(&'static str, f64)>,
}

impl<'a> Table<'a> {
    /// A table of times in `unit` (`"ns"`, `"us"` or `"ms"`), of rounds of `calls` calls.
    pub fn new(title: impl Into<String>, unit: &'a str, calls: u32) -> Self {
        Self { title: title.into(), unit, calls, threads: 1, rounds: ROUNDS, rows: Vec::new() }
    }

    /// Makes the calls of [`Table::traffic`] on this many threads at once, `calls` on each.
    #[must_use]
    pub fn threads(self, threads: u32) -> Self {
        Self { threads, ..self }
    }

    /// Another number of rounds than 41.
    #[must_use]
    pub fn rounds(self, rounds: u32) -> Self {
        Self { rounds, ..self }
    }

    /// A row that times `call`.
    pub fn row<R>(&mut self, name: impl Into<String>, mut call: impl FnMut() -> R + 'a) {
        let calls = self.calls;
        self.batch(name, move || {
            timed(calls, || {
                for _ in 0..calls {
                    black_box(call());
                }
            })
        });
    }

    /// A row that times `call` for the keys of `trace`, awaited in a task of the runtime it is called in.
    pub fn traffic<R>(
        &mut self,
        name: impl Into<String>,
        trace: &'a Trace,
        call: impl AsyncFn(&str) -> R + Sync + 'a,
    ) {
        let (calls, threads) = (self.calls, self.threads as usize);
        let runtime = Handle::current();
        let mut start = 0;
        self.batch(name, move || {
            // Threads are far apart in the trace, and every round goes on in it.
            let begin = |thread: usize| start + thread * trace.len() / threads;
            let barrier = Barrier::new(threads);
            let (call, runtime, barrier) = (&call, &runtime, &barrier);
            let samples: Vec<Sample> = thread::scope(|scope| {
                let running: Vec<_> = (0..threads)
                    .map(|thread| {
                        let begin = begin(thread);
                        scope.spawn(move || {
                            let _context = runtime.enter();
                            barrier.wait();
                            timed(calls, || {
                                runtime.block_on(async {
                                    for key in trace.turn(begin, calls) {
                                        black_box(call(key).await);
                                    }
                                });
                            })
                        })
                    })
                    .collect();
                running.into_iter().map(|thread| thread.join().expect("no row panics")).collect()
            });
            start = (start + calls as usize) % trace.len();
            slowest(&samples)
        });
    }

    /// A row that measures itself.
    pub fn batch(&mut self, name: impl Into<String>, measure: impl FnMut() -> Sample + 'a) {
        let (name, measure) = (name.into(), Box::new(measure));
        self.rows.push(Row { name, measure, samples: Vec::new(), figures: Vec::new() });
    }

    /// Another figure of the last row, which was found otherwise; printed beside its ratio to that of the first.
    pub fn figure(&mut self, name: &'static str, value: f64) {
        self.rows.last_mut().expect("a row").figures.push((name, value));
    }

    /// Measures all rows in turn, prints them, and returns them as JSON.
    pub(crate) fn measure(mut self) -> Value {
        for round in 0..=self.rounds {
            // Each round begins with another row: what the one before left in the caches is not always of the same.
            let count = self.rows.len();
            for turn in 0..count {
                let row = &mut self.rows[(turn + round as usize) % count];
                let sample = (row.measure)();
                // The first round warms up.
                if round > 0 {
                    row.samples.push(sample);
                }
            }
        }
        let Self { title, unit, calls, threads, rounds, rows } = self;
        println!("\n{title} ({rounds} rounds of {calls} calls)");
        print!(
            "{:<64} {:>10} {:>10} {:>8} {:>8} {:>8}",
            "", "median", "best", "ratio", "allocs", "bytes"
        );
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in rows.iter().flat_map(|row| &row.figures) {
            if !names.contains(name) {
                names.push(name);
            }
        }
        names.iter().for_each(|name| print!(" {name:>18}"));
        println!();
        let rows: Vec<Value> = rows.iter().map(|row| row.print(unit, &rows[0], &names)).collect();
        json!({
            "title": title, "unit": unit, "calls": calls, "threads": threads, "rounds": rounds, "rows": rows,
        })
    }
}

impl Row<'_> {
    fn print(&self, unit: &str, first: &Self, names: &[&str]) -> Value {
        let scale = match unit {
            "ns" => 1e9,
            "us" => 1e6,
            _ => 1e3,
        };
        let of = |part: fn(&Sample) -> f64| median(self.samples.iter().map(part));
        let seconds = self.samples.iter().map(|sample| sample.seconds);
        // Round by round against the first row, which ran at nearly the same time.
        let beside = first.samples.iter().map(|sample| sample.seconds);
        let ratio = median(seconds.clone().zip(beside).map(|(this, first)| this / first));
        let best = seconds.fold(f64::MAX, f64::min) * scale;
        let median = of(|sample| sample.seconds) * scale;
        let (allocations, bytes) = (of(|sample| sample.allocations), of(|sample| sample.bytes));
        let name = &self.name;
        print!("{name:<64} {median:>7.1} {unit} {best:>7.1} {unit} {ratio:>8.2}");
        if allocations.is_nan() {
            print!(" {:>8} {:>8}", "-", "-");
        } else {
            print!(" {allocations:>8.2} {bytes:>8.1}");
        }
        let mut figures = Map::new();
        for name in names {
            let Some(value) = self.figure(name) else {
                print!(" {:>18}", "-");
                continue;
            };
            let ratio = first.figure(name).map(|first| value / first);
            let beside = ratio.map_or(String::new(), |ratio| format!(" ({ratio:.2})"));
            print!(" {:>18}", format!("{value:.1}{beside}"));
            figures.insert((*name).to_owned(), json!({ "value": value, "ratio": ratio }));
        }
        println!();
        json!({
            "name": name, "median": median, "best": best, "ratio": ratio,
            "allocations": allocations, "bytes": bytes, "figures": figures,
        })
    }

    fn figure(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.0 == name).map(|figure| figure.1)
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Threads that ran at once took as long as the slowest of them.
fn slowest(samples: &[Sample]) -> Sample {
    let slowest = samples.iter().max_by(|a, b| a.seconds.total_cmp(&b.seconds));
    *slowest.expect("at least one thread")
}
