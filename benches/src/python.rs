//! The Python original, in a process of its own that measures when it is told to.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::Sample;

/// A Python program that answers each line with one line.
pub struct Python {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Python {
    /// `script` in the environment that `tests/python.sh` makes; `None` where that has not been run.
    pub fn start(script: &str, args: &[&str]) -> Option<Self> {
        let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
        let program = benches.join("../target/python/current/bin/python");
        if !program.exists() {
            eprintln!("no Python packages here (tests/python.sh brings them): rows are left out");
            return None;
        }
        let mut child = Command::new(program)
            .arg(benches.join("python").join(script))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Some(Self { child, input, output })
    }

    /// Sends `line` and reads the answer.
    pub fn ask(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}").expect("Python listens");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("Python answers");
        answer.trim().to_owned()
    }

    /// The seconds for each call that the program answers to `line`.
    pub fn sample(&mut self, line: &str) -> Sample {
        let answer = self.ask(line);
        let seconds = answer.parse().unwrap_or_else(|_| panic!("Python says {answer:?}"));
        Sample::time(seconds)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
