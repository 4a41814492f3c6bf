//! The command line.

use std::{
    error::Error, ffi::OsString, fmt, ops::RangeInclusive, path::PathBuf, str::FromStr,
    time::Duration,
};

use lexopt::prelude::*;

use crate::faults::Fault;

const USAGE: &str = "\
Two processes' worth of caches, each with copies in memory before one Redis, are asked by many tasks while
that Redis suffers. Counts answers that are wrong, panics, and calls that never end.

Usage: chaos [OPTIONS]

It starts a Redis of its own, from `redis-server` in PATH, in a folder of its own, and stops it.

      --seconds S        how long each fault lasts [5]
      --tasks N          tasks that ask [64]
      --keys N           keys they ask for [500]
      --seed N           what they ask and when things break: another number, another run [1]
      --only FAULT       this fault only; may be given again
      --sabotage HOW     put valid entries where they do not belong, to see that it is noticed:
                         `foreign` (another key's) or `old` (replaced ones); the latter is only wrong
                         where this process wrote the newer one, so short runs may miss it
      --json FILE        write the same figures as JSON
  -h, --help             print this

Faults:

";

/// What was asked for.
pub(crate) struct Options {
    pub(crate) seconds: Duration,
    pub(crate) tasks: usize,
    pub(crate) keys: u32,
    pub(crate) seed: u64,
    pub(crate) faults: Vec<Fault>,
    pub(crate) sabotage: Option<Sabotage>,
    pub(crate) json: Option<PathBuf>,
}

/// A wrong thing that is done on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// The entry of one key under another.
    Foreign,
    /// An entry that was replaced a while ago.
    Old,
}

impl Options {
    /// Reads the command line; nothing when help was all that was wanted.
    pub(crate) fn parse() -> Result<Option<Self>, Box<dyn Error>> {
        let mut options = Self {
            seconds: Duration::from_secs(5),
            tasks: 64,
            keys: 500,
            seed: 1,
            faults: Vec::new(),
            sabotage: None,
            json: None,
        };
        let mut args = lexopt::Parser::from_env();
        while let Some(arg) = args.next()? {
            match arg {
                Long("seconds") => {
                    let seconds = number(&args.value()?, 0.1..=3600.0)?;
                    options.seconds = Duration::from_secs_f64(seconds);
                }
                Long("tasks") => options.tasks = number(&args.value()?, 2..=10_000)?,
                Long("keys") => options.keys = number(&args.value()?, 20..=100_000)?,
                Long("seed") => options.seed = args.value()?.parse()?,
                Long("only") => {
                    let name = args.value()?.string()?;
                    let fault = Fault::ALL.into_iter().find(|fault| fault.name() == name);
                    let fault = fault.ok_or_else(|| {
                        let all: Vec<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
                        format!("--only {name}: there are {}", all.join(", "))
                    })?;
                    options.faults.push(fault);
                }
                Long("sabotage") => {
                    options.sabotage = Some(match args.value()?.string()?.as_str() {
                        "foreign" => Sabotage::Foreign,
                        "old" => Sabotage::Old,
                        other => {
                            return Err(format!("--sabotage {other}: `foreign` or `old`").into());
                        }
                    });
                }
                Long("json") => options.json = Some(args.value()?.into()),
                Short('h') | Long("help") => {
                    print!("{USAGE}");
                    for fault in Fault::ALL {
                        println!("  {:<12}{}", fault.name(), fault.tells());
                    }
                    println!(
                        "\nExit code: 0 if all promises were kept, 1 if not, 2 if it could not be run."
                    );
                    return Ok(None);
                }
                _ => return Err(arg.unexpected().into()),
            }
        }
        if options.faults.is_empty() {
            options.faults = Fault::ALL.to_vec();
        }
        Ok(Some(options))
    }
}

fn number<N>(value: &OsString, range: RangeInclusive<N>) -> Result<N, Box<dyn Error>>
where
    N: FromStr<Err: Error + Send + Sync + 'static> + PartialOrd + fmt::Display,
{
    let number = value.parse()?;
    if range.contains(&number) {
        return Ok(number);
    }
    Err(format!("{number} is not between {} and {}", range.start(), range.end()).into())
}
