//! A memcached server of a test's own, and a bare client to look at it with.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{DEADLINE, redis_server::free_port};

/// Where a server listens.
enum Place {
    Tcp(u16),
    Unix,
}

/// A `memcached` on a TCP port or a UNIX socket, killed when dropped.
pub(crate) struct MemcachedServer {
    folder: TempDir,
    place: Place,
    args: Vec<String>,
    /// Whether it talks to those only who speak TLS.
    tls: bool,
    child: Option<Child>,
}

impl MemcachedServer {
    /// A server with default settings on a TCP port.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server with further arguments, such as `["-I", "2m"]`.
    pub(crate) fn start_with(args: &[&str]) -> Self {
        let args = args.iter().map(ToString::to_string).collect();
        Self::launch(folder(), Place::Tcp(0), args, false)
    }

    /// A server on a UNIX socket.
    pub(crate) fn start_unix() -> Self {
        Self::start_unix_with(&[])
    }

    /// The same with further arguments.
    pub(crate) fn start_unix_with(args: &[&str]) -> Self {
        let args = args.iter().map(ToString::to_string).collect();
        Self::launch(folder(), Place::Unix, args, false)
    }

    /// A server that wants one of `users`, such as `name:password`.
    pub(crate) fn start_with_users(users: &str) -> Self {
        let folder = folder();
        let path = folder.path().join("users");
        std::fs::write(&path, format!("{users}\n")).expect("a file of users");
        let args = vec!["-Y".to_owned(), path.display().to_string()];
        Self::launch(folder, Place::Tcp(0), args, false)
    }

    /// A server that speaks TLS only, with the certificate made by
    /// [`certificates`](super::redis_server::certificates).
    pub(crate) fn start_tls(folder: TempDir) -> Self {
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (cert, key) = (path("server.pem"), path("server.key"));
        let files = format!("ssl_chain_cert={cert},ssl_key={key}");
        Self::launch(folder, Place::Tcp(0), vec!["-Z".to_owned(), "-o".to_owned(), files], true)
    }

    fn launch(folder: TempDir, place: Place, args: Vec<String>, tls: bool) -> Self {
        let mut server = Self { folder, place, args, tls, child: None };
        for _ in 0..10 {
            if let Place::Tcp(port) = &mut server.place {
                *port = free_port();
            }
            if server.spawn() {
                return server;
            }
        }
        panic!("memcached does not start: {}", server.log());
    }

    /// Starts the process and waits until it answers; `false` when it ends instead, as it does when
    /// somebody took the port.
    fn spawn(&mut self) -> bool {
        let log = std::fs::File::create(self.folder.path().join("log")).expect("a log file");
        // As root it wants to be told who to be; else that is ignored.
        let mut command = Command::new("memcached");
        command.args(["-u", "root", "-U", "0", "-m", "64", "-t", "2"]);
        match self.place {
            Place::Tcp(port) => command.args(["-l", "127.0.0.1", "-p", &port.to_string()]),
            Place::Unix => command.arg("-s").arg(self.socket()),
        };
        let child = command
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => panic!("these tests need the program memcached (1.6): {error}"),
        };
        let start = Instant::now();
        loop {
            if child.try_wait().expect("the state of memcached").is_some() {
                return false;
            }
            if self.answers() {
                self.child = Some(child);
                return true;
            }
            if start.elapsed() > DEADLINE {
                let _ = child.kill();
                let _ = child.wait();
                panic!("memcached does not answer within {DEADLINE:?}: {}", self.log());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn answers(&self) -> bool {
        if self.tls {
            return TcpStream::connect(("127.0.0.1", self.port())).is_ok();
        }
        // One that wants a login says so.
        self.try_raw().is_ok_and(|mut raw| raw.try_ask("mn\r\n", "\r\n").is_ok())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("memcached.sock")
    }

    /// Its TCP port.
    pub(crate) fn port(&self) -> u16 {
        match self.place {
            Place::Tcp(port) => port,
            Place::Unix => panic!("this server listens on a UNIX socket"),
        }
    }

    /// The folder that is its own.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `memcached://127.0.0.1:port` or `memcached+unix:///..`
    pub(crate) fn url(&self) -> String {
        match self.place {
            Place::Tcp(port) => format!("memcached://127.0.0.1:{port}"),
            Place::Unix => format!("memcached+unix://{}", self.socket().display()),
        }
    }

    fn try_raw(&self) -> io::Result<RawMemcached> {
        let stream: Box<dyn Stream> = match self.place {
            Place::Tcp(port) => {
                let stream = TcpStream::connect(("127.0.0.1", port))?;
                stream.set_read_timeout(Some(DEADLINE))?;
                Box::new(stream)
            }
            Place::Unix => {
                let stream = UnixStream::connect(self.socket())?;
                stream.set_read_timeout(Some(DEADLINE))?;
                Box::new(stream)
            }
        };
        Ok(RawMemcached(stream))
    }

    /// What it answers to `commands` of a bare client, without the line ends at the end.
    pub(crate) fn ask(&self, commands: &str) -> String {
        let mut raw = self.try_raw().expect("a connection to memcached");
        raw.try_ask(&format!("{commands}\r\nmn\r\n"), "MN\r\n").expect("an answer of memcached")
    }

    /// Whether it holds something under `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.ask(&format!("mg {name}")) == "HD"
    }

    /// One of its statistics.
    pub(crate) fn stat(&self, name: &str) -> u64 {
        let all = self.ask("stats");
        let prefix = format!("STAT {name} ");
        let line = all.lines().find_map(|line| line.strip_prefix(&prefix)).expect("a statistic");
        line.trim().parse().expect("a number")
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_file(self.socket());
    }

    /// Starts it again at the same address, empty. Waits for the port if others have it.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let start = Instant::now();
        while !self.spawn() {
            assert!(start.elapsed() < DEADLINE, "memcached does not restart: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it without ending it: connections stay open, nothing answers.
    pub(crate) fn hang(&self) {
        self.signal("STOP");
        // Linux tells when it has come to a stop; until then it may still answer.
        let id = self.child.as_ref().expect("a running server").id();
        let start = Instant::now();
        while std::fs::read_to_string(format!("/proc/{id}/stat"))
            .is_ok_and(|stat| !stat.contains(") T "))
        {
            assert!(start.elapsed() < DEADLINE, "memcached does not stop");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends [`hang`](Self::hang).
    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().expect("a running server").id().to_string();
        let done =
            Command::new("kill").args(["-s", signal, &id]).status().expect("the program kill");
        assert!(done.success(), "kill -s {signal} {id}");
    }
}

impl Drop for MemcachedServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for memcached")
}

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// A client that knows nothing but lines.
struct RawMemcached(Box<dyn Stream>);

impl RawMemcached {
    /// Sends `text`; what is answered before `end`.
    fn try_ask(&mut self, text: &str, end: &str) -> io::Result<String> {
        self.0.write_all(text.as_bytes())?;
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let count = self.0.read(&mut buffer)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            answer.extend_from_slice(&buffer[..count]);
            if let Some(before) = answer.strip_suffix(end.as_bytes()) {
                return Ok(String::from_utf8_lossy(before).trim_end().to_owned());
            }
        }
    }
}
