use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

/// How many calls are under way over a connection.
#[derive(Clone, Default)]
pub(super) struct Calls(Arc<AtomicUsize>);

impl Calls {
    /// Counts a call for as long as the answer lives.
    pub(super) fn enter(&self) -> impl Drop + Send + '_ {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(&self.0)
    }
}

struct Entered<'a>(&'a AtomicUsize);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs a connection, and lets calls gather before it writes.
///
/// A multi-threaded runtime runs a task that was just woken before all others. So each call would
/// wake the connection, which would send this one command, in a packet of its own. Going to the end
/// of the queue first, whenever more than one call is under way, lets all callers that are ready add
/// theirs: half the system calls and twice the throughput. A lone call pays nothing.
pub(super) struct Driver<F> {
    calls: Calls,
    gathered: bool,
    connection: Pin<Box<F>>,
}

impl<F> Driver<F> {
    pub(super) fn new(calls: Calls, connection: F) -> Self {
        Self { calls, gathered: false, connection: Box::pin(connection) }
    }
}

impl<F: Future<Output = ()>> Future for Driver<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if !self.gathered && self.calls.0.load(Ordering::Relaxed) > 1 {
            self.gathered = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.gathered = false;
        self.connection.as_mut().poll(context)
    }
}
