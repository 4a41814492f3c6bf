//! Python, with the packages that `tests/python.sh` brings.

use std::{path::Path, process::Command};

/// What the script `tests/python/NAME` prints in the environment `current` or `before`.
///
/// # Panics
///
/// When it fails, or the environment is not there.
pub(crate) fn python(environment: &str, name: &str, args: &[&str]) -> String {
    python_with(environment, name, args, &[])
}

/// The same with environment variables.
pub(crate) fn python_with(
    environment: &str,
    name: &str,
    args: &[&str],
    variables: &[(&str, &str)],
) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = root.join("target/python").join(environment).join("bin/python");
    let output = Command::new(&program)
        .arg("-B")
        .arg(root.join("tests/python").join(name))
        .args(args)
        .envs(variables.iter().copied())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}; run tests/python.sh", program.display()));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tests/python/{name} {args:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}
