//! Other processes: this very binary, told by its environment what to be.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use larder::{File, Key, Put, WriteOpts};

use crate::{Dice, assert_whole, block_on, get, put, value};

const ROLE: &str = "LARDER_FILE_ROLE";
const PATH: &str = "LARDER_FILE_PATH";
const NAME: &str = "LARDER_FILE_NAME";

/// Keys of the write storm.
pub(crate) const KEYS: u64 = 200;

/// Starts a process in `role`.
pub(crate) fn spawn(role: &str, path: &Path, name: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["child::role", "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env(PATH, path)
        .env(NAME, name)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Waits for a line that contains `word`.
pub(crate) fn hear(child: &mut Child, word: &str) {
    let stdout = child.stdout.take().unwrap();
    let mut lines = BufReader::new(stdout);
    let mut line = String::new();
    while !line.contains(word) {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the child ended before {word}");
    }
    child.stdout = Some(lines.into_inner());
}

/// Waits for the end; a signal or a panic is a failure.
pub(crate) fn finish(mut child: Child) {
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    let status = child.wait().unwrap();
    let last: Vec<_> = out.lines().rev().take(5).collect();
    assert!(status.success(), "{status}: {last:#?}");
}

pub(crate) fn say(word: &str) {
    println!("{word}");
    std::io::stdout().flush().unwrap();
}

#[test]
fn role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let path = PathBuf::from(std::env::var(PATH).unwrap());
    let name = std::env::var(NAME).unwrap();
    match role.as_str() {
        "write" => write(&path, &name),
        "storm" => storm(&path, &name),
        "hold" => hold(&path),
        "talk" => talk(&path),
        "lock" => crate::lock_processes::lock(&path, &name),
        "count" => crate::lock_processes::count(&path),
        "damage" => crate::damage::survive(&path, &name),
        other => panic!("no such role: {other}"),
    }
}

/// Writes a hundred entries under its name, even if the file is damaged.
fn write(path: &Path, name: &str) {
    let file = File::builder(path).recreate_if_damaged(true).build().unwrap();
    block_on(async {
        for i in 0..100 {
            let key = format!("{name}/{i}");
            put(&file, &key, value(&key, i, 50)).await;
            assert_whole(&key, &get(&file, &key).await.unwrap());
        }
    });
}

/// Writes until it is killed.
fn storm(path: &Path, name: &str) {
    let mut dice = Dice::new(name.parse().unwrap());
    let file = File::open(path).unwrap();
    block_on(async {
        for round in 0_u64.. {
            let names: Vec<_> = (0..=dice.roll(5)).map(|_| dice.roll(KEYS).to_string()).collect();
            let puts: Vec<_> = names
                .iter()
                .map(|name| {
                    let len = if dice.roll(4) == 0 { dice.roll(20_000) } else { dice.roll(300) };
                    let value = value(name, round, usize::try_from(len).unwrap());
                    Put::new(Key::from(name), value, WriteOpts::default())
                })
                .collect();
            larder::Backend::set_multi(&file, &puts).await.unwrap();
            if round % 7 == 0 {
                larder::Level::remove(&file, Key::from(&names[0])).await.unwrap();
            }
            if round == 3 {
                say("storming");
            }
        }
    });
}

/// Takes the write lock and keeps it.
#[expect(unsafe_code, reason = "the lock is LMDB's own")]
fn hold(path: &Path) {
    let mut options = heed::EnvOpenOptions::new();
    options.map_size(64 << 20);
    // SAFETY: the file was made by larder and is in use by nobody but larder.
    let env = unsafe { options.flags(heed::EnvFlags::NO_SUB_DIR).open(path) }.unwrap();
    let txn = env.write_txn().unwrap();
    say("held");
    _ = std::io::stdin().read(&mut [0]);
    drop(txn);
}

/// Answers each line: `get key`, `set key`, `fill key` (with 100 KB).
fn talk(path: &Path) {
    let file = File::open(path).unwrap();
    say("ready");
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let Some((what, key)) = line.split_once(' ') else { continue };
        if what == "get" {
            say(if block_on(get(&file, key)).is_some() { "answer: yes" } else { "answer: no" });
        } else {
            let len = if what == "fill" { 100_000 } else { 10 };
            block_on(put(&file, key, value(key, 1, len)));
            say("answer: done");
        }
    }
}
