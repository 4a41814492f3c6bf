//! Everybody asks again and again for a key that gets stale again and again.

use std::error::Error;

use serde::Serialize;

use crate::{
    child::{self, Notes},
    crew::Crew,
    options::Options,
    report::Spread,
    server::Server,
    talk::{Findings, Job, Micros, Span},
};

/// The most tasks in a process that keep asking: the traffic is to be steady, not to take all there
/// is of the machine.
const MOST_TASKS: usize = 25;

/// Ages are told by a clock that moves every few milliseconds.
const TICK: Micros = 10_000;

/// A key that expires under traffic.
#[derive(Debug, Serialize)]
pub(crate) struct Expiring {
    pub(crate) tasks: usize,
    pub(crate) calls: usize,
    pub(crate) stale: u64,
    pub(crate) periods: f64,
    pub(crate) creations: usize,
    /// The most that began within the lifetime of one value.
    pub(crate) most_in_a_period: usize,
    /// Calls, other than those that created, that took half as long as a creation or longer.
    pub(crate) blocked: usize,
    /// How long calls took, other than those that created.
    pub(crate) call_ms: Spread,
    pub(crate) errors: Vec<String>,
}

pub(crate) async fn expiring(
    options: &Options,
    server: &Server,
) -> Result<Expiring, Box<dyn Error>> {
    let tasks = options.tasks.min(MOST_TASKS);
    let go_on_ms = options.expire_ms * options.periods;
    let job = Job {
        url: server.url(),
        key: "expiring".to_owned(),
        tasks,
        creator_ms: options.creator_ms,
        expire_ms: Some(options.expire_ms),
        lease_ms: options.lease_ms,
        go_on_ms: Some(go_on_ms),
    };
    let mut crew = Crew::gather(options.processes, &job).await?;
    // There is something to get stale.
    child::region(&job, Notes::default())?.set(&job.key, 0_u64).await?;
    crew.start().await?;
    let Findings { created, took, stale, errors, .. } = crew.findings(options.processes).await?;
    let half = Micros::from(options.creator_ms) * 500;
    Ok(Expiring {
        tasks: tasks * options.processes,
        calls: took.len() + created.len(),
        stale,
        periods: f64::from(go_on_ms) / f64::from(options.expire_ms),
        creations: crew.started,
        most_in_a_period: most_in_a_period(&created, 1000 * Micros::from(options.expire_ms)),
        blocked: took.iter().filter(|took| **took >= half).count(),
        call_ms: Spread::of(took.into_iter()),
        errors,
    })
}

/// A period is the lifetime of a value, which begins with its creation.
fn most_in_a_period(created: &[Span], period: Micros) -> usize {
    let began = |within: &Span| {
        let end = within.began + period - TICK;
        created.iter().filter(|span| (within.began..end).contains(&span.began)).count()
    };
    created.iter().map(began).max().unwrap_or(0)
}
