//! Calls that are polled by hand, and know whether they were woken.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};

use tokio::runtime::Builder;

/// What a creator panics with that was told to.
pub(super) struct OnPurpose;

/// What a call came to.
pub(super) enum Ended<T> {
    Answered(T),
    Panicked,
}

/// A future that runs when it is told to.
pub(super) struct Call<T> {
    future: Pin<Box<dyn Future<Output = T>>>,
    woken: Arc<Flag>,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

impl<T> Call<T> {
    pub(super) fn new(future: impl Future<Output = T> + 'static) -> Self {
        Self { future: Box::pin(future), woken: Arc::new(Flag(AtomicBool::new(true))) }
    }

    /// Whether somebody has woken it since it was polled last.
    pub(super) fn is_woken(&self) -> bool {
        self.woken.0.load(SeqCst)
    }

    pub(super) fn poll(&mut self) -> Option<Ended<T>> {
        self.woken.0.store(false, SeqCst);
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut cx = Context::from_waker(&waker);
        match catch_unwind(AssertUnwindSafe(|| self.future.as_mut().poll(&mut cx))) {
            Ok(Poll::Pending) => None,
            Ok(Poll::Ready(answer)) => Some(Ended::Answered(answer)),
            Err(panic) if panic.is::<OnPurpose>() => Some(Ended::Panicked),
            Err(panic) => resume_unwind(panic),
        }
    }
}

/// The answer of something that has nobody to wait for.
pub(super) fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits for nobody"),
    }
}

/// Runs on a runtime of its own, on which time passes only when it is told to.
pub(super) fn in_paused_time(work: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(work);
}
