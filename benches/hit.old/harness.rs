//! Rows measured in turn and printed beside each other, each as a ratio to the first.

use std::{
    future::Future,
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Instant,
};

/// How often every row gets its turn. Rows alternate, so that a machine that changes its speed
/// changes it for all of them.
const ROUNDS: usize = 41;

/// Polls once: a hit inside the process never waits.
pub fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a hit inside the process never waits"),
    }
}

/// Goes round and round through `keys`.
pub fn turns<'a>(keys: &'a [String]) -> impl FnMut() -> &'a str {
    let mut n = 0;
    move || {
        n = (n + 1) % keys.len();
        black_box(keys[n].as_str())
    }
}

pub struct Table<'a> {
    title: &'a str,
    unit: &'a str,
    calls: u32,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    name: &'a str,
    /// Seconds for each call.
    measure: Box<dyn FnMut() -> f64 + 'a>,
    seconds: Vec<f64>,
}

impl<'a> Table<'a> {
    /// A table of times in `unit` (`"ns"` or `"us"`), of batches of `calls` calls.
    pub fn new(title: &'a str, unit: &'a str, calls: u32) -> Self {
        Self { title, unit, calls, rows: Vec::new() }
    }

    /// A row that times `call`.
    pub fn row<R>(&mut self, name: &'a str, mut call: impl FnMut() -> R + 'a) {
        let calls = self.calls;
        self.batch(name, move || {
            let start = Instant::now();
            for _ in 0..calls {
                black_box(call());
            }
            start.elapsed().as_secs_f64() / f64::from(calls)
        });
    }

    /// A row that measures itself: seconds for each call.
    pub fn batch(&mut self, name: &'a str, measure: impl FnMut() -> f64 + 'a) {
        self.rows.push(Row { name, measure: Box::new(measure), seconds: Vec::new() });
    }

    /// Measures all rows in turn and prints them.
    pub fn print(mut self) {
        for round in 0..=ROUNDS {
            for row in &mut self.rows {
                let seconds = (row.measure)();
                // The first round warms up.
                if round > 0 {
                    row.seconds.push(seconds);
                }
            }
        }
        let scale = if self.unit == "ns" { 1e9 } else { 1e6 };
        println!("\n{} ({} rounds of {} calls)", self.title, ROUNDS, self.calls);
        println!("{:<64} {:>10} {:>10} {:>8}", "", "median", "best", "ratio");
        let first = self.rows[0].seconds.clone();
        for row in &mut self.rows {
            // Round by round against the first row, which ran at nearly the same time.
            let mut ratios: Vec<f64> =
                row.seconds.iter().zip(&first).map(|(this, first)| this / first).collect();
            let ratio = median(&mut ratios);
            let best = row.seconds.iter().copied().fold(f64::MAX, f64::min);
            let median = median(&mut row.seconds);
            println!(
                "{:<64} {:>7.1} {unit} {:>7.1} {unit} {ratio:>8.2}",
                row.name,
                median * scale,
                best * scale,
                unit = self.unit,
            );
        }
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
