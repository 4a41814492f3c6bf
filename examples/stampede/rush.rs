//! Everybody asks once: for a cold key, and for one whose creator is killed.

use std::error::Error;

use serde::Serialize;

use crate::{
    crew::Crew,
    options::Options,
    report::{Spread, millis},
    server::Server,
    talk::{Findings, Job, Micros},
};

/// What is added to the longest wait that is promised after a kill: for the messages, and for a
/// machine with more processes than processors.
const GRACE_MS: u32 = 500;

/// One cold key.
#[derive(Debug, Serialize)]
pub(crate) struct Cold {
    pub(crate) callers: usize,
    pub(crate) served: usize,
    pub(crate) values: usize,
    pub(crate) started: usize,
    pub(crate) finished: usize,
    /// From the start to the last caller's value.
    pub(crate) whole_ms: f64,
    /// From the moment that the value was sent to the store to the store's reply.
    pub(crate) store_ms: f64,
    /// From the store's reply to the value in a caller's hands: the first in each process, and all.
    pub(crate) first_after_store_ms: Spread,
    pub(crate) after_store_ms: Spread,
    pub(crate) errors: Vec<String>,
}

fn job(options: &Options, server: &Server, key: &str) -> Job {
    let Options { tasks, creator_ms, lease_ms, .. } = *options;
    let (url, key) = (server.url(), key.to_owned());
    Job { url, key, tasks, creator_ms, expire_ms: None, lease_ms, go_on_ms: None }
}

pub(crate) async fn cold(options: &Options, server: &Server) -> Result<Cold, Box<dyn Error>> {
    let mut crew = Crew::gather(options.processes, &job(options, server, "cold")).await?;
    let start = crew.start().await?;
    let Findings { created, stored, values, got, first_got, errors, .. } =
        crew.findings(options.processes).await?;
    let stored = stored.first().copied().ok_or("nobody stored the value")?;
    let after_store = |got: &Micros| got - stored.ended;
    Ok(Cold {
        callers: options.processes * options.tasks,
        served: got.len() - errors.len(),
        values: values.len(),
        started: crew.started,
        finished: created.len(),
        whole_ms: millis(got.iter().max().map_or(0, |last| last - start)),
        store_ms: millis(stored.ended - stored.began),
        first_after_store_ms: Spread::of(first_got.iter().map(after_store)),
        after_store_ms: Spread::of(got.iter().map(after_store)),
        errors,
    })
}

/// One cold key, whose owner is killed in the middle.
#[derive(Debug, Serialize)]
pub(crate) struct Killed {
    pub(crate) callers: usize,
    pub(crate) served: usize,
    pub(crate) values: usize,
    pub(crate) started: usize,
    pub(crate) finished: usize,
    /// From the kill to the last caller's value.
    pub(crate) last_ms: f64,
    /// What that may be: the lease, a creation, and some grace.
    pub(crate) bound_ms: u32,
    pub(crate) errors: Vec<String>,
}

pub(crate) async fn killed(options: &Options, server: &Server) -> Result<Killed, Box<dyn Error>> {
    let mut crew = Crew::gather(options.processes, &job(options, server, "killed")).await?;
    crew.start().await?;
    let killed = crew.kill_owner(options.creator() / 4).await?;
    let survivors = options.processes - 1;
    let Findings { created, values, got, errors, .. } = crew.findings(survivors).await?;
    Ok(Killed {
        callers: survivors * options.tasks,
        served: got.len() - errors.len(),
        values: values.len(),
        started: crew.started,
        finished: created.len(),
        last_ms: millis(got.iter().max().map_or(0, |last| last - killed)),
        bound_ms: options.lease_ms + options.creator_ms + GRACE_MS,
        errors,
    })
}
