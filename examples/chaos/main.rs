//! Two tiers under load while Redis is killed, stopped, emptied, slowed down, cut off, filled, switched to
//! read-only and fed garbage: is every call answered, and is every answer right?
//!
//! `cargo run --release --example chaos`, and `--help` for the rest.

mod creations;
mod faults;
mod options;
mod phases;
mod proxy;
mod report;
#[path = "../support/server.rs"]
mod server;
mod stack;
mod tally;
mod truth;
mod workload;

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use self::options::Options;

#[tokio::main]
async fn main() -> ExitCode {
    match chaos().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("chaos: {error}");
            ExitCode::from(2)
        }
    }
}

async fn chaos() -> Result<ExitCode, Box<dyn Error>> {
    let Some(options) = Options::parse()? else { return Ok(ExitCode::SUCCESS) };
    let report = tokio::select! {
        // First, so that it listens before anything is started. What was started ends with what
        // is dropped here.
        biased;
        () = interrupted() => return Err("interrupted".into()),
        report = phases::run(&options) => report?,
    };
    io::stdout().write_all(report.to_string().as_bytes())?;
    if let Some(file) = &options.json {
        let text = serde_json::to_string_pretty(&report)? + "\n";
        std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(ExitCode::from(u8::from(!report.kept())))
}

/// Waits until somebody wants this to end.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    if let Ok(mut terminate) = signal(SignalKind::terminate()) {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}
