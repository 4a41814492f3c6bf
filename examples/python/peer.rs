use std::{env, error::Error, path::Path, process::Stdio};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

pub(crate) type Failed = Box<dyn Error + Send + Sync>;

/// The interpreter with dogpile.cache: the one that was asked for, or that of the tests.
pub(crate) fn interpreter() -> String {
    env::args().nth(1).unwrap_or_else(|| {
        let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/target/python/current/bin/python");
        if Path::new(tests).exists() { tests } else { "python3" }.to_owned()
    })
}

/// A process of `service.py`, killed when it is dropped.
pub(crate) struct Peer {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    pub(crate) async fn start(interpreter: &str, url: &str) -> Result<Self, Failed> {
        let mut child = Command::new(interpreter)
            .args(["-B", "-c", "import service; service.main()"])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/python"))
            .env("REDIS_URL", url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{interpreter}: {error}"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("no pipes".into());
        };
        let mut peer = Self { _child: child, input, output: BufReader::new(output).lines() };
        peer.answer().await.map_err(|_ended| {
            format!("{interpreter} has no dogpile.cache and redis; run tests/python.sh first")
        })?;
        Ok(peer)
    }

    pub(crate) async fn ask(&mut self, question: &str) -> Result<Value, Failed> {
        self.input.write_all(format!("{question}\n").as_bytes()).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<Value, Failed> {
        let line = self.output.next_line().await?.ok_or("Python has ended")?;
        Ok(serde_json::from_str(&line)?)
    }
}
