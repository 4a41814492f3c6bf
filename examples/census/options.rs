//! The command line.

use std::{env, error::Error, ffi::OsString, fmt::Write, path::PathBuf};

use lexopt::prelude::*;

const USAGE: &str = "\
Counts lines and words and takes digests of all files of a tree, through a cache.

Usage: census [OPTIONS] [DIR]

DIR is the tree, the current directory unless given. Links are followed; what is named `.git` or
`target` is left out, and so is whatever starts with the name of the cache file.

      --stack NAME    where facts are kept (below)
      --file PATH     the file of the embedded stack [your cache directory: larder/census.larder]
      --redis URL     the server of a Redis stack; alone, it means --stack redis-smallest
      --fresh         forget this tree first; make a damaged cache file anew
      --workers N     files that are looked at side by side [8]
      --callers K     tasks that ask for each file at the same time [4]
      --no-plain      leave out the same job without a cache, and so the comparison
      --json          print the table as one JSON object
  -h, --help          print this

Stacks:
";

/// The stacks to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stack {
    Embedded,
    InProcess,
    InProcessBytes,
    RedisSmallest,
    RedisShared,
    RedisPortable,
}

impl Stack {
    const ALL: [Self; 6] = [
        Self::Embedded,
        Self::InProcess,
        Self::InProcessBytes,
        Self::RedisSmallest,
        Self::RedisShared,
        Self::RedisPortable,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::InProcess => "in-process",
            Self::InProcessBytes => "in-process-bytes",
            Self::RedisSmallest => "redis-smallest",
            Self::RedisShared => "redis-shared",
            Self::RedisPortable => "redis-portable",
        }
    }

    pub(crate) const fn levels(self) -> &'static str {
        match self {
            Self::Embedded => "Framed<Postcard<File>>",
            Self::InProcess => "Memo<Facts>",
            Self::InProcessBytes => "Framed<Postcard<Memory>>",
            Self::RedisSmallest => "Framed<Postcard<Hstore<Redis>>>",
            Self::RedisShared => "IntTime<Msgpack<Hstore<Redis>>>",
            Self::RedisPortable => "FullDict<Json<Redis>>",
        }
    }

    fn parse(name: &str) -> Result<Self, String> {
        let names = Self::ALL.map(Self::name);
        let found = Self::ALL.into_iter().find(|stack| stack.name() == name);
        found.ok_or_else(|| format!("no stack is named `{name}`; there are {}", names.join(", ")))
    }

    const fn needs_redis(self) -> bool {
        matches!(self, Self::RedisSmallest | Self::RedisShared | Self::RedisPortable)
    }
}

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) dir: PathBuf,
    pub(crate) stack: Stack,
    pub(crate) file: PathBuf,
    pub(crate) redis: Option<String>,
    pub(crate) fresh: bool,
    pub(crate) workers: usize,
    pub(crate) callers: usize,
    pub(crate) plain: bool,
    pub(crate) json: bool,
}

impl Options {
    /// Reads the command line; `None` when help was asked for and given.
    pub(crate) fn parse() -> Result<Option<Self>, Box<dyn Error>> {
        let (mut dir, mut stack, mut file, mut redis) = (None, None, None, None);
        let (mut fresh, mut plain, mut json) = (false, true, false);
        let (mut workers, mut callers) = (8, 4);
        let mut args = lexopt::Parser::from_env();
        while let Some(arg) = args.next()? {
            match arg {
                Long("stack") => stack = Some(Stack::parse(&args.value()?.string()?)?),
                Long("file") => file = Some(PathBuf::from(args.value()?)),
                Long("redis") => redis = Some(args.value()?.string()?),
                Long("fresh") => fresh = true,
                Long("workers") => workers = count(&args.value()?)?,
                Long("callers") => callers = count(&args.value()?)?,
                Long("no-plain") => plain = false,
                Long("json") => json = true,
                Short('h') | Long("help") => {
                    print!("{}", help());
                    return Ok(None);
                }
                Value(path) if dir.is_none() => dir = Some(PathBuf::from(path)),
                _ => return Err(arg.unexpected().into()),
            }
        }
        let stack = stack.unwrap_or(match redis {
            Some(_) => Stack::RedisSmallest,
            None => Stack::Embedded,
        });
        let name = stack.name();
        match (stack.needs_redis(), &redis) {
            (true, None) => return Err(format!("`{name}` needs a server: add --redis URL").into()),
            (false, Some(_)) => return Err(format!("`{name}` has no use for --redis").into()),
            _ => {}
        }
        let dir = dir.unwrap_or_else(|| PathBuf::from("."));
        let file = file.unwrap_or_else(default_file);
        Ok(Some(Self { dir, stack, file, redis, fresh, workers, callers, plain, json }))
    }
}

fn count(value: &OsString) -> Result<usize, Box<dyn Error>> {
    match value.parse()? {
        0 => Err("there must be at least one".into()),
        count @ 1..=1000 => Ok(count),
        _ => Err("a thousand are enough".into()),
    }
}

fn default_file() -> PathBuf {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    caches.unwrap_or_else(env::temp_dir).join("larder/census.larder")
}

fn help() -> String {
    let mut help = USAGE.to_owned();
    for stack in Stack::ALL {
        // Writing to a string cannot fail.
        let _ = writeln!(help, "      {:<18}{}", stack.name(), stack.levels());
    }
    help
}
