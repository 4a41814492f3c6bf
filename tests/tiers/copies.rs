//! What is copied, and for how long.

use larder::{
    ErrorKind, Expires, LayerExt, ReadOpts, Region, Tiers as Which,
    testing::{Calls, entry_ttl_suite, store_suite},
};

use super::*;

#[tokio::test]
async fn keeps_the_promises_of_a_store() {
    let text = |number: u64| format!("value {number}");
    store_suite(|| async { tiers(&truth()).0 }, text).await;
    entry_ttl_suite(|| async { tiers(&truth()).0 }, text).await;
    store_suite(|| async { told(&truth(), &Bell::default()).0 }, text).await;
    // Of bytes before bytes, and three of them.
    let bytes = || Memory::new().postcard().framed();
    store_suite(|| async { Tiered::new(bytes(), bytes()) }, text).await;
    store_suite(|| async { Tiered::new(Memo::new(), Tiered::new(bytes(), bytes())) }, text).await;
    store_suite(|| async { Tiered::new(Tiered::new(Memo::new(), bytes()), bytes()) }, text).await;
    store_suite(|| async { tiers(&truth()).0.logging().prefixed("p:") }, text).await;
}

#[tokio::test]
async fn a_hit_asks_the_near_tier_only() {
    let truth = truth();
    put(&tiers(&truth).0, "k", "v").await;
    let (tiers, chaos) = tiers(&truth);
    for _ in 0..3 {
        assert_eq!(get(&tiers, "k").await.as_deref(), Some("v"));
    }
    assert_eq!(chaos.asked(Calls::Reads), 1);
    put(&tiers, "own", "w").await;
    assert_eq!(get(&tiers, "own").await.as_deref(), Some("w"));
    assert_eq!(chaos.asked(Calls::Reads), 1, "a write leaves a copy, too");
    // What is not there is asked for each time.
    assert_eq!(get(&tiers, "none").await, None);
    assert_eq!(get(&tiers, "none").await, None);
    assert_eq!(chaos.asked(Calls::Reads), 3);
}

#[tokio::test]
async fn a_batch_asks_for_what_is_missing_in_one_go() {
    let truth = truth();
    let (other, _) = tiers(&truth);
    for key in ["a", "b", "c", "d"] {
        put(&other, key, key).await;
    }
    let (tiers, chaos) = tiers(&truth);
    get(&tiers, "b").await;
    let keys = ["a", "b", "x", "c", "a"].map(Key::from);
    for reads in [1, 2] {
        let found: Vec<Option<String>> = tiers
            .read_multi(&keys)
            .await
            .unwrap()
            .into_iter()
            .map(|found| found.unwrap().and_then(|entry: Entry<Option<String>>| entry.value))
            .collect();
        let found: Vec<_> = found.iter().map(Option::as_deref).collect();
        assert_eq!(found, [Some("a"), Some("b"), None, Some("c"), Some("a")]);
        assert_eq!(chaos.asked(Calls::Only(larder::Op::GetMulti)), reads);
    }
    assert_eq!(chaos.asked(Calls::Only(larder::Op::Get)), 1);
    // And one that lacks nothing asks nobody.
    let _: larder::Batch<Entry<Option<String>>> = tiers.read_multi(&keys[..2]).await.unwrap();
    assert_eq!(chaos.asked(Calls::Reads), 3);
}

/// Under `clock`, with a region that keeps things for a minute.
fn timed(truth: &Truth, clock: &ManualClock) -> (Region<Tiers>, ChaosHandle) {
    let (far, chaos) = far(truth);
    let near = Memo::new().with_clock(clock.clock());
    let tiers = Tiered::new(near, far).with_clock(clock.clock());
    let region = Region::builder(tiers).keep_for(MINUTE).clock(clock.clock()).build().unwrap();
    (region, chaos)
}

#[tokio::test]
async fn a_copy_has_the_age_of_what_it_copies_and_the_rest_of_its_life() {
    let clock = ManualClock::new(Timestamp::from_secs(1_000_000));
    let truth = Arc::new(Memory::new().with_clock(clock.clock()));
    let (writer, _) = timed(&truth, &clock);
    writer.set("k", "v".to_owned()).await.unwrap();
    clock.advance(Duration::from_secs(40));
    let (reader, chaos) = timed(&truth, &clock);
    let age = async |at: u64| {
        let found = reader.entry::<String>("k").await.unwrap();
        assert_eq!(found.map(|found| found.age()), Some(Some(Duration::from_secs(at))));
    };
    age(40).await;
    clock.advance(Duration::from_secs(20));
    age(60).await;
    assert_eq!(chaos.asked(Calls::Reads), 1);
    // A second later neither has it.
    clock.advance(Duration::from_secs(1));
    assert_eq!(reader.get::<String>("k").await.unwrap(), None);
    assert_eq!(chaos.asked(Calls::Reads), 2);
}

#[tokio::test]
async fn each_tier_may_have_a_shorter_life() {
    let clock = ManualClock::new(Timestamp::from_secs(1_000_000));
    let truth = Arc::new(Memory::new().with_clock(clock.clock()));
    let (far, chaos) = far(&truth);
    let tiers = Tiered::new(Memo::new().with_clock(clock.clock()), far)
        .with_clock(clock.clock())
        .l1_ttl(Duration::from_secs(5))
        .l2_ttl(Duration::from_secs(20));
    put(&tiers, "k", "v").await;
    get(&tiers, "k").await;
    assert_eq!(chaos.asked(Calls::Reads), 0);
    clock.advance(Duration::from_secs(6));
    assert_eq!(get(&tiers, "k").await.as_deref(), Some("v"));
    assert_eq!(chaos.asked(Calls::Reads), 1);
    clock.advance(Duration::from_secs(15));
    assert_eq!(get(&tiers, "k").await, None);

    // A copy that a write leaves goes with what it copies.
    let (far, _) = super::far(&truth);
    let tiers = Tiered::new(Memo::new().with_clock(clock.clock()), far)
        .with_clock(clock.clock())
        .l2_ttl(Duration::from_secs(20));
    put(&tiers, "k", "v").await;
    clock.advance(Duration::from_secs(21));
    assert_eq!(get(&tiers, "k").await, None);
}

#[tokio::test]
async fn without_a_time_of_creation_the_copies_need_a_life_of_their_own() {
    let far = || Memory::new().postcard().no_meta();
    let build = |tiers| Region::builder(tiers).expire_after(MINUTE).build().map(|_: Region<_>| ());
    let error = build(Tiered::new(Memo::<String>::new(), far())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("l1_ttl"), "{error}");
    build(Tiered::new(Memo::<String>::new(), far()).l1_ttl(MINUTE)).unwrap();
    // What never ends needs none.
    let region = Tiered::new(Memo::<String>::new(), far()).region();
    region.set("k", "v".to_owned()).await.unwrap();
    assert_eq!(region.get::<String>("k").await.unwrap().as_deref(), Some("v"));
}

#[tokio::test]
async fn tiers_can_be_skipped_for_a_call() {
    let truth = truth();
    let (tiers, chaos) = tiers(&truth);
    put(&tiers, "k", "old").await;
    put(&super::tiers(&truth).0, "k", "new").await;
    let read = async |which| {
        let found = Store::<String>::read_with(&tiers, "k".into(), ReadOpts::tiers(which)).await;
        found.unwrap().and_then(|entry| entry.value)
    };
    assert_eq!(read(Which::ALL).await.as_deref(), Some("old"));
    assert_eq!(read(Which::only(1)).await.as_deref(), Some("old"));
    assert_eq!(read(Which::ALL.without(1)).await.as_deref(), Some("new"));
    assert_eq!(get(&tiers, "k").await.as_deref(), Some("old"), "a skipped tier gets no copy");
    assert_eq!(read(Which::only(3)).await, None);

    // A write that skips a tier leaves nothing older in it.
    let only = |which| WriteOpts::default().tiers(which);
    tiers.write("k".into(), &entry("far"), only(Which::only(2))).await.unwrap();
    assert_eq!(get(&tiers, "k").await.as_deref(), Some("far"));
    let writes = chaos.asked(Calls::Writes);
    tiers.write("n".into(), &entry("near"), only(Which::only(1))).await.unwrap();
    assert_eq!(chaos.asked(Calls::Writes), writes);
    assert_eq!(get(&tiers, "n").await.as_deref(), Some("near"));
    assert_eq!(get(&super::tiers(&truth).0, "n").await, None);
}

#[tokio::test]
async fn of_three_tiers_each_can_be_named() {
    let truth = truth();
    let (far, chaos) = far(&truth);
    let middle = Arc::new(Memory::new());
    let middle_tier = || Arc::clone(&middle).postcard().framed();
    let tiers = Tiered::new(Memo::<String>::new(), Tiered::new(middle_tier(), far));
    put(&tiers, "k", "v").await;
    assert_eq!(tiers.capabilities().further_tiers, 2);
    put(&middle_tier(), "k", "middle").await;
    let read = async |which| {
        let found = Store::<String>::read_with(&tiers, "k".into(), ReadOpts::tiers(which)).await;
        found.unwrap().and_then(|entry| entry.value)
    };
    assert_eq!(read(Which::only(1)).await.as_deref(), Some("v"));
    assert_eq!(read(Which::only(2)).await.as_deref(), Some("middle"));
    assert_eq!(chaos.asked(Calls::Reads), 0);
    assert_eq!(read(Which::only(3)).await.as_deref(), Some("v"));
    // Past all copies, which are made anew.
    let anew = ReadOpts::default().anew();
    let found = Store::<String>::read_with(&tiers, "k".into(), anew).await.unwrap();
    assert_eq!(found.unwrap().value.as_deref(), Some("v"));
    assert_eq!(read(Which::only(2)).await.as_deref(), Some("v"));
}

#[tokio::test]
async fn what_both_can_is_what_it_can() {
    let (both, _) = tiers(&truth());
    let can = both.capabilities();
    assert_eq!(can.expires, Expires::Always);
    assert_eq!(can.created_at, larder::Precision::Seconds);
    assert!(can.entry_ttl && can.immediate == larder::Immediate::All);
    let hashes = Tiered::new(Memo::<u8>::new(), Memory::new().hstore().postcard().int_time());
    assert!(hashes.capabilities().hashes && !hashes.capabilities().entry_ttl);
}
