//! When the cache fails, is not there, or is used wrongly.

use std::{
    future::pending,
    sync::{
        LazyLock,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use larder::{
    Backend, BackendExt, Bytes, Error, ErrorKind, IntTime, Json, Key, LayerExt, Level, Memo,
    OnTimeout, PayloadExt, Region, RegionSource, WriteOpts, cached, cached_multi,
};
use serde::{Serialize, Serializer, ser::Error as _};
use tokio::sync::Notify;

use super::Refused;

/// A store that is down.
#[derive(Default)]
struct Down;

fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "down")
}

impl Level for Down {
    async fn remove(&self, _: Key<'_>) -> larder::Result<()> {
        Err(down())
    }
}

impl Backend for Down {
    async fn get(&self, _: Key<'_>) -> larder::Result<Option<Bytes>> {
        Err(down())
    }

    async fn set(&self, _: Key<'_>, _: Bytes, _: WriteOpts<'_>) -> larder::Result<()> {
        Err(down())
    }
}

type Broken = Region<IntTime<Json<Down>>>;

static LENIENT: LazyLock<Broken> = LazyLock::new(|| Down.json().int_time().region());
static STRICT: LazyLock<Broken> =
    LazyLock::new(|| Region::builder(Down.json().int_time()).strict(true).build().unwrap());

/// An error that can be made of the cache's.
#[derive(Clone, Debug)]
struct Told(ErrorKind);

impl From<Error> for Told {
    fn from(error: Error) -> Self {
        Self(error.kind())
    }
}

#[cached(region = LENIENT)]
async fn lenient(n: u64) -> u64 {
    n
}

#[cached(region = STRICT)]
async fn strict(n: u64) -> Result<u64, Refused> {
    Ok(n)
}

#[cached(region = STRICT)]
fn strict_blocking(n: u64) -> u64 {
    n
}

#[cached(region = STRICT)]
async fn strict_and_told(n: u64) -> Result<u64, Told> {
    Ok(n)
}

#[cached_multi(region = STRICT)]
async fn strict_batch(ids: &[u64]) -> Vec<(u64, u64)> {
    ids.iter().map(|id| (*id, *id)).collect()
}

#[tokio::test]
async fn a_store_that_is_down_fails_only_those_who_can_tell() {
    assert_eq!(lenient(1).await, 1);
    assert_eq!(strict(1).await, Ok(1));
    assert_eq!(strict::cache().refresh(1).await, Ok(1));
    assert_eq!(strict_and_told(1).await.unwrap_err().0, ErrorKind::Unavailable);
    assert_eq!(strict_batch(&[1, 2]).await, [(1, 1), (2, 2)]);
    assert!(lenient::cache().get(&1).await.is_err());
    assert!(LENIENT.stats().bypassed > 0 && STRICT.stats().bypassed > 0);
}

#[test]
fn nor_those_that_are_not_asynchronous() {
    assert_eq!(strict_blocking(1), 1);
}

/// An argument that cannot be written.
struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("not today"))
    }
}

static NUMBERS: LazyLock<Region<Memo<u64>>> = LazyLock::new(|| Memo::new().region());
static CALLS: AtomicUsize = AtomicUsize::new(0);

#[cached(region = NUMBERS)]
async fn unwritable(_argument: &Unwritable) -> u64 {
    CALLS.fetch_add(1, SeqCst) as u64
}

#[cached(region = NUMBERS)]
fn unwritable_and_told(_argument: &Unwritable) -> Result<u64, Told> {
    Err(Told(ErrorKind::Backend))
}

#[tokio::test]
async fn an_argument_that_cannot_be_written_is_no_key() {
    assert_eq!((unwritable(&Unwritable).await, unwritable(&Unwritable).await), (0, 1));
    assert!(NUMBERS.stats().bypassed >= 2);
    assert_eq!(unwritable_and_told(&Unwritable).unwrap_err().0, ErrorKind::Encode);
    let error = unwritable::cache().get(&Unwritable).await.unwrap_err();
    assert!(error.to_string().contains("`_argument`"), "{error}");
}

static IMPATIENT: LazyLock<Region<Memo<u64>>> = LazyLock::new(|| {
    let builder = Region::builder(Memo::new()).wait_timeout(std::time::Duration::from_millis(1));
    builder.on_timeout(OnTimeout::Fail).build().unwrap()
});
static HANGS: AtomicBool = AtomicBool::new(true);
static BEGUN: Notify = Notify::const_new();

#[cached(region = IMPATIENT)]
async fn slow(n: u64) -> u64 {
    if HANGS.swap(false, SeqCst) {
        BEGUN.notify_one();
        pending::<()>().await;
    }
    n
}

#[tokio::test]
async fn who_has_waited_too_long_calls_the_function() {
    let first = tokio::spawn(slow(1));
    BEGUN.notified().await;
    assert_eq!(slow(1).await, 1);
    assert!(IMPATIENT.stats().bypassed > 0);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(slow(1).await, 1); // a cancelled call leaves nothing behind
    assert_eq!(slow::cache().get(&1).await.unwrap(), Some(1));
}

/// A region that is not configured.
struct NotYet;

impl RegionSource for NotYet {
    type Stack = Memo<u64>;
    type Lock = larder::Local;
    type Invalidator = larder::Marks;

    fn region(&self) -> larder::Result<impl std::ops::Deref<Target = Region<Memo<u64>>> + Send> {
        let none: larder::Result<&Region<Memo<u64>>> =
            Err(Error::new(ErrorKind::Config, "region").with_message("not configured yet"));
        none
    }
}

#[cached(region = NotYet)]
async fn too_early(n: u64) -> u64 {
    n
}

#[cached(region = NotYet)]
async fn too_early_and_told(n: u64) -> Result<u64, Told> {
    Ok(n)
}

#[tokio::test]
async fn a_region_that_is_not_there_is_told() {
    assert_eq!(too_early_and_told(1).await.unwrap_err().0, ErrorKind::Config);
    assert_eq!(too_early::cache().get(&1).await.unwrap_err().kind(), ErrorKind::Config);
}

#[tokio::test]
#[should_panic(expected = "not configured yet")]
async fn or_panics() {
    too_early(1).await;
}

#[cached(region = NUMBERS)]
async fn circle(n: u64) -> u64 {
    Box::pin(circle(n)).await
}

#[cached(region = NUMBERS)]
fn circle_and_told(n: u64) -> Result<u64, Told> {
    circle_and_told(n)
}

#[tokio::test]
#[should_panic(expected = "asked for the key itself")]
async fn a_function_that_waits_for_itself_panics() {
    circle(1).await;
}

#[test]
fn or_tells() {
    assert_eq!(circle_and_told(1).unwrap_err().0, ErrorKind::Recursion);
}

#[cached(region = NUMBERS)]
async fn panics_once(n: u64) -> u64 {
    static PANICKED: AtomicBool = AtomicBool::new(false);
    assert!(PANICKED.swap(true, SeqCst), "the first call panics");
    n
}

#[tokio::test]
async fn a_panic_goes_to_its_caller_only() {
    assert!(tokio::spawn(panics_once(1)).await.unwrap_err().is_panic());
    assert_eq!(panics_once(1).await, 1);
}

static ERRORS: AtomicUsize = AtomicUsize::new(0);
static GO: Notify = Notify::const_new();

#[cached(region = NUMBERS)]
async fn fails_slowly(_n: u64) -> Result<u64, Refused> {
    ERRORS.fetch_add(1, SeqCst);
    GO.notified().await;
    Err(Refused)
}

#[tokio::test]
async fn one_error_for_all_who_wait() {
    let calls: Vec<_> = (0..10).map(|_| tokio::spawn(fails_slowly(1))).collect();
    while ERRORS.load(SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    GO.notify_one();
    for call in calls {
        assert_eq!(call.await.unwrap(), Err(Refused));
    }
    assert_eq!(ERRORS.load(SeqCst), 1);
}
