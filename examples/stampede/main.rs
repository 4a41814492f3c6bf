//! Many processes, many tasks in each, one key: how often is its value created, and how long do the
//! others wait for it? On a Redis that it starts itself.
//!
//! `cargo run --release --example stampede -- --processes 8 --tasks 1000`, and `--help` for the rest.

mod child;
mod crew;
mod options;
mod report;
mod rush;
#[path = "../support/server.rs"]
mod server;
mod talk;
mod traffic;

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use self::{
    options::{Asked, Options},
    report::Report,
    server::Server,
};

#[tokio::main]
async fn main() -> ExitCode {
    match stampede().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("stampede: {error}");
            ExitCode::from(2)
        }
    }
}

async fn stampede() -> Result<ExitCode, Box<dyn Error>> {
    match Options::parse()? {
        Asked::Help => Ok(ExitCode::SUCCESS),
        Asked::Child(job) => child::work(*job).await.map(|()| ExitCode::SUCCESS),
        Asked::Stampede(options) => tokio::select! {
            // First, so that it listens before anything is started. What was started ends with what
            // is dropped here.
            biased;
            () = interrupted() => Err("interrupted".into()),
            kept = scenarios(&options) => Ok(ExitCode::from(u8::from(!kept?))),
        },
    }
}

/// Runs all scenarios and tells of them; whether all promises were kept.
async fn scenarios(options: &Options) -> Result<bool, Box<dyn Error>> {
    let server = Server::start("redis-server")?;
    let cold = rush::cold(options, &server).await?;
    let expiring = traffic::expiring(options, &server).await?;
    let killed = rush::killed(options, &server).await?;
    let report = Report::new(*options, cold, expiring, killed);
    let json = options.json;
    let out = if json { serde_json::to_string(&report)? + "\n" } else { report.to_string() };
    io::stdout().write_all(out.as_bytes())?;
    Ok(report.kept())
}

/// Waits until somebody wants this to end.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
