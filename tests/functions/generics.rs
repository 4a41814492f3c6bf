//! Type parameters, const parameters and lifetimes of free functions.

use std::{borrow::Cow, fmt::Debug, sync::LazyLock};

use larder::{BackendExt, Json, LayerExt, Memo, Memory, NoMeta, PayloadExt, Region, cached};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

static TEXTS: LazyLock<Region<Memo<String>>> = LazyLock::new(|| Memo::new().region());
static ANY: LazyLock<Region<NoMeta<Json<Memory>>>> =
    LazyLock::new(|| Memory::new().json().no_meta().region());

#[cached(region = TEXTS)]
async fn show<T: Debug + Serialize + Sync, const N: usize>(value: &[T; N]) -> String
where
    [T; N]: Serialize,
{
    format!("{value:?}{N}")
}

#[tokio::test]
async fn type_and_const_parameters_belong_to_the_handle() {
    assert_eq!(show(&[1_u8, 2]).await, "[1, 2]2");
    assert_eq!(show::cache().get(&[1_u8, 2]).await.unwrap().as_deref(), Some("[1, 2]2"));
    assert_eq!(show::cache().get(&[1_u16, 2]).await.unwrap(), None);
    assert_eq!(show::<u8, 2>::cache().refresh(&[1, 2]).await, "[1, 2]2");
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User(u64);

/// A parameter that only the return type has.
#[cached(region = ANY, key = "{T}:{id}")]
fn parse<T>(id: u64) -> Option<T>
where
    T: DeserializeOwned + Serialize + Clone + Send + Sync + 'static,
{
    serde_json::from_str(&id.to_string()).ok()
}

#[test]
fn a_type_that_is_only_returned() {
    assert_eq!(parse::<User>(7), Some(User(7)));
    assert_eq!(parse::<u8>(7), Some(7));
    assert_eq!(parse::<User>::cache().get(&7).unwrap(), Some(User(7)));
    assert_eq!(parse::<u16>::cache().get(&7).unwrap(), None);
    assert_eq!(parse::<u8>::cache().key(&7).unwrap().as_key(), "u8:7".into());
}

#[cached(region = TEXTS)]
async fn join<'a, 'b: 'a>(a: &'a str, b: &'b [&'b str], c: Cow<'_, str>) -> String {
    format!("{a}{b:?}{c}")
}

#[tokio::test]
async fn lifetimes_are_those_of_the_call() {
    let (a, b) = ("a".to_owned(), "b".to_owned());
    assert_eq!(join(&a, &[&b], Cow::Borrowed("c")).await, "a[\"b\"]c");
    let found = join::cache().get(&a, &[&b], &Cow::Borrowed("c")).await.unwrap();
    assert_eq!(found.as_deref(), Some("a[\"b\"]c"));
}

#[cached(region = TEXTS)]
fn unsized_text<T: AsRef<str> + Serialize + ?Sized>(text: &T) -> String {
    text.as_ref().to_uppercase()
}

#[test]
fn unsized_parameters() {
    assert_eq!(unsized_text("a"), "A");
    assert_eq!(unsized_text::<str>::cache().get("a").unwrap().as_deref(), Some("A"));
}

#[test]
fn generic_functions_inside_of_functions_do_not_meet() {
    fn first() -> larder::KeyBuf {
        #[cached(region = TEXTS)]
        fn inner<T: Serialize>(_value: T) -> String {
            "first".to_owned()
        }
        assert_eq!(inner(1_u8), "first");
        inner::cache().key(&1_u8).unwrap()
    }
    fn second() -> larder::KeyBuf {
        #[cached(region = TEXTS)]
        fn inner<T: Serialize>(_value: T) -> String {
            "second".to_owned()
        }
        assert_eq!(inner(1_u8), "second");
        inner::cache().key(&1_u8).unwrap()
    }
    assert_ne!(first(), second());
}
