//! Regions over tiers: what another process made is found before anything is created.

use larder::{
    Entry, IntTime, Invalidation, Msgpack, Options, Region, SharedMarks, Tiers as Which,
    testing::{Calls, Fault},
};

use super::*;

const LIFE: Duration = Duration::from_secs(10);

fn process(truth: &Truth, clock: &ManualClock) -> (Region<Tiers>, ChaosHandle) {
    let (far, chaos) = far(truth);
    let near = Memo::new().with_clock(clock.clock());
    let tiers = Tiered::new(near, far).with_clock(clock.clock());
    let region = Region::builder(tiers).expire_after(LIFE).clock(clock.clock()).build().unwrap();
    (region, chaos)
}

fn start() -> (Truth, ManualClock) {
    let clock = ManualClock::new(Timestamp::from_secs(1_000_000));
    (Arc::new(Memory::new().with_clock(clock.clock())), clock)
}

async fn never() -> String {
    panic!("somebody else made it")
}

#[tokio::test]
async fn a_copy_that_is_stale_is_not_made_anew_while_the_truth_is_fresh() {
    let (truth, clock) = start();
    let ((one, _), (other, _)) = (process(&truth, &clock), process(&truth, &clock));
    for region in [&one, &other] {
        region.get_or_create("k", async || "old".to_owned()).await.unwrap();
        region.get_or_create("m", async || "old".to_owned()).await.unwrap();
    }
    clock.advance(LIFE + Duration::from_secs(1));
    other.get_or_create("k", async || "new".to_owned()).await.unwrap();
    other.get_or_create("m", async || "new".to_owned()).await.unwrap();
    assert_eq!(one.get_or_create("k", never).await.unwrap(), "new");
    let made = one.get_or_create_multi(["m"], async |_| -> Vec<(&str, String)> { panic!("made") });
    assert_eq!(made.await.unwrap(), [Some("new".to_owned())]);
    assert_eq!(one.stats().creations, 2);

    clock.advance(LIFE + Duration::from_secs(1));
    for key in ["k", "m"] {
        other.get_or_create(key, async || "newer".to_owned()).await.unwrap();
    }
    assert_eq!(one.get::<String>("k").await.unwrap().as_deref(), Some("newer"));
    assert_eq!(one.entry::<String>("m").await.unwrap().unwrap().value, "newer");
    clock.advance(LIFE + Duration::from_secs(1));
    for key in ["k", "m"] {
        other.get_or_create(key, async || "newest".to_owned()).await.unwrap();
    }
    let found = one.get_multi::<String>(["k", "none", "m"]).await.unwrap();
    assert_eq!(found, [Some("newest".to_owned()), None, Some("newest".to_owned())]);
    let background = one.get_or_create_in_background("k", || async { never().await }).await;
    assert_eq!(background.unwrap(), "newest");
}

#[tokio::test]
async fn a_stale_copy_is_served_while_one_refreshes_also_when_the_far_tier_is_down() {
    let (truth, clock) = start();
    let (region, chaos) = process(&truth, &clock);
    region.set("k", "old".to_owned()).await.unwrap();
    clock.advance(LIFE + Duration::from_secs(1));
    chaos.inject(Fault::Error(larder::ErrorKind::Unavailable).on(Calls::All));
    let made = region.try_get_or_create("k", async || Err::<String, _>("no database")).await;
    assert_eq!(made.unwrap(), "old", "better than nothing");
    assert_eq!(region.get_or_create("k", async || "new".to_owned()).await.unwrap(), "new");
    assert_eq!(region.get_or_create("k", never).await.unwrap(), "new");
}

#[tokio::test]
async fn so_are_those_of_a_batch() {
    let (truth, clock) = start();
    let (region, chaos) = process(&truth, &clock);
    for key in ["a", "b"] {
        region.set(key, "old".to_owned()).await.unwrap();
    }
    clock.advance(LIFE + Duration::from_secs(1));
    // Both fail, as when a server is down, or each for itself, as when one of several is.
    for fault in [
        Fault::Error(larder::ErrorKind::Unavailable),
        Fault::Corrupt(larder::testing::Damage::Truncate),
    ] {
        chaos.calm();
        chaos.inject(fault.on(Calls::Reads));
        let failing = async |_| Err::<Vec<(&str, String)>, _>("no database");
        let found = region.try_get_or_create_multi(["a", "b"], failing).await;
        let found: Vec<_> = found.into_iter().map(|found| found.unwrap()).collect();
        assert_eq!(found, [Some("old".to_owned()), Some("old".to_owned())], "better than nothing");
        let nothing: Vec<Option<String>> = region.get_multi(["a", "b"]).await.unwrap();
        assert_eq!(nothing, [None, None], "they are stale");
    }
}

#[tokio::test]
async fn an_invalidation_for_everybody_costs_one_creation() {
    let (truth, clock) = start();
    let process = || {
        let far = Arc::clone(&truth).postcard().framed();
        let tiers = Tiered::new(Memo::<String>::new().with_clock(clock.clock()), far)
            .with_clock(clock.clock());
        let marks = SharedMarks::new(Arc::clone(&truth), "marks").interval(Duration::ZERO);
        Region::builder(tiers).invalidator(marks).clock(clock.clock()).build().unwrap()
    };
    let (one, other) = (process(), process());
    for region in [&one, &other] {
        region.get_or_create("k", async || "old".to_owned()).await.unwrap();
    }
    clock.advance(Duration::from_secs(5));
    one.invalidate(Invalidation::Hard).await.unwrap();
    clock.advance(Duration::from_secs(5));
    assert_eq!(one.get_or_create("k", async || "new".to_owned()).await.unwrap(), "new");
    assert_eq!(other.get_or_create("k", never).await.unwrap(), "new");
}

#[tokio::test]
async fn a_call_can_skip_a_tier() {
    let (truth, clock) = start();
    let ((one, _), (other, chaos)) = (process(&truth, &clock), process(&truth, &clock));
    one.set("k", "old".to_owned()).await.unwrap();
    other.set("k", "new".to_owned()).await.unwrap();
    let far = one.with(Options::new().tiers(Which::ALL.without(1)));
    assert_eq!(one.get::<String>("k").await.unwrap().as_deref(), Some("old"));
    assert_eq!(far.get::<String>("k").await.unwrap().as_deref(), Some("new"));
    assert_eq!(far.get_multi::<String>(["k"]).await.unwrap(), [Some("new".to_owned())]);
    assert_eq!(far.get_or_create("k", never).await.unwrap(), "new");
    assert_eq!(far.entry::<String>("k").await.unwrap().unwrap().value, "new");
    assert_eq!(far.blocking().get::<String>("k").unwrap().as_deref(), Some("new"));
    assert_eq!(one.get::<String>("k").await.unwrap().as_deref(), Some("old"));

    let near = other.with(Options::new().tiers(Which::only(1)));
    let asked = chaos.asked(Calls::All);
    assert_eq!(near.get_or_create("n", async || "here".to_owned()).await.unwrap(), "here");
    assert_eq!(near.get::<String>("n").await.unwrap().as_deref(), Some("here"));
    assert_eq!(chaos.asked(Calls::All), asked);
    assert_eq!(one.get::<String>("n").await.unwrap(), None);
    // An entry with a life of its own is no exception.
    one.with_ttl(LIFE).set("t", "own".to_owned()).await.unwrap();
    other.with_ttl(LIFE).set("t", "other".to_owned()).await.unwrap();
    assert_eq!(far.get::<String>("t").await.unwrap().as_deref(), Some("other"));
}

#[tokio::test]
async fn a_cold_key_costs_no_further_question() {
    let (truth, clock) = start();
    let (region, chaos) = process(&truth, &clock);
    region.get_or_create("k", async || "v".to_owned()).await.unwrap();
    assert_eq!((chaos.asked(Calls::Reads), chaos.asked(Calls::Writes)), (1, 1));
    let keys: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    region
        .get_or_create_multi(keys, async |keys| {
            keys.into_iter().map(|key| (key.clone(), key)).collect::<Vec<_>>()
        })
        .await
        .unwrap();
    assert_eq!((chaos.asked(Calls::Reads), chaos.asked(Calls::Writes)), (2, 2));
}

#[tokio::test]
async fn structs_above_and_bytes_below() {
    type Stack = Tiered<Memo<Arc<str>>, IntTime<Msgpack<Arc<Memory>>>>;

    let truth = truth();
    let stack: Stack = Tiered::new(Memo::new(), Arc::clone(&truth).msgpack().int_time());
    let region = Region::new(stack);
    region.set("k", Arc::<str>::from("v")).await.unwrap();
    let one: Arc<str> = region.get("k").await.unwrap().unwrap();
    let other: Arc<str> = region.get("k").await.unwrap().unwrap();
    assert!(Arc::ptr_eq(&one, &other), "not decoded again");
    let _: Option<Entry<Option<Arc<str>>>> = region.stack().l2().read("k".into()).await.unwrap();
}
