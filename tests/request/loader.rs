//! Lookups, single and in batches.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use larder::{AsKey, Failure, LayerExt, Loader, Lookup, ManualClock, Memo, Region, Timestamp};
use tokio::task::JoinSet;

use crate::{Database, Down, Names, names, request, support::region::Slow, text};

#[tokio::test]
async fn the_answers_are_in_order_with_duplicates() {
    let (names, database, world) = names();
    request(async {
        let found = names.get_multi([3, 1, 200, 3, 2, 200]).await.unwrap();
        let name = |id| Some(format!("name {id}"));
        assert_eq!(found, [name(3), name(1), None, name(3), name(2), None]);
        assert_eq!(database.take(), [[3, 1, 200, 2]]);
    })
    .await;
    assert_eq!((world.reads(), world.writes()), (1, 1));
    let stats = world.region.stats();
    assert_eq!((stats.creations, stats.failures), (4, 0));
}

#[tokio::test]
async fn it_works_outside_of_a_request() {
    let (names, database, _) = names();
    for _ in 0..2 {
        assert_eq!(names.get(1).await.unwrap(), text("name 1"));
        assert_eq!(names.get(&200).await.unwrap(), None);
        assert_eq!(names.get_multi(&[1, 200]).await.unwrap(), [text("name 1"), None]);
    }
    assert_eq!(database.take(), [[1], [200]]);
}

#[tokio::test]
async fn what_is_forgotten_is_asked_for_again() {
    let (names, database, _) = names();
    request(async {
        names.prefetch([1, 2, 3, 200]).await.unwrap();
        names.delete(1).await.unwrap();
        names.delete_multi([2, 200]).await.unwrap();
        database.take();
        names.get_multi([1, 2, 3, 200]).await.unwrap();
        assert_eq!(database.take(), [[1, 2, 200]]);
        assert_eq!(names.refresh(200).await.unwrap(), None);
        assert_eq!(names.refresh(3).await.unwrap(), text("name 3"));
        assert_eq!(database.take(), [[200], [3]]);
    })
    .await;
}

#[tokio::test]
async fn what_a_refresh_finds_gone_is_gone() {
    let (names, database, world) = names();
    request(async {
        names.set(200, "was there".to_owned()).await.unwrap();
        assert_eq!(names.refresh(200).await.unwrap(), None);
        assert_eq!(names.get(200).await.unwrap(), None);
    })
    .await;
    assert_eq!(database.take(), [[200]]);
    assert_eq!(world.others.get("name:200").await.unwrap(), None);
}

#[tokio::test]
async fn absence_is_kept_for_its_own_time() {
    let hand = ManualClock::new(Timestamp::from_secs(1_000_000));
    let second = Duration::from_secs(1);
    let memo = Memo::new().with_clock(hand.clock()).request_scoped();
    let region = Region::builder(memo)
        .expire_after(second * 100)
        .negative_ttl(second * 10)
        .clock(hand.clock())
        .build()
        .unwrap();
    let database = Arc::new(Database::default());
    let names = Loader::new(region, Names(Arc::clone(&database)));
    request(names.get_multi([1, 200])).await.unwrap();
    request(names.get(300)).await.unwrap();
    hand.advance(second * 5);
    request(names.get_multi([1, 200, 300])).await.unwrap();
    assert_eq!(database.take(), [vec![1, 200], vec![300]]);
    hand.advance(second * 6);
    request(names.get_multi([1, 200])).await.unwrap();
    request(names.get(300)).await.unwrap();
    assert_eq!(database.take(), [vec![200], vec![300]]);
}

#[tokio::test]
async fn a_failure_is_told_and_not_kept() {
    let (names, database, _) = names();
    request(async {
        names.get(1).await.unwrap();
        database.fails.store(true, SeqCst);
        let failed = names.get_multi([1, 2]).await.unwrap_err();
        assert_eq!(failed.creator(), Some(&Down));
        assert!(matches!(names.get(3).await, Err(Failure::Creator(_))));
        assert!(names.prefetch([4]).await.is_err());
        assert!(names.refresh(1).await.is_err());
        assert_eq!(names.get(1).await.unwrap(), text("name 1"), "it stays");
        database.fails.store(false, SeqCst);
        let found = names.get_multi([1, 2, 3]).await.unwrap();
        assert_eq!(found, [text("name 1"), text("name 2"), text("name 3")]);
    })
    .await;
}

/// A lookup that returns more than it was asked for, rows twice, and keys in another spelling.
struct Sloppy;

impl Lookup for Sloppy {
    type Id = String;
    type Value = u32;
    type Error = Down;

    fn key(&self, id: &String) -> impl AsKey + Send {
        id.to_lowercase()
    }

    async fn many(&self, ids: Vec<String>) -> Result<Vec<(String, u32)>, Down> {
        let rows = ids.into_iter().filter(|id| id.to_lowercase() != "nobody");
        let rows = rows.flat_map(|id| [(id.clone(), 1), (id.to_uppercase(), 2)]);
        Ok([("unasked".to_owned(), 9)].into_iter().chain(rows).collect())
    }

    fn before_store(&self, value: u32) -> Option<u32> {
        assert_ne!(value, 9, "nobody asked for it");
        Some(value)
    }
}

#[tokio::test]
async fn what_was_not_asked_for_is_ignored_and_the_last_of_two_counts() {
    let loader = Loader::new(Memo::new().request_scoped().region(), Sloppy);
    request(async {
        let ids = ["Ann", "nobody", "ann"].map(ToOwned::to_owned);
        assert_eq!(loader.get_multi(ids).await.unwrap(), [Some(2), None, Some(2)]);
        assert_eq!(loader.get("Bob".to_owned()).await.unwrap(), Some(2));
        assert_eq!(loader.get("Nobody".to_owned()).await.unwrap(), None);
        assert_eq!(loader.region().get("unasked").await.unwrap(), None);
    })
    .await;
}

/// A lookup with hooks.
struct Shaped {
    hidden: AtomicBool,
    database: Arc<Database>,
}

impl Lookup for Shaped {
    type Id = u64;
    type Value = String;
    type Error = Down;

    fn key(&self, id: &u64) -> impl AsKey + Send {
        id.to_string()
    }

    async fn many(&self, ids: Vec<u64>) -> Result<Vec<(u64, String)>, Down> {
        self.database.select(ids).await
    }

    fn before_store(&self, value: String) -> Option<String> {
        (value != "name 13").then(|| value.to_uppercase())
    }

    fn after_read(&self, value: String) -> Option<String> {
        (!self.hidden.load(SeqCst)).then(|| format!("<{value}>"))
    }
}

#[tokio::test]
async fn hooks_see_what_is_stored_and_what_is_read() {
    let database = Arc::new(Database::default());
    let lookup = Shaped { hidden: AtomicBool::new(false), database: Arc::clone(&database) };
    let loader = Loader::new(Memo::<String>::new().request_scoped().region(), lookup);
    request(async {
        for _ in 0..2 {
            assert_eq!(loader.get(1).await.unwrap(), text("<NAME 1>"));
            let found = loader.get_multi([1, 2, 13]).await.unwrap();
            assert_eq!(found, [text("<NAME 1>"), text("<NAME 2>"), None]);
            assert_eq!(loader.get(13).await.unwrap(), None);
        }
        assert_eq!(database.take(), [vec![1], vec![2, 13]], "that there is none was stored");
        assert_eq!(loader.region().get("2").await.unwrap(), text("NAME 2"));
        assert_eq!(loader.refresh(2).await.unwrap(), text("<NAME 2>"));
        loader.set(2, "two".to_owned()).await.unwrap();
        assert_eq!(loader.region().get("2").await.unwrap(), text("TWO"));
        loader.set(2, "name 13".to_owned()).await.unwrap();
        assert_eq!(loader.region().get("2").await.unwrap(), None);
        loader.lookup().hidden.store(true, SeqCst);
        assert_eq!(loader.get(1).await.unwrap(), None);
        assert_eq!(loader.get_multi([1]).await.unwrap(), [None]);
        assert_eq!(loader.region().get("1").await.unwrap(), text("NAME 1"));
    })
    .await;
}

/// A lookup that waits until it is let go, and panics if told to.
struct Gate(Slow, AtomicBool);

impl Lookup for Gate {
    type Id = u64;
    type Value = u64;
    type Error = Down;

    fn key(&self, id: &u64) -> impl AsKey + Send {
        id.to_string()
    }

    async fn many(&self, ids: Vec<u64>) -> Result<Vec<(u64, u64)>, Down> {
        self.0.create(()).await;
        assert!(!self.1.swap(false, SeqCst), "the lookup was told to");
        Ok(ids.into_iter().map(|id| (id, id)).collect())
    }
}

fn gate() -> (Loader<Gate, larder::RequestScoped<Memo<u64>>>, Slow) {
    let slow = Slow::new();
    let gate = Gate(slow.clone(), AtomicBool::new(false));
    (Loader::new(Memo::new().request_scoped().region(), gate), slow)
}

#[tokio::test]
async fn who_is_dropped_harms_nobody() {
    for in_batch in [false, true] {
        let (loader, slow) = gate();
        let first = loader.clone();
        let first = tokio::spawn(request(async move {
            if in_batch {
                first.get_multi([1, 2]).await.map(drop)
            } else {
                first.get(1).await.map(drop)
            }
        }));
        slow.called(1).await;
        let second = loader.clone();
        let second = tokio::spawn(request(async move { second.get_multi([2, 1]).await }));
        tokio::task::yield_now().await;
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        slow.go();
        assert_eq!(second.await.unwrap().unwrap(), [Some(2), Some(1)]);
        assert_eq!(loader.region().in_flight(), 0);
    }
}

#[tokio::test]
async fn a_lookup_that_panics_harms_nobody_else() {
    let (loader, slow) = gate();
    loader.lookup().1.store(true, SeqCst);
    let first = loader.clone();
    let first = tokio::spawn(request(async move { first.get_multi([1, 2]).await }));
    slow.called(1).await;
    let second = loader.clone();
    let second = tokio::spawn(request(async move { second.get(1).await }));
    tokio::task::yield_now().await;
    slow.go();
    assert!(first.await.unwrap_err().is_panic());
    assert_eq!(second.await.unwrap().unwrap(), Some(1));
    assert_eq!(loader.region().in_flight(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stampede_of_requests_is_one_statement() {
    let (names, database, _) = names();
    let mut requests = JoinSet::new();
    for n in 0..200 {
        let names = names.clone();
        requests.spawn(request(async move {
            if n % 2 == 0 {
                names.get_multi(1..=20).await.unwrap().len()
            } else {
                names.get(7).await.unwrap().map_or(0, |name| name.len())
            }
        }));
    }
    while let Some(answer) = requests.join_next().await {
        assert!([20, 6].contains(&answer.unwrap()));
    }
    let mut ids = database.take().concat();
    ids.sort_unstable();
    assert_eq!(ids, (1..=20).collect::<Vec<_>>());
}

#[test]
fn futures_may_be_spawned_and_secrets_are_not_shown() {
    fn sends<T: Send>(value: T) -> T {
        value
    }
    let (names, ..) = names();
    drop(sends(names.get(1)));
    drop(sends(names.get_multi([1, 2])));
    drop(sends(names.prefetch([1])));
    drop(sends(names.refresh(1)));
    drop(sends(names.set(1, String::new())));
    assert!(format!("{names:?}").starts_with("Loader { region: Region"));
}
