//! Leases in a file that processes share.

use std::{
    collections::HashMap,
    path::Path,
    process::Child,
    slice::from_ref,
    time::{Duration, Instant},
};

use larder::{Backend, Bytes, ErrorKind, File, FileLock, Key, Lease, Lock, Seen, WriteOpts};

use crate::{
    block_on,
    child::{finish, hear, say, spawn},
    get,
    processes::{ask, kill},
};

const LONG: &str = "60000";
const COUNTERS: u64 = 4;
const COUNTS: u64 = 50;

fn open(path: &Path, lasts: &str) -> (File, FileLock) {
    let file = File::open(path).unwrap();
    let lasts = Duration::from_millis(lasts.parse().unwrap());
    let lock = FileLock::builder(&file).lasts(lasts).build().unwrap();
    (file, lock)
}

/// The child's part: takes and gives back as each line says, such as `acquire key`.
pub(crate) fn lock(path: &Path, lasts: &str) {
    let (file, lock) = open(path, lasts);
    let mut leases: HashMap<String, Lease> = HashMap::new();
    say("ready");
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let Some((what, key)) = line.split_once(' ') else { continue };
        let lease = leases.entry(key.to_owned()).or_insert_with(|| lock.lease(key.into()));
        let lease = from_ref(&*lease);
        let is_done = block_on(async {
            match what {
                "acquire" => lock.acquire(lease).await.unwrap() == [true],
                "seize" => lock.seize(lease).await.is_ok(),
                "renew" => lock.renew(lease).await.unwrap() == [true],
                "release" => lock.release(lease).await.is_ok(),
                "set" => {
                    let opts = WriteOpts::default().fenced(&lease[0]);
                    let set = file.set(key.into(), Bytes::from("theirs"), opts).await;
                    set.map_err(|error| assert_eq!(error.kind(), ErrorKind::LeaseLost)).is_ok()
                }
                other => panic!("what is {other}?"),
            }
        });
        say(if is_done { "answer: yes" } else { "answer: no" });
    }
}

/// The child's part: counts in steps that would overwrite each other.
pub(crate) fn count(path: &Path) {
    let (file, lock) = open(path, LONG);
    block_on(async {
        let key = Key::from("count");
        for _ in 0..COUNTS {
            let lease = lock.lease(key);
            while lock.acquire(from_ref(&lease)).await.unwrap() != [true] {
                lock.released(key, &mut Seen::default()).await.unwrap();
            }
            let next = counted(&file).await + 1;
            let opts = WriteOpts::default().fenced(&lease);
            file.set(key, Bytes::from(next.to_string()), opts).await.unwrap();
            lock.release(from_ref(&lease)).await.unwrap();
        }
    });
}

async fn counted(file: &File) -> u64 {
    let found = get(file, "count").await;
    found.map_or(0, |found| std::str::from_utf8(&found).unwrap().parse().unwrap())
}

fn spawn_locker(path: &Path, lasts: &str) -> Child {
    let mut child = spawn("lock", path, lasts);
    hear(&mut child, "ready");
    child
}

#[test]
fn processes_exclude_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let (file, lock) = open(&path, LONG);
    let mut child = spawn_locker(&path, LONG);
    block_on(async {
        let mine = lock.lease("key".into());
        ask(&mut child, "acquire key", "yes");
        ask(&mut child, "acquire key", "yes");
        assert!(lock.is_locked("key".into()).await.unwrap());
        assert_eq!(lock.acquire(from_ref(&mine)).await.unwrap(), [false]);
        ask(&mut child, "renew key", "yes");
        ask(&mut child, "set key", "yes");
        lock.seize(from_ref(&mine)).await.unwrap();
        ask(&mut child, "renew key", "no");
        ask(&mut child, "set key", "no");
        ask(&mut child, "release key", "yes");
        assert_eq!(lock.renew(from_ref(&mine)).await.unwrap(), [true]);
        ask(&mut child, "acquire key", "no");
        lock.release(from_ref(&mine)).await.unwrap();
        ask(&mut child, "set key", "no");
        ask(&mut child, "acquire key", "yes");
        ask(&mut child, "set key", "yes");
        assert_eq!(get(&file, "key").await, Some(Bytes::from("theirs")));
        ask(&mut child, "seize key", "yes");
    });
    drop(child.stdin.take());
    finish(child);
}

#[test]
fn no_two_processes_hold_it_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let children: Vec<_> = (0..COUNTERS).map(|_| spawn("count", &path, "")).collect();
    for child in children {
        finish(child);
    }
    let file = File::open(&path).unwrap();
    assert_eq!(block_on(counted(&file)), COUNTERS * COUNTS);
}

#[test]
fn a_release_wakes_other_processes_promptly() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let (_file, lock) = open(&path, LONG);
    let mut child = spawn_locker(&path, LONG);
    for ending in ["release key", "seize key"] {
        ask(&mut child, "acquire key", "yes");
        let held = lock.lease("key".into());
        if ending == "seize key" {
            block_on(lock.seize(from_ref(&held))).unwrap();
        }
        let (waits, has_looked) = std::sync::mpsc::channel();
        let waiter = std::thread::spawn({
            let lock = lock.clone();
            move || {
                block_on(async {
                    let mut seen = Seen::default();
                    let mut wait = std::pin::pin!(lock.released("key".into(), &mut seen));
                    let brief = Duration::from_millis(5);
                    assert!(tokio::time::timeout(brief, &mut wait).await.is_err());
                    waits.send(()).unwrap();
                    wait.await.unwrap();
                });
                Instant::now()
            }
        });
        has_looked.recv().unwrap();
        ask(&mut child, ending, "yes");
        let released = Instant::now();
        let took = waiter.join().unwrap().saturating_duration_since(released);
        assert!(took < Duration::from_millis(500), "{ending}: {took:?}");
    }
    kill(child);
}

#[test]
fn the_lease_of_a_killed_process_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let (_file, lock) = open(&path, "300");
    let mut child = spawn_locker(&path, "300");
    ask(&mut child, "acquire key", "yes");
    let start = Instant::now();
    kill(child);
    block_on(async {
        lock.released("key".into(), &mut Seen::default()).await.unwrap();
        assert_eq!(lock.acquire(&[lock.lease("key".into())]).await.unwrap(), [true]);
    });
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_caller_that_goes_away_before_its_turn_takes_no_lease() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let (_file, lock) = open(&path, LONG);
    let mut child = spawn("hold", &path, "");
    hear(&mut child, "held");
    block_on(async {
        let gone = lock.lease("key".into());
        let acquire = lock.acquire(from_ref(&gone));
        assert!(tokio::time::timeout(Duration::from_millis(5), acquire).await.is_err());
        kill(child);
        assert_eq!(lock.acquire(&[lock.lease("key".into())]).await.unwrap(), [true]);
    });
}
