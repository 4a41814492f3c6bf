//! How long callers wait for each other.

use tokio::time::Instant;

use super::{
    Region,
    flight::{Follower, Lead, deadline},
    options::OnTimeout,
    outcome::Outcome,
};

impl<S, L, I> Region<S, L, I> {
    /// Waits for what another caller creates; `None` when it takes too long. Who would take over gives
    /// each creation its whole time.
    pub(super) async fn outcome(&self, flight: &Follower, mut until: Instant) -> Option<Outcome> {
        loop {
            if let Some(outcome) = flight.outcome(until).await {
                return Some(outcome);
            }
            let due = flight.due(self.call.wait_timeout);
            if self.call.on_timeout != OnTimeout::Create || due <= Instant::now() {
                return None;
            }
            until = due;
        }
    }

    /// Begins a wait for another owner of the lock than before: who would take over gives each its
    /// whole time, all others wait once for all of them.
    pub(super) fn wait_anew(&self, lead: &Lead, until: &mut Instant) {
        lead.begin_anew();
        if self.call.on_timeout == OnTimeout::Create {
            *until = deadline(self.call.wait_timeout);
        }
    }
}
