//! The lock files beside a dbm file.

use std::{path::Path, time::Duration};

use larder::{
    BackendExt, DbmLock, DbmRwLock, Dogpile, ErrorKind, Json, Lock, OnTimeout, Options, PayloadExt,
    Redis, Region,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    python::{Age, Python, redis},
    scene::{asking, is_waiting, larder_holds, python_holds},
    support::{
        DEADLINE,
        redis_server::RedisServer,
        region::{Slow, patient},
        until,
    },
};

/// Where the values are, and beside which file the locks.
struct Site {
    server: RedisServer,
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        Self { server: RedisServer::start(), folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("pages.dbm")
    }

    fn region(&self) -> Region<Dogpile<Json<Redis>>, DbmLock> {
        let stack = patient(self.server.unix_url()).json().dogpile();
        Region::builder(stack).lock(DbmLock::new(self.path()).unwrap()).build().unwrap()
    }

    fn python(&self) -> Python {
        let arguments = json!({"filename": self.path()});
        Python::start(Age::Current, &redis(&self.server, "with_dbm_locks", &arguments))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_waits_for_the_other() {
    let site = Site::new();
    let (region, mut python) = (site.region(), site.python());
    python_holds(&region, &mut python).await;
    // Python's dbm backend sees locks of its own thread only.
    larder_holds(&region, &mut python, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_file_is_one_lock_between_processes() {
    let site = Site::new();
    let (region, mut python) = (site.region(), site.python());
    let slow = Slow::new();
    python.creating("a", "python's");
    let [b, c] = ["b", "c"].map(|key| asking(&region, key, &slow));
    is_waiting(&b).await;
    assert!(region.key_is_locked("b").await.unwrap(), "for all that can be seen");
    assert_eq!(slow.calls(), 0);
    python.go();
    // Inside this process different keys are created at the same time.
    slow.called(2).await;
    python.create("d", "python's");
    slow.go_once();
    slow.go_once();
    assert_eq!((b.await.unwrap(), c.await.unwrap()), ("larder's".into(), "larder's".into()));
    python.hear("creating");
    python.go();
    for got in ["python's", "python's"] {
        assert_eq!(python.hear("got"), got);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kernel_gives_back_what_a_dead_python_held() {
    let site = Site::new();
    let (region, mut python) = (site.region(), site.python());
    python.creating("k", "python's");
    let slow = Slow::new();
    slow.go();
    let waiter = asking(&region, "k", &slow);
    is_waiting(&waiter).await;
    python.kill();
    assert_eq!(waiter.await.unwrap(), "larder's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_taken_from_a_python_that_hangs() {
    let site = Site::new();
    let (region, mut python) = (site.region(), site.python());
    python.creating("k", "python's");
    let brief = Options::new().wait_timeout(Duration::from_millis(50));
    let late = region.with(brief.clone()).get_or_create("k", async || String::new()).await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Timeout);
    let taking_over = region.with(brief.on_timeout(OnTimeout::Create));
    let made = taking_over.get_or_create("k", async || "larder's".to_owned()).await.unwrap();
    assert_eq!(made, "larder's");
    assert_eq!(region.get::<String>("k").await.unwrap(), None, "it is for Python to store");
    python.go();
    assert_eq!(python.hear("got"), "python's");
    assert_eq!(region.get::<String>("k").await.unwrap().as_deref(), Some("python's"));
    // What was dropped has left nothing behind.
    until("the lock is free", async || {
        (!region.lock().is_locked("k".into()).await.unwrap()).then_some(())
    })
    .await;
}

/// Pythons that hand the file on to each other without a pause: what one of them stored is found meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_finds_its_value_while_others_have_the_file() {
    let site = Site::new();
    let (region, mut one, mut two) = (site.region(), site.python(), site.python());
    let slow = Slow::new();
    one.creating("k", "python's");
    let waiter = asking(&region, "k", &slow);
    is_waiting(&waiter).await;
    // Of those who sleep in the kernel some come before larder, and some do not.
    for round in 0..100 {
        let key = format!("other{round}");
        let (holder, next) =
            if round % 2 == 0 { (&mut one, &mut two) } else { (&mut two, &mut one) };
        next.create(key, "python's");
        holder.go();
        holder.hear("got");
        next.hear("creating");
        if waiter.is_finished() {
            break;
        }
    }
    // One of them has it still.
    let found = tokio::time::timeout(DEADLINE, waiter).await.expect("its turn").unwrap();
    assert_eq!((found.as_str(), slow.calls()), ("python's", 0));
}

/// A region whose values are in a dbm file.
fn in_a_file(path: &Path, arguments: Value) -> Python {
    let mut all = arguments;
    all["filename"] = json!(path);
    let settings = json!({"backend": "dogpile.cache.dbm", "serializer": "json", "arguments": all});
    Python::start(Age::Current, &settings)
}

/// That somebody sleeps in the kernel until the file at `path` is unlocked.
async fn is_waited_for(path: &Path) {
    use std::os::unix::fs::MetadataExt;

    let inode = format!(":{} ", std::fs::metadata(path).unwrap().ino());
    until("a process that waits for the file", async || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains("->") && line.contains(&inode)).then_some(())
    })
    .await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_is_opened_by_one_side_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("pages.dbm"), folder.path().join("other.lock"));
    for (arguments, lock, file) in [
        (json!({}), DbmRwLock::new(&path), folder.path().join("pages.dbm.rw.lock")),
        (json!({"rw_lockfile": other}), DbmRwLock::at(&other), other.clone()),
    ] {
        let (mut python, lock) = (in_a_file(&path, arguments), lock.unwrap());
        python.set("k", "python's");

        // Readers share, writers do not.
        let (reading, too) = (lock.read().await.unwrap(), lock.blocking_read().unwrap());
        assert_eq!(python.get("k"), "python's");
        python.tell(&json!(["set", "k", "anew"]));
        is_waited_for(&file).await;
        drop(reading);
        is_waited_for(&file).await;
        drop(too);
        python.hear("done");
        let writing = lock.write().await.unwrap();
        python.tell(&json!(["get", "k"]));
        is_waited_for(&file).await;
        drop(writing);
        assert_eq!(python.hear("got"), "anew");

        python.ask(&json!(["hold file", false]), "done");
        drop(lock.read().await.unwrap());
        let write = tokio::time::timeout(Duration::from_millis(30), lock.write()).await;
        assert!(write.is_err(), "it has to wait, and leaves nothing behind");
        drop(lock.blocking_read().unwrap());
        python.ask(&json!(["let file go"]), "done");
        drop(lock.blocking_write().unwrap());

        python.ask(&json!(["hold file", true]), "done");
        let reader = tokio::spawn({
            let lock = lock.clone();
            async move { lock.read().await.map(drop) }
        });
        is_waiting(&reader).await;
        python.kill();
        reader.await.unwrap().unwrap();
    }
}
