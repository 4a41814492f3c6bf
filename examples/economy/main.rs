//! What entries cost in Redis: 1.1 million of them, stored in many ways, each in a Redis of its own.
//!
//! `cargo run --release --example economy`, and `--help` for the rest.

mod chart;
mod dataset;
mod dogpile;
mod measure;
mod options;
mod report;
#[path = "../support/server.rs"]
mod server;
mod stacks;

use std::{
    error::Error,
    fs,
    io::{self, Write},
    process::ExitCode,
};

use self::{
    dataset::Dataset,
    measure::Job,
    options::Options,
    report::{Line, Report},
    server::Server,
};

#[tokio::main]
async fn main() -> ExitCode {
    match economy().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("economy: {error}");
            ExitCode::from(2)
        }
    }
}

async fn economy() -> Result<(), Box<dyn Error>> {
    let Some(options) = Options::parse()? else { return Ok(()) };
    let rows = stacks::rows(&options.only);
    let data = Dataset::new(options.entries);
    let mut lines = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let server = Server::start(&options.redis)?;
        let what = format!("{}/{} {}", at + 1, rows.len(), row.label);
        let job = Job::new(&data, &server, row.ttl, &what);
        let used = tokio::select! {
            // What was started ends with what is dropped here.
            _ = tokio::signal::ctrl_c() => return Err("interrupted".into()),
            used = (row.run)(job) => used.map_err(|error| format!("{}: {error}", row.label))?,
        };
        lines.push(Line::new(row, used));
    }
    let report = Report::new(server::version(&options.redis)?, data.entries(), lines);
    if let Some(path) = &options.svg {
        fs::write(path, chart::svg(&report))
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let json = options.json;
    let out = if json { serde_json::to_string(&report)? + "\n" } else { report.to_string() };
    io::stdout().write_all(out.as_bytes())?;
    Ok(())
}
