//! A Redis of our own.

use std::{
    error::Error,
    fs::File,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server on a UNIX socket in a folder of its own; both are gone when it is dropped.
pub(crate) struct Server {
    process: Child,
    folder: TempDir,
}

impl Server {
    pub(crate) fn start(program: &Path) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let log = File::create(folder.path().join("log"))?;
        let mut command = Command::new(program);
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--loglevel", "warning"]);
        command.arg("--dir").arg(folder.path());
        command.arg("--unixsocket").arg(folder.path().join("redis.sock"));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let process = command.spawn().map_err(|error| absent(program, &error))?;
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
                return Err(format!("the server does not start: {}", log.trim()).into());
            }
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.folder.path().join("redis.sock").display())
    }

    /// How many bytes the server has allocated.
    pub(crate) fn used_memory(&self) -> Result<i64, Box<dyn Error>> {
        let mut stream = UnixStream::connect(self.folder.path().join("redis.sock"))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"INFO memory\r\n")?;
        let mut answer = BufReader::new(stream);
        let mut length = String::new();
        answer.read_line(&mut length)?;
        let length = length.trim().strip_prefix('$').ok_or("INFO has another form")?;
        let mut text = vec![0; length.parse()?];
        answer.read_exact(&mut text)?;
        let text = String::from_utf8(text)?;
        let used = text.lines().find_map(|line| line.strip_prefix("used_memory:"));
        Ok(used.ok_or("INFO tells no used_memory")?.trim().parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The name and version of a server program: `Redis 7.0.15`.
pub(crate) fn version(program: &Path) -> Result<String, Box<dyn Error>> {
    let output =
        Command::new(program).arg("--version").output().map_err(|error| absent(program, &error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let name = text.split(' ').next().unwrap_or_default();
    let version = text.split(' ').find_map(|word| word.strip_prefix("v=")).unwrap_or("?");
    Ok(format!("{name} {version}"))
}

fn absent(program: &Path, error: &std::io::Error) -> String {
    let program = program.display();
    match error.kind() {
        ErrorKind::NotFound => format!(
            "there is no `{program}`; install Redis 7 or later (apt install redis-server, brew \
             install redis), or name another one with --redis"
        ),
        _ => format!("{program} does not start: {error}"),
    }
}
