//! Calls that stop until a test lets them go.

use tokio::sync::watch;

/// Stops one call; from [`ChaosHandle::hold`](super::ChaosHandle::hold).
///
/// Dropping it lets the call go.
#[derive(Debug)]
#[must_use = "dropping it lets the call go"]
pub struct Hold {
    reached: watch::Receiver<bool>,
    /// Closed when the call may go.
    _go: watch::Sender<()>,
}

/// Where the call stops.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    reached: watch::Sender<bool>,
    go: watch::Receiver<()>,
}

impl Hold {
    pub(super) fn new() -> (Self, Gate) {
        let (reached, reached_by) = watch::channel(false);
        let (go, gone) = watch::channel(());
        (Self { reached: reached_by, _go: go }, Gate { reached, go: gone })
    }

    /// Waits until a call has stopped; returns at once when it has already.
    ///
    /// # Panics
    ///
    /// When no call will ever stop here: [`calm`](super::ChaosHandle::calm) was called, or the layer
    /// and all its handles are gone.
    ///
    /// # Cancellation
    ///
    /// Safe.
    pub async fn reached(&self) {
        let reached = self.reached.clone().wait_for(|reached| *reached).await.is_ok();
        assert!(reached, "no call can be held here any more: the chaos was calmed, or is gone");
    }

    /// Lets the call go.
    pub fn release(self) {}
}

impl Gate {
    /// Stops here until the [`Hold`] is gone.
    pub(super) async fn pass(mut self) {
        self.reached.send_replace(true);
        // Nothing is ever sent: it changes by being closed.
        while self.go.changed().await.is_ok() {}
    }
}
