//! Several processes, some of them killed.

use std::{
    io::Write as _,
    os::unix::fs::MetadataExt as _,
    process::Child,
    time::{Duration, Instant},
};

use larder::{Backend, Bytes, ErrorKind, File, Key, Level, WriteOpts};

use crate::{
    Dice, assert_whole, block_on,
    child::{KEYS, finish, hear, spawn},
    get, put, value,
};

pub(crate) fn ask(child: &mut Child, question: &str, answer: &str) {
    writeln!(child.stdin.as_mut().unwrap(), "{question}").unwrap();
    hear(child, &format!("answer: {answer}"));
}

pub(crate) fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn each_sees_what_the_other_writes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let file = File::open(&path).unwrap();
    let mut child = spawn("talk", &path, "");
    hear(&mut child, "ready");
    block_on(async {
        for i in 0..20 {
            let (mine, theirs) = (format!("mine {i}"), format!("theirs {i}"));
            ask(&mut child, &format!("get {mine}"), "no");
            put(&file, &mine, "x").await;
            ask(&mut child, &format!("get {mine}"), "yes");
            assert!(get(&file, &theirs).await.is_none());
            ask(&mut child, &format!("set {theirs}"), "done");
            assert_whole(&theirs, &get(&file, &theirs).await.unwrap());
        }
    });
    drop(child.stdin.take());
    finish(child);
}

#[test]
fn many_create_and_write_at_once() {
    let dir = tempfile::tempdir().unwrap();
    for start in ["new", "garbage"] {
        let path = dir.path().join(start);
        if start == "garbage" {
            std::fs::write(&path, vec![7; 20_000]).unwrap();
        }
        let children: Vec<_> = (0..6).map(|i| spawn("write", &path, &i.to_string())).collect();
        for child in children {
            finish(child);
        }
        let file = File::open(&path).unwrap();
        assert_eq!(file.len().unwrap(), 600, "{start}");
    }
}

fn assert_all_whole(file: &File) {
    block_on(async {
        for key in (0..KEYS).map(|i| i.to_string()) {
            if let Some(found) = get(file, &key).await {
                assert_whole(&key, &found);
            }
        }
    });
}

#[test]
fn killed_while_writing_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let mut dice = Dice::new(11);
    for round in 0..25 {
        let mut child = spawn("storm", &path, &round.to_string());
        hear(&mut child, "storming");
        std::thread::sleep(Duration::from_micros(dice.roll(20_000)));
        kill(child);
        let file = File::open(&path).unwrap();
        assert!(file.len().unwrap() > 0);
        assert_all_whole(&file);
        block_on(put(&file, "0", value("0", 1, 100)));
    }
}

#[test]
fn killed_while_others_write() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let file = File::open(&path).unwrap();
    let mut dice = Dice::new(12);
    for round in 0..12 {
        let mut children = [0, 1].map(|i| spawn("storm", &path, &(2 * round + i).to_string()));
        for child in &mut children {
            hear(child, "storming");
        }
        std::thread::sleep(Duration::from_micros(dice.roll(20_000)));
        for child in children {
            kill(child);
            block_on(put(&file, "0", value("0", 1, 100)));
            assert_all_whole(&file);
        }
    }
}

#[test]
fn killed_while_creating() {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(13);
    for round in 0..20 {
        let path = dir.path().join(round.to_string());
        let child = spawn("write", &path, "a");
        let start = Instant::now();
        let patience = Duration::from_micros(dice.roll(3_000));
        crate::wait_until("it begins", || path.exists() || start.elapsed() > patience * 20);
        kill(child);
        block_on(put(&File::open(&path).unwrap(), "b", "works"));
    }
}

#[test]
fn a_held_write_lock_blocks_no_runtime_and_dies_with_its_holder() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let file = File::open(&path).unwrap();
    // One thread for everything.
    block_on(async {
        put(&file, "before", "1").await;
        let mut child = spawn("hold", &path, "");
        hear(&mut child, "held");
        let set = tokio::spawn({
            let file = file.clone();
            async move { put(&file, "during", "2").await }
        });
        // One that goes away while it waits.
        let given_up = file.set("given up".into(), Bytes::from("x"), WriteOpts::default());
        assert!(tokio::time::timeout(Duration::from_millis(5), given_up).await.is_err());
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(2)).await;
            assert_eq!(get(&file, "before").await, Some(Bytes::from("1")));
        }
        assert!(!set.is_finished());
        kill(child);
        set.await.unwrap();
        assert_eq!(get(&file, "during").await, Some(Bytes::from("2")));
    });
}

#[test]
fn closing_waits_for_what_is_queued() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let file = File::open(&path).unwrap();
    let mut child = spawn("hold", &path, "");
    hear(&mut child, "held");
    block_on(async {
        for i in 0..5 {
            let key = i.to_string();
            let set = file.set(Key::from(&key), Bytes::from("x"), WriteOpts::default());
            _ = tokio::time::timeout(Duration::from_millis(2), set).await;
            _ = tokio::time::timeout(Duration::from_millis(2), file.remove("y".into())).await;
        }
    });
    drop(file);
    drop(child.stdin.take());
    finish(child);
    assert_eq!(File::open(&path).unwrap().len().unwrap(), 5);
}

#[test]
fn a_deleted_file_that_others_have_open_is_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let lock = || std::fs::metadata(dir.path().join("a.larder-lock")).unwrap().ino();
    // The other process joins, and stays when this one has gone.
    let file = File::open(&path).unwrap();
    let mut child = spawn("talk", &path, "");
    hear(&mut child, "ready");
    drop(file);
    let file = File::open(&path).unwrap();
    ask(&mut child, "set theirs", "done");
    block_on(async { assert!(get(&file, "theirs").await.is_some()) });
    drop(file);
    let whole = path.canonicalize().unwrap();
    crate::wait_until("it is closed", || heed::env_closing_event(&whole).is_none());

    let old_lock = lock();
    std::fs::remove_file(&path).unwrap();
    let file = File::open(&path).unwrap();
    assert_ne!(lock(), old_lock, "they must not share it");
    assert!(file.is_empty().unwrap());
    block_on(put(&file, "mine", "x"));
    ask(&mut child, "get mine", "no");
    ask(&mut child, "set more", "done");
    ask(&mut child, "get theirs", "yes");
    assert_eq!(file.len().unwrap(), 1);
    kill(child);
}

#[test]
fn a_replaced_file_that_others_have_open_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let other = dir.path().join("b.larder");
    let mut child = spawn("talk", &path, "");
    hear(&mut child, "ready");
    for i in 0..5 {
        ask(&mut child, &format!("set {i}"), "done");
    }
    block_on(put(&File::open(&other).unwrap(), "b", "x"));
    std::fs::rename(&other, &path).unwrap();
    let error = File::open(&path).unwrap_err();
    assert!(error.to_string().contains("it was replaced"), "{error}");
    let file = File::builder(&path).recreate_if_damaged(true).build().unwrap();
    block_on(put(&file, "mine", "x"));
    ask(&mut child, "get mine", "no");
    ask(&mut child, "get 3", "yes");
    kill(child);
}

#[test]
fn a_file_that_outgrew_this_process_is_a_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let file = File::builder(&path).max_bytes(1 << 20).build().unwrap();
    let mut child = spawn("talk", &path, "");
    hear(&mut child, "ready");
    let mut i = 0;
    let error = loop {
        ask(&mut child, &format!("fill {i}"), "done");
        i += 1;
        if let Err(error) = file.len() {
            break error;
        }
        assert!(i < 1000);
    };
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("max_bytes"), "{error}");
    let set = file.set("a".into(), Bytes::from("x"), WriteOpts::default());
    assert_eq!(block_on(set).unwrap_err().kind(), ErrorKind::Config);
    kill(child);
}
