//! Python, with the packages that `tests/python.sh` brings.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    thread,
};

/// What the script `tests/python/NAME` prints in the environment `current` or `before`.
///
/// # Panics
///
/// When it fails, or the environment is not there.
pub(crate) fn python(environment: &str, name: &str, args: &[&str]) -> String {
    run(environment, name, args, &[], "")
}

/// The same with environment variables.
pub(crate) fn python_with(
    environment: &str,
    name: &str,
    args: &[&str],
    variables: &[(&str, &str)],
) -> String {
    run(environment, name, args, variables, "")
}

/// The same with something to read.
pub(crate) fn python_told(environment: &str, name: &str, args: &[&str], input: &str) -> String {
    run(environment, name, args, &[], input)
}

fn run(
    environment: &str,
    name: &str,
    args: &[&str],
    variables: &[(&str, &str)],
    input: &str,
) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = root.join("target/python").join(environment).join("bin/python");
    let mut child = Command::new(&program)
        .arg("-B")
        .arg(root.join("tests/python").join(name))
        .args(args)
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; run tests/python.sh", program.display()));
    let (mut stdin, input) = (child.stdin.take().expect("a pipe"), input.to_owned());
    // Beside the reading, or both could wait for each other. Whether it reads all of it is its own matter.
    let writer = thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("its output");
    writer.join().expect("a thread that writes");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tests/python/{name} {args:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}
