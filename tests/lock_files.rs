//! `DbmLock` and `DbmRwLock` in one process. With Python they are met in `tests/python_locks`.
#![cfg(all(unix, feature = "backend-memory", feature = "codec-json", feature = "lock-dbm"))]

#[cfg(test)]
#[path = "support/mod.rs"]
mod support;

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        path::Path,
        pin::pin,
        process::{Command, Stdio},
        slice::from_ref,
        task::{Context, Poll, Waker},
        time::{Duration, Instant},
    };

    use larder::{
        BackendExt, DbmLock, DbmRwLock, Domain, ErrorKind, IntTime, Json, Key, Lease, Lock, Memory,
        OnTimeout, Options, PayloadExt, Region, Result, Seen,
    };

    use crate::support::{DEADLINE, region::Slow, until};

    type Stack = IntTime<Json<Memory>>;

    /// Two that exclude each other as two processes do.
    fn two(path: &Path) -> [DbmLock; 2] {
        [(); 2].map(|()| DbmLock::new(path).unwrap())
    }

    async fn takes(lock: &DbmLock, lease: &Lease) -> bool {
        lock.acquire(from_ref(lease)).await.unwrap() == [true]
    }

    async fn gives_back(lock: &DbmLock, lease: &Lease) {
        lock.release(from_ref(lease)).await.unwrap();
    }

    #[tokio::test]
    async fn a_process_holds_the_file_for_all_of_its_keys() {
        let folder = tempfile::tempdir().unwrap();
        let [ours, theirs] = two(&folder.path().join("pages"));
        assert_eq!(ours.path(), folder.path().join("pages.dogpile.lock"));
        assert!(!ours.is_locked("a".into()).await.unwrap() && !ours.path().exists());
        let [a, b, other] = ["a", "b", "a"].map(|key| ours.lease(key.into()));
        assert!(takes(&ours, &a).await && takes(&ours, &b).await);
        assert!(!takes(&ours, &other).await);
        assert!(!ours.is_locked("c".into()).await.unwrap(), "it can be had");
        for key in ["a", "b", "c"] {
            assert!(!takes(&theirs, &theirs.lease(key.into())).await);
            assert!(theirs.is_locked(key.into()).await.unwrap());
        }
        // Nobody robs another process.
        let robber = theirs.lease("a".into());
        theirs.seize(from_ref(&robber)).await.unwrap();
        assert_eq!(theirs.renew(from_ref(&robber)).await.unwrap(), [false]);
        assert_eq!(ours.renew(&[a.clone(), b.clone(), other]).await.unwrap(), [true, true, false]);
        gives_back(&ours, &a).await;
        assert!(!takes(&theirs, &robber).await, "another key is held");
        gives_back(&ours, &b).await;
        assert!(takes(&theirs, &robber).await);
        assert!(!takes(&ours, &a).await);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn all_who_wait_are_served() {
        let folder = tempfile::tempdir().unwrap();
        let [ours, theirs] = two(&folder.path().join("pages"));
        let held = ours.lease("held".into());
        assert!(takes(&ours, &held).await);
        let waiters: Vec<_> = (0..200)
            .map(|number| {
                let lock = theirs.clone();
                tokio::spawn(async move {
                    let lease = lock.lease((&format!("key {}", number / 2)).into());
                    while !takes(&lock, &lease).await {
                        lock.released(lease.key(), &mut Seen::default()).await.unwrap();
                    }
                    gives_back(&lock, &lease).await;
                })
            })
            .collect();
        // Some of them give up.
        tokio::time::sleep(Duration::from_millis(20)).await;
        for waiter in waiters.iter().step_by(3) {
            waiter.abort();
        }
        gives_back(&ours, &held).await;
        for waiter in waiters {
            let ended = tokio::time::timeout(DEADLINE, waiter).await.expect("a lost waiter");
            assert!(ended.is_ok() || ended.unwrap_err().is_cancelled());
        }
        // Whatever the dropped ones held is given back.
        until("the file is free", async || takes(&ours, &held).await.then_some(())).await;
    }

    /// A dropped call holds nothing, however far it came, once it is released.
    #[tokio::test]
    async fn dropped_calls_hold_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let [ours, theirs] = two(&folder.path().join("pages"));
        for _ in 0..50 {
            let lease = ours.lease("k".into());
            {
                let mut call = pin!(ours.acquire(from_ref(&lease)));
                let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            }
            gives_back(&ours, &lease).await;
            let lease = theirs.lease("k".into());
            until("it is free", async || takes(&theirs, &lease).await.then_some(())).await;
            {
                let mut call = pin!(theirs.release(from_ref(&lease)));
                let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            }
            let lease = ours.lease("k".into());
            until("it is free", async || takes(&ours, &lease).await.then_some(())).await;
            gives_back(&ours, &lease).await;
        }
    }

    #[tokio::test]
    async fn programs_started_meanwhile_hold_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pages");
        let [ours, theirs] = two(&path);
        let lease = ours.lease("k".into());
        assert!(takes(&ours, &lease).await);
        let writing = DbmRwLock::new(&path).unwrap().write().await.unwrap();
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        gives_back(&ours, &lease).await;
        drop(writing);
        assert!(takes(&theirs, &theirs.lease("k".into())).await);
        drop(DbmRwLock::new(&path).unwrap().blocking_write().unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn outside_of_a_runtime_it_answers_at_once() {
        fn now<T>(call: impl Future<Output = larder::Result<T>>) -> T {
            match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(answer) => answer.unwrap(),
                Poll::Pending => unreachable!("it waits"),
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let [ours, theirs] = two(&folder.path().join("pages"));
        let lease = [ours.lease("k".into())];
        assert_eq!(now(ours.acquire(&lease)), [true]);
        assert!(now(theirs.is_locked("k".into())));
        now(ours.release(&lease));
        drop(now(DbmRwLock::new(folder.path().join("pages")).unwrap().read()));
    }

    #[tokio::test]
    async fn files_that_cannot_be_used_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("missing").join("pages");
        let is_folder = folder.path().join("folder");
        std::fs::create_dir(&is_folder).unwrap();
        for (lock, file, rw) in [
            (DbmLock::new(&nowhere), "missing/pages.dogpile.lock", DbmRwLock::new(&nowhere)),
            (DbmLock::at(&is_folder), "folder", DbmRwLock::at(&is_folder)),
        ] {
            let lock = lock.unwrap();
            let error = lock.acquire(&[lock.lease("k".into())]).await.unwrap_err();
            assert_eq!((error.kind(), error.layer()), (ErrorKind::Backend, "dbm"));
            assert!(error.to_string().contains(file), "{error}");
            let rw = rw.unwrap();
            for error in [rw.write().await.unwrap_err(), rw.blocking_write().unwrap_err()] {
                assert_eq!((error.kind(), error.layer()), (ErrorKind::Backend, "dbm"));
            }
            // It costs a region nothing but the lock.
            let stack: IntTime<Json<Memory>> = Memory::new().json().int_time();
            let region = Region::builder(stack).lock(lock).build().unwrap();
            assert_eq!(region.get_or_create("k", async || 1).await.unwrap(), 1);
            assert_eq!((region.stats().creations, region.stats().bypassed), (1, 1));
        }
    }

    #[tokio::test]
    async fn a_creator_may_ask_for_other_keys() {
        let folder = tempfile::tempdir().unwrap();
        let lock = DbmLock::new(folder.path().join("pages")).unwrap();
        let stack: IntTime<Json<Memory>> = Memory::new().json().int_time();
        let region = Region::builder(stack).lock(lock.clone()).build().unwrap();
        let outer = async || region.get_or_create("inner", async || 20).await.unwrap() + 1;
        let made = tokio::time::timeout(DEADLINE, region.get_or_create("outer", outer)).await;
        assert_eq!(made.unwrap().unwrap(), 21);
        assert!(!lock.is_locked("any".into()).await.unwrap());
        let blocking =
            std::thread::spawn(move || region.blocking().get_or_create("third", || 3).unwrap());
        assert_eq!(blocking.join().unwrap(), 3);
    }

    /// Takes `key` of `region` over from who has it, though not before `BRIEF` is up.
    async fn takes_over<L: Lock>(region: &Region<Stack, L>, key: &str) {
        const BRIEF: Duration = Duration::from_millis(200);
        let start = Instant::now();
        let options = Options::new().wait_timeout(BRIEF).on_timeout(OnTimeout::Create);
        let region = region.with(options);
        let (alone, batch) = (format!("{key} alone"), format!("{key} in a batch"));
        let made = tokio::join!(
            region.get_or_create(&alone, async || 2),
            region.get_or_create_multi([&batch], async |keys| keys.into_iter().map(|key| (key, 2))),
        );
        assert_eq!((made.0.unwrap(), made.1.unwrap()), (2, vec![Some(2)]));
        assert!(start.elapsed() >= BRIEF);
    }

    #[tokio::test]
    async fn other_keys_do_not_prolong_a_wait_for_an_owner_in_this_process() {
        let folder = tempfile::tempdir().unwrap();
        let lock = DbmLock::new(folder.path().join("pages")).unwrap();
        let region = || {
            let stack: Stack = Memory::new().json().int_time();
            Region::builder(stack).lock(lock.clone()).build().unwrap()
        };
        let (hanging, taking_over, slow) = (region(), region(), Slow::new());
        let hang = ["k alone", "k in a batch"].map(|key| {
            let (hanging, slow) = (hanging.clone(), slow.clone());
            tokio::spawn(async move { hanging.get_or_create(key, || slow.create(1)).await })
        });
        slow.called(2).await;
        let busy = async {
            loop {
                let other = lock.lease("other".into());
                assert!(takes(&lock, &other).await);
                tokio::time::sleep(Duration::from_millis(5)).await;
                gives_back(&lock, &other).await;
            }
        };
        tokio::select! {
            () = takes_over(&taking_over, "k") => {}
            () = busy => {}
            () = tokio::time::sleep(DEADLINE) => panic!("it waits for ever"),
        }
        slow.go();
        for hang in hang {
            assert_eq!(hang.await.unwrap().unwrap(), 1);
        }
    }

    #[tokio::test]
    async fn who_takes_over_in_this_process_has_its_whole_time() {
        const SOON: Duration = Duration::from_millis(100);
        const LATE: Duration = Duration::from_secs(1);
        let folder = tempfile::tempdir().unwrap();
        let lock = DbmLock::new(folder.path().join("pages")).unwrap();
        let creating = |patience, slow: &Slow| {
            let stack: Stack = Memory::new().json().int_time();
            let builder = Region::builder(stack).lock(lock.clone()).wait_timeout(patience);
            let region = builder.on_timeout(OnTimeout::Create).build().unwrap();
            let slow = slow.clone();
            tokio::spawn(async move {
                region.get_or_create("k", || slow.create(1)).await.unwrap();
                Instant::now()
            })
        };
        let [first, second, third] = [(); 3].map(|()| Slow::new());
        third.go();
        let owner = creating(LATE, &first);
        first.called(1).await;
        let start = Instant::now();
        let last = creating(LATE, &third);
        let next = creating(SOON, &second);
        let end = last.await.unwrap();
        assert_eq!(second.calls(), 1);
        assert!(end - start >= SOON + LATE, "{:?}", end - start);
        first.go();
        second.go();
        for ended in [owner, next] {
            ended.await.unwrap();
        }
    }

    #[test]
    fn who_waits_is_woken_though_a_runtime_ended_that_gave_the_file_back() {
        let folder = tempfile::tempdir().unwrap();
        let lock = DbmLock::new(folder.path().join("pages")).unwrap();
        let lease = lock.lease("k".into());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        assert!(runtime.block_on(takes(&lock, &lease)));
        let mut seen = Seen::default();
        let mut waiting = pin!(lock.released("k".into(), &mut seen));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        let handle = runtime.handle().clone();
        runtime.shutdown_background();
        let error = handle.block_on(lock.release(from_ref(&lease))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(waiting.poll(&mut context).is_ready());
    }

    /// As a server of files may be that does not answer.
    #[tokio::test]
    async fn a_look_that_takes_long_keeps_nobody_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let lock = DbmLock::at(&pipe).unwrap();
        let looking = tokio::spawn({
            let lock = lock.clone();
            async move { lock.is_locked("k".into()).await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!looking.is_finished(), "nobody writes to the pipe");
        let lease = [lock.lease("k".into())];
        let renewed = tokio::time::timeout(Duration::from_secs(2), lock.renew(&lease)).await;
        // Before anything fails: the end of the runtime waits for the look.
        tokio::fs::OpenOptions::new().write(true).open(&pipe).await.unwrap();
        looking.await.unwrap().unwrap();
        assert_eq!(renewed.expect("an answer").unwrap(), [false]);
    }

    /// Comes too late for the file whenever it was free.
    #[derive(Clone)]
    struct Late(DbmLock);

    impl Lock for Late {
        fn lease(&self, key: Key<'_>) -> Lease {
            self.0.lease(key)
        }

        async fn acquire(&self, leases: &[Lease]) -> Result<Vec<bool>> {
            Ok(vec![false; leases.len()])
        }

        async fn seize(&self, leases: &[Lease]) -> Result<()> {
            self.0.seize(leases).await
        }

        async fn renew(&self, leases: &[Lease]) -> Result<Vec<bool>> {
            self.0.renew(leases).await
        }

        async fn release(&self, leases: &[Lease]) -> Result<()> {
            self.0.release(leases).await
        }

        async fn released(&self, key: Key<'_>, seen: &mut Seen) -> Result<()> {
            self.0.released(key, seen).await
        }

        async fn is_locked(&self, key: Key<'_>) -> Result<bool> {
            self.0.is_locked(key).await
        }

        fn lasts(&self) -> Duration {
            self.0.lasts()
        }

        fn domain(&self) -> Option<Domain> {
            self.0.domain()
        }
    }

    #[tokio::test]
    async fn a_file_that_others_hand_on_does_not_prolong_a_wait() {
        let folder = tempfile::tempdir().unwrap();
        let [ours, theirs] = two(&folder.path().join("pages"));
        let stack: Stack = Memory::new().json().int_time();
        let region = Region::builder(stack).lock(Late(ours)).build().unwrap();
        let busy = async {
            loop {
                let other = theirs.lease("other".into());
                if takes(&theirs, &other).await {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    gives_back(&theirs, &other).await;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = takes_over(&region, "k") => {}
            () = busy => {}
            () = tokio::time::sleep(DEADLINE) => panic!("it waits for ever"),
        }
    }

    /// Nobody should, but a folder of caches may be cleared while nobody creates.
    #[tokio::test]
    async fn a_file_that_was_removed_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let [ours, theirs] = two(&folder.path().join("pages"));
        let lease = ours.lease("k".into());
        for _ in 0..2 {
            assert!(takes(&ours, &lease).await);
            assert!(!takes(&theirs, &theirs.lease("k".into())).await);
            gives_back(&ours, &lease).await;
            std::fs::remove_file(ours.path()).unwrap();
        }
    }
}
