//! What was intended in `pyramid_caching_api` and went wrong there: each defect by its name, and that it is not
//! here. Those that come from Python 2 (`types.TupleType`, `iteritems`, a debug text with one `%s` too many) and
//! from `AttributeSafeObject` have nothing here that they could happen to.

use std::sync::Arc;

use larder::{AsKey, Key, KeyBuf, LayerExt, Loader, Lookup, Memo, testing::Calls};

use crate::{Database, Down, names, request, text};

#[tokio::test]
async fn ids_already_in_the_request_come_back_as_nothing_in_a_batch() {
    let (names, database, _) = names();
    request(async {
        names.get(1).await.unwrap();
        names.get_multi([2, 200]).await.unwrap();
        database.take();
        let found = names.get_multi([1, 2, 3, 200, 300]).await.unwrap();
        assert_eq!(found, [text("name 1"), text("name 2"), text("name 3"), None, None]);
        assert_eq!(database.take(), [[3, 300]]);
    })
    .await;
}

#[tokio::test]
async fn batch_results_are_stashed_under_the_key_of_the_whole_list() {
    let (names, database, world) = names();
    request(async {
        names.get_multi([1, 2, 200]).await.unwrap();
        database.take();
        for (id, name) in [(1, text("name 1")), (2, text("name 2")), (200, None)] {
            assert_eq!(names.get(id).await.unwrap(), name, "each has its own key");
        }
        assert_eq!(names.get_multi([200, 2]).await.unwrap(), [None, text("name 2")]);
    })
    .await;
    assert!(database.take().is_empty());
    assert_eq!(world.others.get("name:2").await.unwrap(), text("name 2"), "for everyone");
}

#[tokio::test]
async fn each_miss_is_probed_twice() {
    let (names, _, world) = names();
    request(async {
        names.get_multi([1, 200]).await.unwrap();
        names.get(2).await.unwrap();
    })
    .await;
    assert_eq!(world.asked.take(), [vec!["name:1", "name:200"], vec!["name:2"]]);
}

#[tokio::test]
async fn phase_one_is_as_many_reads_as_ids() {
    let (names, database, world) = names();
    request(names.get_multi(1..=50)).await.unwrap();
    let (reads, writes) = (world.reads(), world.writes());
    assert_eq!((reads, writes, database.take().len()), (1, 1, 1));
    assert_eq!(world.chaos.asked(Calls::All), 2);
}

#[tokio::test]
async fn absent_rows_are_queried_again_each_time() {
    let (names, database, world) = names();
    request(names.get_multi([1, 200])).await.unwrap();
    assert_eq!(database.take(), [[1, 200]]);
    for _ in 0..2 {
        // In other requests, by either way.
        request(async {
            assert_eq!(names.get_multi([200, 1]).await.unwrap(), [None, text("name 1")]);
            assert_eq!(names.get(200).await.unwrap(), None);
        })
        .await;
    }
    request(names.get(300)).await.unwrap();
    assert_eq!(database.take(), [[300]]);
    request(names.get_multi([300])).await.unwrap();
    assert!(database.take().is_empty());
    assert_eq!(world.writes(), 2);
}

#[tokio::test]
async fn no_dogpile_protection_on_the_batch_path() {
    let (names, database, _) = names();
    let requests = (0..100_u64).map(|n| {
        let names = names.clone();
        // All kinds of overlaps, single and batched.
        tokio::spawn(async move {
            request(async {
                let ids = [n % 5, n % 5 + 1, 200 + n % 3];
                let found = names.get_multi(ids).await.unwrap();
                let alone = names.get(n % 7 + 1).await.unwrap();
                (found.len(), alone)
            })
            .await
        })
    });
    for (n, answer) in requests.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(answer.await.unwrap(), (3, Some(format!("name {}", n % 7 + 1))));
    }
    let mut ids = database.take().concat();
    ids.sort_unstable();
    assert_eq!(ids, [0, 1, 2, 3, 4, 5, 6, 7, 200, 201, 202], "each was asked for once");
}

/// A lookup by two arguments.
struct Prices(Arc<Database>);

impl Lookup for Prices {
    type Id = (u64, &'static str);
    type Value = String;
    type Error = Down;

    fn key(&self, (id, currency): &Self::Id) -> impl AsKey + Send {
        KeyBuf::from(Key::from((*currency, &id.to_string())))
    }

    async fn many(&self, ids: Vec<Self::Id>) -> Result<Vec<(Self::Id, String)>, Down> {
        let rows = self.0.select(ids.iter().map(|(id, _)| *id).collect()).await?;
        let priced = ids.into_iter().filter(|(id, _)| rows.iter().any(|(row, _)| row == id));
        Ok(priced.map(|id| (id, format!("{} {}", id.0, id.1))).collect())
    }
}

#[tokio::test]
async fn one_argument_methods_only() {
    let database = Arc::new(Database::default());
    let region = Memo::new().request_scoped().region();
    let prices = Loader::new(region, Prices(Arc::clone(&database)));
    request(async {
        let found = prices.get_multi([(1, "EUR"), (1, "USD"), (200, "EUR")]).await.unwrap();
        assert_eq!(found, [text("1 EUR"), text("1 USD"), None]);
        assert_eq!(prices.get((1, "USD")).await.unwrap(), text("1 USD"));
    })
    .await;
    assert_eq!(database.take(), [[1, 1, 200]]);
}

#[tokio::test]
async fn an_update_does_not_touch_the_stash() {
    let (names, _, _) = names();
    request(async {
        names.get(1).await.unwrap();
        names.set(1, "new".to_owned()).await.unwrap();
        assert_eq!(names.get(1).await.unwrap(), text("new"));
        assert_eq!(names.refresh(1).await.unwrap(), text("name 1"));
        assert_eq!(names.get(1).await.unwrap(), text("name 1"));
    })
    .await;
}

#[tokio::test]
async fn an_empty_batch_asks_nobody() {
    let (names, database, world) = names();
    request(async {
        assert_eq!(names.get_multi([0_u64; 0]).await.unwrap(), []);
        names.prefetch([0_u64; 0]).await.unwrap();
        names.delete_multi([0_u64; 0]).await.unwrap();
    })
    .await;
    assert_eq!((database.take().len(), world.chaos.asked(Calls::All)), (0, 0));
}
