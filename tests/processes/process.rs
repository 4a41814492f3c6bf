//! A process seen from outside, and the stores that processes share.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
};

use tempfile::TempDir;

use crate::{
    child::{LEASE, STORE},
    support::{DEADLINE, redis_server::RedisServer},
};

/// A store of either kind.
pub(crate) enum Site {
    Redis(RedisServer),
    File(TempDir),
}

impl Site {
    /// One of each kind.
    pub(crate) fn both() -> [Self; 2] {
        [Self::Redis(RedisServer::start()), Self::File(tempfile::tempdir().unwrap())]
    }

    /// Starts a process here whose leases last so many milliseconds.
    pub(crate) fn process(&self, lease: u32) -> Process {
        let store = match self {
            Self::Redis(server) => server.unix_url(),
            Self::File(folder) => folder.path().join("a.larder").to_string_lossy().into_owned(),
        };
        Process::start(&store, lease)
    }

    /// That no lock is left behind, as far as can be seen from outside.
    pub(crate) fn is_unlocked(&self) -> bool {
        match self {
            Self::Redis(server) => crate::support::region::locks(server).is_empty(),
            Self::File(_) => true,
        }
    }
}

/// A process that does what it is told.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    /// What it said that nobody has asked for yet.
    said: Vec<String>,
}

impl Process {
    fn start(store: &str, lease: u32) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child::role", "--exact", "--nocapture", "--test-threads=1"])
            .env(STORE, store)
            .env(LEASE, lease.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (heard, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if heard.send(line).is_err() {
                    break;
                }
            }
        });
        let mut process = Self { child, lines, said: Vec::new() };
        process.hear("ready");
        process
    }

    /// Tells it what to do.
    pub(crate) fn tell(&mut self, line: &str) {
        let mut stdin = self.child.stdin.as_ref().unwrap();
        writeln!(stdin, "{line}").unwrap();
    }

    /// Waits for a line that begins with `word`, and returns the rest of it.
    pub(crate) fn hear(&mut self, word: &str) -> String {
        let mut seen = 0;
        loop {
            // The test harness writes a line of its own before the first.
            let is_it = |line: &String| line.split(' ').any(|said| said == word);
            if let Some(at) = self.said[seen..].iter().position(is_it) {
                let line = self.said.remove(seen + at);
                let (_, rest) = line.split_once(word).unwrap();
                return rest.trim().to_owned();
            }
            seen = self.said.len();
            let line = self.lines.recv_timeout(DEADLINE);
            self.said.push(line.unwrap_or_else(|end| {
                panic!("never heard {word:?}, but {:?}: {end}", self.said);
            }));
        }
    }

    /// Tells it `line`, and waits for an answer that begins with `word`.
    pub(crate) fn ask(&mut self, line: &str, word: &str) -> String {
        self.tell(line);
        self.hear(word)
    }

    /// What it has under `key`.
    pub(crate) fn get(&mut self, key: &str) -> String {
        self.ask(&format!("get {key}"), "found")
    }

    /// How often it created each key.
    pub(crate) fn made(&mut self) -> BTreeMap<String, usize> {
        let report = self.ask("made", "made");
        let each = report.split_whitespace().map(|made| made.split_once('=').unwrap());
        each.map(|(key, times)| (key.to_owned(), times.parse().unwrap())).collect()
    }

    /// Stops it without ending it.
    pub(crate) fn stop(&self) {
        self.signal("STOP");
    }

    /// Ends [`stop`](Self::stop).
    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    /// Kills it, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let done = Command::new("kill").args(["-s", signal, &id]).status().unwrap();
        assert!(done.success(), "kill -s {signal} {id}");
    }

    /// Waits for its orderly end.
    pub(crate) fn finish(mut self) {
        drop(self.child.stdin.take());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How often all of `processes` together created each key.
pub(crate) fn made_by_all(processes: &mut [Process]) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for process in processes {
        for (key, times) in process.made() {
            *all.entry(key).or_default() += times;
        }
    }
    all
}
