//! How long things take, in steps that grow with the time.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Four steps to each doubling, from 64 ns to two minutes.
pub(super) const STEPS: usize = 124;
/// Everything below two to this many nanoseconds is the first step.
const LOWEST: u32 = 6;

/// Counts times as they come, in 1 kB whatever comes.
#[derive(Debug)]
pub(super) struct Histogram([AtomicU64; STEPS]);

impl Default for Histogram {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; STEPS])
    }
}

impl Histogram {
    pub(super) fn add(&self, nanos: u64) {
        self.0[step(nanos)].fetch_add(1, Relaxed);
    }

    pub(super) fn read(&self) -> Latency {
        Latency(self.0.iter().map(|count| count.load(Relaxed)).collect())
    }

    pub(super) fn clear(&self) {
        self.0.iter().for_each(|count| count.store(0, Relaxed));
    }
}

fn step(nanos: u64) -> usize {
    let doubling = nanos.checked_ilog2().unwrap_or(0);
    if doubling < LOWEST {
        return 0;
    }
    let quarter = (nanos >> (doubling - 2)) & 3;
    let step = (doubling - LOWEST) * 4 + u32::try_from(quarter).unwrap_or(0);
    (step as usize).min(STEPS - 1)
}

/// Where a step begins.
fn begin(step: usize) -> Duration {
    let (doubling, quarter) = (step / 4 + LOWEST as usize, step as u64 % 4);
    Duration::from_nanos((4 + quarter) << (doubling - 2))
}

/// How long operations took: how many there were in each of many steps of time.
///
/// A step is 12 to 25 % longer than the one before, so that is how exact all answers are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency(Vec<u64>);

impl Latency {
    /// How many operations there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// What so many of the operations did not take longer than: half of them for `0.5`. `None` if there
    /// were none.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        let all = self.count();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank, and saturating"
        )]
        let rank = ((all as f64 * part).ceil() as u64).clamp(1, all.max(1));
        let mut seen = 0;
        let step = self.0.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(begin(step + 1))
    }

    /// The steps that have operations: from when, to when, and how many.
    pub fn steps(&self) -> impl Iterator<Item = (Duration, Duration, u64)> {
        let counts = self.0.iter().enumerate().filter(|(_, count)| **count > 0);
        counts.map(|(step, count)| (begin(step), begin(step + 1), *count))
    }

    /// Adds the operations of another one.
    pub fn add(&mut self, other: &Self) {
        self.0.resize(STEPS, 0);
        self.0.iter_mut().zip(&other.0).for_each(|(sum, count)| *sum += count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_falls_into_the_step_around_it() {
        for nanos in (64..100_000).chain([1 << 30, (1 << 36) - 1]) {
            let at = step(nanos);
            let time = Duration::from_nanos(nanos);
            assert!(begin(at) <= time && time < begin(at + 1), "{time:?} in step {at}");
        }
        assert_eq!((step(0), step(63), step(u64::MAX)), (0, 0, STEPS - 1));
    }

    #[test]
    fn quantiles_are_as_exact_as_the_steps() {
        let histogram = Histogram::default();
        assert_eq!(histogram.read().quantile(0.5), None);
        (1..=1000).for_each(|micros| histogram.add(micros * 1000));
        let latency = histogram.read();
        for (part, micros) in [(0.0, 1), (0.5, 500), (0.99, 990), (1.0, 1000)] {
            let (is, exact) = (latency.quantile(part).unwrap(), Duration::from_micros(micros));
            assert!(is >= exact && is <= exact * 5 / 4, "{part}: {is:?}");
        }
        let mut twice = latency.clone();
        twice.add(&latency);
        assert_eq!(twice.count(), 2000);
        assert_eq!(latency.steps().map(|(_, _, count)| count).sum::<u64>(), 1000);
        histogram.clear();
        assert_eq!(histogram.read().count(), 0);
    }
}
