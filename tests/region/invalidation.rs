//! Hard and soft invalidation, in every order, while creations run, and shared.

use larder::{Invalidation::*, Options, SharedMarks};

use super::*;

#[tokio::test]
async fn hard_means_gone_and_soft_means_stale() {
    for (how, meanwhile) in [(Hard, None), (Soft, Some(1))] {
        let (region, _time) = ten_seconds();
        region.set("k", 1).await.unwrap();
        region.invalidate(how).await.unwrap();
        assert_eq!(region.get("k").await.unwrap(), None, "{how}");
        assert_eq!(region.get_multi(["k"]).await.unwrap(), [None], "{how}");
        let entry = region.entry("k").await.unwrap();
        assert_eq!(
            entry.map(|found| (found.value, found.is_stale())),
            meanwhile.map(|v| (v, true))
        );
        let any = region.with(Options::new().ignore_expiration(true));
        assert_eq!(any.get("k").await.unwrap(), Some(1), "{how}");

        // What is served while one makes a new one.
        let slow = Slow::default();
        let refresh = spawn_slow(&region, &slow, 2);
        until(|| slow.calls() == 1).await;
        if let Some(stale) = meanwhile {
            let served = region.get_or_create("k", async || panic!("one is enough")).await.unwrap();
            assert_eq!(served, stale);
        }
        slow.go.notify_one();
        assert_eq!(refresh.await.unwrap().unwrap(), 2);
        // The clock has not moved at all, and yet the new value is valid.
        assert_eq!(region.get("k").await.unwrap(), Some(2), "{how}");
    }
}

#[tokio::test]
async fn a_soft_one_never_weakens_a_hard_one() {
    let (region, time) = ten_seconds();
    for second in [0, 1] {
        region.set("k", 1).await.unwrap();
        region.invalidate(Hard).await.unwrap();
        time.advance(secs(second));
        region.invalidate(Soft).await.unwrap();
        assert_eq!(region.entry("k").await.unwrap(), None);
        // And the other way round.
        region.set("k", 2).await.unwrap();
        region.invalidate(Soft).await.unwrap();
        assert!(region.entry("k").await.unwrap().unwrap().is_stale());
        time.advance(secs(second));
        region.invalidate(Hard).await.unwrap();
        assert_eq!(region.entry("k").await.unwrap(), None);
    }
}

#[tokio::test]
async fn it_needs_no_expiry_and_runs_no_creator() {
    let region: Numbers = Memo::new().region();
    region.invalidate(Soft).await.unwrap();
    assert_eq!(region.get_or_create("k", async || 1).await.unwrap(), 1);
    region.invalidate(Soft).await.unwrap();
    assert_eq!(region.get_or_create("k", async || 2).await.unwrap(), 2);
    assert_eq!(region.stats().creations, 2);
}

#[tokio::test]
async fn it_wins_over_running_creations() {
    for how in [Hard, Soft] {
        let (region, _time) = ten_seconds();
        let (before, after) = (Slow::default(), Slow::default());
        let early = spawn_slow(&region, &before, 1);
        until(|| before.calls() == 1).await;
        region.invalidate(how).await.unwrap();
        // A caller from after it does not join what began before it.
        let late = spawn_slow(&region, &after, 2);
        until(|| after.calls() == 1).await;
        before.go.notify_one();
        assert_eq!(early.await.unwrap().unwrap(), 1, "who began before gets its value");
        assert_eq!(region.get("k").await.unwrap(), None, "but it is not stored");
        after.go.notify_one();
        assert_eq!(late.await.unwrap().unwrap(), 2);
        assert_eq!(region.get("k").await.unwrap(), Some(2));
        assert_eq!((region.stats().voided, region.in_flight()), (1, 0));
    }
}

#[tokio::test]
async fn what_one_takes_although_it_is_invalid_is_not_for_others() {
    for batch in [false, true] {
        let store = Arc::new(Rigged { hold_read: true.into(), ..Rigged::default() });
        let region = Arc::clone(&store).json().int_time().region();
        let any = region.with(Options::new().ignore_expiration(true));
        let content = tokio::spawn(async move {
            if batch {
                let found = any.get_or_create_multi(["k"], async |_| [("k", 3)]).await;
                return found.map(|found| found[0].unwrap());
            }
            any.get_or_create("k", async || 3).await
        });
        store.held.notified().await;
        region.set("k", 1).await.unwrap();
        region.invalidate(Hard).await.unwrap();
        // It has found nothing, and looks again now that it has the seat.
        store.hold_read.store(true, SeqCst);
        store.go.notify_one();
        store.held.notified().await;
        let strict = tokio::spawn({
            let region = region.clone();
            async move { region.get_or_create("k", async || 2).await }
        });
        for _ in 0..20 {
            yield_now().await;
        }
        store.go.notify_one();
        assert_eq!(content.await.unwrap().unwrap(), 1, "it takes whatever is there");
        assert_eq!(strict.await.unwrap().unwrap(), 2, "batch: {batch}");
    }
}

#[tokio::test]
async fn a_value_that_is_being_stored_is_not_for_those_who_come_after_it() {
    let store = Arc::new(Rigged { hold_write: true.into(), ..Rigged::default() });
    let region = Arc::clone(&store).json().int_time().region();
    let early = tokio::spawn({
        let region = region.clone();
        async move { region.get_or_create("k", async || 1).await }
    });
    store.held.notified().await;
    region.invalidate(Hard).await.unwrap();
    let late = tokio::spawn({
        let region = region.clone();
        async move { region.get_or_create("k", async || 2).await }
    });
    let batch = tokio::spawn({
        let region = region.clone();
        async move { region.get_or_create_multi(["k"], async |_| [("k", 2)]).await }
    });
    for _ in 0..20 {
        yield_now().await;
    }
    store.go.notify_one();
    assert_eq!(early.await.unwrap().unwrap(), 1, "who began before gets its value");
    assert_eq!(late.await.unwrap().unwrap(), 2);
    assert_eq!(batch.await.unwrap().unwrap(), [Some(2)]);
    assert_eq!(region.get("k").await.unwrap(), Some(2));
}

#[tokio::test]
async fn formats_of_whole_seconds_tell_before_from_after() {
    let time = start();
    time.advance(Duration::from_millis(700));
    let region = Region::builder(Memory::new().with_clock(time.clock()).json().int_time())
        .clock(time.clock())
        .build()
        .unwrap();
    for round in 0..3_u32 {
        region.set("k", round).await.unwrap();
        assert_eq!(region.get("k").await.unwrap(), Some(round));
        region.invalidate(Hard).await.unwrap();
        assert_eq!(region.get::<u32>("k").await.unwrap(), None, "of the same second");
    }
}

#[tokio::test]
async fn a_format_without_time_says_that_it_cannot() {
    let region = Memory::new().json().no_meta().region();
    for how in [Hard, Soft] {
        let error = region.invalidate(how).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("no time"), "{error}");
    }
}

type Sharing = Region<Arc<Memo<u64>>, larder::Local, SharedMarks<Arc<Rigged>>>;

/// Two processes, as it were: regions that share entries and marks, and nothing else.
fn sharing() -> (Sharing, Sharing, Arc<Rigged>, ManualClock) {
    let time = start();
    let marks = Arc::new(Rigged::default());
    let entries = Arc::new(Memo::new().with_clock(time.clock()));
    let region = || {
        Region::builder(Arc::clone(&entries))
            .invalidator(SharedMarks::new(Arc::clone(&marks), "numbers"))
            .clock(time.clock())
            .build()
            .unwrap()
    };
    (region(), region(), Arc::clone(&marks), time)
}

#[tokio::test]
async fn shared_marks_reach_every_process_within_their_interval() {
    let (one, other, marks, time) = sharing();
    other.set("k", 1).await.unwrap();
    assert_eq!(other.get("k").await.unwrap(), Some(1));
    time.advance(Duration::from_millis(10));
    one.invalidate(Hard).await.unwrap();
    // Known for 10 ms, and good for 100.
    let asked = marks.asked.load(SeqCst);
    assert_eq!(other.get("k").await.unwrap(), Some(1));
    assert_eq!(marks.asked.load(SeqCst), asked, "a hit does not ask the store for marks");
    time.advance(Duration::from_millis(95));
    assert_eq!(other.get("k").await.unwrap(), None);
    assert_eq!(other.get_or_create("k", async || 2).await.unwrap(), 2);
    assert_eq!(other.get("k").await.unwrap(), Some(2));
    // Soft after hard, from another process: what the hard one covers stays gone.
    other.set("old", 1).await.unwrap();
    one.invalidate(Hard).await.unwrap();
    other.invalidate(Soft).await.unwrap();
    assert_eq!(other.entry("old").await.unwrap(), None);
}

#[tokio::test]
async fn marks_that_cannot_be_read_leave_what_is_known() {
    let (one, other, marks, time) = sharing();
    one.set("k", 1).await.unwrap();
    assert_eq!(one.get("k").await.unwrap(), Some(1));
    marks.down.store(true, SeqCst);
    time.advance(secs(1));
    assert_eq!(one.get("k").await.unwrap(), Some(1), "a dead store of marks costs no hits");
    assert_eq!(one.invalidate(Hard).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(one.get("k").await.unwrap(), Some(1), "what nobody was told does not hold");
    marks.down.store(false, SeqCst);
    other.invalidate(Hard).await.unwrap();
    time.advance(secs(1));
    assert_eq!(one.get("k").await.unwrap(), None);
    // Marks of another hand are not taken for marks.
    marks.garbled.store(true, SeqCst);
    assert_eq!(one.invalidate(Soft).await.unwrap_err().kind(), ErrorKind::Decode);
    time.advance(secs(1));
    assert_eq!(one.get_or_create("k", async || 5).await.unwrap(), 5);
}

/// Over steps of 64 seconds an invalidation is told from what comes after it, too.
#[tokio::test]
async fn coarse_times_are_dated_to_the_next_step() {
    let time = ManualClock::new(Timestamp::from_secs(1_700_000_030));
    let stack = Memory::new().with_clock(time.clock()).json().coarse();
    let builder = Region::builder(stack).expire_after(Duration::from_secs(3600));
    let region = builder.clock(time.clock()).build().unwrap();
    region.set("k", 1).await.unwrap();
    region.invalidate(Hard).await.unwrap();
    assert_eq!(region.get::<u32>("k").await.unwrap(), None);
    region.set("k", 2).await.unwrap();
    assert_eq!(region.get::<u32>("k").await.unwrap(), Some(2));
    time.advance(Duration::from_secs(3600));
    assert_eq!(region.get::<u32>("k").await.unwrap(), Some(2), "an entry of the next step");
    time.advance(Duration::from_secs(64));
    assert_eq!(region.get::<u32>("k").await.unwrap(), None);

    let short = Region::builder(Memory::new().json().coarse());
    let error = short.expire_after(Duration::from_secs(63)).build().unwrap_err();
    assert!(error.to_string().contains("64 s"), "{error}");
}
