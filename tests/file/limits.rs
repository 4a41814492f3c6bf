//! A file that is full.

use std::time::Duration;

use larder::{Backend, Bytes, ErrorKind, File, Key, Put, WriteOpts};

use crate::{Dice, assert_whole, block_on, get, put, value};

const LIMIT: u64 = 1 << 20;

#[test]
fn a_full_file_takes_new_entries() {
    let dir = tempfile::tempdir().unwrap();
    let file = File::builder(dir.path().join("a.larder")).max_bytes(LIMIT).build().unwrap();
    block_on(async {
        for i in 0..6_000 {
            let key = format!("key {i}");
            put(&file, &key, value(&key, i, 400)).await;
            assert_whole(&key, &get(&file, &key).await.unwrap());
        }
    });
    let stats = file.stats().unwrap();
    assert!(stats.file_bytes <= LIMIT, "{stats:?}");
    assert!(stats.used_bytes > LIMIT / 2 && stats.entries > 500, "{stats:?}");
}

#[test]
fn of_all_sizes_and_in_batches() {
    let dir = tempfile::tempdir().unwrap();
    let file = File::builder(dir.path().join("a.larder")).max_bytes(LIMIT).build().unwrap();
    let mut dice = Dice::new(4);
    block_on(async {
        for round in 0..300_u64 {
            let names: Vec<String> = (0..8).map(|_| format!("{}", dice.roll(500))).collect();
            let puts: Vec<_> = names
                .iter()
                .map(|name| {
                    let len = usize::try_from(dice.roll(12_000)).unwrap();
                    let opts = WriteOpts::keep_for(Some(Duration::from_secs(dice.roll(100))));
                    Put::new(Key::from(name), value(name, round, len), opts)
                })
                .collect();
            file.set_multi(&puts).await.unwrap();
            for name in &names {
                if let Some(found) = get(&file, name).await {
                    assert_whole(name, &found);
                }
            }
        }
        let stats = file.stats().unwrap();
        assert!(stats.file_bytes <= LIMIT && stats.used_bytes > LIMIT / 3, "{stats:?}");
        // A batch larger than the file: the last ones stay.
        let names: Vec<String> = (0..4_000).map(|i| format!("batch {i:05}")).collect();
        let puts: Vec<_> = names
            .iter()
            .map(|name| Put::new(Key::from(name), value(name, 1, 1000), WriteOpts::default()))
            .collect();
        file.set_multi(&puts).await.unwrap();
        assert!(get(&file, "batch 03999").await.is_some());
        file.clear().await.unwrap();
        assert!(file.stats().unwrap().used_bytes < 10_000);
    });
}

#[test]
fn a_value_larger_than_the_file_is_refused_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = File::builder(dir.path().join("a.larder")).max_bytes(LIMIT).build().unwrap();
    block_on(async {
        put(&file, "small", "1").await;
        let big = Bytes::from(vec![0; usize::try_from(LIMIT).unwrap()]);
        let set = |key, value| Put::new(Key::from(key), value, WriteOpts::default());
        let puts = [set("a", Bytes::from("2")), set("big", big), set("b", Bytes::from("3"))];
        let error = file.set_multi(&puts).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Backend);
        assert!(error.to_string().contains("full"), "{error}");
        for key in ["small", "a", "b"] {
            assert!(get(&file, key).await.is_some(), "{key}");
        }
    });
}

#[test]
fn expired_entries_go_first() {
    let dir = tempfile::tempdir().unwrap();
    let time = larder::ManualClock::new(larder::Timestamp::from_secs(1000));
    let builder = File::builder(dir.path().join("a.larder")).max_bytes(LIMIT);
    let file = builder.clock(time.clock()).build().unwrap();
    block_on(async {
        let short = WriteOpts::keep_for(Some(Duration::from_secs(1)));
        for i in 0..350 {
            let key = format!("z{i}");
            file.set(Key::from(&key), value(&key, 0, 1000), short).await.unwrap();
            put(&file, &format!("a{i}"), "stays").await;
        }
        time.advance(Duration::from_secs(2));
        for i in 0..350 {
            put(&file, &format!("new{i}"), value("new", i, 1000)).await;
        }
        for i in 0..350 {
            assert!(get(&file, &format!("a{i}")).await.is_some(), "a{i}");
        }
    });
}

#[test]
fn a_lower_limit_cuts_down_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let open = |limit| File::builder(&path).max_bytes(limit).build().unwrap();
    let file = open(8 * LIMIT);
    let write_all = async |file: &File, round: u64| {
        let names: Vec<String> = (0..5_000).map(|i| format!("{round} {i}")).collect();
        for names in names.chunks(100) {
            let puts: Vec<_> = names
                .iter()
                .map(|name| Put::new(Key::from(name), value(name, 1, 1000), WriteOpts::default()))
                .collect();
            file.set_multi(&puts).await.unwrap();
        }
    };
    block_on(write_all(&file, 0));
    let before = file.stats().unwrap();
    assert!(before.used_bytes > 5 * LIMIT && before.file_bytes <= 8 * LIMIT, "{before:?}");
    drop(file);
    let file = open(LIMIT);
    block_on(write_all(&file, 1));
    let after = file.stats().unwrap();
    assert!(after.used_bytes < LIMIT && after.entries > 100, "{after:?}");
    assert!(after.file_bytes <= before.file_bytes + LIMIT, "{after:?}");
}
