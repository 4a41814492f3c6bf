//! The command line.

use std::{
    ffi::{OsStr, OsString},
    fs,
    ops::RangeInclusive,
};

use lexopt::prelude::*;

use crate::{connection::Target, failure::Failure};

const USAGE: &str = "\
Looks into a running Redis or Valkey. Reads only, in small steps that block nobody.

Usage: larder inspect URL [PATTERN] [OPTIONS]    what is in it: formats, codecs, ages, bytes
       larder advise  URL [PATTERN] [OPTIONS]    which stack would take fewer bytes for these values

URL      redis://[user:password@]host[:port][/db], rediss:// for TLS, or unix:///path[?db=1]
PATTERN  only keys like this, as SCAN matches them: 'user:*'

A password that shall not be in the history of the shell goes into the variable REDIS_PASSWORD.

      --sample N       how many keys are looked at [1000]
      --scan N         how many keys are walked over to find them, at most [1000000]
      --fields N       how many fields of each hash are looked at [20]
      --max-value N    of longer values, only the first bytes are read [16384]
      --ca FILE        for rediss://, the authorities to trust, in PEM, instead of the public ones
      --json           print one JSON document
  -h, --help           print this, or what a command does
  -V, --version        print the version
";

const INSPECT: &str = "\
Samples keys, recognises format and codec of their values, and sums up by the beginning of the keys.

Usage: larder inspect URL [PATTERN] [OPTIONS]

A stack such as `Dogpile<Pickle>` is what reads these values in larder. Bytes do not say for certain
what they are; all values of a prefix are judged together. `?` marks what is likely, `??` a guess.

      --keys N         how many single entries are shown [10]
";

const ADVISE: &str = "\
Samples keys, writes their values anew with every stack, and says what each would take in this server.
Nothing is written to the server.

Usage: larder advise URL [PATTERN] [OPTIONS]

";

/// What was asked for.
pub(crate) enum Command {
    /// A text, and nothing else.
    Print(String),
    Run(Options),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Inspect,
    Advise,
}

/// What to look at, and how.
pub(crate) struct Options {
    pub(crate) what: What,
    pub(crate) target: Target,
    pub(crate) pattern: Option<String>,
    pub(crate) sample: usize,
    pub(crate) scan: u64,
    pub(crate) fields: usize,
    pub(crate) max_value: usize,
    pub(crate) keys: usize,
    pub(crate) json: bool,
}

impl Options {
    /// Reads the command line and the environment.
    pub(crate) fn parse() -> Result<Command, Failure> {
        let password = std::env::var("REDIS_PASSWORD").ok().filter(|word| !word.is_empty());
        parse(lexopt::Parser::from_env(), password)
    }
}

fn parse(mut args: lexopt::Parser, password: Option<String>) -> Result<Command, Failure> {
    let (mut what, mut url, mut pattern, mut ca) = (None, None, None, None);
    let (mut sample, mut scan, mut fields, mut max_value, mut keys) =
        (1000, 1_000_000, 20, 16_384, 10);
    let mut json = false;
    while let Some(arg) = args.next().map_err(wrong)? {
        match arg {
            Value(word) if what.is_none() => {
                what = Some(match word.to_str() {
                    Some("inspect") => What::Inspect,
                    Some("advise") => What::Advise,
                    _ => return Err(Failure::usage("the first word is `inspect` or `advise`")),
                });
            }
            Value(word) if url.is_none() => url = Some(text(word, "URL")?),
            Value(word) if pattern.is_none() => {
                let word = text(word, "PATTERN")?;
                if is_url(&word) {
                    return Err(Failure::usage("one URL is enough; PATTERN is what keys are like"));
                }
                pattern = Some(word);
            }
            Value(_) => return Err(Failure::usage("one PATTERN is enough; quote it: 'user:*'")),
            Long("sample") => sample = number(&mut args, "sample", 1..=100_000)?,
            Long("scan") => scan = number(&mut args, "scan", 1..=u64::MAX)?,
            Long("fields") => fields = number(&mut args, "fields", 1..=1000)?,
            Long("max-value") => max_value = number(&mut args, "max-value", 64..=1 << 24)?,
            Long("keys") if what != Some(What::Advise) => {
                keys = number(&mut args, "keys", 0..=100_000)?;
            }
            Long("ca") => ca = Some(args.value().map_err(wrong)?),
            Long("json") => json = true,
            Short('h') | Long("help") => {
                let text = match what {
                    None => USAGE.to_owned(),
                    Some(What::Inspect) => help(INSPECT),
                    Some(What::Advise) => help(ADVISE),
                };
                return Ok(Command::Print(text));
            }
            Short('V') | Long("version") => {
                return Ok(Command::Print(format!("larder {}\n", env!("CARGO_PKG_VERSION"))));
            }
            other => return Err(wrong(other.unexpected())),
        }
    }
    let what = what.ok_or_else(|| Failure::usage("say `inspect` or `advise`"))?;
    let url = url.ok_or_else(|| Failure::usage("say where: redis://host"))?;
    let ca = ca.as_deref().map(certificate).transpose()?;
    let target = Target::new(&url, password, ca.as_deref())?;
    let pattern = pattern.filter(|pattern| pattern != "*");
    let options = Options { what, target, pattern, sample, scan, fields, max_value, keys, json };
    Ok(Command::Run(options))
}

/// What a command does, and the options that all commands have.
fn help(of: &str) -> String {
    let common = USAGE.split_once("      --sample").map_or("", |(_, rest)| rest);
    format!("{of}      --sample{common}")
}

fn text(word: OsString, what: &str) -> Result<String, Failure> {
    word.into_string().map_err(|_word| Failure::usage(format!("{what} is not UTF-8")))
}

fn number<N>(args: &mut lexopt::Parser, name: &str, range: RangeInclusive<N>) -> Result<N, Failure>
where
    N: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    let word = args.value().map_err(wrong)?;
    let number = word.to_str().and_then(|word| word.parse().ok());
    number.filter(|number| range.contains(number)).ok_or_else(|| {
        Failure::usage(format!("--{name} takes a number from {} to {}", range.start(), range.end()))
    })
}

/// What cannot be understood, without the words that stand there: a URL in the wrong place has its password in it.
fn wrong(error: lexopt::Error) -> Failure {
    let is_name =
        |option: &String| option.chars().all(|char| char.is_ascii_alphanumeric() || char == '-');
    match error {
        lexopt::Error::UnexpectedOption(option) if is_name(&option) => {
            Failure::usage(format!("there is no option {option}"))
        }
        lexopt::Error::UnexpectedValue { option, .. } if is_name(&option) => {
            Failure::usage(format!("{option} takes no value"))
        }
        lexopt::Error::MissingValue { option: Some(option) } => {
            Failure::usage(format!("{option} takes a value"))
        }
        _ => Failure::usage("an argument begins like an option and is none"),
    }
}

/// Whether a server is meant.
fn is_url(word: &str) -> bool {
    let schemes = ["redis", "rediss", "valkey", "valkeys", "unix", "redis+unix", "valkey+unix"];
    word.split_once("://").is_some_and(|(scheme, _)| schemes.contains(&scheme))
}

fn certificate(path: &OsStr) -> Result<Vec<u8>, Failure> {
    if path.to_string_lossy().contains("://") {
        return Err(Failure::usage("--ca takes a file, not a URL"));
    }
    fs::read(path)
        .map_err(|error| Failure::new(format!("--ca {}: {error}", path.to_string_lossy())))
}
