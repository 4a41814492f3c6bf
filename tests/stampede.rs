//! The example `stampede`, run as its users run it.
//!
//! `cargo test` and `cargo nextest run` build the examples too; `cargo test --test stampede` alone
//! does not, and would run the one that was built last.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]
#![cfg(all(unix, feature = "backend-redis", feature = "codec-msgpack"))]

#[cfg(test)]
mod support;

use std::{
    env, fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use support::until;

/// `target/<profile>/examples/stampede`, beside the `deps` that hold this test.
fn stampede() -> Command {
    let here = env::current_exe().unwrap();
    let program = here.ancestors().nth(2).unwrap().join("examples/stampede");
    assert!(program.exists(), "{} is missing: cargo build --example stampede", program.display());
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn error(output: &Output) -> (Option<i32>, &str) {
    assert_eq!(output.stdout, b"");
    (output.status.code(), std::str::from_utf8(&output.stderr).unwrap())
}

/// What it promises about numbers; a busy machine may still be late.
#[test]
fn one_creates_and_all_are_served() {
    let args = "--processes 3 --tasks 20 --creator-ms 300 --expire-ms 400 --periods 3 \
                --lease-ms 2000 --json";
    let output = stampede().args(args.split(' ')).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let late = |broken: &Value| {
        let broken = broken.as_str().unwrap();
        broken.contains("waited for a creation") || broken.contains("after the kill")
    };
    let broken = report["broken"].as_array().unwrap();
    assert!(broken.iter().all(late), "{report}");
    assert_eq!(output.status.code(), Some(i32::from(!broken.is_empty())));

    let numbers = |scenario: &str, names: [&str; 5]| {
        names.map(|name| report[scenario][name].as_u64().unwrap())
    };
    let names = ["callers", "served", "values", "started", "finished"];
    assert_eq!(numbers("cold", names), [60, 60, 1, 1, 1], "{report}");
    assert_eq!(numbers("killed", names), [40, 40, 1, 2, 1], "{report}");
    assert_eq!(report["expiring"]["most_in_a_period"], 1, "{report}");
    assert!(report["expiring"]["stale"].as_u64().unwrap() > 0, "{report}");
    for scenario in ["cold", "expiring", "killed"] {
        assert_eq!(report[scenario]["errors"], Value::Array(Vec::new()), "{report}");
    }
}

#[test]
fn what_cannot_be_run_says_why() {
    for (args, says) in [
        ("--processes 1", "no stampede"),
        ("--tasks 0", "not between 1 and"),
        ("--creator-ms 500 --expire-ms 500", "must be shorter"),
        ("--frob", "--frob"),
        ("--lease-ms soon", "soon"),
    ] {
        let output = stampede().args(args.split(' ')).output().unwrap();
        let (code, error) = error(&output);
        assert!(code == Some(2) && error.contains(says), "{args}: {code:?} {error}");
    }
    let output = stampede().env("PATH", "").output().unwrap();
    let (code, error) = error(&output);
    assert!(code == Some(2) && error.contains("install Redis"), "{code:?} {error}");

    let output = stampede().arg("--help").output().unwrap();
    assert!(output.status.success() && output.stdout.starts_with(b"Many processes"));
}

/// The socket of the server that works in a folder of this one.
fn socket(folder: &Path) -> Option<PathBuf> {
    let inner = fs::read_dir(folder).unwrap().next()?.unwrap().path();
    let socket = inner.join("redis.sock");
    UnixStream::connect(&socket).is_ok().then_some(socket)
}

#[tokio::test]
async fn an_interrupt_leaves_nothing_behind() {
    for signal in ["INT", "TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let child = stampede().env("TMPDIR", folder.path()).spawn().unwrap();
        let socket = until("its server", async || socket(folder.path())).await;
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(error(&output), (Some(2), "stampede: interrupted\n"));
        assert!(UnixStream::connect(&socket).is_err(), "the server is gone");
        assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "and its folder");
    }
}
