//! The command line.

use std::{error::Error, path::PathBuf};

use lexopt::prelude::*;

use crate::dataset::{FEWEST, FULL};

const USAGE: &str = "\
Stores the same entries in Redis in many ways, and tells how much memory each of them takes.

Usage: economy [OPTIONS]

For each way it starts a Redis of its own, from `redis-server` in PATH, in a folder of its own, and stops
it. Everything is read back and compared.

      --entries N        how many entries, at least 110 [1100000]
      --redis PROGRAM    the server: another Redis, or a Valkey [redis-server]
      --only WORDS       only rows with all of these words, and what they are compared with: words of
                         the table, and `ttl` or `forever`
      --svg FILE         draw a chart, too
      --json             print one JSON document
  -h, --help             print this
";

/// What was asked for.
pub(crate) struct Options {
    pub(crate) entries: u32,
    pub(crate) redis: PathBuf,
    pub(crate) only: String,
    pub(crate) svg: Option<PathBuf>,
    pub(crate) json: bool,
}

impl Options {
    /// Reads the command line; nothing when help was all that was wanted.
    pub(crate) fn parse() -> Result<Option<Self>, Box<dyn Error>> {
        let mut options = Self {
            entries: FULL,
            redis: "redis-server".into(),
            only: String::new(),
            svg: None,
            json: false,
        };
        let mut args = lexopt::Parser::from_env();
        while let Some(arg) = args.next()? {
            match arg {
                Long("entries") => {
                    options.entries = args.value()?.parse()?;
                    if !(FEWEST..=100 * FULL).contains(&options.entries) {
                        return Err(format!("--entries takes {FEWEST} to {}", 100 * FULL).into());
                    }
                }
                Long("redis") => options.redis = args.value()?.into(),
                Long("only") => options.only = args.value()?.string()?,
                Long("svg") => options.svg = Some(args.value()?.into()),
                Long("json") => options.json = true,
                Short('h') | Long("help") => {
                    print!("{USAGE}");
                    return Ok(None);
                }
                _ => return Err(arg.unexpected().into()),
            }
        }
        Ok(Some(options))
    }
}
