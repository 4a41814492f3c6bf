//! The example `functions`, run as its users run it.
//!
//! `cargo test` and `cargo nextest run` build the examples too; `cargo test --test functions_example`
//! alone does not, and would run the one that was built last.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]
#![cfg(all(
    unix,
    feature = "backend-memory",
    feature = "backend-redis",
    feature = "codec-postcard",
    feature = "config-toml",
    feature = "macros"
))]

#[cfg(test)]
mod support;

use std::{env, process::Command};

use support::redis_server::{RedisServer, Reply};

/// What it prints, with these variables in its environment.
fn run(variables: &[(&str, &str)]) -> String {
    let mut program = env::current_exe().unwrap();
    program.pop();
    program.pop();
    let output = Command::new(program.join("examples/functions"))
        .envs(variables.iter().copied())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The table in what was printed.
fn table(printed: &str) -> &str {
    &printed[printed.find("call  ").unwrap()..]
}

const TABLE: &str = include_str!("functions_example.txt");

#[test]
fn in_memory() {
    assert_eq!(table(&run(&[])), TABLE);
}

#[test]
fn the_same_in_redis_by_two_variables() {
    let server = RedisServer::start();
    let url = server.unix_url();
    let variables = [
        ("CACHE__USERS__BACKEND", "redis"),
        ("CACHE__USERS__LOCK", "redis"),
        ("CACHE__USERS__URL", &url),
    ];
    assert_eq!(table(&run(&variables)), TABLE);
    assert_eq!(server.call(&["HLEN", "user-9"]), Reply::Int(1));
    let again = run(&variables);
    assert!(
        again.contains("\nprofile(7)                                 0  \"user 7\""),
        "{again}"
    );
}
