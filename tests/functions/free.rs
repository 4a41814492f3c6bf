//! Free functions and their handles.

use std::sync::{
    LazyLock,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use larder::{LayerExt, Memo, Region, cached};

static USERS: LazyLock<Region<Memo<String>>> = LazyLock::new(|| Memo::new().region());

static CALLS: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LoadError;

/// Loads a user.
#[cached(region = USERS, key = "user:{id}", expire_after = "5m")]
pub(crate) async fn load_user(id: u64) -> Result<String, LoadError> {
    CALLS.fetch_add(1, SeqCst);
    if id == 0 { Err(LoadError) } else { Ok(format!("user {id}")) }
}

#[tokio::test]
async fn one_function_from_end_to_end() {
    assert_eq!(load_user(7).await.unwrap(), "user 7");
    assert_eq!(load_user(7).await.unwrap(), "user 7");
    assert_eq!(CALLS.load(SeqCst), 1);
    assert_eq!(load_user::cache().get(&7).await.unwrap().as_deref(), Some("user 7"));
    assert_eq!(USERS.get("user:7").await.unwrap().as_deref(), Some("user 7"));
    load_user::cache().set("ann".to_owned(), &7).await.unwrap();
    assert_eq!(load_user(7).await.unwrap(), "ann");
    load_user::cache().invalidate(&7).await.unwrap();
    assert_eq!(load_user::cache().get(&7).await.unwrap(), None);
    assert_eq!(load_user::cache().refresh(7).await.unwrap(), "user 7");
    assert_eq!(load_user::cache().original(7).await.unwrap(), "user 7");
    assert_eq!(CALLS.load(SeqCst), 3);
    assert_eq!(load_user::cache().key(&7).unwrap().as_key(), "user:7".into());
    assert_eq!(load_user(0).await, Err(LoadError));
    assert_eq!(load_user(0).await, Err(LoadError));
    assert_eq!(CALLS.load(SeqCst), 5);
    let spawned = tokio::spawn(load_user(7)).await.unwrap();
    assert_eq!(spawned.unwrap(), "user 7");
    tokio::spawn(load_user::cache().get(&7)).await.unwrap().unwrap();
}

static NUMBERS: LazyLock<Region<Memo<u64>>> = LazyLock::new(|| Memo::new().region());
static STEPS: AtomicUsize = AtomicUsize::new(0);

#[cached(region = NUMBERS)]
fn fibonacci(n: u64) -> u64 {
    STEPS.fetch_add(1, SeqCst);
    if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

#[test]
fn a_body_that_calls_itself_is_cached_at_every_step() {
    assert_eq!(fibonacci(50), 12_586_269_025);
    assert_eq!(STEPS.load(SeqCst), 51);
    assert_eq!(fibonacci::cache().get(&49).unwrap(), Some(7_778_742_049));
    fibonacci::cache().set(1, &49).unwrap();
    fibonacci::cache().invalidate(&50).unwrap();
    assert_eq!(fibonacci(50), 4_807_526_977);
    assert_eq!(fibonacci::cache().refresh(1), 1);
    assert_eq!(fibonacci::cache().original(1), 1);
    assert_eq!(STEPS.load(SeqCst), 54);
}

mod elsewhere {
    pub(crate) use super::load_user as fetch_user;

    /// A name that its handle has, too.
    #[larder::cached(region = super::NUMBERS, key = "get:{n}")]
    pub(crate) fn get(n: u64) -> u64 {
        n + 1
    }
}

#[tokio::test]
async fn an_import_takes_the_handle_with_it() {
    use elsewhere::{fetch_user, get};
    fetch_user(30).await.unwrap();
    assert!(fetch_user::cache().get(&30).await.unwrap().is_some());
    assert_eq!(get(1), 2);
    assert_eq!(get::cache().get(&1).unwrap(), Some(2));
}

#[test]
fn functions_inside_of_functions_do_not_meet() {
    fn first() -> (u64, larder::KeyBuf) {
        #[cached(region = NUMBERS)]
        fn inner(n: u64) -> u64 {
            n + 1
        }
        (inner(1), inner::cache().key(&1).unwrap())
    }
    fn second() -> (u64, larder::KeyBuf) {
        #[cached(region = NUMBERS)]
        fn inner(n: u64) -> u64 {
            n + 2
        }
        (inner(1), inner::cache().key(&1).unwrap())
    }
    assert_eq!((first().0, second().0), (2, 3));
    assert_ne!(first().1, second().1);
}

struct Db(&'static str);

/// Arguments that are no part of the key are left out of what needs only a key.
#[cached(region = USERS, skip(db))]
async fn from_db(db: &Db, id: u64, mut name: String) -> String {
    name.push_str(db.0);
    format!("{name}{id}")
}

#[tokio::test]
async fn skipped_arguments_are_handed_to_the_function_only() {
    assert_eq!(from_db(&Db("x"), 1, "n".to_owned()).await, "nx1");
    assert_eq!(from_db(&Db("y"), 1, "n".to_owned()).await, "nx1");
    assert_eq!(from_db::cache().get(&1, "n").await.unwrap().as_deref(), Some("nx1"));
    assert_eq!(from_db::cache().refresh(&Db("y"), 1, "n".to_owned()).await, "ny1");
}

/// larder by another name, as those have it who re-export it.
mod renamed {
    pub(super) use larder as cache;
}

#[renamed::cache::cached(region = NUMBERS, crate = renamed::cache, key = "renamed:{n}")]
#[must_use]
fn by_another_name(n: u64) -> u64 {
    n + 1
}

#[test]
fn larder_may_have_another_name() {
    assert_eq!(by_another_name(1), 2);
    assert_eq!(by_another_name::cache().get(&1).unwrap(), Some(2));
}
