//! Each of a region's counters by what causes it, on every way of asking.

use larder::{
    BackendExt, Created, IntTime, Invalidation, Json, Memory, PayloadExt,
    testing::{Calls, Chaos, ChaosHandle, Damage, Fault},
};

use super::{
    scrape::{Counts, Scrape},
    *,
};

#[tokio::test]
async fn single_keys() {
    let scrape = Scrape::new();
    let (region, time) = numbers();
    assert_eq!(scrape.counts("numbers"), Counts::default(), "all are there from the start");
    assert_eq!(region.get("k").await.unwrap(), None); // miss
    assert_eq!(region.get_or_create("k", async || 1).await.unwrap(), 1); // miss, created
    assert_eq!(region.get_or_create("k", async || 2).await.unwrap(), 1); // fresh
    assert_eq!(region.get("k").await.unwrap(), Some(1)); // fresh
    assert!(region.entry("k").await.unwrap().is_some()); // fresh
    assert!(region.entry("other").await.unwrap().is_none()); // miss
    let now = Counts { fresh: 3, misses: 3, creations: 1, ..Counts::default() };
    assert_eq!(scrape.counts("numbers"), now);

    time.advance(secs(11));
    assert_eq!(region.get("k").await.unwrap(), None); // miss: a get takes nothing stale
    assert!(region.entry("k").await.unwrap().unwrap().is_stale()); // stale
    let failed = region.try_get_or_create("k", async || Err("down")).await; // stale, failed
    assert_eq!(failed.unwrap(), 1);
    assert!(region.try_get_or_create("other", async || Err("down")).await.is_err()); // miss, failed
    assert_eq!(region.get_or_create("k", async || 2).await.unwrap(), 2); // miss, created
    let now = Counts { stale: 2, misses: 6, creations: 2, failures: 2, ..now };
    assert_eq!(scrape.counts("numbers"), now);

    // A negative entry is an answer, too; what is not stored was created all the same.
    for _ in 0..2 {
        let nothing = region.get_or_create_with("none", async || Created::nothing()).await;
        assert_eq!(nothing.unwrap(), None);
    }
    let not_stored = async || Created::new(5).not_stored();
    assert_eq!(region.get_or_create_with("brief", not_stored).await.unwrap(), Some(5));
    let now = Counts { fresh: 4, misses: 8, creations: 4, ..now };
    assert_eq!(scrape.counts("numbers"), now);

    // Writing is no lookup, and neither is a refresh.
    region.set("k", 3).await.unwrap();
    region.delete("k").await.unwrap();
    assert_eq!(region.refresh("k", async || 4).await.unwrap(), 4);
    assert!(region.try_refresh("k", async || Err("down")).await.is_err());
    let now = Counts { creations: 5, failures: 3, ..now };
    assert_eq!(scrape.counts("numbers"), now);
}

#[tokio::test]
async fn batches() {
    let scrape = Scrape::new();
    let (region, time) = numbers();
    region.get_or_create_multi(["a", "b"], ones).await.unwrap(); // 2 misses, 2 created
    region.get_or_create_multi(["a", "b", "c", "c"], ones).await.unwrap(); // 2 fresh, 1 miss, 1 created
    assert_eq!(region.get_multi(["a", "d"]).await.unwrap(), [Some(1), None]); // fresh, miss
    let now = Counts { fresh: 3, misses: 4, creations: 3, ..Counts::default() };
    assert_eq!(scrape.counts("numbers"), now);

    // What the creator leaves out was asked for in vain, and not made.
    let none = async |_: Vec<&str>| Vec::<(&str, u64)>::new();
    assert_eq!(region.get_or_create_multi(["d", "e"], none).await.unwrap(), [None, None]);
    let now = Counts { misses: 6, ..now };
    assert_eq!(scrape.counts("numbers"), now);

    // One failing call, for three keys: two stale, one missing.
    time.advance(secs(11));
    let fails = async |_: Vec<&str>| Err::<Vec<(&str, u64)>, _>("down");
    let answers = region.try_get_or_create_multi(["a", "b", "d"], fails).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 2);
    let now = Counts { stale: 2, misses: 7, failures: 1, ..now };
    assert_eq!(scrape.counts("numbers"), now);
}

#[tokio::test]
async fn waits() {
    let scrape = Scrape::new();
    let (region, time) = numbers();
    let (slow, failing) = (Slow::new(), Slow::new());
    let ask = |key: &'static str, slow: &Slow, result: Result<u64, &'static str>| {
        let (region, slow) = (region.clone(), slow.clone());
        tokio::spawn(async move { region.try_get_or_create(key, || slow.create(result)).await })
    };
    let asked: Vec<_> = (0..3)
        .flat_map(|_| [ask("good", &slow, Ok(1)), ask("bad", &failing, Err("down"))])
        .collect();
    tokio::join!(slow.called(1), failing.called(1));
    settle().await;
    slow.go_once();
    failing.go_once();
    for task in asked {
        drop(task.await.unwrap());
    }
    let now = Counts { misses: 6, creations: 1, failures: 1, waits: 4, ..Counts::default() };
    assert_eq!(scrape.counts("numbers"), now);
    assert_eq!(scrape.value("larder_wait_seconds_count{region=\"numbers\"}"), 4);
    assert_eq!(scrape.value("larder_creator_seconds_count{region=\"numbers\"}"), 2);

    // Who waits for a stale value gets it at once.
    time.advance(secs(11));
    let leader = ask("good", &slow, Ok(2));
    slow.called(2).await;
    assert_eq!(ask("good", &slow, Ok(3)).await.unwrap().unwrap(), 1);
    slow.go_once();
    assert_eq!(leader.await.unwrap().unwrap(), 2);
    let now = Counts { stale: 1, misses: 7, creations: 2, ..now };
    assert_eq!(scrape.counts("numbers"), now);

    // A refresh that finds another one at work waits, and looks nothing up.
    let refresh = || {
        let (region, slow) = (region.clone(), slow.clone());
        tokio::spawn(async move { region.refresh("good", || slow.create(4)).await })
    };
    let refreshes = [refresh(), refresh()];
    slow.called(3).await;
    settle().await;
    slow.go_once();
    for refresh in refreshes {
        assert_eq!(refresh.await.unwrap().unwrap(), 4);
    }
    assert_eq!(scrape.counts("numbers"), Counts { creations: 3, waits: 5, ..now });
}

#[tokio::test]
async fn in_the_background() {
    let scrape = Scrape::new();
    let (region, time) = numbers();
    let ask = |result| region.try_get_or_create_in_background("k", move || async move { result });
    assert_eq!(ask(Ok(1)).await.unwrap(), 1); // miss, created
    assert_eq!(ask(Err("down")).await.unwrap(), 1); // fresh
    time.advance(secs(11));
    assert_eq!(ask(Err("down")).await.unwrap(), 1); // stale, failed
    until(|| region.in_flight() == 0).await;
    assert_eq!(ask(Ok(2)).await.unwrap(), 1); // stale, created
    until(|| region.in_flight() == 0).await;
    assert_eq!(ask(Ok(3)).await.unwrap(), 2); // fresh
    let now =
        Counts { fresh: 2, stale: 2, misses: 1, creations: 2, failures: 1, ..Counts::default() };
    assert_eq!(scrape.counts("numbers"), now);
}

#[test]
fn blocking() {
    let scrape = Scrape::new();
    let (region, time) = numbers();
    let region = region.blocking();
    assert_eq!(region.get("k").unwrap(), None::<u64>); // miss
    assert_eq!(region.get_or_create("k", || 1).unwrap(), 1); // miss, created
    assert_eq!(region.get_or_create("k", || 2).unwrap(), 1); // fresh
    assert_eq!(region.get("k").unwrap(), Some(1)); // fresh
    region.get_or_create_multi(["k", "a"], made).unwrap(); // fresh, miss, created
    region.get_multi::<u64>(["a", "b"]).unwrap(); // fresh, miss
    time.advance(secs(11));
    assert_eq!(region.try_get_or_create("k", || Err("down")).unwrap(), 1); // stale, failed
    assert_eq!(region.refresh("k", || 2).unwrap(), 2); // created
    let now =
        Counts { fresh: 4, stale: 1, misses: 4, creations: 3, failures: 1, ..Counts::default() };
    assert_eq!(scrape.counts("numbers"), now);
}

type Bytes = Region<Metered<IntTime<Json<Chaos<Memory>>>>>;

fn chaotic(strict: bool) -> (Bytes, ChaosHandle) {
    let store = Chaos::new(Memory::new());
    let chaos = store.handle();
    let stack = store.json().int_time().metered("bytes");
    (Region::builder(stack).strict(strict).build().unwrap(), chaos)
}

#[tokio::test]
async fn a_store_that_fails() {
    let scrape = Scrape::new();
    let (region, chaos) = chaotic(false);
    chaos.inject(Fault::Error(ErrorKind::Unavailable).on(Calls::All));
    assert_eq!(region.get_or_create("k", async || 1).await.unwrap(), 1); // read and write
    assert!(region.get::<u8>("k").await.is_err());
    assert!(region.entry::<u8>("k").await.is_err());
    assert!(region.get_multi::<u8>(["a", "b"]).await.is_err());
    region.get_or_create_multi(["a", "b"], ones).await.unwrap(); // read and write
    let now = Counts { misses: 7, creations: 3, bypassed: 4, ..Counts::default() };
    assert_eq!(scrape.counts("bytes"), now);
    let errors = "larder_backend_errors_total{region=\"bytes\",backend=\"memory\"}";
    assert_eq!(scrape.value(errors), 2, "inside the process, those of writes");

    chaos.calm();
    region.set("k", 1).await.unwrap();
    chaos.inject(Fault::Corrupt(Damage::Truncate).on(Calls::Reads).times(2));
    assert_eq!(region.get::<u8>("k").await.unwrap(), None);
    assert_eq!(region.get_or_create("k", async || 2).await.unwrap(), 2);
    let now = Counts { misses: 9, creations: 4, undecodable: 2, ..now };
    assert_eq!(scrape.counts("bytes"), now);
}

#[tokio::test]
async fn a_store_that_fails_strictly() {
    let scrape = Scrape::new();
    let (region, chaos) = chaotic(true);
    chaos.inject(Fault::Error(ErrorKind::Unavailable).on(Calls::Reads));
    assert!(region.get_or_create("k", async || 1).await.is_err());
    assert!(region.get_or_create_in_background("k", || async { 1 }).await.is_err());
    assert!(region.get_or_create_multi(["a", "b"], ones).await.is_err());
    let now = Counts { misses: 4, bypassed: 3, ..Counts::default() };
    assert_eq!(scrape.counts("bytes"), now);

    chaos.calm();
    chaos.inject(Fault::Error(ErrorKind::Unavailable).on(Calls::Writes));
    assert!(region.get_or_create("k", async || 1).await.is_err());
    assert!(region.get_or_create_multi(["a", "b"], ones).await.is_err());
    let now = Counts { misses: 7, creations: 3, bypassed: 5, ..now };
    assert_eq!(scrape.counts("bytes"), now);

    chaos.calm();
    region.set("k", 1).await.unwrap();
    chaos.inject(Fault::Corrupt(Damage::Truncate).on(Calls::Reads));
    assert!(region.get::<u8>("k").await.is_err());
    assert!(region.entry::<u8>("k").await.is_err());
    assert!(region.get_multi::<u8>(["k"]).await.is_err());
    assert!(region.get_or_create("k", async || 2).await.is_err());
    assert_eq!(scrape.counts("bytes"), Counts { misses: 11, undecodable: 4, ..now });
}

#[tokio::test]
async fn what_came_in_between() {
    let scrape = Scrape::new();
    let (region, _) = numbers();
    let outer = &region;
    let create = async || {
        outer.set("k", 7).await.unwrap();
        1
    };
    assert_eq!(region.get_or_create("k", create).await.unwrap(), 1); // miss, created, voided
    let create = async |keys: Vec<&'static str>| {
        outer.invalidate(Invalidation::Hard).await.unwrap();
        made(keys)
    };
    region.get_or_create_multi(["a", "b"], create).await.unwrap(); // 2 misses, created, voided
    let now = Counts { misses: 3, creations: 3, voided: 3, ..Counts::default() };
    assert_eq!(scrape.counts("numbers"), now);
}

#[tokio::test]
async fn a_creator_that_asks_for_itself() {
    let scrape = Scrape::new();
    let (region, _) = numbers();
    let outer = &region;
    let create = async || {
        assert!(outer.get_or_create("k", async || 1).await.is_err()); // miss
        assert!(outer.get_or_create_multi(["k"], ones).await.is_err()); // miss
        2
    };
    assert_eq!(region.get_or_create("k", create).await.unwrap(), 2); // miss, created
    let now = Counts { misses: 3, creations: 1, ..Counts::default() };
    assert_eq!(scrape.counts("numbers"), now);
}
