//! The example `chaos`, run as its users run it.
//!
//! `cargo test` and `cargo nextest run` build the examples too; `cargo test --test chaos_example` alone
//! does not, and would run the one that was built last.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]
#![cfg(all(
    unix,
    feature = "backend-memory",
    feature = "backend-redis",
    feature = "codec-msgpack"
))]

#[cfg(test)]
mod support;

use std::{
    env, fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use support::until;

/// `target/<profile>/examples/chaos`, beside the `deps` that hold this test.
fn chaos() -> Command {
    let here = env::current_exe().unwrap();
    let program = here.ancestors().nth(2).unwrap().join("examples/chaos");
    assert!(program.exists(), "{} is missing: cargo build --example chaos", program.display());
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it; the table and the figures, and how it ended.
fn run(args: &str) -> (Option<i32>, String, Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chaos.json");
    let output = chaos().args(args.split(' ')).arg("--json").arg(&file).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let figures = fs::read(&file).unwrap_or_else(|error| panic!("{error}: {said}"));
    let table = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), table + &said, serde_json::from_slice(&figures).unwrap())
}

fn error(output: &Output) -> (Option<i32>, &str) {
    assert_eq!(output.stdout, b"");
    (output.status.code(), std::str::from_utf8(&output.stderr).unwrap())
}

#[test]
fn no_fault_makes_an_answer_wrong_or_a_call_hang() {
    let (code, table, figures) = run("--seconds 0.7 --tasks 32");
    assert_eq!(figures["broken"], Value::Array(Vec::new()), "{table}");
    assert_eq!(code, Some(0), "{table}");
    let faults = figures["faults"].as_array().unwrap();
    let names: Vec<&str> = faults.iter().map(|row| row["fault"].as_str().unwrap()).collect();
    let all =
        ["none", "killed", "paused", "restarted", "slow", "cut", "full", "read-only", "corrupted"];
    assert_eq!(names, all);
    for row in faults {
        let name = row["fault"].as_str().unwrap();
        assert!(table.lines().any(|line| line.starts_with(name)), "{table}");
        for nothing in ["panics", "hangs", "twice"] {
            assert_eq!(row[nothing], 0, "{name}: {nothing}");
        }
        for nothing in ["wrong", "refused"] {
            assert!(row[nothing].as_object().unwrap().is_empty(), "{name}: {nothing}");
        }
        // It was felt.
        let count = |figure: &str| row[figure].as_u64().unwrap();
        let errors = |kind: &str| {
            let errors = row["errors"].as_object().unwrap().iter();
            errors.filter(|(said, _)| said.ends_with(kind)).count()
        };
        assert!(count("answered") > 0 && count("times") > 0 && !row["back_ms"].is_null(), "{row}");
        let felt = match name {
            // It is a cache.
            "none" => count("creations") * 2 < count("answered") && count("bypassed") == 0,
            "killed" => count("bypassed") > 0 && errors("Unavailable") > 0,
            "paused" => count("bypassed") > 0 && errors("Timeout") > 0,
            "slow" => row["worst_ms"].as_f64().unwrap() >= 100.0,
            "full" | "read-only" => count("bypassed") > 0 && errors("Backend") > 0,
            "corrupted" => count("unreadable") > 0,
            _ => true,
        };
        assert!(felt, "{row}");
    }
}

#[test]
fn wrong_answers_are_noticed() {
    for (how, is) in [("foreign", "foreign"), ("old", "own-write-lost")] {
        // Somebody has to read what was written before somebody else replaces it: a matter of chance.
        let noticed = (1..=8).any(|seed| {
            let args = "--seconds 3 --tasks 32 --keys 20 --only none";
            let (code, table, figures) = run(&format!("{args} --sabotage {how} --seed {seed}"));
            let wrong = &figures["faults"][0]["wrong"];
            let is_wrong = !wrong.as_object().unwrap().is_empty();
            assert_eq!(table.contains("wrong answers"), is_wrong, "{how}: {table}");
            assert_eq!(code, Some(i32::from(is_wrong)), "{how}: {table}");
            wrong[is].as_u64().is_some_and(|count| count > 0)
        });
        assert!(noticed, "{how} was not noticed");
    }
}

#[test]
fn what_cannot_be_run_says_why() {
    for (args, says) in [
        ("--seconds 0", "not between 0.1 and"),
        ("--tasks 1", "not between 2 and"),
        ("--keys 3", "not between 20 and"),
        ("--only flooded", "there are none, killed"),
        ("--sabotage well", "`foreign` or `old`"),
        ("--frob", "--frob"),
    ] {
        let output = chaos().args(args.split(' ')).output().unwrap();
        let (code, error) = error(&output);
        assert!(code == Some(2) && error.contains(says), "{args}: {code:?} {error}");
    }
    let output = chaos().env("PATH", "").output().unwrap();
    let (code, error) = error(&output);
    assert!(code == Some(2) && error.contains("install Redis"), "{code:?} {error}");

    let output = chaos().arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && help.contains("  corrupted   "), "{help}");
}

/// Whether a server works in a folder of this one.
fn serves(folder: &Path) -> Option<()> {
    let inner = fs::read_dir(folder).unwrap().next()?.unwrap().path();
    inner.join("redis.sock").exists().then_some(())
}

#[tokio::test]
async fn an_interrupt_leaves_nothing_behind() {
    for (signal, fault) in [("INT", "none"), ("TERM", "paused")] {
        let folder = tempfile::tempdir().unwrap();
        let child = chaos().args(["--only", fault]).env("TMPDIR", folder.path()).spawn().unwrap();
        until("its server", async || serves(folder.path())).await;
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(error(&output), (Some(2), "chaos: interrupted\n"));
        assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "the server and its folder");
    }
}
