//! The example `python`, run as its users run it, and the words of the README about it.
//!
//! `cargo test` and `cargo nextest run` build the examples too; `cargo test --test python_example`
//! alone does not, and would run the one that was built last.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]
#![cfg(all(
    unix,
    feature = "backend-redis",
    feature = "codec-pickle",
    feature = "format-dogpile",
    feature = "macros"
))]

use std::{env, process::Command};

/// Without what depends on the machine.
fn steady(printed: &str) -> String {
    let lines = printed.lines().map(|line| line.split(", after").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn both_sides_have_the_same() {
    let mut program = env::current_exe().unwrap();
    program.pop();
    program.pop();
    let output = Command::new(program.join("examples/python")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = steady(&String::from_utf8(output.stdout).unwrap());
    // Nobody is first by right where all ask at once; but one creates, and all have that one's.
    let by_python = printed.replacen("here: 0, there: 1", "here: 1, there: 0", 1).replacen(
        "that of Python",
        "that of Rust",
        1,
    );
    let readme = include_str!("../README.md");
    let told = readme.split("--example python\n```\n\n```text\n").nth(1).unwrap();
    let told = steady(told.split("\n```").next().unwrap());
    assert!(printed == told || by_python == told, "{printed}");
}
