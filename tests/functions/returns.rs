//! What functions return, and what is kept of it.

use std::{
    io,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use larder::{LayerExt, Memo, Region, SharedError, cached};

use super::{Refused, secs};

type Texts = Region<Memo<String>>;

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Memo::new().region());
static KNOWS_NOTHING: LazyLock<Texts> =
    LazyLock::new(|| Region::builder(Memo::new()).negative_ttl(secs(60)).build().unwrap());

static CALLS: [AtomicUsize; 8] = [const { AtomicUsize::new(0) }; 8];

fn called(n: usize) -> usize {
    CALLS[n].fetch_add(1, SeqCst) + 1
}

#[cached(region = TEXTS)]
async fn maybe(there: bool) -> Option<String> {
    there.then(|| called(0).to_string()).or_else(|| {
        called(0);
        None
    })
}

#[cached(region = KNOWS_NOTHING)]
async fn maybe_kept(there: bool) -> Option<String> {
    let calls = called(1).to_string();
    there.then_some(calls)
}

#[cached(region = KNOWS_NOTHING)]
fn maybe_or_fails(n: u8) -> Result<Option<String>, Refused> {
    let calls = called(2).to_string();
    match n {
        0 => Err(Refused),
        1 => Ok(None),
        _ => Ok(Some(calls)),
    }
}

#[tokio::test]
async fn nothing_is_kept_where_the_region_keeps_it() {
    assert_eq!((maybe(true).await, maybe(true).await), (Some("1".into()), Some("1".into())));
    assert_eq!((maybe(false).await, maybe(false).await), (None, None));
    assert_eq!(CALLS[0].load(SeqCst), 3);
    assert_eq!((maybe_kept(false).await, maybe_kept(false).await), (None, None));
    assert_eq!(maybe_kept(true).await.as_deref(), Some("2"));
    assert_eq!(maybe_kept(true).await.as_deref(), Some("2"));
    assert_eq!((maybe_or_fails(0), maybe_or_fails(0)), (Err(Refused), Err(Refused)));
    assert_eq!((maybe_or_fails(1), maybe_or_fails(1)), (Ok(None), Ok(None)));
    assert_eq!(CALLS[2].load(SeqCst), 3);
}

mod alias {
    pub(super) type Result<T> = std::result::Result<T, super::Refused>;
    pub(super) type Bare = Result<String>;
    pub(super) mod bare {
        pub(crate) type Result = super::Bare;
    }
}

#[cached(region = TEXTS)]
fn by_alias(fails: bool) -> alias::Result<String> {
    if fails { Err(Refused) } else { Ok(called(3).to_string()) }
}

#[cached(region = TEXTS)]
fn by_bare_alias(fails: bool) -> alias::bare::Result {
    if fails { Err(Refused) } else { Ok(called(4).to_string()) }
}

#[cached(region = TEXTS)]
fn arc_error(path: &str) -> Result<String, Arc<io::Error>> {
    std::fs::read_to_string(path).map_err(Arc::new)
}

#[cached(region = TEXTS)]
async fn shared_error(text: &str) -> Result<String, SharedError> {
    let number: u64 = text.parse()?;
    Ok(number.to_string())
}

#[tokio::test]
async fn results_by_any_path() {
    assert_eq!(by_alias(true), Err(Refused));
    assert_eq!((by_alias(false).unwrap(), by_alias(false).unwrap()), ("1".into(), "1".into()));
    assert_eq!(by_bare_alias(true), Err(Refused));
    assert_eq!(by_bare_alias(false).unwrap(), by_bare_alias(false).unwrap());
    assert_eq!(by_bare_alias::cache().get(&false).unwrap().as_deref(), Some("1"));
    let error = arc_error("/no/such/file").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(shared_error("x").await.is_err());
    assert_eq!(shared_error("7").await.unwrap(), "7");
}

static NOTHING: LazyLock<Region<Memo<()>>> = LazyLock::new(|| Memo::new().region());

#[cached(region = NOTHING)]
fn no_value(_n: u8) {
    called(5);
}

#[test]
fn a_function_without_a_value_is_called_once() {
    no_value(1);
    no_value(1);
    assert_eq!(CALLS[5].load(SeqCst), 1);
}
