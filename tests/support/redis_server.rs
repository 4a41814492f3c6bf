//! A Redis server of a test's own, and a bare client to look at it with.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::DEADLINE;

/// A `redis-server` on a UNIX socket and a TCP port, killed when dropped.
pub(crate) struct RedisServer {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    args: Vec<String>,
    tls: bool,
    child: Option<Child>,
}

impl RedisServer {
    /// A server with default settings and no persistence.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server with further arguments, such as `["--requirepass", "secret"]`.
    pub(crate) fn start_with(args: &[&str]) -> Self {
        Self::start_program("redis-server", args)
    }

    /// The server `program`, such as one of [`newer`].
    pub(crate) fn start_program(program: impl Into<PathBuf>, args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for redis-server");
        Self::launch(program.into(), folder, args, false)
    }

    /// A server whose TCP port speaks TLS only, with the certificate made by [`certificates`].
    pub(crate) fn start_tls(folder: TempDir) -> Self {
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let (cert, key, ca) = (path("server.pem"), path("server.key"), path("ca.pem"));
        #[rustfmt::skip]
        let args = [
            "--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &ca,
            "--tls-auth-clients", "no",
        ];
        Self::launch("redis-server".into(), folder, &args, true)
    }

    fn launch(program: PathBuf, folder: TempDir, args: &[&str], tls: bool) -> Self {
        let args = args.iter().map(ToString::to_string).collect();
        let mut server = Self { program, folder, port: 0, args, tls, child: None };
        for _ in 0..10 {
            server.port = free_port();
            if server.spawn() {
                return server;
            }
        }
        panic!("redis-server does not start: {}", server.log());
    }

    /// Starts the process and waits until it answers; `false` when it ends instead, as it does when
    /// somebody took the port.
    fn spawn(&mut self) -> bool {
        let port = self.port.to_string();
        let (tcp, tls) = if self.tls { ("0", port.as_str()) } else { (port.as_str(), "0") };
        let log = std::fs::File::create(self.folder.path().join("log")).expect("a log file");
        let mut command = Command::new(&self.program);
        command
            .args(["--port", tcp, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--unixsocket", &self.socket().to_string_lossy(), "--loglevel", "warning"])
            .arg("--dir")
            .arg(self.folder.path());
        if self.tls {
            command.args(["--tls-port", tls]);
        }
        let child = command
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => panic!(
                "these tests need the program {} (Redis 7.0; tests/servers.sh brings newer ones): {error}",
                self.program.display()
            ),
        };
        let start = Instant::now();
        loop {
            if child.try_wait().expect("the state of redis-server").is_some() {
                return false;
            }
            if self.answers() {
                self.child = Some(child);
                return true;
            }
            if start.elapsed() > DEADLINE {
                let _ = child.kill();
                let _ = child.wait();
                panic!("redis-server does not answer within {DEADLINE:?}: {}", self.log());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn answers(&self) -> bool {
        UnixStream::connect(self.socket()).is_ok()
            && TcpStream::connect(("127.0.0.1", self.port)).is_ok()
            && RawClient::unix(&self.socket()).is_ok_and(|mut raw| raw.try_call(&["PING"]).is_ok())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Where its UNIX socket is.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    /// Its TCP port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The folder that is its own.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `redis://127.0.0.1:port`
    pub(crate) fn tcp_url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `unix:///..`
    pub(crate) fn unix_url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// A bare client of this server.
    pub(crate) fn raw(&self) -> RawClient {
        RawClient::unix(&self.socket()).expect("a connection to redis-server")
    }

    /// Runs `command` with a bare client of its own.
    pub(crate) fn call(&self, command: &[&str]) -> Reply {
        self.raw().call(command)
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
            assert!(start.elapsed() < DEADLINE, "redis-server does not restart: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts another program in its place, at the same address.
    pub(crate) fn restart_as(&mut self, program: impl Into<PathBuf>) {
        self.program = program.into();
        self.restart();
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
            assert!(start.elapsed() < DEADLINE, "redis-server does not stop");
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

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A program that `tests/servers.sh` brings: `redis-8`, `valkey-8` or `valkey-9`.
pub(crate) fn newer(name: &str) -> PathBuf {
    let kind = name.split('-').next().unwrap_or_default();
    let servers = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/servers");
    servers.join(name).join("bin").join(format!("{kind}-server"))
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A folder with `ca.pem`, and `server.pem` and `server.key` for 127.0.0.1 and localhost.
pub(crate) fn certificates() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder for certificates");
    let openssl = |args: &str| {
        let output = Command::new("openssl")
            .args(args.split(' '))
            .current_dir(folder.path())
            .output()
            .unwrap_or_else(|error| panic!("these tests need the program openssl: {error}"));
        assert!(output.status.success(), "openssl {args}: {output:?}");
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"));
    openssl(&format!("req {key} -keyout server.key -out server.csr -subj /CN=server"));
    let names = "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n";
    std::fs::write(folder.path().join("names"), names).expect("a file");
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 \
         -extfile names",
    );
    folder
}

/// An answer of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Simple(String),
    Error(String),
    Int(i64),
    Bulk(Vec<u8>),
    Nil,
    Array(Vec<Reply>),
}

impl Reply {
    /// The text in it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => panic!("no text: {other:?}"),
        }
    }

    /// The number in it.
    pub(crate) fn int(&self) -> i64 {
        match self {
            Self::Int(number) => *number,
            other => panic!("no number: {other:?}"),
        }
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Self::Bulk(text.into())
    }
}

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// A client that knows nothing but the protocol.
pub(crate) struct RawClient(BufReader<Box<dyn Stream>>);

impl RawClient {
    fn unix(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        Ok(Self(BufReader::new(Box::new(stream))))
    }

    /// A client of who listens at a TCP port.
    pub(crate) fn tcp(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(DEADLINE))?;
        Ok(Self(BufReader::new(Box::new(stream))))
    }

    /// Sends a command and returns its answer, error replies included.
    pub(crate) fn call<A: AsRef<[u8]>>(&mut self, command: &[A]) -> Reply {
        self.try_call(command).expect("an answer of redis-server")
    }

    fn try_call<A: AsRef<[u8]>>(&mut self, command: &[A]) -> io::Result<Reply> {
        let mut packed = format!("*{}\r\n", command.len()).into_bytes();
        for arg in command {
            packed.extend_from_slice(format!("${}\r\n", arg.as_ref().len()).as_bytes());
            packed.extend_from_slice(arg.as_ref());
            packed.extend_from_slice(b"\r\n");
        }
        self.0.get_mut().write_all(&packed)?;
        self.read()
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    fn read(&mut self) -> io::Result<Reply> {
        let line = self.line()?;
        let bad = || io::Error::other(format!("not RESP: {line:?}"));
        let (kind, rest) = line.split_at_checked(1).ok_or_else(bad)?;
        let number = || rest.parse::<i64>().ok().ok_or_else(bad);
        Ok(match kind {
            "+" => Reply::Simple(rest.to_owned()),
            "-" => Reply::Error(rest.to_owned()),
            ":" => Reply::Int(number()?),
            "$" | "*" if number()? < 0 => Reply::Nil,
            "$" => {
                let mut bytes = vec![0; usize::try_from(number()?).ok().ok_or_else(bad)? + 2];
                self.0.read_exact(&mut bytes)?;
                bytes.truncate(bytes.len() - 2);
                Reply::Bulk(bytes)
            }
            "*" => Reply::Array((0..number()?).map(|_| self.read()).collect::<Result<_, _>>()?),
            _ => return Err(bad()),
        })
    }

    /// Makes it a witness of every command the server runs from now on.
    pub(crate) fn monitor(mut self) -> Monitor {
        assert_eq!(self.call(&["MONITOR"]), Reply::Simple("OK".into()));
        Monitor(self)
    }
}

/// The commands that a server runs, as `MONITOR` shows them.
pub(crate) struct Monitor(RawClient);

impl Monitor {
    /// The commands that others sent until now, one a line, quotes left away where they change
    /// nothing: `SET k v PX 1000`. What a script ran begins with `lua`: `lua SET k v`.
    pub(crate) fn seen(&mut self, server: &RedisServer) -> Vec<String> {
        const LAST: &str = "that was all";
        server.call(&["ECHO", LAST]);
        let mut seen = Vec::new();
        loop {
            let line = self.0.line().expect("MONITOR goes on");
            let (client, command) = line.split_once("] ").expect("time, client and command");
            if command.contains(LAST) {
                return seen;
            }
            if !command.starts_with(r#""CLIENT""#) {
                let lua = if client.ends_with(" lua") { "lua " } else { "" };
                seen.push(lua.to_owned() + &command.trim_matches('"').replace(r#"" ""#, " "));
            }
        }
    }
}
