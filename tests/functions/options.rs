//! Lifetimes, and what is kept at all.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use larder::{ManualClock, Memo, Region, Timestamp, cached, cached_multi};

use super::secs;

static TIME: LazyLock<ManualClock> =
    LazyLock::new(|| ManualClock::new(Timestamp::from_secs(1_000_000)));
static NUMBERS: LazyLock<Region<Memo<u64>>> = LazyLock::new(|| {
    let builder = Region::builder(Memo::new().with_clock(TIME.clock()));
    builder.expire_after(secs(1000)).clock(TIME.clock()).build().unwrap()
});

static NEXT: AtomicU64 = AtomicU64::new(0);

fn next() -> u64 {
    NEXT.fetch_add(1, SeqCst)
}

#[cached(region = NUMBERS, expire_after = "1m 30s")]
async fn by_text(_n: u64) -> u64 {
    next()
}

#[cached(region = NUMBERS, expire_after = Duration::from_secs(n))]
async fn by_argument(n: u64) -> u64 {
    n * 1000 + next()
}

static LIFETIME: AtomicU64 = AtomicU64::new(10);

#[cached(region = NUMBERS, expire_after = || secs(LIFETIME.load(SeqCst)))]
fn by_closure(_n: u64) -> u64 {
    next()
}

#[cached(region = NUMBERS, ttl = |n: &u64| secs(*n), should_cache = |n| *n != 7)]
async fn by_value(n: u64) -> u64 {
    next();
    n
}

#[cached_multi(of = by_value)]
async fn by_values(numbers: &[u64]) -> Vec<(u64, u64)> {
    next();
    numbers.iter().map(|n| (*n, *n)).collect()
}

// One test: they share a clock.
#[tokio::test]
async fn lifetimes() {
    let first = by_text(1).await;
    TIME.advance(secs(90));
    assert_eq!(by_text(1).await, first); // equality is still fresh
    assert_eq!(by_text::cache().get(&1).await.unwrap(), Some(first));
    TIME.advance(secs(1));
    // The region itself would take it; the function's lifetime decides, for its handle, too.
    assert_eq!(by_text::cache().get(&1).await.unwrap(), None);
    let key = by_text::cache().key(&1).unwrap();
    assert_eq!(NUMBERS.get(&key).await.unwrap(), Some(first));
    assert_ne!(by_text(1).await, first);

    let (short, long) = (by_argument(5).await, by_argument(50).await);
    TIME.advance(secs(6));
    assert_ne!(by_argument(5).await, short);
    assert_eq!(by_argument(50).await, long);

    let first = by_closure(1);
    TIME.advance(secs(11));
    LIFETIME.store(20, SeqCst);
    assert_eq!(by_closure(1), first);
    LIFETIME.store(5, SeqCst);
    assert_ne!(by_closure(1), first);

    by_value(5).await;
    by_value(50).await;
    by_values(&[6, 60]).await;
    TIME.advance(secs(7));
    let cache = by_value::cache();
    assert_eq!(cache.get(&5).await.unwrap(), None);
    assert_eq!(cache.get(&6).await.unwrap(), None);
    assert_eq!(cache.get(&50).await.unwrap(), Some(50));
    assert_eq!(cache.get(&60).await.unwrap(), Some(60));
    by_value(7).await;
    by_values(&[7]).await;
    assert_eq!(cache.get(&7).await.unwrap(), None);
}
