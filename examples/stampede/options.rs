//! The command line.

use std::{error::Error, ffi::OsString, time::Duration};

use lexopt::prelude::*;
use serde::Serialize;

use crate::talk::Job;

const USAGE: &str = "\
Many processes with many tasks ask for one key at once, through a region with a lock in Redis.

Usage: stampede [OPTIONS]

It starts a Redis of its own, from `redis-server` in PATH, in a folder of its own, and stops it.

      --processes N      processes that ask [8]
      --tasks N          tasks in each of them that ask at once [1000]
      --creator-ms MS    how long it takes to create the value [200]
      --expire-ms MS     when a value is stale, in the second scenario [500]
      --periods N        how many such times it goes on [6]
      --lease-ms MS      how long a dead process blocks the others [1000]
      --json             print one JSON document
  -h, --help             print this

Scenarios:

  cold       nobody has the value: one creates, all others wait for it
  expiring   the value gets stale again and again under steady traffic: one refreshes, nobody waits
  killed     as cold, and who creates is killed in the middle: another one takes over

Exit code: 0 if all promises were kept, 1 if not, 2 if it could not be run.
";

/// What was asked for.
pub(crate) enum Asked {
    Help,
    Stampede(Options),
    /// This is one of the processes of a scenario.
    Child(Box<Job>),
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Options {
    pub(crate) processes: usize,
    pub(crate) tasks: usize,
    pub(crate) creator_ms: u32,
    pub(crate) expire_ms: u32,
    pub(crate) periods: u32,
    pub(crate) lease_ms: u32,
    #[serde(skip)]
    pub(crate) json: bool,
}

impl Options {
    /// Reads the command line.
    pub(crate) fn parse() -> Result<Asked, Box<dyn Error>> {
        let mut options = Self {
            processes: 8,
            tasks: 1000,
            creator_ms: 200,
            expire_ms: 500,
            periods: 6,
            lease_ms: 1000,
            json: false,
        };
        let mut args = lexopt::Parser::from_env();
        while let Some(arg) = args.next()? {
            match arg {
                Long("processes") => options.processes = number(&args.value()?, 1..=200)?,
                Long("tasks") => options.tasks = number(&args.value()?, 1..=100_000)?,
                Long("creator-ms") => options.creator_ms = number(&args.value()?, 10..=60_000)?,
                Long("expire-ms") => options.expire_ms = number(&args.value()?, 20..=60_000)?,
                Long("periods") => options.periods = number(&args.value()?, 1..=1000)?,
                Long("lease-ms") => options.lease_ms = number(&args.value()?, 100..=60_000)?,
                Long("json") => options.json = true,
                Short('h') | Long("help") => {
                    print!("{USAGE}");
                    return Ok(Asked::Help);
                }
                // Not for people: how this program starts itself.
                Long("child") => {
                    let job = serde_json::from_str(&args.value()?.string()?)?;
                    return Ok(Asked::Child(Box::new(job)));
                }
                _ => return Err(arg.unexpected().into()),
            }
        }
        options.check()?;
        Ok(Asked::Stampede(options))
    }

    fn check(&self) -> Result<(), String> {
        if self.processes < 2 {
            return Err("one process is no stampede: --processes 2 or more".to_owned());
        }
        if self.creator_ms >= self.expire_ms {
            return Err(format!(
                "a stale value is kept for as long again as it was fresh: creating one \
                 (--creator-ms {}) must be shorter than that (--expire-ms {})",
                self.creator_ms, self.expire_ms
            ));
        }
        Ok(())
    }

    pub(crate) const fn creator(&self) -> Duration {
        Duration::from_millis(self.creator_ms as u64)
    }
}

fn number<N>(value: &OsString, range: std::ops::RangeInclusive<N>) -> Result<N, Box<dyn Error>>
where
    N: std::str::FromStr<Err: Error + Send + Sync + 'static> + PartialOrd + std::fmt::Display,
{
    let number = value.parse()?;
    if range.contains(&number) {
        return Ok(number);
    }
    Err(format!("{number} is not between {} and {}", range.start(), range.end()).into())
}
