//! The region's promises, inside one process: one creates, everyone else is served.
#![cfg(all(feature = "backend-memory", feature = "codec-json"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use larder::{
    Backend, BackendExt, Bytes, Error, ErrorKind, Failure, Framed, IntTime, Json, Key, LayerExt,
    Level, ManualClock, Memo, Memory, NoMeta, Null, Options, PayloadExt, Region, RegionBuilder,
    Result, Timestamp, WriteOpts,
};
use tokio::{
    sync::{Barrier, Notify},
    task::{JoinHandle, yield_now},
};

type Numbers = Region<Memo<u64>>;

fn start() -> ManualClock {
    ManualClock::new(Timestamp::from_secs(1_000_000))
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Fresh for 10 s, kept for 20 s, on one manual clock.
fn ten_seconds() -> (Numbers, ManualClock) {
    let time = start();
    let region = Region::builder(Memo::new().with_clock(time.clock()))
        .expire_after(secs(10))
        .clock(time.clock())
        .build()
        .unwrap();
    (region, time)
}

/// A creator that counts its calls and waits until it is let go.
#[derive(Clone, Default)]
struct Slow {
    calls: Arc<AtomicUsize>,
    go: Arc<Notify>,
}

impl Slow {
    async fn create(&self, value: u64) -> u64 {
        self.calls.fetch_add(1, SeqCst);
        self.go.notified().await;
        value
    }

    fn calls(&self) -> usize {
        self.calls.load(SeqCst)
    }
}

/// Yields until `condition` holds; for current-thread runtimes, where that is enough.
async fn until(condition: impl Fn() -> bool) {
    for _ in 0..100_000 {
        if condition() {
            return;
        }
        yield_now().await;
    }
    panic!("the condition never came true");
}

fn spawn_slow(region: &Numbers, slow: &Slow, value: u64) -> JoinHandle<Result<u64>> {
    let (region, slow) = (region.clone(), slow.clone());
    tokio::spawn(async move { region.get_or_create("k", || slow.create(value)).await })
}

/// A store that can be switched off, made to return nonsense, or stopped in the middle.
#[derive(Default)]
struct Rigged {
    memory: Memory,
    down: AtomicBool,
    garbled: AtomicBool,
    asked: AtomicUsize,
    /// The next read stops with its answer in hand, the next write before it does anything.
    hold_read: AtomicBool,
    hold_write: AtomicBool,
    held: Notify,
    go: Notify,
}

impl Rigged {
    fn check(&self) -> Result<()> {
        self.asked.fetch_add(1, SeqCst);
        if self.down.load(SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "rigged"));
        }
        Ok(())
    }

    async fn hold(&self, armed: &AtomicBool) {
        if armed.swap(false, SeqCst) {
            self.held.notify_one();
            self.go.notified().await;
        }
    }
}

impl Level for Rigged {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        self.check()?;
        self.memory.remove(key).await
    }
}

impl Backend for Rigged {
    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        self.check()?;
        if self.garbled.load(SeqCst) {
            return Ok(Some(Bytes::from_static(b"\xff{not what we wrote")));
        }
        let found = self.memory.get(key).await;
        self.hold(&self.hold_read).await;
        found
    }

    async fn set(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) -> Result<()> {
        self.check()?;
        self.hold(&self.hold_write).await;
        self.memory.set(key, value, opts).await
    }
}

#[tokio::test]
async fn a_fresh_value_is_returned_until_and_including_its_last_moment() {
    let (region, time) = ten_seconds();
    region.set("k", 1).await.unwrap();
    time.advance(secs(10));
    assert_eq!(region.get("k").await.unwrap(), Some(1));
    assert_eq!(region.get_or_create("k", async || 2).await.unwrap(), 1);
    time.advance(Duration::from_micros(1));
    assert_eq!(region.get::<u64>("k").await.unwrap(), None);
    assert_eq!(region.get_or_create("k", async || 2).await.unwrap(), 2);
    assert_eq!(region.get("k").await.unwrap(), Some(2));
}

#[tokio::test]
async fn an_entry_tells_its_age_and_staleness_until_the_store_drops_it() {
    let (region, time) = ten_seconds();
    region.set("k", 1).await.unwrap();
    time.advance(secs(3));
    let found = region.entry::<u64>("k").await.unwrap().unwrap();
    assert_eq!((found.value, found.age(), found.is_stale()), (1, Some(secs(3)), false));
    assert_eq!(found.created_at(), Some(Timestamp::from_secs(1_000_000)));
    time.advance(secs(17));
    assert!(region.entry::<u64>("k").await.unwrap().unwrap().is_stale());
    time.advance(Duration::from_micros(1));
    assert_eq!(region.entry::<u64>("k").await.unwrap(), None, "kept for twice its lifetime");
}

#[tokio::test]
async fn one_creates_for_all_who_ask_at_once() {
    let (region, _) = ten_seconds();
    let slow = Slow::default();
    let tasks: Vec<_> = (0..100).map(|_| spawn_slow(&region, &slow, 7)).collect();
    until(|| slow.calls() == 1 && region.in_flight() == 1).await;
    for _ in 0..100 {
        yield_now().await;
    }
    slow.go.notify_one();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), 7);
    }
    assert_eq!(slow.calls(), 1);
    assert_eq!(region.in_flight(), 0, "the flight table empties itself");
    let stats = region.stats();
    assert_eq!((stats.creations, stats.shared), (1, 99));
}

#[tokio::test]
async fn stale_is_served_at_once_while_one_refreshes() {
    let (region, time) = ten_seconds();
    region.set("k", 1).await.unwrap();
    time.advance(secs(11));
    let slow = Slow::default();
    let refresher = spawn_slow(&region, &slow, 2);
    until(|| slow.calls() == 1).await;
    for _ in 0..10 {
        let value = region.get_or_create("k", async || unreachable!()).await.unwrap();
        assert_eq!(value, 1, "nobody waits for the refresh");
    }
    slow.go.notify_one();
    assert_eq!(refresher.await.unwrap().unwrap(), 2, "who refreshes gets the new value");
    assert_eq!(region.get_or_create("k", async || unreachable!()).await.unwrap(), 2);
    assert_eq!(region.stats().stale, 10);
}

#[tokio::test]
async fn the_winner_reads_again_before_it_creates() {
    // Both read the stale value; the second comes to the table when the first has landed.
    for stale in [true, false] {
        let (time, store) = (start(), Arc::new(Rigged::default()));
        let region = Region::builder(Arc::clone(&store).json().int_time())
            .expire_after(secs(10))
            .clock(time.clock())
            .build()
            .unwrap();
        if stale {
            region.set("k", 1).await.unwrap();
            time.advance(secs(11));
        }
        store.hold_read.store(true, SeqCst);
        let second = tokio::spawn({
            let region = region.clone();
            async move { region.get_or_create("k", async || 3).await }
        });
        store.held.notified().await;
        assert_eq!(region.get_or_create("k", async || 2).await.unwrap(), 2);
        store.go.notify_one();
        assert_eq!(second.await.unwrap().unwrap(), 2, "stale: {stale}");
        assert_eq!(region.stats().creations, 1);
    }
}

#[tokio::test]
async fn waiters_share_the_error_of_a_failing_creator() {
    let (region, _) = ten_seconds();
    let (calls, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (region, calls, go) = (region.clone(), Arc::clone(&calls), Arc::clone(&go));
            tokio::spawn(async move {
                let create = async || {
                    calls.fetch_add(1, SeqCst);
                    go.notified().await;
                    Err::<u64, _>("the database is down".to_owned())
                };
                region.try_get_or_create("k", create).await
            })
        })
        .collect();
    until(|| calls.load(SeqCst) == 1).await;
    for _ in 0..100 {
        yield_now().await;
    }
    go.notify_one();
    for task in tasks {
        match task.await.unwrap() {
            Err(Failure::Creator(error)) => assert_eq!(*error, "the database is down"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(calls.load(SeqCst), 1, "100 callers of a failing creator cost one call");
    assert_eq!((region.in_flight(), region.stats().failures), (0, 1));
    // The next one tries again.
    let value = region.try_get_or_create("k", async || Ok::<u64, String>(5)).await.unwrap();
    assert_eq!(value, 5);
}

#[tokio::test]
async fn waiters_with_other_types_help_themselves() {
    let region = Memory::new().json().int_time().region();
    let slow = Slow::default();
    let leader = tokio::spawn({
        let (region, slow) = (region.clone(), slow.clone());
        async move { region.get_or_create("k", || slow.create(7)).await }
    });
    until(|| slow.calls() == 1).await;
    let waiter = tokio::spawn({
        let region = region.clone();
        // The JSON of a `u64` reads as `f64`.
        async move { region.get_or_create("k", async || 0.5_f64).await }
    });
    yield_now().await;
    slow.go.notify_one();
    assert_eq!(leader.await.unwrap().unwrap(), 7);
    assert!((waiter.await.unwrap().unwrap() - 7.0).abs() < f64::EPSILON);

    // An error of another type cannot be shared: the waiter creates.
    let go = Arc::new(Notify::new());
    let leader = tokio::spawn({
        let (region, go) = (region.clone(), Arc::clone(&go));
        async move {
            let create = async || {
                go.notified().await;
                Err::<u64, _>(1_u8)
            };
            region.try_get_or_create("e", create).await
        }
    });
    until(|| region.in_flight() == 1).await;
    let waiter = tokio::spawn({
        let region = region.clone();
        async move { region.try_get_or_create("e", async || Ok::<u64, String>(2)).await }
    });
    yield_now().await;
    go.notify_one();
    assert_eq!(leader.await.unwrap().unwrap_err().creator(), Some(&1));
    assert_eq!(waiter.await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn when_the_leader_is_dropped_a_waiter_takes_over() {
    let (region, _) = ten_seconds();
    let slow = Slow::default();
    let leader = tokio::spawn({
        let (region, slow) = (region.clone(), slow.clone());
        async move {
            let create = async || {
                slow.calls.fetch_add(1, SeqCst);
                pending::<u64>().await
            };
            region.get_or_create("k", create).await
        }
    });
    until(|| slow.calls() == 1).await;
    let waiters: Vec<_> = (0..50).map(|_| spawn_slow(&region, &slow, 9)).collect();
    for _ in 0..60 {
        yield_now().await;
    }
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    until(|| slow.calls() == 2).await;
    slow.go.notify_one();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), 9);
    }
    assert_eq!((slow.calls(), region.in_flight()), (2, 0));
}

#[tokio::test]
async fn when_the_leader_panics_only_the_leader_panics() {
    let (region, _) = ten_seconds();
    let go = Arc::new(Notify::new());
    let leader = tokio::spawn({
        let (region, go) = (region.clone(), Arc::clone(&go));
        async move {
            let create = async || -> u64 {
                go.notified().await;
                panic!("on purpose")
            };
            region.get_or_create("k", create).await
        }
    });
    until(|| region.in_flight() == 1).await;
    let waiters: Vec<_> = (0..20)
        .map(|_| {
            let region = region.clone();
            tokio::spawn(async move { region.get_or_create("k", async || 4).await })
        })
        .collect();
    for _ in 0..30 {
        yield_now().await;
    }
    go.notify_one();
    assert!(leader.await.unwrap_err().is_panic());
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), 4);
    }
    assert_eq!((region.stats().creations, region.in_flight()), (1, 0));
    // The panicking creator left no trace: the same task may ask again.
    assert_eq!(region.get_or_create("k", async || 5).await.unwrap(), 4);
}

#[tokio::test]
async fn a_value_that_panics_when_it_is_handed_over_leaves_nobody_waiting() {
    #[derive(serde::Serialize, serde::Deserialize, Debug)]
    struct Fragile(bool);
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            assert!(!self.0, "on purpose");
            Self(self.0)
        }
    }

    let region = Null.json().int_time().region();
    let go = Arc::new(Notify::new());
    let leader = tokio::spawn({
        let (region, go) = (region.clone(), Arc::clone(&go));
        async move {
            let create = async || {
                go.notified().await;
                Fragile(true)
            };
            region.get_or_create("k", create).await
        }
    });
    until(|| region.in_flight() == 1).await;
    let waiter = tokio::spawn({
        let region = region.clone();
        async move { region.get_or_create("k", async || Fragile(false)).await }
    });
    yield_now().await;
    go.notify_one();
    assert!(leader.await.unwrap_err().is_panic());
    assert!(!waiter.await.unwrap().unwrap().0);
    assert_eq!(region.in_flight(), 0);
}

#[tokio::test]
async fn a_waiter_that_gives_up_harms_nobody() {
    let (region, _) = ten_seconds();
    let slow = Slow::default();
    let leader = spawn_slow(&region, &slow, 3);
    until(|| slow.calls() == 1).await;
    let (quitter, waiter) = (spawn_slow(&region, &slow, 8), spawn_slow(&region, &slow, 8));
    yield_now().await;
    quitter.abort();
    slow.go.notify_one();
    assert_eq!(leader.await.unwrap().unwrap(), 3);
    assert_eq!(waiter.await.unwrap().unwrap(), 3);
    assert_eq!(slow.calls(), 1);
}

#[tokio::test]
async fn a_write_during_a_creation_wins() {
    let (region, _) = ten_seconds();
    for delete in [false, true] {
        region.delete("k").await.unwrap();
        let slow = Slow::default();
        let (leader, waiter) = (spawn_slow(&region, &slow, 1), spawn_slow(&region, &slow, 1));
        until(|| slow.calls() == 1).await;
        yield_now().await;
        if delete {
            region.delete_multi(["k", "other", "k"]).await.unwrap();
        } else {
            region.set_multi([("other", 0), ("k", 2)]).await.unwrap();
        }
        // Who comes after the write does not get the older value.
        let value = region.get_or_create("k", async || 3).await.unwrap();
        assert_eq!(value, if delete { 3 } else { 2 });
        slow.go.notify_one();
        assert_eq!(leader.await.unwrap().unwrap(), 1, "who waited gets what was created");
        assert_eq!(waiter.await.unwrap().unwrap(), 1);
        assert_eq!(region.get("k").await.unwrap(), Some(value), "and it is not stored");
        assert_eq!(region.in_flight(), 0);
    }
    assert_eq!(region.stats().voided, 2);
}

#[tokio::test]
async fn a_write_waits_for_a_value_on_its_way_to_the_store() {
    let store = Arc::new(Rigged { hold_write: true.into(), ..Rigged::default() });
    let region = Arc::clone(&store).json().int_time().region();
    let leader = tokio::spawn({
        let region = region.clone();
        async move { region.get_or_create("k", async || 1).await }
    });
    store.held.notified().await;
    let deletion = tokio::spawn({
        let region = region.clone();
        async move { region.delete("k").await }
    });
    for _ in 0..20 {
        yield_now().await;
    }
    assert!(!deletion.is_finished(), "it would be overtaken by the write");
    store.go.notify_one();
    assert_eq!(leader.await.unwrap().unwrap(), 1);
    deletion.await.unwrap().unwrap();
    assert_eq!(region.get::<u8>("k").await.unwrap(), None);
    assert_eq!(region.in_flight(), 0);
}

#[tokio::test]
async fn the_same_key_inside_its_own_creator_is_an_error() {
    let (region, time) = ten_seconds();
    let inner = region.clone();
    let recursive = region
        .try_get_or_create("k", || async {
            // Another key is fine, also in between.
            assert_eq!(inner.get_or_create("other", async || 1).await.unwrap(), 1);
            inner.get_or_create("k", async || 2).await
        })
        .await;
    let error = recursive.unwrap_err().into_inner();
    assert_eq!(error.kind(), ErrorKind::Recursion);
    assert!(error.to_string().contains("(key k)"), "{error}");
    assert_eq!(region.in_flight(), 0);

    // Two keys that need each other.
    let error = region
        .try_get_or_create("a", || async {
            inner.try_get_or_create("b", || inner.get_or_create("a", async || 1)).await
        })
        .await
        .unwrap_err();
    let Failure::Creator(error) = error else { panic!("{error:?}") };
    let Failure::Creator(error) = &*error else { panic!("{error:?}") };
    assert_eq!(error.kind(), ErrorKind::Recursion);

    // The same with a stale value at hand.
    region.set("k", 1).await.unwrap();
    time.advance(secs(11));
    let error = region
        .with(Options::new().stale_on_error(false))
        .try_get_or_create("k", || inner.get_or_create("k", async || 2))
        .await
        .unwrap_err()
        .into_inner();
    assert_eq!(error.kind(), ErrorKind::Recursion);

    // The same key in another region is another key.
    let (other, _) = ten_seconds();
    let value =
        region.get_or_create("x", || async { other.get_or_create("x", async || 6).await.unwrap() });
    assert_eq!(value.await.unwrap(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_wait_has_an_end() {
    let region: Numbers = Region::builder(Memo::new()).wait_timeout(secs(5)).build().unwrap();
    let hanging = tokio::spawn({
        let region = region.clone();
        async move { region.get_or_create("k", pending::<u64>).await }
    });
    until(|| region.in_flight() == 1).await;
    let before = tokio::time::Instant::now();
    let error = region.get_or_create("k", async || 1).await.unwrap_err();
    assert_eq!((error.kind(), before.elapsed()), (ErrorKind::Timeout, secs(5)));
    assert!(error.is_transient() && error.to_string().contains("wait_timeout"), "{error}");
    hanging.abort();
    drop(hanging.await);
    assert_eq!(region.get_or_create("k", async || 1).await.unwrap(), 1);
}

type FlakyRegion = Region<IntTime<Json<Arc<Rigged>>>>;

fn flaky(strict: bool) -> (FlakyRegion, Arc<Rigged>) {
    let store = Arc::new(Rigged::default());
    let stack = Arc::clone(&store).json().int_time();
    (Region::builder(stack).strict(strict).build().unwrap(), store)
}

#[tokio::test]
async fn a_store_that_is_down_does_not_take_the_application_down() {
    let (region, store) = flaky(false);
    store.down.store(true, SeqCst);
    assert_eq!(region.get_or_create("k", async || 1).await.unwrap(), 1);
    assert_eq!(region.get_or_create("k", async || 2).await.unwrap(), 2, "nothing could be kept");
    assert_eq!(region.stats().bypassed, 4, "two reads, two writes");
    // Plain reads and writes say so.
    assert_eq!(region.get::<u8>("k").await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(region.set("k", 3).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(region.delete("k").await.unwrap_err().kind(), ErrorKind::Unavailable);
    store.down.store(false, SeqCst);
    assert_eq!(region.get_or_create("k", async || 4).await.unwrap(), 4);
    assert_eq!(region.get_or_create("k", async || 5).await.unwrap(), 4);
}

#[tokio::test]
async fn one_creates_for_all_also_while_the_store_is_down() {
    let (region, store) = flaky(false);
    store.down.store(true, SeqCst);
    let slow = Slow::default();
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (region, slow) = (region.clone(), slow.clone());
            tokio::spawn(async move { region.get_or_create("k", || slow.create(6)).await })
        })
        .collect();
    until(|| slow.calls() == 1 && store.asked.load(SeqCst) == 20).await;
    for _ in 0..30 {
        yield_now().await;
    }
    slow.go.notify_one();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), 6);
    }
    assert_eq!(slow.calls(), 1);
}

#[tokio::test]
async fn a_strict_region_reports_the_store() {
    let (region, store) = flaky(true);
    store.down.store(true, SeqCst);
    let error = region.get_or_create("k", async || 1_u8).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    store.down.store(false, SeqCst);
    store.garbled.store(true, SeqCst);
    let error = region.get_or_create("k", async || 1_u8).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.key(), Some("k".into()));
    assert_eq!(region.get::<u8>("k").await.unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(region.in_flight(), 0);
}

#[tokio::test]
async fn bytes_that_do_not_decode_are_a_counted_miss() {
    let (region, store) = flaky(false);
    store.garbled.store(true, SeqCst);
    assert_eq!(region.get::<u8>("k").await.unwrap(), None);
    assert_eq!(region.entry::<u8>("k").await.unwrap(), None);
    assert_eq!(region.get_multi::<u8>(["k", "l"]).await.unwrap(), [None, None]);
    assert_eq!(region.get_or_create("k", async || 1_u8).await.unwrap(), 1);
    assert_eq!(region.stats().unreadable, 5);
    store.garbled.store(false, SeqCst);
    assert_eq!(region.get("k").await.unwrap(), Some(1_u8), "the good value replaced it");
    // One bad entry leaves the rest of a batch alone.
    store.memory.set("bad".into(), Bytes::from_static(b"?"), WriteOpts::default()).await.unwrap();
    assert_eq!(region.get_multi::<u8>(["bad", "k"]).await.unwrap(), [None, Some(1)]);
}

#[tokio::test]
async fn a_value_that_cannot_be_encoded_is_returned_and_not_stored() {
    // JSON has no form for it.
    let region = Memory::new().json().int_time().region();
    let value = region.get_or_create("k", async || f64::INFINITY).await.unwrap();
    assert!(value.is_infinite());
    assert_eq!(region.get::<f64>("k").await.unwrap(), None);
    assert_eq!(region.stats().bypassed, 1);
    assert_eq!(region.set("k", f64::NAN).await.unwrap_err().kind(), ErrorKind::Encode);
    let error = region.set_multi([("a", 1.0), ("b", f64::NAN)]).await.unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Encode, Some("b".into())));
    assert_eq!(region.get::<f64>("a").await.unwrap(), None, "nothing is sent unless all can be");
}

#[tokio::test]
async fn another_value_version_is_a_plain_miss() {
    let memory = Arc::new(Memory::new());
    let old = larder::FullDict::<_, 1>::new(Arc::clone(&memory).json()).region();
    let new = larder::FullDict::<_, 2>::new(memory.json()).region();
    old.set("k", 1_u8).await.unwrap();
    assert_eq!(new.get::<u8>("k").await.unwrap(), None);
    assert_eq!(new.get_or_create("k", async || 2_u8).await.unwrap(), 2);
    assert_eq!(new.get::<u8>("k").await.unwrap(), Some(2));
    assert_eq!(new.stats().unreadable, 0);
}

#[tokio::test]
async fn values_that_look_like_nothing_are_values() {
    let region = Memory::new().json().int_time().region();
    assert_eq!(region.get_or_create("none", async || None::<u8>).await.unwrap(), None);
    region.set("unit", ()).await.unwrap();
    region.set("empty", String::new()).await.unwrap();
    assert_eq!(region.get::<Option<u8>>("none").await.unwrap(), Some(None));
    assert_eq!(region.get::<()>("unit").await.unwrap(), Some(()));
    assert_eq!(region.get::<String>("empty").await.unwrap(), Some(String::new()));
    assert_eq!(region.get::<()>("absent").await.unwrap(), None);
    let again = region.get_or_create("none", async || Some(1_u8)).await.unwrap();
    assert_eq!(again, None, "a cached `None` is a hit");
}

#[tokio::test]
async fn batches_keep_order_and_duplicates() {
    let (region, _) = ten_seconds();
    region.set_multi([("a", 1), ("b", 2)]).await.unwrap();
    region.set(("space", "a"), 3).await.unwrap();
    let keys = [Key::from("b"), ("space", "a").into(), "x".into(), "b".into(), "a".into()];
    let found = region.get_multi::<u64>(keys).await.unwrap();
    assert_eq!(found, [Some(2), Some(3), None, Some(2), Some(1)]);
    assert_eq!(region.get_multi::<u64>([""; 0]).await.unwrap(), []);
    region.set_multi([("", 0); 0]).await.unwrap();
    region.delete_multi(["a", "b", "a"]).await.unwrap();
    region.delete_multi([""; 0]).await.unwrap();
    assert_eq!(region.get_multi::<u64>(["a", "b"]).await.unwrap(), [None, None]);
    assert_eq!(region.in_flight(), 0);
}

#[tokio::test]
async fn empty_batches_do_not_ask_the_store() {
    let (region, store) = flaky(false);
    region.get_multi::<u8>([""; 0]).await.unwrap();
    region.set_multi([("", 0_u8); 0]).await.unwrap();
    region.delete_multi([""; 0]).await.unwrap();
    assert_eq!(store.asked.load(SeqCst), 0);
}

#[tokio::test]
async fn batches_of_the_same_keys_in_any_order_never_block_each_other() {
    let region: Numbers = Memo::new().region();
    let (forth, back) = (["a", "b", "c", "d"], ["d", "c", "b", "a"]);
    let tasks: Vec<_> = (0..50)
        .flat_map(|n| [(n, forth), (n, back)])
        .map(|(n, keys)| {
            let region = region.clone();
            tokio::spawn(async move { region.set_multi(keys.map(|key| (key, n))).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(region.in_flight(), 0);
}

#[tokio::test]
async fn an_entry_may_have_a_lifetime_of_its_own() {
    let time = start();
    let region: Region<Framed<Json<Memory>>> =
        Region::builder(Memory::new().with_clock(time.clock()).json().framed())
            .expire_after(secs(10))
            .clock(time.clock())
            .build()
            .unwrap();
    region.with_ttl(secs(2)).set("short", 1_u8).await.unwrap();
    region.with_ttl(secs(100)).set("long", 2_u8).await.unwrap();
    time.advance(secs(3));
    assert_eq!(region.get_multi::<u8>(["short", "long"]).await.unwrap(), [None, Some(2)]);
    assert!(region.entry::<u8>("short").await.unwrap().unwrap().is_stale());
    time.advance(secs(90));
    assert_eq!(region.get::<u8>("long").await.unwrap(), Some(2));
    assert_eq!(region.entry::<u8>("short").await.unwrap(), None);
}

#[tokio::test]
async fn a_format_without_time_lives_as_long_as_the_store_keeps_it() {
    let time = start();
    let region: Region<NoMeta<Json<Memory>>> =
        Region::builder(Memory::new().with_clock(time.clock()).json().no_meta())
            .expire_after(secs(10))
            .clock(time.clock())
            .build()
            .unwrap();
    region.set("k", 1_u8).await.unwrap();
    time.advance(secs(10));
    let found = region.entry::<u8>("k").await.unwrap().unwrap();
    assert_eq!((found.age(), found.is_stale()), (None, false));
    time.advance(Duration::from_micros(1));
    assert_eq!(region.entry::<u8>("k").await.unwrap(), None);
}

/// A backend without any lifetime.
struct Plain(Memory);

impl Level for Plain {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        self.0.remove(key).await
    }
}

impl Backend for Plain {
    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        self.0.get(key).await
    }

    async fn set(&self, key: Key<'_>, value: Bytes, _: WriteOpts<'_>) -> Result<()> {
        self.0.set(key, value, WriteOpts::default()).await
    }
}

#[test]
fn what_the_stack_cannot_keep_is_refused_when_the_region_is_built() {
    fn refused<S: Level + std::fmt::Debug>(builder: RegionBuilder<S>, hint: &str) {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(hint), "{error}");
    }
    fn json() -> Json<Memory> {
        Memory::new().json()
    }
    let ms = Duration::from_millis;
    refused(Region::builder(json().int_time()).expire_after(ms(999)), "whole seconds");
    refused(Region::builder(json().framed()).expire_after(ms(999)), "whole seconds");
    refused(Region::builder(json().int_time()).expire_after(secs(0)), "zero");
    refused(Region::builder(json().int_time()).keep_for(secs(0)), "zero");
    refused(Region::builder(json().int_time()).wait_timeout(secs(0)), "zero");
    let short = Region::builder(json().int_time()).expire_after(secs(10)).keep_for(secs(9));
    refused(short, "shorter");
    let both = Region::builder(json().no_meta()).expire_after(secs(10)).keep_for(secs(20));
    refused(both, "not both");
    let both = Region::builder(json().no_meta()).expire_after(secs(10)).keep_forever();
    refused(both, "not both");

    assert!(Region::builder(json().full_dict()).expire_after(ms(1)).build().is_ok());
    assert!(Region::builder(Memo::<u8>::new()).expire_after(ms(1)).build().is_ok());
    assert!(Region::builder(json().int_time()).expire_after(secs(1)).build().is_ok());
    assert!(Region::builder(Null.json().no_meta()).expire_after(secs(1)).build().is_ok());
}

#[test]
fn stores_without_a_lifetime_are_refused_where_one_is_needed() {
    use larder::{Always, Hstore, Never};

    let plain = || Plain(Memory::new()).json();
    let kind = |result: Result<()>| result.unwrap_err().kind();
    let no_meta = Region::builder(plain().no_meta()).expire_after(secs(1)).build().map(drop);
    assert_eq!(kind(no_meta), ErrorKind::Config);
    let kept = Region::builder(plain().int_time()).keep_for(secs(1)).build().map(drop);
    assert_eq!(kind(kept), ErrorKind::Config);
    // Without an explicit physical lifetime there is nothing to refuse.
    assert!(Region::builder(plain().int_time()).expire_after(secs(1)).build().is_ok());

    let always = Hstore::<_, Always>::with_policy(Memory::new()).json().no_meta();
    let always = Region::builder(always).expire_after(secs(1)).build().map(drop);
    assert_eq!(kind(always), ErrorKind::Config);
    let never = Hstore::<_, Never>::with_policy(Memory::new()).json().no_meta();
    let never = Region::builder(never).expire_after(secs(1)).build().map(drop);
    assert_eq!(kind(never), ErrorKind::Config);
    let on_create = Memory::new().hstore().json().no_meta();
    assert!(Region::builder(on_create).expire_after(secs(1)).build().is_ok());
}

#[test]
fn works_without_a_tokio_runtime() {
    // Two threads that block on futures by hand, one waiting for the other.
    let region: Numbers = Memo::new().region();
    let (entered, go) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| {
            block_on(region.get_or_create("k", async || {
                entered.wait();
                go.wait();
                8
            }))
        });
        entered.wait();
        let waiter = scope.spawn(|| block_on(region.get_or_create("k", async || 9)));
        go.wait();
        assert_eq!(leader.join().unwrap().unwrap(), 8);
        assert_eq!(waiter.join().unwrap().unwrap(), 8);
    });
}

fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_many_keys_one_creation_each() {
    const KEYS: usize = 50;
    const TASKS: usize = 400;
    let region: Numbers = Memo::new().region();
    let calls: Arc<Vec<AtomicUsize>> = Arc::new((0..KEYS).map(|_| AtomicUsize::new(0)).collect());
    let barrier = Arc::new(Barrier::new(TASKS));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (region, calls) = (region.clone(), Arc::clone(&calls));
            let barrier = Arc::clone(&barrier);
            tokio::spawn(async move {
                barrier.wait().await;
                for i in 0..KEYS {
                    let k = (i + task) % KEYS;
                    let create = async || {
                        calls[k].fetch_add(1, SeqCst);
                        yield_now().await;
                        k as u64
                    };
                    let value = region.get_or_create(&k.to_string(), create).await.unwrap();
                    assert_eq!(value, k as u64);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(calls.iter().all(|calls| calls.load(SeqCst) == 1));
    assert_eq!(region.in_flight(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_cancelled_panicking_and_failing_callers_leaves_nothing_behind() {
    let region: Numbers = Memo::new().region();
    let tasks: Vec<_> = (0_u64..600)
        .map(|n| {
            let region = region.clone();
            tokio::spawn(async move {
                let key = (n % 7).to_string();
                let create = async || {
                    for _ in 0..n % 5 {
                        yield_now().await;
                    }
                    match n % 4 {
                        0 => Err(n),
                        1 => panic!("on purpose"),
                        _ => Ok(n),
                    }
                };
                let call = region.try_get_or_create(&key, create);
                if n % 3 == 0 {
                    // Dropped after a few polls.
                    tokio::select! { biased; _ = call => {}, () = async { yield_now().await; yield_now().await } => {} }
                } else {
                    drop(call.await);
                }
                if n % 5 == 0 {
                    region.delete(&key).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        drop(task.await);
    }
    assert_eq!(region.in_flight(), 0);
    let value = region.try_get_or_create("0", async || Ok::<_, Infallible>(1)).await;
    assert!(value.is_ok());
}

#[tokio::test]
async fn typed_regions_need_no_annotations() {
    let ages = Memory::new().json().int_time().logging().region().typed::<u8>();
    ages.set_multi([("ann", 31), ("bob", 32)]).await.unwrap();
    assert_eq!(ages.get_multi(["bob", "ann"]).await.unwrap(), [Some(32), Some(31)]);
    assert_eq!(ages.get_or_create("cid", async || 33).await.unwrap(), 33);
    assert_eq!(ages.entry("cid").await.unwrap().unwrap().value, 33);
    let failed = ages.try_get_or_create("dan", async || Err("no such person")).await;
    assert_eq!(failed.unwrap_err().creator(), Some(&"no such person"));
    ages.delete("ann").await.unwrap();
    assert_eq!(ages.get("ann").await.unwrap(), None);
}
