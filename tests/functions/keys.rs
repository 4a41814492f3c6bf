//! The keys of functions. That derived ones are injective, `tests/function_keys.rs` tests.

use std::{fmt::Write as _, sync::LazyLock};

use larder::{Key, KeyBuf, LayerExt, Memo, Region, cached};
use serde::Serialize;

static TEXTS: LazyLock<Region<Memo<String>>> = LazyLock::new(|| Memo::new().region());

#[derive(Serialize)]
struct User {
    id: u64,
    name: String,
}

const PREFIX: &str = "v2";

#[cached(region = TEXTS, key = "{PREFIX}:{{{user.id:04}}}:{user.name}:{n:x}:{signed}:{text}:{owned}")]
fn template(user: &User, n: u64, signed: i32, text: &str, owned: String) -> String {
    format!("{}{n}{signed}{text}{owned}", user.id)
}

#[cached(region = TEXTS, key = ("user-{id}", "posts"))]
fn pair(id: u64) -> String {
    id.to_string()
}

fn my_key(id: u64) -> (String, &'static str) {
    (format!("mine-{id}"), "x")
}

#[cached(region = TEXTS, key = my_key(id))]
async fn expression(id: u64) -> String {
    id.to_string()
}

#[cached(region = TEXTS, key = text)]
async fn borrowed(text: String, _unused: u8) -> String {
    text
}

#[cached(region = TEXTS, namespace = "eu west", skip(third))]
fn derived(first: u64, second: &str, third: u8) -> String {
    format!("{first}{second}{third}")
}

#[cached(region = TEXTS, namespace = tenant, skip(tenant))]
fn tenants(tenant: &str, id: u64) -> String {
    format!("{tenant}{id}")
}

#[cached(region = TEXTS)]
fn words(a: &str, b: &str) -> String {
    format!("{a}{b}")
}

fn key(key: &KeyBuf) -> Key<'_> {
    key.as_key()
}

#[tokio::test]
async fn keys_are_what_was_written() {
    let user = User { id: 7, name: "ann".to_owned() };
    assert_eq!(template(&user, 255, -3, "t", "o".to_owned()), "7255-3to");
    let found = template::cache().key(&user, &255, &-3, "t", "o").unwrap();
    assert_eq!(key(&found), "v2:{0007}:ann:ff:-3:t:o".into());
    assert!(TEXTS.get::<String>(&found).await.unwrap().is_some());

    assert_eq!(pair(7), "7");
    assert_eq!(key(&pair::cache().key(&7).unwrap()), ("user-7", "posts").into());
    assert_eq!(TEXTS.get(("user-7", "posts")).await.unwrap().as_deref(), Some("7"));

    assert_eq!(expression(7).await, "7");
    assert_eq!(key(&expression::cache().key(&7).unwrap()), ("mine-7", "x").into());

    assert_eq!(borrowed("b".to_owned(), 0).await, "b");
    assert_eq!(borrowed::cache().get("b").await.unwrap().as_deref(), Some("b"));

    assert_eq!(derived(7, "ann lee", 1), "7ann lee1");
    assert_eq!(derived(7, "ann lee", 2), "7ann lee1");
    let found = derived::cache().key(&7, "ann lee").unwrap();
    assert_eq!(key(&found), r#"functions::keys::derived[eu%20west](7,"ann%20lee")"#.into());

    assert_eq!((tenants("a", 1), tenants("b", 1)), ("a1".to_owned(), "b1".to_owned()));

    assert_ne!(words::cache().key("a b", "c").unwrap(), words::cache().key("a", "b c").unwrap());
}

#[test]
fn long_keys_are_whole() {
    let mut long = String::new();
    for n in 0..200 {
        write!(long, "{n},").unwrap();
    }
    let user = User { id: 1, name: long.clone() };
    let found = template::cache().key(&user, &1, &1, "", "").unwrap();
    assert_eq!(key(&found), format!("v2:{{0001}}:{long}:1:1::").as_str().into());
}
