//! Files that are not what larder wrote. All in child processes: a signal would be a failure.

use std::{
    fs,
    path::{Path, PathBuf},
};

use larder::{Backend, Bytes, ErrorKind, File, FileLock, Key, Lock, Put, WriteOpts};

use crate::{
    Dice, assert_whole, block_on,
    child::{finish, spawn},
    get, put, value,
};

const ENTRIES: u64 = 200;

/// A file with some history: overwritten, removed, small and large values, leases.
fn sample(path: &Path) {
    let file = File::open(path).unwrap();
    block_on(async {
        for round in 0..3 {
            for i in 0..ENTRIES {
                let key = format!("key {i}");
                let len = if i % 17 == round { 9000 } else { 100 };
                put(&file, &key, value(&key, round, len)).await;
            }
            for i in (0..ENTRIES).step_by(5) {
                larder::Level::remove(&file, Key::from(&format!("key {i}"))).await.unwrap();
            }
        }
        let lock = FileLock::new(&file);
        let leases = ["key 1", "key 2", "key 3"].map(|key| lock.lease(key.into()));
        lock.acquire(&leases).await.unwrap();
    });
    close(file);
}

fn close(file: File) {
    let path = file.path().to_owned();
    drop(file);
    crate::wait_until("it is closed", || heed::env_closing_event(&path).is_none());
}

/// Opens a damaged copy. It is refused, or works.
fn try_one(dir: &Path, case: &str, bytes: &[u8]) -> bool {
    // A new name each: closing goes on behind.
    println!("{case}");
    let path = dir.join(case);
    fs::write(&path, bytes).unwrap();
    let is_fine = match File::open(&path) {
        Ok(file) => {
            use_it(&file);
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Backend, "{case}: {error}");
            assert!(error.to_string().contains(path.to_str().unwrap()), "{case}: {error}");
            assert!(error.to_string().contains("recreate_if_damaged"), "{case}: {error}");
            assert_eq!(fs::read(&path).unwrap(), bytes, "{case}: it was changed");
            let file = File::builder(&path).recreate_if_damaged(true).build().unwrap();
            assert!(file.is_empty().unwrap());
            block_on(put(&file, "new", "works"));
            false
        }
    };
    _ = fs::remove_file(path.with_file_name(format!("{case}-lock")));
    _ = fs::remove_file(path);
    is_fine
}

fn use_it(file: &File) {
    block_on(async {
        let names: Vec<_> = (0..ENTRIES).map(|i| format!("key {i}")).collect();
        let keys: Vec<_> = names.iter().map(Key::from).collect();
        for (name, found) in names.iter().zip(file.get_multi(&keys).await.unwrap()) {
            match found {
                Ok(None) => {}
                Ok(Some(found)) => assert_whole(name, &found),
                Err(error) => assert!(error.is_unreadable(), "{error}"),
            }
        }
        let lock = FileLock::new(file);
        let leases: Vec<_> = keys.iter().map(|key| lock.lease(*key)).collect();
        _ = lock.is_locked(keys[1]).await;
        _ = lock.acquire(&leases).await;
        _ = lock.release(&leases).await;
        let puts: Vec<_> = keys
            .iter()
            .map(|key| Put::new(*key, Bytes::from_static(&[7; 3000]), WriteOpts::default()))
            .collect();
        for some in puts.chunks(60) {
            _ = file.set_multi(some).await;
        }
        _ = file.sweep().await;
        _ = get(file, "key 7").await;
        _ = file.clear().await;
    });
}

/// The child's part: many damaged copies of the file at `path`.
pub(crate) fn survive(path: &Path, kind: &str) {
    let whole = fs::read(path).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut dice = Dice::new(kind.len() as u64);
    let pages = whole.len() / 4096;
    assert!(try_one(dir, "whole", &whole));
    match kind {
        "cut" => {
            for len in (1..pages).map(|page| page * 4096).chain([1, 16, 100, 151, 4095, 4097, 8191])
            {
                try_one(dir, &format!("cut at {len}"), &whole[..len]);
            }
            assert!(!try_one(dir, "cut in the middle", &whole[..pages / 2 * 4096]));
            assert!(!try_one(dir, "cut a byte", &whole[..4096 * 3 - 1]));
        }
        "meta" => {
            for page in [0, 4096] {
                for bit in 0..152 * 8 {
                    // Every bit of the fields that lead anywhere, some of the rest.
                    if (bit < 40 * 8 && bit % 9 != 0) || (bit >= 40 * 8 && bit % 5 != 0) {
                        continue;
                    }
                    let mut bytes = whole.clone();
                    bytes[page + bit / 8] ^= 1 << (bit % 8);
                    try_one(dir, &format!("meta {page} bit {bit}"), &bytes);
                }
            }
        }
        "any" => {
            for _ in 0..200 {
                let at = usize::try_from(dice.roll(whole.len() as u64)).unwrap();
                // Headers and the slots behind them, more often than chance would.
                let at = if dice.roll(2) == 0 { at / 4096 * 4096 + at % 48 } else { at };
                let bit = dice.roll(8);
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                try_one(dir, &format!("byte {at} bit {bit}"), &bytes);
            }
        }
        "pages" => {
            for _ in 0..70 {
                let mut page = || usize::try_from(dice.roll(pages as u64)).unwrap() * 4096;
                let (from, to) = (page(), page());
                let mut bytes = whole.clone();
                bytes.copy_within(from..from + 4096, to);
                try_one(dir, &format!("page {from} over {to}"), &bytes);
                bytes[to..to + 4096].fill(0);
                try_one(dir, &format!("page {to} empty"), &bytes);
            }
        }
        other => panic!("no such damage: {other}"),
    }
}

fn in_child(kind: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path: PathBuf = dir.path().join("sample");
    sample(&path);
    finish(spawn("damage", &path, kind));
}

#[test]
fn cut_off() {
    in_child("cut");
}

#[test]
fn flipped_bits_in_the_meta_pages() {
    in_child("meta");
}

#[test]
fn flipped_bits_anywhere() {
    in_child("any");
}

#[test]
fn misplaced_pages() {
    in_child("pages");
}

#[test]
fn foreign_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(5);
    let random: Vec<u8> = (0..50_000).map(|_| u8::try_from(dice.roll(256)).unwrap()).collect();
    let mut sqlite = b"SQLite format 3\0\x10\x00\x01\x01".to_vec();
    sqlite.resize(8192, 0);
    let long_text = "a line of text\n".repeat(2000);
    let cases = [
        ("text", &b"hello"[..]),
        ("long text", long_text.as_bytes()),
        ("zeros", &vec![0; 20_000][..]),
        ("random", &random[..]),
        ("sqlite", &sqlite[..]),
    ];
    for (case, bytes) in cases {
        assert!(!try_one(dir.path(), case, bytes), "{case}");
    }
    assert!(try_one(dir.path(), "empty", &[]));
}

#[test]
#[expect(unsafe_code, reason = "to make a file of LMDB without larder")]
fn another_program_s_lmdb_file() {
    let dir = tempfile::tempdir().unwrap();
    for (case, name) in [("named", Some("their database")), ("unnamed", None)] {
        let path = dir.path().join(case);
        let mut options = heed::EnvOpenOptions::new();
        options.map_size(1 << 20).max_dbs(2);
        // SAFETY: a new file in a folder of our own.
        let env = unsafe { options.flags(heed::EnvFlags::NO_SUB_DIR).open(&path) }.unwrap();
        let mut txn = env.write_txn().unwrap();
        let db = env.create_databases_and_commit::<_, _, (), heed::Error>(txn, |opener, txn| {
            let db: heed::Database<'_, heed::types::Str, heed::types::Str> =
                opener.create_database(txn, name)?;
            Ok(heed::CommitOrAbort::Commit(db))
        });
        let db = db.unwrap().unwrap_commit();
        txn = env.write_txn().unwrap();
        db.put(&mut txn, "their", "data").unwrap();
        txn.commit().unwrap();
        env.prepare_for_closing().wait();
        let error = File::open(&path).unwrap_err();
        assert!(error.to_string().contains("recreate_if_damaged"), "{error}");
        let file = File::builder(&path).recreate_if_damaged(true).build().unwrap();
        assert!(file.is_empty().unwrap());
        block_on(put(&file, "ours", "now"));
    }
}

/// Writes what the file says it is; `None` only reads it.
#[expect(unsafe_code, reason = "to write what another version of larder would")]
fn mark(path: &Path, layout: Option<&[u8]>) -> Vec<u8> {
    use heed::types::Bytes;

    let mut options = heed::EnvOpenOptions::new();
    options.map_size(1 << 20);
    // SAFETY: nobody has the file open.
    let env = unsafe { options.flags(heed::EnvFlags::NO_SUB_DIR).open(path) }.unwrap();
    let txn = env.read_txn().unwrap();
    let db = env.open_databases_and_commit::<_, heed::Database<'_, Bytes, Bytes>, (), heed::Error>(
        txn,
        |opener, txn| Ok(heed::CommitOrAbort::Commit(opener.open_database(txn, None)?.unwrap())),
    );
    let db = db.unwrap().unwrap_commit();
    let mut txn = env.write_txn().unwrap();
    let before = db.get(&txn, b"\xfclarder").unwrap().unwrap().to_vec();
    if let Some(layout) = layout {
        db.put(&mut txn, b"\xfclarder", layout).unwrap();
    }
    txn.commit().unwrap();
    env.prepare_for_closing().wait();
    before
}

#[test]
fn a_file_from_before_there_were_leases_opens() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let file = File::open(&path).unwrap();
    block_on(put(&file, "key", "x"));
    close(file);
    assert_eq!(mark(&path, Some(b"larder file 1")), b"larder file 2");
    let file = File::open(&path).unwrap();
    block_on(async {
        assert_eq!(get(&file, "key").await, Some(Bytes::from("x")));
        let lock = FileLock::new(&file);
        assert_eq!(lock.acquire(&[lock.lease("key".into())]).await.unwrap(), [true]);
    });
    close(file);
    assert_eq!(
        mark(&path, Some(b"larder file 3")),
        b"larder file 2",
        "older code must not open it"
    );
    let error = File::open(&path).unwrap_err();
    assert!(error.to_string().contains("another version of larder"), "{error}");
    assert_eq!(mark(&path, None), b"larder file 3");
}
