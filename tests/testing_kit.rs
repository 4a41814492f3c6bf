//! `Chaos`: it does what the test says, and nothing else.
#![cfg(all(feature = "backend-memory", feature = "codec-json"))]

use std::{sync::Arc, time::Duration};

use larder::{
    Backend, BackendExt, Bytes, EntryTtl, ErrorKind, Framed, HashBackend, HashExpiry, Hstore,
    IntTime, Json, Key, LayerExt, Level, Logging, Memo, Memory, Op, PayloadExt, Put, Region, Store,
    WriteOpts,
    testing::{Calls, Chaos, ChaosHandle, Damage, Fault, Rule},
};
use static_assertions::assert_impl_all;
use tokio::{task::yield_now, time::Instant};

const FOREVER: WriteOpts = WriteOpts::keep_for(None);
const DOWN: Fault = Fault::Error(ErrorKind::Unavailable);

assert_impl_all!(Chaos<Memory>: Backend, HashBackend, Send, Sync);
assert_impl_all!(Chaos<Memo<u8>>: Store<u8>, EntryTtl);
assert_impl_all!(Chaos<Framed<Json<Memory>>>: Store<String>, EntryTtl);
assert_impl_all!(Logging<IntTime<Json<Hstore<Chaos<Memory>>>>>: Store<String>);
assert_impl_all!(ChaosHandle: Clone, Send, Sync);

fn chaos() -> (Chaos<Memory>, ChaosHandle) {
    let store = Chaos::new(Memory::new());
    let handle = store.handle();
    (store, handle)
}

async fn set(store: &impl Backend, key: &str, value: &'static str) -> Result<(), ErrorKind> {
    let set = store.set(key.into(), Bytes::from(value), FOREVER).await;
    set.map_err(|error| error.kind())
}

async fn get(store: &impl Backend, key: &str) -> Result<Option<Bytes>, ErrorKind> {
    store.get(key.into()).await.map_err(|error| error.kind())
}

/// One call of each kind, by the methods of a backend or those of hashes; whether each failed.
async fn one_of_each(store: &Chaos<Memory>, hashes: bool) -> [bool; 6] {
    let (key, value, never) = (Key::from(("s", "n")), Bytes::from("v"), HashExpiry::Never);
    let puts = [Put::new(key, value.clone(), FOREVER)];
    if hashes {
        return [
            store.hash_get(key).await.is_err(),
            store.hash_set(key, value, FOREVER, never).await.is_err(),
            store.hash_remove(key).await.is_err(),
            store.hash_get_multi(&[key]).await.is_err(),
            store.hash_set_multi(&puts, never).await.is_err(),
            store.hash_remove_multi(&[key]).await.is_err(),
        ];
    }
    [
        store.get(key).await.is_err(),
        store.set(key, value, FOREVER).await.is_err(),
        store.remove(key).await.is_err(),
        store.get_multi(&[key]).await.is_err(),
        store.set_multi(&puts).await.is_err(),
        store.remove_multi(&[key]).await.is_err(),
    ]
}

#[tokio::test]
async fn rules_are_for_the_calls_they_name() {
    let all = [true; 6];
    for (calls, wanted) in [
        (Calls::All, all),
        (Calls::Reads, [true, false, false, true, false, false]),
        (Calls::Writes, [false, true, false, false, true, false]),
        (Calls::Removals, [false, false, true, false, false, true]),
        (Calls::Only(Op::SetMulti), [false, false, false, false, true, false]),
        (Calls::Only(Op::Get), [true, false, false, false, false, false]),
    ] {
        let (store, chaos) = chaos();
        assert_eq!(one_of_each(&store, false).await, [false; 6]);
        chaos.inject(DOWN.on(calls));
        assert_eq!(one_of_each(&store, false).await, wanted, "{calls:?}");
        assert_eq!(one_of_each(&store, true).await, wanted, "{calls:?}");
        let met = 2 * wanted.iter().filter(|met| **met).count() as u64;
        assert_eq!((chaos.asked(Calls::All), chaos.injected(Calls::All)), (18, met));
        assert_eq!(chaos.injected(calls), met);
        assert_eq!((chaos.asked(Calls::Reads), chaos.asked(Calls::Only(Op::Get))), (6, 3));
        chaos.calm();
        assert_eq!(one_of_each(&store, true).await, [false; 6]);
    }
}

#[tokio::test]
async fn a_script_happens_in_its_order() {
    let (store, chaos) = chaos();
    chaos.inject(DOWN.on(Calls::Reads).times(2));
    chaos.inject(Fault::Error(ErrorKind::Backend).on(Calls::Reads).times(1));
    chaos.inject(Fault::LoseReply.on(Calls::Writes).skip(2).times(1));
    for kind in [ErrorKind::Unavailable, ErrorKind::Unavailable, ErrorKind::Backend] {
        assert_eq!(get(&store, "k").await, Err(kind));
    }
    assert_eq!(get(&store, "k").await, Ok(None));
    for (value, written) in
        [("one", Ok(())), ("two", Ok(())), ("three", Err(ErrorKind::Timeout)), ("four", Ok(()))]
    {
        assert_eq!(set(&store, "k", value).await, written);
        assert_eq!(get(&store, "k").await, Ok(Some(value.into())), "it took place in any case");
    }
    assert_eq!(chaos.injected(Calls::All), 4);
    assert!(format!("{chaos:?}").contains("rules: []"), "spent rules are gone: {chaos:?}");
}

#[tokio::test]
async fn an_error_says_where_it_comes_from_and_nothing_happens() {
    let (store, chaos) = chaos();
    chaos.inject(DOWN);
    let error = store.set("k".into(), Bytes::from("v"), FOREVER).await.unwrap_err();
    assert_eq!(error.to_string(), "chaos: the store cannot be reached (key k)");
    assert!(store.inner().is_empty());
    chaos.calm();
    chaos.inject(Fault::LoseReply);
    let error = store.remove("k".into()).await.unwrap_err();
    assert_eq!(error.to_string(), "chaos: the reply was lost (key k)");
}

#[tokio::test]
async fn chance_is_fair_and_can_be_repeated() {
    let run = async |seed| {
        let store = Chaos::with_seed(Memory::new(), seed);
        store.handle().inject(DOWN.on(Calls::Reads).chance(0.3));
        let mut fell = Vec::new();
        for _ in 0..1000 {
            fell.push(get(&store, "k").await.is_err());
        }
        fell
    };
    let first = run(1).await;
    let failed = first.iter().filter(|failed| **failed).count();
    assert!((240..360).contains(&failed), "{failed}");
    assert_eq!(run(1).await, first);
    assert_ne!(run(2).await, first);
}

#[tokio::test(start_paused = true)]
async fn delays_pass_by_the_clock_of_the_runtime() {
    let (store, chaos) = chaos();
    chaos.inject(Fault::Delay(Duration::from_secs(3600)).on(Calls::Writes));
    let start = Instant::now();
    set(&store, "k", "v").await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(3600));
    assert_eq!(get(&store, "k").await, Ok(Some("v".into())));
    assert_eq!(start.elapsed(), Duration::from_secs(3600), "reads are not delayed");
}

#[tokio::test]
async fn damaged_bytes_are_damaged_as_said() {
    const VALUE: &str = "a value of some length";
    let (store, chaos) = chaos();
    let damaged = async |damage| {
        chaos.inject(Fault::Corrupt(damage).on(Calls::Only(Op::Get)).times(1));
        get(&store, "k").await.unwrap().unwrap()
    };
    // A write does not meet it, and does not use it up.
    chaos.inject(Fault::Corrupt(Damage::Replace(Bytes::from("other"))).on(Calls::All).times(1));
    set(&store, "k", VALUE).await.unwrap();
    assert_eq!(get(&store, "k").await, Ok(Some("other".into())));
    for _ in 0..50 {
        let cut = damaged(Damage::Truncate).await;
        assert!(cut.len() < VALUE.len() && VALUE.as_bytes().starts_with(&cut));
        let flipped = damaged(Damage::Flip).await;
        let bits = flipped.iter().zip(VALUE.bytes()).map(|(a, b)| (a ^ b).count_ones());
        assert_eq!((flipped.len(), bits.sum::<u32>()), (VALUE.len(), 1));
    }
    assert_eq!(get(&store, "k").await, Ok(Some(VALUE.into())), "what is stored is not touched");

    set(&store, "empty", "").await.unwrap();
    chaos.inject(Fault::Corrupt(Damage::Flip));
    let keys = ["k", "empty", "missing"].map(Key::from);
    let batch = store.get_multi(&keys).await.unwrap();
    let [Ok(Some(flipped)), Ok(Some(empty)), Ok(None)] = &batch[..] else { panic!("{batch:?}") };
    assert!(*flipped != VALUE && empty.is_empty());
}

#[tokio::test]
async fn entries_are_damaged_as_a_whole() {
    let store = Chaos::new(Memo::new());
    let chaos = store.handle();
    let region = store.region();
    region.set("k", 1).await.unwrap();
    chaos.inject(Fault::Corrupt(Damage::Truncate));
    assert_eq!(region.get("k").await.unwrap(), None, "a counted miss");
    assert_eq!(region.get_multi(["k", "missing"]).await.unwrap(), [None, None]);
    assert_eq!(region.stats().unreadable, 2);
    chaos.calm();
    chaos.inject(DOWN.on(Calls::Writes));
    assert_eq!(region.set("k", 2).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(region.set_multi([("k", 2)]).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(region.get("k").await.unwrap(), Some(1));
}

/// Lets every other task run until it waits.
async fn others_run() {
    for _ in 0..20 {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_held_call_stops_before_or_after_the_store() {
    for answered in [false, true] {
        let (store, chaos) = chaos();
        let store = Arc::new(store);
        let hold =
            if answered { chaos.hold_answer(Calls::Writes) } else { chaos.hold(Calls::Writes) };
        let writer = tokio::spawn({
            let store = Arc::clone(&store);
            async move { set(&*store, "k", "v").await }
        });
        hold.reached().await;
        hold.reached().await;
        others_run().await;
        assert!(!writer.is_finished());
        assert_eq!(store.inner().len(), usize::from(answered));
        // Only the next one is held.
        set(&*store, "other", "v").await.unwrap();
        hold.release();
        writer.await.unwrap().unwrap();
        assert_eq!(get(&*store, "k").await, Ok(Some("v".into())));
    }
}

#[tokio::test]
async fn a_held_call_may_be_dropped_and_a_hold_too() {
    let (store, chaos) = chaos();
    let store = Arc::new(store);
    let hold = chaos.hold(Calls::Reads);
    let reader = tokio::spawn({
        let store = Arc::clone(&store);
        async move { get(&*store, "k").await }
    });
    hold.reached().await;
    reader.abort();
    assert!(reader.await.unwrap_err().is_cancelled());
    hold.reached().await;
    assert_eq!(get(&*store, "k").await, Ok(None));

    drop(chaos.hold(Calls::Reads));
    assert_eq!(get(&*store, "k").await, Ok(None), "nobody holds it any more");
}

#[tokio::test]
#[should_panic(expected = "no call can be held here any more")]
async fn waiting_for_what_never_comes_is_a_panic() {
    let (_store, chaos) = chaos();
    let hold = chaos.hold(Calls::Reads);
    chaos.calm();
    hold.reached().await;
}

#[tokio::test]
async fn a_stack_over_it_meets_what_was_said_below() {
    let store = Chaos::new(Memory::new());
    let chaos = store.handle();
    let region = store.hstore().json().int_time().logging().region();
    chaos.inject(Rule::from(DOWN));
    let key = ("space", "name");
    assert_eq!(region.get_or_create(key, async || 1).await.unwrap(), 1);
    assert_eq!(region.stats().bypassed, 2, "a read and a write; the winner's look is the same");
    chaos.calm();
    region.set(key, 2).await.unwrap();
    chaos.inject(Fault::Corrupt(Damage::Replace(Bytes::from("?"))).on(Calls::Reads));
    assert_eq!(region.get::<u8>(key).await.unwrap(), None);
    assert_eq!(region.stats().unreadable, 1);
}

/// What the tests of the region need a rigged store for.
#[tokio::test]
async fn the_middle_of_a_creation_can_be_held() {
    let store = Chaos::new(Memory::new());
    let chaos = store.handle();
    let region: Region<IntTime<Json<Chaos<Memory>>>> = store.json().int_time().region();

    // A write on its way; a deletion waits for it.
    let hold = chaos.hold(Calls::Writes);
    let leader = tokio::spawn({
        let region = region.clone();
        async move { region.get_or_create("k", async || 1).await }
    });
    hold.reached().await;
    let deletion = tokio::spawn({
        let region = region.clone();
        async move { region.delete("k").await }
    });
    others_run().await;
    assert!(!deletion.is_finished());
    hold.release();
    assert_eq!(leader.await.unwrap().unwrap(), 1);
    deletion.await.unwrap().unwrap();
    assert_eq!(region.get::<u8>("k").await.unwrap(), None);

    // Two miss; the second learns it when the first has created.
    let hold = chaos.hold_answer(Calls::Reads);
    let second = tokio::spawn({
        let region = region.clone();
        async move { region.get_or_create("k", async || 3).await }
    });
    hold.reached().await;
    assert_eq!(region.get_or_create("k", async || 2).await.unwrap(), 2);
    hold.release();
    assert_eq!(second.await.unwrap().unwrap(), 2);
}
