//! A process of Python that does what it is told.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
};

use serde_json::{Value, json};

use crate::support::{DEADLINE, memcached_server::MemcachedServer, redis_server::RedisServer};

/// The packages of today, and those of yesterday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Current,
    Before,
}

pub(crate) struct Python {
    child: Child,
    lines: Receiver<Value>,
    /// What it said that nobody has asked for yet.
    said: Vec<Value>,
}

impl Python {
    /// Starts one with these packages and a region of these settings; see `tests/python/region.py`.
    pub(crate) fn start(age: Age, settings: &Value) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = if age == Age::Current { "current" } else { "before" };
        let python = root.join("target/python").join(folder).join("bin/python");
        assert!(python.exists(), "there is no {}: run tests/python.sh", python.display());
        let mut child = Command::new(python)
            .args(["-u", "-W", "ignore"])
            .arg(root.join("tests/python/region.py"))
            .arg(settings.to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (heard, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if heard.send(serde_json::from_str(&line).unwrap()).is_err() {
                    break;
                }
            }
        });
        let mut python = Self { child, lines, said: Vec::new() };
        python.hear("ready");
        python
    }

    /// Tells it what to do.
    pub(crate) fn tell(&mut self, words: &Value) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{words}").unwrap();
    }

    /// Waits until it says `word`; what it says with it.
    pub(crate) fn hear(&mut self, word: &str) -> Value {
        loop {
            if let Some(at) = self.said.iter().position(|said| said[0] == word) {
                return self.said.remove(at).get_mut(1).map(Value::take).unwrap_or_default();
            }
            let Ok(said) = self.lines.recv_timeout(DEADLINE) else {
                panic!("it did not say {word}, but {:?}", self.said);
            };
            self.said.push(said);
        }
    }

    /// What it answers.
    pub(crate) fn ask(&mut self, words: &Value, word: &str) -> Value {
        self.tell(words);
        self.hear(word)
    }

    pub(crate) fn get(&mut self, key: impl Into<Value>) -> Value {
        self.ask(&json!(["get", key.into()]), "got")
    }

    pub(crate) fn set(&mut self, key: impl Into<Value>, value: impl Into<Value>) {
        self.ask(&json!(["set", key.into(), value.into()]), "done");
    }

    /// Whether it says that a creation goes on.
    pub(crate) fn sees_locked(&mut self, key: impl Into<Value>) -> bool {
        self.ask(&json!(["locked", key.into()]), "locked") == json!(true)
    }

    /// Whether it gets the lock of `key` at once.
    pub(crate) fn acquires(&mut self, key: impl Into<Value>) -> bool {
        self.ask(&json!(["acquire", key.into()]), "acquired") == json!(true)
    }

    /// Begins to ask for `key`, and creates `value` when it is let go, if it has to.
    pub(crate) fn create(&mut self, key: impl Into<Value>, value: impl Into<Value>) {
        self.tell(&json!(["create", key.into(), value.into()]));
    }

    /// The same once it creates.
    pub(crate) fn creating(&mut self, key: impl Into<Value>, value: impl Into<Value>) {
        self.create(key, value);
        self.hear("creating");
    }

    /// Lets one creation go.
    pub(crate) fn go(&mut self) {
        self.tell(&json!(["go"]));
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Settings of a region over Redis whose values are JSON, with these further arguments.
pub(crate) fn redis(server: &RedisServer, backend: &str, arguments: &Value) -> Value {
    let mut all = json!({
        "host": "127.0.0.1",
        "port": server.port(),
        "distributed_lock": true,
        "thread_local_lock": false,
        "lock_timeout": 60,
        "lock_sleep": 0.02,
    });
    add(&mut all, arguments);
    json!({"backend": backend, "serializer": "json", "arguments": all})
}

/// The same over memcached; `backend` is a client: `pymemcache` or `memcached`, which is python-memcached.
pub(crate) fn memcached(server: &MemcachedServer, backend: &str, arguments: &Value) -> Value {
    let mut all = json!({
        "url": format!("127.0.0.1:{}", server.port()),
        "distributed_lock": true,
        "lock_timeout": 60,
    });
    add(&mut all, arguments);
    let backend = format!("dogpile.cache.{backend}");
    json!({"backend": backend, "serializer": "json", "arguments": all})
}

fn add(all: &mut Value, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
}
