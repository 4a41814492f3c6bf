//! Functions over stacks that change keys.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use larder::{
    BackendExt, Hashed, Json, LayerExt, Memory, NoMeta, PayloadExt, Prefixed, Region, cached,
    cached_multi,
};

type Stack = NoMeta<Json<Prefixed<Hashed<Arc<Memory>>>>>;

static BELOW: LazyLock<Arc<Memory>> = LazyLock::new(|| Arc::new(Memory::new()));
static USERS: LazyLock<Region<Stack>> =
    LazyLock::new(|| Arc::clone(&BELOW).hashed().prefixed("app:").json().no_meta().region());
static CALLS: AtomicUsize = AtomicUsize::new(0);

#[cached(region = USERS)]
async fn load_user(name: &str) -> String {
    CALLS.fetch_add(1, SeqCst);
    name.to_owned()
}

#[cached_multi(of = load_user)]
async fn load_users<'a>(names: &[&'a str]) -> Vec<(&'a str, String)> {
    CALLS.fetch_add(1, SeqCst);
    names.iter().map(|name| (*name, (*name).to_owned())).collect()
}

#[tokio::test]
async fn keys_are_those_of_the_region_and_not_of_the_store() {
    let long = "a name with spaces ".repeat(100);
    assert_eq!(load_user(&long).await, long);
    assert_eq!(load_users(&[&long, "ann"]).await.len(), 2);
    assert_eq!(load_user("ann").await, "ann");
    assert_eq!(CALLS.load(SeqCst), 2);
    let key = load_user::cache().key("ann").unwrap();
    assert!(key.as_key().name().ends_with("load_user(\"ann\")"), "{key:?}");
    assert_eq!(USERS.get::<String>(&key).await.unwrap().as_deref(), Some("ann"));
    assert_eq!(larder::Backend::get(&**BELOW, key.as_key()).await.unwrap(), None);
    load_users::cache().invalidate(&["ann", &long]).await.unwrap();
    assert!(load_users::cache().get(&["ann", &long]).await.unwrap().is_empty());
}
