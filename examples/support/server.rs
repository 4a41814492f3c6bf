//! A Redis of our own, and what can be done to it.

#![allow(dead_code, reason = "each example uses its own part of it")]

use std::{
    error::Error,
    fs::File,
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long it may take to start, or to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server on a UNIX socket in a folder of its own; both are gone when it is dropped.
pub(crate) struct Server {
    program: PathBuf,
    process: Child,
    folder: TempDir,
}

impl Server {
    /// Starts `program`: a path, or a name that is looked for in `PATH`.
    pub(crate) fn start(program: impl Into<PathBuf>) -> Result<Self, Box<dyn Error>> {
        let (program, folder) = (program.into(), tempfile::tempdir()?);
        let process = launch(&program, &folder)?;
        let mut server = Self { program, process, folder };
        server.wait()?;
        Ok(server)
    }

    /// Where its socket is.
    pub(crate) fn socket(&self) -> PathBuf {
        socket(&self.folder)
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    fn wait(&mut self) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        while self.call(&[b"PING"]).is_err() {
            let ended = self.process.try_wait()?.is_some();
            if ended || start.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(self.folder.path().join("log"))?;
                let program = self.program.display();
                return Err(format!("{program} does not start: {}", log.trim()).into());
            }
            sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        // Nobody is to find the socket of the dead.
        std::fs::remove_file(self.socket())
    }

    /// Starts it again after [`kill`](Self::kill), with nothing in it.
    pub(crate) fn revive(&mut self) -> Result<(), Box<dyn Error>> {
        self.process = launch(&self.program, &self.folder)?;
        self.wait()
    }

    /// Sends it a signal: `STOP` or `CONT`.
    pub(crate) fn signal(&self, signal: &str) -> Result<(), Box<dyn Error>> {
        let id = self.process.id().to_string();
        let done = Command::new("kill").args(["-s", signal, &id]).status()?;
        if done.success() { Ok(()) } else { Err(format!("kill -s {signal} {id}: {done}").into()) }
    }

    /// Runs one command; what it answers, if that is one value.
    pub(crate) fn call(&self, command: &[&[u8]]) -> io::Result<Option<Vec<u8>>> {
        call(&self.socket(), command)
    }

    /// Sets one of its settings.
    pub(crate) fn set(&self, name: &str, value: &str) -> io::Result<()> {
        self.call(&[b"CONFIG", b"SET", name.as_bytes(), value.as_bytes()]).map(drop)
    }

    /// How many bytes it has allocated.
    pub(crate) fn used_memory(&self) -> Result<i64, Box<dyn Error>> {
        let info = self.call(&[b"INFO", b"memory"])?.unwrap_or_default();
        let info = String::from_utf8(info)?;
        let used = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
        Ok(used.ok_or("INFO tells no used_memory")?.trim().parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// [`Server::call`] for who has nothing but the way there.
pub(crate) fn call(socket: &Path, command: &[&[u8]]) -> io::Result<Option<Vec<u8>>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut packed = format!("*{}\r\n", command.len()).into_bytes();
    for arg in command {
        packed.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        packed.extend_from_slice(arg);
        packed.extend_from_slice(b"\r\n");
    }
    stream.write_all(&packed)?;
    let mut answer = BufReader::new(stream);
    let mut line = String::new();
    answer.read_line(&mut line)?;
    let line = line.trim_end();
    match line.split_at_checked(1) {
        Some(("$", "-1")) => Ok(None),
        Some(("$", length)) => {
            let length = length.parse().map_err(io::Error::other)?;
            let mut bytes = vec![0; length];
            answer.read_exact(&mut bytes)?;
            Ok(Some(bytes))
        }
        Some(("+" | ":", said)) => Ok(Some(said.as_bytes().to_vec())),
        _ => Err(io::Error::other(format!("the server said {line:?}"))),
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

fn launch(program: &Path, folder: &TempDir) -> Result<Child, Box<dyn Error>> {
    let log = File::create(folder.path().join("log"))?;
    let mut command = Command::new(program);
    command.args(["--port", "0", "--save", "", "--appendonly", "no", "--loglevel", "warning"]);
    command.arg("--dir").arg(folder.path());
    command.arg("--unixsocket").arg(socket(folder));
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command.spawn().map_err(|error| absent(program, &error))?)
}

fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("redis.sock")
}

fn absent(program: &Path, error: &io::Error) -> String {
    let program = program.display();
    match error.kind() {
        ErrorKind::NotFound => format!(
            "there is no `{program}`; install Redis 7 or later (apt install redis-server, brew \
             install redis), or name another program where there is an option for it"
        ),
        _ => format!("{program} does not start: {error}"),
    }
}
