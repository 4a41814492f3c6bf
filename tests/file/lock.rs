//! Leases in a file, in one process.

use std::{path::Path, time::Duration};

use larder::{
    Backend, Bytes, Capabilities, ErrorKind, File, FileLock, Key, Lease, Level, Local, Lock,
    ManualClock, Put, Seen, Timestamp, WriteOpts,
};

use crate::{block_on, get, put, value};

const LASTS: Duration = Duration::from_secs(5);

/// A file whose time stands still, and a lock on it.
fn fixture(dir: &Path) -> (ManualClock, File, FileLock) {
    let time = ManualClock::new(Timestamp::from_secs(1000));
    let path = dir.join("a.larder");
    let file = File::builder(path).max_bytes(1 << 20).clock(time.clock()).build().unwrap();
    let lock = FileLock::new(&file);
    assert_eq!(lock.lasts(), LASTS);
    (time, file, lock)
}

async fn acquire(lock: &FileLock, lease: &Lease) -> bool {
    lock.acquire(std::slice::from_ref(lease)).await.unwrap() == [true]
}

async fn renew(lock: &FileLock, lease: &Lease) -> bool {
    lock.renew(std::slice::from_ref(lease)).await.unwrap() == [true]
}

async fn release(lock: &FileLock, lease: &Lease) {
    lock.release(std::slice::from_ref(lease)).await.unwrap();
}

async fn set(file: &File, lease: &Lease, value: &'static str) -> larder::Result<()> {
    file.set(lease.key(), Bytes::from(value), WriteOpts::default().fenced(lease)).await
}

/// The number of the last transaction, as the meta pages tell it.
fn last_txn(file: &File) -> u64 {
    let bytes = std::fs::read(file.path()).unwrap();
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let page_size = usize::try_from(word(40) & 0xffff_ffff).unwrap();
    word(144).max(word(page_size + 144))
}

#[test]
fn one_of_two_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let (_time, file, lock) = fixture(dir.path());
    let other = FileLock::new(&File::open(file.path()).unwrap());
    block_on(async {
        let (mine, theirs) = (lock.lease("key".into()), other.lease("key".into()));
        assert!(!lock.is_locked("key".into()).await.unwrap());
        assert!(acquire(&lock, &mine).await);
        assert!(acquire(&lock, &mine).await, "sent twice");
        assert!(!acquire(&lock, &theirs).await);
        assert!(lock.is_locked("key".into()).await.unwrap());
        assert!(!lock.is_locked("another".into()).await.unwrap());
        release(&lock, &theirs).await;
        assert!(renew(&lock, &mine).await, "what another releases is not touched");
        release(&lock, &mine).await;
        assert!(!lock.is_locked("key".into()).await.unwrap());
        assert!(!renew(&lock, &mine).await);
        // Only one of a batch.
        let both = [lock.lease("key".into()), lock.lease("key".into())];
        assert_eq!(lock.acquire(&both).await.unwrap(), [true, false]);
        assert_eq!(lock.acquire(&[]).await.unwrap(), [false; 0]);
    });
}

#[test]
fn an_ended_lease_is_free_and_the_last_moment_counts() {
    let dir = tempfile::tempdir().unwrap();
    let (time, file, lock) = fixture(dir.path());
    block_on(async {
        let (mine, theirs) = (lock.lease("key".into()), lock.lease("key".into()));
        assert!(acquire(&lock, &mine).await);
        time.advance(LASTS / 2);
        assert!(renew(&lock, &mine).await);
        time.advance(LASTS);
        assert!(!acquire(&lock, &theirs).await);
        time.advance(Duration::from_micros(1));
        assert!(!lock.is_locked("key".into()).await.unwrap());
        // Nobody has had it meanwhile.
        set(&file, &mine, "late").await.unwrap();
        assert!(renew(&lock, &mine).await);
        assert!(!acquire(&lock, &theirs).await);
        time.advance(LASTS + Duration::from_micros(1));
        assert!(acquire(&lock, &theirs).await);
        assert!(!renew(&lock, &mine).await);
        assert!(!acquire(&lock, &mine).await);
        release(&lock, &mine).await;
        assert!(renew(&lock, &theirs).await);
        // Those that are left behind go with the rest, uncounted.
        time.advance(LASTS + Duration::from_micros(1));
        assert_eq!(file.sweep().await.unwrap(), 0);
        assert!(!renew(&lock, &theirs).await);
    });
}

#[test]
fn seized_leases_are_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (_time, file, lock) = fixture(dir.path());
    block_on(async {
        let theirs = ["a", "b"].map(|key| lock.lease(key.into()));
        let mine = ["a", "b", "c"].map(|key| lock.lease(key.into()));
        lock.acquire(&theirs).await.unwrap();
        lock.seize(&mine).await.unwrap();
        assert_eq!(lock.renew(&theirs).await.unwrap(), [false, false]);
        assert_eq!(lock.renew(&mine).await.unwrap(), [true; 3]);
        let error = set(&file, &theirs[0], "void").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LeaseLost);
        set(&file, &mine[0], "counts").await.unwrap();
        assert_eq!(get(&file, "a").await, Some(Bytes::from("counts")));
    });
}

#[test]
fn the_fence_lets_the_holder_write_and_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let (time, file, lock) = fixture(dir.path());
    block_on(async {
        let (mine, theirs) = (lock.lease("key".into()), lock.lease("key".into()));
        put(&file, "key", "old").await;
        let refused = async |lease: &Lease, why: &str| {
            let before = get(&file, "key").await;
            let error = set(&file, lease, "void").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LeaseLost, "{why}");
            assert_eq!(error.key(), Some("key".into()), "{why}");
            assert!(error.to_string().contains("a.larder"), "{why}: {error}");
            assert_eq!(get(&file, "key").await, before, "{why}");
        };
        refused(&mine, "never taken").await;
        acquire(&lock, &mine).await;
        set(&file, &mine, "new").await.unwrap();
        assert_eq!(get(&file, "key").await, Some(Bytes::from("new")));
        refused(&theirs, "held by another").await;
        refused(&Local.lease("key".into()), "of another lock").await;
        release(&lock, &mine).await;
        refused(&mine, "given back").await;
        acquire(&lock, &mine).await;
        time.advance(2 * LASTS);
        acquire(&lock, &theirs).await;
        refused(&mine, "taken by another").await;
        release(&lock, &theirs).await;
        refused(&mine, "another was in between").await;
        put(&file, "key", "unfenced writes go on").await;
    });
}

#[test]
fn a_batch_writes_what_is_still_held() {
    let dir = tempfile::tempdir().unwrap();
    let (_time, file, lock) = fixture(dir.path());
    block_on(async {
        let keys = ["a", "b", "c", "d"].map(Key::from);
        let leases = keys.map(|key| lock.lease(key));
        assert_eq!(lock.acquire(&leases).await.unwrap(), [true; 4]);
        lock.seize(&[lock.lease("b".into()), lock.lease("d".into())]).await.unwrap();
        let fenced = |i: usize| {
            let opts = WriteOpts::default().fenced(&leases[i]);
            Put::new(keys[i], Bytes::from("new"), opts)
        };
        let unfenced = Put::new("free".into(), Bytes::from("new"), WriteOpts::default());
        let puts = [fenced(0), fenced(1), unfenced, fenced(2), fenced(3)];
        let error = file.set_multi(&puts).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LeaseLost);
        assert_eq!(error.key(), Some("b".into()));
        assert!(error.to_string().contains("2 of 5"), "{error}");
        for key in ["a", "c", "free"] {
            assert!(get(&file, key).await.is_some(), "{key}");
        }
        for key in ["b", "d"] {
            assert!(get(&file, key).await.is_none(), "{key}");
        }
        file.set_multi(&[fenced(0), fenced(2)]).await.unwrap();
    });
}

#[test]
fn a_wait_ends_with_the_lease_and_not_with_other_writes() {
    let dir = tempfile::tempdir().unwrap();
    let (time, file, lock) = fixture(dir.path());
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    // Steps of a wait pass as fast as they can.
    runtime.enable_all().start_paused(true).build().unwrap().block_on(async {
        lock.released("free".into(), &mut Seen::default()).await.unwrap();
        let mut lease = lock.lease("key".into());
        let wait = || {
            let lock = lock.clone();
            tokio::spawn(
                async move { lock.released("key".into(), &mut Seen::default()).await.unwrap() },
            )
        };
        for ending in ["release", "seize", "end", "clear"] {
            assert!(acquire(&lock, &lease).await);
            let waiting = wait();
            for i in 0..10 {
                put(&file, "another", format!("{i}")).await;
                tokio::time::sleep(Duration::from_millis(25)).await;
                time.advance(LASTS / 2);
                assert!(renew(&lock, &lease).await);
                tokio::time::sleep(Duration::from_millis(25)).await;
                assert!(!waiting.is_finished(), "{ending}, after {i}");
            }
            let next = lock.lease("key".into());
            match ending {
                "release" => release(&lock, &lease).await,
                "seize" => lock.seize(std::slice::from_ref(&next)).await.unwrap(),
                "end" => time.advance(LASTS + Duration::from_micros(1)),
                _ => file.clear().await.unwrap(),
            }
            waiting.await.unwrap();
            lease = next;
        }
    });
}

#[test]
fn a_thousand_leases_are_one_transaction_each_way() {
    let dir = tempfile::tempdir().unwrap();
    let (_time, file, lock) = fixture(dir.path());
    let names: Vec<_> = (0..1000).map(|i| format!("key {i}")).collect();
    let leases: Vec<_> = names.iter().map(|name| lock.lease(Key::from(name))).collect();
    block_on(async {
        let before = last_txn(&file);
        assert_eq!(lock.acquire(&leases).await.unwrap(), [true; 1000]);
        assert_eq!(last_txn(&file), before + 1);
        assert_eq!(lock.renew(&leases).await.unwrap(), [true; 1000]);
        assert_eq!(last_txn(&file), before + 2);
        lock.seize(&leases).await.unwrap();
        assert_eq!(last_txn(&file), before + 3);
        lock.release(&leases).await.unwrap();
        assert_eq!(last_txn(&file), before + 4);
        assert!(!lock.is_locked("key 7".into()).await.unwrap());
    });
}

#[test]
fn leases_are_no_entries_and_clear_removes_them() {
    let dir = tempfile::tempdir().unwrap();
    let (_time, file, lock) = fixture(dir.path());
    block_on(async {
        put(&file, "key", "x").await;
        let lease = lock.lease("key".into());
        acquire(&lock, &lease).await;
        assert_eq!((file.len().unwrap(), file.stats().unwrap().entries), (1, 1));
        assert_eq!(file.sweep().await.unwrap(), 0);
        file.remove("key".into()).await.unwrap();
        assert!(file.is_empty().unwrap());
        assert!(renew(&lock, &lease).await);
        file.clear().await.unwrap();
        assert!(!renew(&lock, &lease).await);
        assert_eq!(set(&file, &lease, "void").await.unwrap_err().kind(), ErrorKind::LeaseLost);
        assert!(file.is_empty().unwrap());
    });
}

#[test]
fn making_room_spares_leases_while_they_last() {
    let dir = tempfile::tempdir().unwrap();
    let (time, file, lock) = fixture(dir.path());
    let names: Vec<_> = (0..200).map(|i| format!("key {i}")).collect();
    let lease_all = || names.iter().map(|name| lock.lease(name.into())).collect::<Vec<_>>();
    let (leases, others) = (lease_all(), lease_all());
    block_on(async {
        lock.acquire(&leases).await.unwrap();
        // Each before all others, so that dropping goes on to where the leases are, and beyond.
        for i in (0..6_000).rev() {
            put(&file, &format!("entry {i:04}"), value("entry", i, 400)).await;
        }
        assert!(file.len().unwrap() < 3_000, "entries went");
        assert_eq!(lock.acquire(&others).await.unwrap(), [false; 200]);
        assert_eq!(lock.renew(&leases).await.unwrap(), [true; 200]);
        time.advance(2 * LASTS);
        file.sweep().await.unwrap();
        assert_eq!(lock.renew(&leases).await.unwrap(), [false; 200], "ended ones go");
    });
}

#[test]
fn a_file_full_of_leases_says_so_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let (_time, file, lock) = fixture(dir.path());
    let names: Vec<_> = (0..100).map(|i| format!("{i}{}", "-".repeat(400))).collect();
    block_on(async {
        put(&file, "key", "x").await;
        let mut held = Vec::new();
        let error = loop {
            let round = format!("{}", held.len());
            let leases = names.iter().map(|name| lock.lease((&round, name).into()));
            held.push(leases.collect::<Vec<_>>());
            if let Err(error) = lock.acquire(&held[held.len() - 1]).await {
                break error;
            }
            assert!(held.len() < 100);
        };
        assert_eq!(error.kind(), ErrorKind::Backend);
        assert!(error.to_string().contains("full"), "{error}");
        let set = file.set("key".into(), Bytes::from(vec![0; 100_000]), WriteOpts::default());
        assert!(set.await.unwrap_err().to_string().contains("full"));
        for leases in &held {
            lock.release(leases).await.unwrap();
        }
        put(&file, "key", vec![0; 100_000]).await;
    });
}

#[test]
fn nothing_is_left_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (_time, file, lock) = fixture(dir.path());
    block_on(async {
        let mut first = None;
        for i in 0..10_000 {
            let name = format!("key {i}");
            let lease = lock.lease(Key::from(&name));
            assert!(acquire(&lock, &lease).await);
            release(&lock, &lease).await;
            first.get_or_insert_with(|| file.stats().unwrap());
        }
        let (before, after) = (first.unwrap(), file.stats().unwrap());
        assert_eq!((after.entries, after.used_bytes), (0, before.used_bytes));
        assert!(after.file_bytes < 100_000, "{after:?}");
    });
}

#[test]
fn leases_of_all_keys_stay_apart() {
    let dir = tempfile::tempdir().unwrap();
    let (_time, file, lock) = fixture(dir.path());
    let limit = "k".repeat(510);
    let long = "k".repeat(511);
    let huge = "k".repeat(1 << 20);
    let keys: [Key<'_>; 10] = [
        "".into(),
        ("", "").into(),
        "ab".into(),
        ("a", "b").into(),
        ("", "ab").into(),
        (&limit).into(),
        (&long).into(),
        (&huge).into(),
        ("a", &huge).into(),
        (&huge, "a").into(),
    ];
    block_on(async {
        for (held, key) in keys.iter().enumerate() {
            assert!(!lock.is_locked(*key).await.unwrap(), "{held}");
            assert!(acquire(&lock, &lock.lease(*key)).await, "{held}");
            assert!(lock.is_locked(*key).await.unwrap(), "{held}");
        }
        assert!(file.is_empty().unwrap());
    });
}

#[test]
fn lock_and_file_know_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let (_time, file, lock) = fixture(dir.path());
    let domain = |capabilities: Capabilities| capabilities.fence;
    assert!(lock.domain().is_some());
    assert_eq!(domain(file.capabilities()), lock.domain());
    assert_eq!(domain(File::open(file.path()).unwrap().capabilities()), lock.domain());
    let another = File::open(dir.path().join("b.larder")).unwrap();
    assert_ne!(domain(another.capabilities()), lock.domain());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (_time, file, lock) = fixture(dir.path());
    let short = FileLock::builder(&file).lasts(Duration::from_millis(99)).build().unwrap_err();
    assert_eq!(short.kind(), ErrorKind::Config);
    assert!(short.to_string().contains("100ms or more"), "{short}");
    let long = FileLock::builder(&file).lasts(Duration::from_millis(100)).build().unwrap();
    assert_eq!(long.lasts(), Duration::from_millis(100));
    let foreign = Local.lease("key".into());
    let error = block_on(lock.acquire(&[lock.lease("a".into()), foreign])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.key(), Some("key".into()));
    assert!(!block_on(lock.is_locked("a".into())).unwrap());
}
