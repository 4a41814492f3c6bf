//! What handles write is kept as the function would have it, and names are free to choose.

use std::{
    collections::HashMap,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use larder::{ManualClock, Memo, Region, Timestamp, cached, cached_multi};

use super::secs;

static TIME: LazyLock<ManualClock> =
    LazyLock::new(|| ManualClock::new(Timestamp::from_secs(1_000_000)));
static NUMBERS: LazyLock<Region<Memo<u64>>> = LazyLock::new(|| {
    let builder = Region::builder(Memo::new().with_clock(TIME.clock()));
    builder.expire_after(secs(1)).clock(TIME.clock()).build().unwrap()
});

#[cached(region = NUMBERS, expire_after = "1h", key = "long:{n}")]
async fn long(n: u64) -> u64 {
    n
}

#[cached_multi(of = long)]
async fn longs(numbers: &[u64]) -> HashMap<u64, u64> {
    numbers.iter().map(|n| (*n, *n)).collect()
}

#[cached(region = NUMBERS, ttl = |n: &u64| secs(*n), should_cache = |n: &u64| *n != 7)]
fn own(n: u64) -> u64 {
    n
}

#[cached_multi(of = own)]
fn owns(numbers: &[u64]) -> HashMap<u64, u64> {
    numbers.iter().map(|n| (*n, *n)).collect()
}

#[tokio::test]
async fn what_is_set_lives_as_long_as_what_is_called() {
    assert_eq!(long(1).await, 1);
    long::cache().set(20, &2).await.unwrap();
    longs::cache().set([(3, 30)]).await.unwrap();
    own::cache().set(100, &1).unwrap();
    own::cache().set(7, &2).unwrap(); // said to be stored, so it is
    owns::cache().set([(3, 100), (4, 1)]).unwrap();
    assert_eq!(own::cache().get(&2).unwrap(), Some(7));
    TIME.advance(secs(60));
    for (n, value) in [(1, 1), (2, 20), (3, 30)] {
        assert_eq!(long::cache().get(&n).await.unwrap(), Some(value), "{n}");
    }
    let kept: Vec<_> = [1, 2, 3, 4].map(|n| own::cache().get(&n).unwrap()).into();
    assert_eq!(kept, [Some(100), None, Some(100), None]);
}

static ROWS: LazyLock<Region<Memo<u64>>> = LazyLock::new(|| Region::new(Memo::new()));
static ROW: AtomicU64 = AtomicU64::new(4);

#[cached(region = ROWS)]
async fn row(n: u64) -> Option<u64> {
    Some(n).filter(|n| *n <= ROW.load(SeqCst))
}

#[cached_multi(of = row)]
async fn rows(numbers: &[u64]) -> HashMap<u64, u64> {
    let there = numbers.iter().filter(|n| **n <= ROW.load(SeqCst));
    there.map(|n| (*n, *n)).collect()
}

#[tokio::test]
async fn a_refresh_forgets_what_is_there_no_more() {
    assert_eq!(rows(&[1, 2, 3, 4]).await.len(), 4);
    ROW.store(2, SeqCst);
    assert_eq!(row::cache().refresh(4).await, None);
    assert_eq!(row::cache().get(&4).await.unwrap(), None);
    assert_eq!(rows::cache().refresh(&[2, 3]).await, HashMap::from([(2, 2)]));
    assert_eq!(row::cache().get(&3).await.unwrap(), None);
    assert_eq!(row::cache().get(&2).await.unwrap(), Some(2));
}

static SIGN: AtomicU64 = AtomicU64::new(1);

#[cached(region = ROWS, should_cache = |n: &u64| *n < 100)]
fn small(n: u64) -> u64 {
    n * SIGN.load(SeqCst)
}

#[cached_multi(of = small)]
fn smalls(numbers: &[u64]) -> HashMap<u64, u64> {
    numbers.iter().map(|n| (*n, n * SIGN.load(SeqCst))).collect()
}

#[test]
fn a_refresh_that_is_not_worth_keeping_leaves_what_is_there() {
    assert_eq!(smalls(&[1, 2]), HashMap::from([(1, 1), (2, 2)]));
    SIGN.store(100, SeqCst);
    assert_eq!(small::cache().refresh(1), 100);
    assert_eq!(smalls::cache().refresh(&[2]), HashMap::from([(2, 200)]));
    let kept = smalls::cache().get(&[1, 2]).unwrap();
    assert_eq!(kept, HashMap::from([(1, 1), (2, 2)]));
}

#[cached(region = ROWS)]
fn named(key: &str, value: &str, operation: u64, created: u64) -> u64 {
    key.len() as u64 + value.len() as u64 + operation + created
}

#[cached_multi(region = ROWS)]
fn many_named(keys: &[u64], item: u64, items: &str, values: u64, first: &str) -> Vec<Option<u64>> {
    keys.iter().map(|key| Some(key + item + values + (items.len() + first.len()) as u64)).collect()
}

#[test]
fn arguments_may_have_the_names_of_what_is_generated() {
    assert_eq!(named("a", "b", 1, 1), 4);
    assert_eq!(named::cache().get("a", "b", &1, &1).unwrap(), Some(4));
    assert_eq!(many_named(&[1], 1, "a", 1, "b"), [Some(5)]);
    assert_eq!(many_named::cache().get(&[1], &1, "a", &1, "b").unwrap(), [Some(5)]);
    many_named::cache().set([(1, 9)], &1, "a", &1, "b").unwrap();
    assert_eq!(many_named(&[1], 1, "a", 1, "b"), [Some(9)]);
}

struct Shelf<T>(T);

#[cached(region = ROWS, skip(self))]
impl Shelf<u8> {
    #[cached]
    fn size(&self) -> u64 {
        8 + u64::from(self.0)
    }
}

#[cached(region = ROWS, skip(self))]
impl Shelf<u16> {
    #[cached]
    fn size(&self) -> u64 {
        16 + u64::from(self.0)
    }
}

#[test]
fn blocks_for_the_same_type_with_other_parameters() {
    assert_eq!((Shelf(0_u8).size(), Shelf(0_u16).size()), (8, 16));
    assert_eq!(Shelf(0_u8).size_cache().get().unwrap(), Some(8));
    let key = Shelf(0_u16).size_cache().key().unwrap();
    assert_eq!(key.as_key(), "functions::wishes::Shelf<u16>::size()".into());
}
