//! The command `larder`, run as its users run it, against real servers.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]
#![cfg(unix)]

#[cfg(test)]
mod advise;
#[cfg(test)]
mod data;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod gentle;
#[cfg(test)]
mod inspect;
#[cfg(test)]
mod names;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

/// The command, with `words` for arguments.
fn command(words: &[&str]) -> Command {
    let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_larder")));
    command.args(words).env_remove("REDIS_PASSWORD").stdin(Stdio::null());
    command
}

/// What it printed, and how it ended.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
    Ran { code: output.status.code(), out: out.unwrap(), err: err.unwrap() }
}

/// The report for people.
fn text(words: &[&str]) -> String {
    let ran = run(&mut command(words));
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{words:?}");
    let widest = ran.out.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 100, "{widest} columns: {}", ran.out);
    ran.out
}

/// Whether a terminal would obey it, or hide something for it.
fn is_order(char: char) -> bool {
    char.is_control() || "\u{202e}\u{200b}\u{e0041}".contains(char)
}

/// The report for programs.
fn json(words: &[&str]) -> Value {
    let ran = run(command(words).arg("--json"));
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{words:?}");
    assert!(!ran.out.trim_end_matches('\n').contains(is_order), "{words:?}: {:?}", ran.out);
    serde_json::from_str(&ran.out).unwrap()
}

/// The one line that says why there is no report.
fn failure(ran: Ran, code: i32) -> String {
    assert_eq!((ran.code, ran.out.as_str()), (Some(code), ""), "{}", ran.err);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert!(ran.err.starts_with("larder: "), "{}", ran.err);
    assert!(!ran.err.contains("s3cret"), "{}", ran.err);
    ran.err
}
