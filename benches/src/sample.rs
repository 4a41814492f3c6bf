//! One measurement, and how to take it.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Instant,
};

use crate::allocations;

/// What one call took, on average over the calls of a round.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub seconds: f64,
    /// On the thread that measured; NaN where nobody counted.
    pub allocations: f64,
    pub bytes: f64,
}

impl Sample {
    /// A time alone: the work was done elsewhere.
    pub fn time(seconds: f64) -> Self {
        Self { seconds, allocations: f64::NAN, bytes: f64::NAN }
    }
}

/// Measures `work`, which makes `calls` calls on this thread.
pub fn timed(calls: u32, work: impl FnOnce()) -> Sample {
    let (times, bytes) = allocations::so_far();
    let start = Instant::now();
    work();
    let seconds = start.elapsed().as_secs_f64();
    let (times_after, bytes_after) = allocations::so_far();
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    Sample {
        seconds: seconds / f64::from(calls),
        allocations: (times_after - times) as f64 / f64::from(calls),
        bytes: (bytes_after - bytes) as f64 / f64::from(calls),
    }
}

/// Polls once: a hit inside the process never waits. Inlined, because a future that is awaited is not moved either.
#[inline(always)]
pub fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a hit inside the process never waits"),
    }
}
