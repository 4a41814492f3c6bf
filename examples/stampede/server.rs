//! A Redis of our own.

use std::{
    error::Error,
    fs::File,
    io::ErrorKind,
    os::unix::net::UnixStream,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// A `redis-server` on a UNIX socket in a folder of its own; both are gone when it is dropped.
pub(crate) struct Server {
    process: Child,
    folder: TempDir,
}

impl Server {
    pub(crate) fn start() -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let log = File::create(folder.path().join("log"))?;
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--loglevel", "warning"]);
        command.arg("--dir").arg(folder.path());
        command.arg("--unixsocket").arg(folder.path().join("redis.sock"));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let process = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => "there is no `redis-server` in PATH; install Redis 6 or later \
                                    (apt install redis-server, brew install redis)"
                .to_owned(),
            _ => format!("redis-server does not start: {error}"),
        })?;
        let mut server = Self { process, folder };
        server.wait()?;
        Ok(server)
    }

    fn wait(&mut self) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        while UnixStream::connect(self.folder.path().join("redis.sock")).is_err() {
            let ended = self.process.try_wait()?.is_some();
            if ended || start.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(self.folder.path().join("log"))?;
                return Err(format!("redis-server does not start: {}", log.trim()).into());
            }
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.folder.path().join("redis.sock").display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
