//! A master, its replica and three sentinels of a test's own.

use std::{
    fmt::Write as _,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{
    DEADLINE,
    redis_server::{RawClient, RedisServer, Reply, free_port},
};

/// The name of the master.
pub(crate) const NAME: &str = "mymaster";

/// All of them killed when dropped.
pub(crate) struct Watched {
    /// The first master, and its replica.
    pub(crate) servers: [RedisServer; 2],
    sentinels: Vec<(u16, Child)>,
    _folder: TempDir,
}

impl Watched {
    /// Starts them, and waits until everybody knows everybody. A master that does not answer for
    /// half a second is replaced.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with further arguments for the servers. `password` in them is that of the sentinels.
    pub(crate) fn start_with(args: &[&str]) -> Self {
        let fast = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"];
        let args = [&fast, args].concat();
        let servers = [RedisServer::start_with(&args), RedisServer::start_with(&args)];
        let port = servers[0].port().to_string();
        servers[1].call(&["REPLICAOF", "127.0.0.1", &port]);
        let folder = tempfile::tempdir().expect("a folder for sentinels");
        let sentinels = (0..3).map(|at| sentinel(&folder, at, &port)).collect();
        let watched = Self { servers, sentinels, _folder: folder };
        watched.wait("sentinels that know each other and the replica", |raw| {
            let Reply::Array(about) = raw.call(&["SENTINEL", "MASTER", NAME]) else { return false };
            let about: Vec<String> = about.iter().map(Reply::text).collect();
            let field =
                |name| about.iter().position(|field| field == name).map(|at| &about[at + 1]);
            field("num-slaves").is_some_and(|count| count == "1")
                && field("num-other-sentinels").is_some_and(|count| count == "2")
                && raw.call(&["SENTINEL", "CKQUORUM", NAME]) != Reply::Nil
        });
        watched.wait("a replica that follows", |raw| {
            let Reply::Array(all) = raw.call(&["SENTINEL", "REPLICAS", NAME]) else { return false };
            let Some(Reply::Array(about)) = all.first() else { return false };
            let about: Vec<String> = about.iter().map(Reply::text).collect();
            about.windows(2).any(|pair| pair == ["master-link-status", "ok"])
                && about.windows(2).any(|pair| pair == ["flags", "slave"])
        });
        watched
    }

    fn wait(&self, what: &str, mut probe: impl FnMut(&mut RawClient) -> bool) {
        let start = Instant::now();
        for (port, _) in &self.sentinels {
            while !RawClient::tcp(*port).is_ok_and(|mut raw| probe(&mut raw)) {
                assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    /// The URLs of the sentinels.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.sentinels.iter().map(|(port, _)| format!("redis://127.0.0.1:{port}")).collect()
    }

    /// Which of the servers the sentinels name.
    pub(crate) fn master(&self) -> usize {
        let mut raw = RawClient::tcp(self.sentinels[0].0).expect("a sentinel");
        let Reply::Array(address) = raw.call(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]) else {
            panic!("no master")
        };
        let is_first = address[1].text() == self.servers[0].port().to_string();
        usize::from(!is_first)
    }

    /// Kills a sentinel.
    pub(crate) fn kill_sentinel(&mut self, at: usize) {
        let (_, child) = &mut self.sentinels[at];
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        for (_, child) in &mut self.sentinels {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn sentinel(folder: &TempDir, at: usize, master: &str) -> (u16, Child) {
    let port = free_port();
    let path = folder.path().join(format!("sentinel-{at}.conf"));
    let mut config = format!("port {port}\nbind 127.0.0.1\nloglevel warning\n");
    writeln!(config, "dir {}", folder.path().display()).expect("text");
    writeln!(config, "sentinel monitor {NAME} 127.0.0.1 {master} 2").expect("text");
    writeln!(config, "sentinel down-after-milliseconds {NAME} 500").expect("text");
    writeln!(config, "sentinel failover-timeout {NAME} 3000").expect("text");
    std::fs::write(&path, config).expect("a configuration");
    let log = std::fs::File::create(path.with_extension("log")).expect("a log file");
    let child = Command::new("redis-server")
        .arg(&path)
        .arg("--sentinel")
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log file"))
        .stderr(log)
        .spawn();
    (port, child.expect("these tests need the program redis-server (Redis 7.0)"))
}
