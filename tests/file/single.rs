//! One process.

use std::{sync::Arc, time::Duration};

use larder::{
    Backend, Bytes, ErrorKind, Expires, File, Key, Level, ManualClock, Put, Timestamp, WriteOpts,
};

use crate::{block_on, get, put};

fn ttl(secs: u64) -> WriteOpts<'static> {
    WriteOpts::keep_for(Some(Duration::from_secs(secs)))
}

#[test]
fn survives_being_closed_and_opened() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/folders/a.larder");
    for round in 0..5_u8 {
        let file = File::open(&path).unwrap();
        block_on(async {
            assert_eq!(file.len().unwrap(), u64::from(round));
            for old in 0..round {
                assert_eq!(get(&file, &old.to_string()).await, Some(Bytes::from(vec![old; 10])));
            }
            put(&file, &round.to_string(), vec![round; 10]).await;
        });
    }
}

#[test]
fn all_opens_of_one_path_share_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let opened: Vec<File> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| File::open(&path).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    // A link to a file that is not there yet.
    let early = dir.path().join("early");
    std::os::unix::fs::symlink("later", &early).unwrap();
    let early = File::open(early).unwrap();
    assert_eq!(early.path(), File::open(dir.path().join("later")).unwrap().path());
    let linked = File::open(&link).unwrap();
    block_on(async {
        for (i, file) in opened.iter().enumerate() {
            put(file, &i.to_string(), "x").await;
        }
        assert_eq!(linked.len().unwrap(), 8);
        assert!(format!("{linked:?}").contains("a.larder"));
        drop(opened);
        assert_eq!(get(&linked, "0").await, Some(Bytes::from("x")));
    });
    let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn replacing_an_open_file_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let old = File::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let error = File::open(&path).unwrap_err();
    assert!(error.to_string().contains("removed or replaced"), "{error}");
    block_on(put(&old, "still", "works"));
    drop(old);
    assert!(File::open(&path).unwrap().is_empty().unwrap());
}

#[test]
fn entries_expire_and_the_last_moment_counts() {
    let dir = tempfile::tempdir().unwrap();
    let time = ManualClock::new(Timestamp::from_secs(1000));
    let path = dir.path().join("a.larder");
    let file = File::builder(&path).clock(time.clock()).build().unwrap();
    assert_eq!(file.capabilities().expires, Expires::Always);
    block_on(async {
        file.set("short".into(), Bytes::from("1"), ttl(10)).await.unwrap();
        file.set(("in", "space").into(), Bytes::from("2"), ttl(20)).await.unwrap();
        put(&file, "for ever", "3").await;
        time.advance(Duration::from_secs(10));
        assert!(get(&file, "short").await.is_some());
        time.advance(Duration::from_micros(1));
        assert!(get(&file, "short").await.is_none());
        assert_eq!(file.len().unwrap(), 3);
        assert_eq!(file.sweep().await.unwrap(), 1);
        assert_eq!(file.sweep().await.unwrap(), 0);
        assert_eq!(file.len().unwrap(), 2);
        // A handle with another clock sees another time.
        let other = File::open(&path).unwrap();
        assert!(get(&other, ("in", "space")).await.is_none());
        assert!(get(&file, ("in", "space")).await.is_some());
        file.set("short".into(), Bytes::from("new"), WriteOpts::default()).await.unwrap();
        time.set(Timestamp::MAX);
        assert!(get(&file, "short").await.is_some());
    });
}

#[test]
fn sweeps_many_while_others_write() {
    let dir = tempfile::tempdir().unwrap();
    let time = ManualClock::new(Timestamp::from_secs(1000));
    let path = dir.path().join("a.larder");
    let file = File::builder(path).clock(time.clock()).build().unwrap();
    block_on(async {
        let names: Vec<String> = (0..20_000).map(|i| format!("key {i}")).collect();
        let put_at = |(i, name)| {
            Put::new(Key::from(name), Bytes::from("x"), if i % 2 == 0 { ttl(1) } else { ttl(9) })
        };
        let puts: Vec<_> = names.iter().enumerate().map(put_at).collect();
        file.set_multi(&puts).await.unwrap();
        time.advance(Duration::from_secs(5));
        let writes = async {
            for i in 0..50 {
                put(&file, &format!("another {i}"), "y").await;
            }
        };
        let (swept, ()) = tokio::join!(file.sweep(), writes);
        assert_eq!(swept.unwrap(), 10_000);
        assert_eq!(file.len().unwrap(), 10_050);
        file.clear().await.unwrap();
        assert!(file.is_empty().unwrap());
        put(&file, "again", "z").await;
        assert_eq!(file.len().unwrap(), 1);
    });
}

#[test]
fn keys_of_every_kind_stay_apart() {
    let dir = tempfile::tempdir().unwrap();
    let file = File::open(dir.path().join("a.larder")).unwrap();
    let long = "ü".repeat(300);
    let longer = format!("{long}!");
    let huge = "k".repeat(1 << 20);
    let keys: Vec<Key<'_>> = vec![
        "".into(),
        ("", "").into(),
        "ab".into(),
        ("a", "b").into(),
        ("", "ab").into(),
        ("ab", "").into(),
        (&long).into(),
        (&longer).into(),
        ("a", &long).into(),
        (&long, "a").into(),
        (&huge).into(),
    ];
    block_on(async {
        for (i, key) in keys.iter().enumerate() {
            put(&file, *key, format!("value {i}")).await;
        }
        assert_eq!(file.len().unwrap(), keys.len() as u64);
        let found = file.get_multi(&keys).await.unwrap();
        for (i, found) in found.into_iter().enumerate() {
            assert_eq!(found.unwrap(), Some(Bytes::from(format!("value {i}"))));
        }
        for (i, key) in keys.iter().enumerate() {
            file.remove(*key).await.unwrap();
            assert_eq!(get(&file, *key).await, None);
            assert_eq!(file.len().unwrap(), (keys.len() - i - 1) as u64);
        }
    });
}

#[test]
fn batches_keep_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let file = File::open(dir.path().join("a.larder")).unwrap();
    block_on(async {
        assert!(file.get_multi(&[]).await.unwrap().is_empty());
        file.set_multi(&[]).await.unwrap();
        file.remove_multi(&[]).await.unwrap();
        let set = |key, value| Put::new(Key::from(key), Bytes::from(value), WriteOpts::default());
        file.set_multi(&[set("a", "1"), set("b", "2"), set("a", "3"), set("c", "")]).await.unwrap();
        let keys = ["b", "missing", "a", "b", "c"].map(Key::from);
        let found: Vec<_> =
            file.get_multi(&keys).await.unwrap().into_iter().map(Result::unwrap).collect();
        let some = |text| Some(Bytes::from(text));
        assert_eq!(found, [some("2"), None, some("3"), some("2"), some("")]);
        file.remove_multi(&["a", "missing", "b"].map(Key::from)).await.unwrap();
        assert_eq!(file.len().unwrap(), 1);
    });
}

#[test]
fn many_threads_and_tasks() {
    const TASKS: usize = 64;
    const KEYS: usize = 50;
    let dir = tempfile::tempdir().unwrap();
    let file = File::open(dir.path().join("a.larder")).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .unwrap();
    let file = Arc::new(file);
    runtime.block_on(async {
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let file = Arc::clone(&file);
                tokio::spawn(async move {
                    for i in 0..KEYS {
                        let key = format!("{task}/{i}");
                        put(&file, &key, key.clone()).await;
                        assert_eq!(get(&file, &key).await, Some(Bytes::from(key)));
                        if i % 10 == 9 {
                            // A caller that goes away harms nobody.
                            let key = format!("{task}/{i}");
                            let set = file.set(
                                Key::from(&key),
                                Bytes::from(key.clone()),
                                WriteOpts::default(),
                            );
                            _ = tokio::time::timeout(Duration::ZERO, set).await;
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(file.len().unwrap(), (TASKS * KEYS) as u64);
}

#[test]
fn threads_may_end_while_the_file_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    for round in 0..300 {
        let file = File::open(&path).unwrap();
        let read = |spins| {
            let file = file.clone();
            move || {
                file.len().unwrap();
                (0..spins).for_each(|_| std::hint::spin_loop());
            }
        };
        let threads: Vec<_> = (0..6).map(|i| std::thread::spawn(read(round * i % 50))).collect();
        drop(file);
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

#[test]
fn works_without_tokio() {
    let dir = tempfile::tempdir().unwrap();
    let file = File::open(dir.path().join("a.larder")).unwrap();
    let mut write = Box::pin(put(&file, "a", "1"));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    crate::wait_until("the write returns", || write.as_mut().poll(&mut context).is_ready());
    assert_eq!(block_on(get(&file, "a")), Some(Bytes::from("1")));
}

#[test]
fn places_where_no_file_can_be() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("plain");
    std::fs::write(&plain, "text").unwrap();
    for path in [dir.path().to_owned(), plain.join("below"), "/dev/null".into(), "/".into()] {
        let builder = File::builder(&path).recreate_if_damaged(true);
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Backend);
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
    assert_eq!(std::fs::read(&plain).unwrap(), b"text");
}
