//! The command `larder`: looks into a running Redis.

mod advise;
mod connection;
mod escape;
mod failure;
mod inspect;
mod layout;
mod memory;
mod offer;
mod options;
mod prefix;
mod recognise;
mod sample;
mod schema;
mod server;
mod stack;
mod survey;
mod text;
mod time;
mod unread;
mod value;
mod walk;

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use serde::Serialize;

use self::{
    connection::Connection,
    failure::Failure,
    options::{Command, Options, What},
};

fn main() -> ExitCode {
    let outcome = Options::parse().and_then(|command| match command {
        Command::Print(text) => Ok(text),
        Command::Run(options) => run(&options),
    });
    match outcome.and_then(|text| print(&text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // If nobody listens any more, nobody is to be told.
            let _ = writeln!(io::stderr(), "larder: {failure}");
            failure.exit_code()
        }
    }
}

/// Prints everything, or as much as the reader wants: `| head` is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot print: {error}")))
        }
        _ => Ok(()),
    }
}

fn run(options: &Options) -> Result<String, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("cannot begin: {error}")))?;
    let sample = runtime.block_on(async {
        let mut connection = Connection::open(&options.target).await?;
        sample::take(&mut connection, options).await
    })?;
    if sample.keys.is_empty() {
        return Err(sample.nothing(options));
    }
    let now = time::now();
    let groups = survey::groups(&sample, now);
    match options.what {
        What::Inspect => print_as(&inspect::report(&sample, &groups, options, now), options.json),
        What::Advise => {
            let advice = advise::advice(&sample, &groups, options, now).ok_or_else(|| {
                Failure::new("none of the sampled values can be read; `larder inspect` shows them")
            })?;
            print_as(&advice, options.json)
        }
    }
}

fn print_as(report: &(impl Serialize + Display), json: bool) -> Result<String, Failure> {
    if !json {
        return Ok(report.to_string());
    }
    let text = serde_json::to_string(report);
    text.map(|text| escape::json(&text) + "\n")
        .map_err(|error| Failure::new(format!("cannot print: {error}")))
}
