//! Batches, and the entries they share with functions for one item.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use larder::{
    BackendExt, Batch, Bytes, Json, Key, LayerExt, Level, Memo, Memory, NoMeta, PayloadExt, Region,
    WriteOpts, cached, cached_multi,
};

use super::{Refused, secs};

static USERS: LazyLock<Region<Memo<String>>> = LazyLock::new(|| Memo::new().region());
static ASKED: Mutex<Vec<Vec<u64>>> = Mutex::new(Vec::new());
static SINGLE: AtomicUsize = AtomicUsize::new(0);

#[cached(region = USERS, key = "user:{id}")]
async fn load_user(id: u64) -> Result<String, Refused> {
    SINGLE.fetch_add(1, SeqCst);
    Ok(format!("user {id}"))
}

#[cached_multi(of = load_user)]
async fn load_users(ids: &[u64]) -> HashMap<u64, String> {
    ASKED.lock().unwrap().push(ids.to_vec());
    ids.iter().filter(|id| **id < 100).map(|id| (*id, format!("user {id}"))).collect()
}

#[tokio::test]
async fn a_batch_and_its_single_form_share_entries() {
    load_user(2).await.unwrap();
    let users = load_users(&[1, 2, 3, 1, 200]).await;
    assert_eq!(users.len(), 3);
    assert_eq!(users[&2], "user 2");
    assert_eq!(*ASKED.lock().unwrap(), [vec![1, 3, 200]]); // one call for what is missing
    tokio::spawn(load_users(&[3])).await.unwrap();
    load_user(3).await.unwrap();
    assert_eq!(SINGLE.load(SeqCst), 1);
    assert_eq!(load_user::cache().get(&1).await.unwrap().as_deref(), Some("user 1"));

    let cache = load_users::cache();
    assert_eq!(cache.get(&[1, 2, 9]).await.unwrap().len(), 2);
    assert_eq!(cache.keys(&[7]).unwrap()[0].as_key(), "user:7".into());
    cache.set([(1, "ann".to_owned())]).await.unwrap();
    assert_eq!(load_user(1).await.unwrap(), "ann");
    cache.invalidate(&[1, 2]).await.unwrap();
    assert_eq!(load_user::cache().get(&2).await.unwrap(), None);
    cache.set([(1, "ann".to_owned())]).await.unwrap();
    assert_eq!(cache.refresh(&[1]).await[&1], "user 1");
    assert_eq!(load_user(1).await.unwrap(), "user 1");
    assert_eq!(cache.original(&[5]).await[&5], "user 5");
    assert_eq!(load_user::cache().get(&5).await.unwrap(), None);
    assert!(load_users(&[]).await.is_empty());
}

static NUMBERS: LazyLock<Region<Memo<u64>>> = LazyLock::new(|| Memo::new().region());

#[cached_multi(region = NUMBERS, each(n in numbers), key = "square:{n}")]
fn squares(numbers: Vec<u64>) -> Vec<Option<u64>> {
    numbers.iter().map(|n| (*n != 4).then(|| n * n)).collect()
}

#[cached_multi(region = NUMBERS)]
fn cubes(numbers: impl IntoIterator<Item = u64>) -> BTreeMap<u64, u64> {
    numbers.into_iter().map(|n| (n, n * n * n)).collect()
}

#[cached_multi(region = NUMBERS)]
async fn lengths<'a>(words: &[&'a str]) -> Result<Vec<(&'a str, u64)>, Refused> {
    if words.contains(&"") {
        return Err(Refused);
    }
    Ok(words.iter().map(|word| (*word, word.len() as u64)).collect())
}

#[tokio::test]
async fn lists_and_collections_of_all_kinds() {
    assert_eq!(squares(vec![3, 4, 3]), [Some(9), None, Some(9)]);
    assert_eq!(NUMBERS.get("square:3").await.unwrap(), Some(9));
    assert_eq!(squares::cache().get(&[3, 4]).unwrap(), [Some(9), None]);
    squares::cache().set([(4, 16)]).unwrap();
    assert_eq!(squares(vec![4]), [Some(16)]);
    assert_eq!(squares::cache().refresh(vec![4]), [None]);

    assert_eq!(cubes([2, 3])[&3], 27);
    assert_eq!(cubes::cache().get([3, 9]).unwrap(), BTreeMap::from([(3, 27)]));

    let word = "word".to_owned();
    assert_eq!(lengths(&[&word, "a"]).await.unwrap(), [("word", 4), ("a", 1)]);
    assert_eq!(lengths::cache().get(&["a", "-"]).await.unwrap(), [("a", 1)]);
    assert_eq!(lengths(&["a"]).await, Ok(vec![("a", 1)]));
    assert_eq!(lengths(&["a", ""]).await, Err(Refused));
}

struct Db(AtomicUsize);

#[cached(region = NUMBERS, skip(db))]
async fn score(db: &Db, user: u64, game: u32) -> u64 {
    db.0.fetch_add(1, SeqCst);
    user * 100 + u64::from(game)
}

#[cached_multi(of = score, skip(db))]
async fn scores(db: &Db, user: u64, games: &[u32]) -> HashMap<u32, u64> {
    db.0.fetch_add(1, SeqCst);
    games.iter().map(|game| (*game, user * 100 + u64::from(*game))).collect()
}

#[tokio::test]
async fn further_arguments_are_part_of_every_key() {
    let db = Db(AtomicUsize::new(0));
    assert_eq!(scores(&db, 1, &[1, 2]).await[&2], 102);
    assert_eq!(score(&db, 1, 2).await, 102);
    assert_eq!(db.0.load(SeqCst), 1);
    assert_eq!(scores(&db, 2, &[1, 2]).await[&2], 202);
    assert_eq!(db.0.load(SeqCst), 2);
    assert_eq!(scores::cache().get(&1, &[2, 3]).await.unwrap(), HashMap::from([(2, 102)]));
}

struct Repo {
    cache: Region<Memo<String>>,
    calls: AtomicUsize,
}

#[cached(region = self.cache)]
impl Repo {
    #[cached(key = "{id}")]
    async fn load(&self, id: u64) -> Option<String> {
        self.calls.fetch_add(1, SeqCst);
        (id < 100).then(|| format!("user {id}"))
    }

    #[cached_multi(of = load)]
    async fn load_all(&self, ids: &[u64]) -> Result<HashMap<u64, String>, Refused> {
        self.calls.fetch_add(1, SeqCst);
        Ok(ids.iter().filter(|id| **id < 100).map(|id| (*id, format!("user {id}"))).collect())
    }

    #[cached_multi(key = "sync:{item}")]
    fn alone(&self, ids: &[u64]) -> Vec<(u64, String)> {
        self.calls.fetch_add(1, SeqCst);
        ids.iter().map(|id| (*id, format!("alone {id}"))).collect()
    }
}

#[tokio::test]
async fn methods_have_batches_too() {
    let cache = Region::builder(Memo::new()).negative_ttl(secs(10)).build().unwrap();
    let repo = Repo { cache, calls: AtomicUsize::new(0) };
    assert_eq!(repo.load_all(&[1, 2, 200]).await.unwrap().len(), 2);
    assert_eq!(repo.load(1).await.unwrap(), "user 1");
    assert_eq!(repo.load(200).await, None); // known to be nothing
    assert_eq!(repo.calls.load(SeqCst), 1);
    assert_eq!(repo.load_all_cache().get(&[1, 3]).await.unwrap().len(), 1);
    repo.load_all_cache().invalidate(&[1]).await.unwrap();
    assert_eq!(repo.load_cache().get(&1).await.unwrap(), None);
    assert_eq!(repo.load_all_cache().refresh(&[1]).await.unwrap().len(), 1);
    assert_eq!(repo.alone(&[1, 2]), repo.alone(&[1, 2]));
    assert_eq!(repo.calls.load(SeqCst), 3);
    assert_eq!(repo.alone_cache().keys(&[5]).unwrap()[0].as_key(), "sync:5".into());
}

/// Counts what a store is asked.
#[derive(Default)]
struct Counted {
    memory: Memory,
    reads: AtomicUsize,
}

impl Level for Counted {
    async fn remove(&self, key: Key<'_>) -> larder::Result<()> {
        self.memory.remove(key).await
    }
}

impl larder::Backend for Counted {
    async fn get(&self, key: Key<'_>) -> larder::Result<Option<Bytes>> {
        self.reads.fetch_add(1, SeqCst);
        self.memory.get(key).await
    }

    async fn get_multi(&self, keys: &[Key<'_>]) -> larder::Result<Batch<Bytes>> {
        self.reads.fetch_add(1, SeqCst);
        self.memory.get_multi(keys).await
    }

    async fn set(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) -> larder::Result<()> {
        self.memory.set(key, value, opts).await
    }
}

static COUNTED: LazyLock<Arc<Counted>> = LazyLock::new(Arc::default);
static OVER_COUNTED: LazyLock<Region<NoMeta<Json<Arc<Counted>>>>> =
    LazyLock::new(|| Arc::clone(&COUNTED).json().no_meta().region());

#[cached_multi(region = OVER_COUNTED)]
async fn counted(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, *id)).collect()
}

#[tokio::test]
async fn all_items_are_read_in_one_go() {
    counted(&[1, 2, 3]).await;
    assert_eq!(COUNTED.reads.load(SeqCst), 1);
    counted(&[1, 2, 3, 4]).await;
    assert_eq!(COUNTED.reads.load(SeqCst), 2);
}

#[cached_multi(region = NUMBERS, key = "short:{item}")]
fn too_short(ids: &[u64]) -> Vec<Option<u64>> {
    ids.iter().skip(1).map(|id| Some(*id)).collect()
}

#[test]
#[should_panic(expected = "returns one for each item")]
fn a_list_of_another_length_is_no_answer() {
    too_short(&[1, 2]);
}
