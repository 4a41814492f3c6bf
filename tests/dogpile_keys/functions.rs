//! Cached functions with dogpile's keys.
#![expect(clippy::unused_async, reason = "what would be slow work")]

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
};

use larder::{
    DogpileKey, KeyBuf, LayerExt, Memo, PyStr, Region, cached, cached_multi, function::KeyText,
};

static TEXTS: LazyLock<Region<Memo<String>>> = LazyLock::new(|| Memo::new().region());

fn text(key: larder::Result<KeyBuf>) -> String {
    let key = key.unwrap();
    assert_eq!(key.as_key().space(), None);
    key.as_key().name().to_owned()
}

#[cached(region = TEXTS, dogpile = "myapp.tools:one")]
async fn one(a: i64, b: &str, c: Option<f64>, d: bool) -> String {
    format!("{a}{b}{c:?}{d}")
}

#[cached(region = TEXTS, dogpile = "myapp.tools:nothing")]
fn nothing() -> String {
    "nothing".to_owned()
}

#[cached(region = TEXTS, dogpile = "myapp.tools:spaced", namespace = tenant, skip(tenant, scale))]
fn spaced(tenant: &str, a: u64, scale: f32) -> String {
    format!("{tenant}{a}{scale}")
}

#[cached(region = TEXTS, dogpile_kwargs = "myapp.tools:named", namespace = "foo", skip(db))]
fn named(
    zeta: &str,
    alpha: Arc<str>,
    db: &[u8],
    r#type: u8,
    x_: char,
    a10: u128,
    a2: i8,
) -> String {
    format!("{zeta}{alpha}{}{}{x_}{a10}{a2}", db.len(), r#type)
}

#[cached(region = TEXTS, key = DogpileKey::function("myapp.tools:by_hand").key().arg(a + 1))]
fn by_hand(a: u64) -> String {
    a.to_string()
}

#[cached(region = TEXTS, dogpile = "myapp.tools:of_type")]
fn of_type<T: PyStr + ToString + Send>(value: T) -> String {
    value.to_string()
}

#[cached_multi(region = TEXTS, dogpile = "myapp.tools:many", namespace = "foo", skip(scale))]
async fn many(ids: &[i64], scale: f32) -> HashMap<i64, String> {
    ids.iter().map(|id| (*id, format!("{id}{scale}"))).collect()
}

#[cached_multi(region = TEXTS, dogpile = "myapp.tools:texts")]
fn texts(names: Vec<String>) -> BTreeMap<String, String> {
    names.iter().map(|name| (name.clone(), name.clone())).collect()
}

#[cached_multi(of = of_one)]
fn of_many(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, id.to_string())).collect()
}

#[cached(region = TEXTS, dogpile = "myapp.tools:of_one")]
fn of_one(id: u64) -> String {
    id.to_string()
}

struct Repo {
    cache: Region<Memo<String>>,
}

/// A form of its own.
#[derive(Clone, Copy)]
struct Version(u8, u8);

impl PyStr for Version {
    fn py_str(&self, key: &mut KeyText) {
        self.0.py_str(key);
        key.push('.');
        self.1.py_str(key);
    }
}

#[cached(region = self.cache, namespace = "repo")]
impl Repo {
    #[cached(dogpile = "myapp.repo:load")]
    fn load(&self, version: Version) -> String {
        format!("{}.{}", version.0, version.1)
    }

    #[cached_multi(dogpile = "myapp.repo:load_many")]
    async fn load_many(&self, ids: &[u8]) -> Vec<Option<String>> {
        ids.iter().map(|id| Some(id.to_string())).collect()
    }
}

#[tokio::test]
async fn functions_have_the_keys_of_dogpile() {
    let key = one::cache().key(&-3, "x y", &Some(1e16), &true);
    assert_eq!(text(key), "myapp.tools:one|-3 x y 1e+16 True");
    assert_eq!(text(one::cache().key(&0, "", &None, &false)), "myapp.tools:one|0  None False");
    assert_eq!(text(nothing::cache().key()), "myapp.tools:nothing|");
    assert_eq!(text(spaced::cache().key("a|b", &7)), "myapp.tools:spaced|a|b|7");
    let key = named::cache().key("z", &"a".into(), &9, &'x', &u128::MAX, &-2);
    let max = u128::MAX;
    assert_eq!(text(key), format!("myapp.tools:named|foo|{max} -2 a 9 x z"));
    assert_eq!(text(by_hand::cache().key(&6)), "myapp.tools:by_hand|7");
    assert_eq!(text(of_type::cache().key(&1.5)), "myapp.tools:of_type|1.5");

    assert_eq!(one(1, "x", None, true).await, "1xNonetrue");
    let there = TEXTS.get::<String>("myapp.tools:one|1 x None True").await.unwrap();
    assert_eq!(there.as_deref(), Some("1xNonetrue"));
    assert_eq!(spaced("t", 1, 0.5), "t10.5");
    assert_eq!(spaced("t", 1, 0.7), "t10.5");
}

#[tokio::test]
async fn batches_have_the_keys_of_dogpile() {
    let keys = many::cache().keys(&[1, -2]).unwrap().into_iter();
    let keys: Vec<_> = keys.map(|key| text(Ok(key))).collect();
    assert_eq!(keys, ["myapp.tools:many|foo|1", "myapp.tools:many|foo|-2"]);
    assert_eq!(many(&[1, 2], 0.5).await[&2], "20.5");
    assert!(TEXTS.get::<String>("myapp.tools:many|foo|2").await.unwrap().is_some());

    let keys = texts::cache().keys(&["a b".to_owned()]).unwrap();
    assert_eq!(keys[0].as_key(), "myapp.tools:texts|a b".into());
    let keys = of_many::cache().keys(&[7]).unwrap();
    assert_eq!(keys[0].as_key(), "myapp.tools:of_one|7".into());
}

#[tokio::test]
async fn methods_have_no_self_in_their_keys() {
    let repo = Repo { cache: Memo::new().region() };
    assert_eq!(text(repo.load_cache().key(&Version(1, 2))), "myapp.repo:load|repo|1.2");
    assert_eq!(repo.load(Version(1, 2)), "1.2");
    assert_eq!(repo.load_many(&[1, 2]).await, [Some("1".to_owned()), Some("2".to_owned())]);
    let there = repo.cache.get::<String>("myapp.repo:load_many|repo|2").await.unwrap();
    assert_eq!(there.as_deref(), Some("2"));
}

#[tokio::test]
async fn batches_by_hand_take_dogpile_keys() {
    let function = DogpileKey::function("myapp.tools:direct");
    let keys: Vec<_> = function.keys([1, 2]).collect();
    let region = Memo::<u64>::new().region();
    let made = region
        .get_or_create_multi(keys, async |missing: Vec<DogpileKey>| {
            let pair = |key: DogpileKey| (key.clone(), key.as_str().len() as u64);
            missing.into_iter().map(pair).collect::<Vec<_>>()
        })
        .await
        .unwrap();
    assert_eq!(made.len(), 2);
    assert_eq!(region.get::<u64>("myapp.tools:direct|1").await.unwrap(), Some(20));
}
