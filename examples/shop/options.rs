//! The command line.

use lexopt::{Arg, ValueExt};

const HELP: &str = "\
shop [--port N] [--redis URL] [--bare] [--load]

  --port N     Where to listen on this machine; 0 picks one. Default: 3000.
  --redis URL  The second tier is this Redis, and not a file.
  --bare       Without the recorder and the meter.
  --load       Measures what those cost, and ends.
";

pub(crate) struct Options {
    pub port: u16,
    pub redis: Option<String>,
    pub bare: bool,
    pub load: bool,
}

impl Options {
    /// Those of this program; `None` where it was asked to explain itself.
    pub(crate) fn parse() -> Result<Option<Self>, lexopt::Error> {
        let mut options = Self { port: 3000, redis: None, bare: false, load: false };
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("port") => options.port = arguments.value()?.parse()?,
                Arg::Long("redis") => options.redis = Some(arguments.value()?.string()?),
                Arg::Long("bare") => options.bare = true,
                Arg::Long("load") => options.load = true,
                Arg::Short('h') | Arg::Long("help") => {
                    print!("{HELP}");
                    return Ok(None);
                }
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(options))
    }
}
