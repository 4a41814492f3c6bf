//! Functions over a region that is configured later.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use larder::{Config, Declared, Error, LayerExt, Memo, Region, cached, cached_multi};

static NUMBERS: Declared<Region<Memo<u64>>> = Declared::new("numbers");
static NEVER: Declared<Region<Memo<u64>>> = Declared::new("never");
static CALLS: AtomicUsize = AtomicUsize::new(0);

#[cached(region = NUMBERS, key = "n:{n}")]
async fn number(n: u64) -> larder::Result<u64> {
    CALLS.fetch_add(1, SeqCst);
    Ok(n)
}

#[cached_multi(of = number)]
async fn numbers(numbers: &[u64]) -> Result<Vec<(u64, u64)>, Error> {
    CALLS.fetch_add(1, SeqCst);
    Ok(numbers.iter().map(|n| (*n, *n)).collect())
}

#[tokio::test]
async fn are_told_until_it_is_configured() {
    let early = number(1).await.unwrap_err().to_string();
    assert!(early.contains("region `numbers` is used before it is configured"), "{early}");
    for error in [
        numbers(&[1]).await.unwrap_err(),
        number::cache().refresh(1).await.unwrap_err(),
        number::cache().set(1, &1).await.unwrap_err(),
        numbers::cache().invalidate(&[1]).await.unwrap_err(),
    ] {
        assert_eq!(error.to_string(), early);
    }
    assert_eq!(CALLS.load(SeqCst), 0);
    assert_eq!(number::cache().key(&1).unwrap().as_key(), "n:1".into()); // needs no region

    let config = Config::from_pairs([("cache.numbers.max_entries", "7")]);
    NUMBERS.configure_from(&config).unwrap();
    number(1).await.unwrap();
    numbers(&[1, 2]).await.unwrap();
    numbers(&[1, 2]).await.unwrap();
    assert_eq!(CALLS.load(SeqCst), 2);

    NUMBERS.replace(Memo::new().region());
    assert_eq!(number::cache().get(&1).await.unwrap(), None); // another region
    numbers(&[1, 2]).await.unwrap();
    number(1).await.unwrap();
    assert_eq!(CALLS.load(SeqCst), 3);
}

#[cached(region = NEVER)]
fn too_early(n: u64) -> u64 {
    n
}

#[test]
#[should_panic(
    expected = "region `never` is used before it is configured: call `configure_from(&config)`"
)]
fn who_cannot_tell_panics() {
    too_early(1);
}
