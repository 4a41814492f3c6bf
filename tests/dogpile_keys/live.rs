//! A Python program and this one cache the same functions in one Redis.
#![expect(clippy::unused_async, reason = "what would be slow work")]

use std::collections::HashMap;

use larder::{
    Config, Declared, DogpileKey, Hashed, IntTime, Msgpack, Prefixed, Redis, Region, Sha1, cached,
    cached_multi,
};

use crate::support::{
    python::python,
    redis_server::{RedisServer, Reply},
};

type Pages = Region<IntTime<Msgpack<Redis>>>;
type Mangled = Region<Hashed<IntTime<Msgpack<Redis>>, Sha1>>;

static PAGES: Declared<Pages> = Declared::new("pages");
static MANGLED: Declared<Mangled> = Declared::new("mangled");

#[cached(region = PAGES, dogpile = "myapp.tools:one")]
async fn one(a: i64, b: Option<&str>) -> String {
    format!("{a}{b:?}")
}

#[cached(region = PAGES, dogpile = "myapp.tools:nothing", namespace = "foo")]
async fn nothing() -> String {
    "larder".to_owned()
}

#[cached(region = PAGES, dogpile_kwargs = "myapp.tools:named", namespace = "foo")]
async fn named(zeta: &str, alpha: Option<f64>) -> String {
    format!("{zeta}{alpha:?}")
}

#[cached_multi(region = PAGES, dogpile = "myapp.tools:many", namespace = "foo")]
async fn many(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, id.to_string())).collect()
}

#[cached(region = MANGLED, dogpile = "myapp.tools:long")]
async fn long(text: &str) -> String {
    text.to_owned()
}

struct Repo;

#[cached(region = PAGES)]
impl Repo {
    #[cached(dogpile = "myapp.tools:load")]
    async fn load(&self, ratio: f64, flag: bool) -> String {
        format!("{ratio}{flag}")
    }
}

fn names(server: &RedisServer) -> Vec<String> {
    let Reply::Array(names) = server.call(&["KEYS", "*"]) else { return Vec::new() };
    let mut names: Vec<String> = names.iter().map(Reply::text).collect();
    names.sort();
    names
}

#[tokio::test]
async fn entries_have_the_names_that_python_gives_them() {
    let server = RedisServer::start();
    let config = Config::from_pairs([
        ("cache.pages.url", server.unix_url()),
        ("cache.mangled.url", server.unix_url()),
        ("cache.pages.expiration_time", "1h".to_owned()),
        ("cache.mangled.hash_keys_longer_than", (24 - 1).to_string()),
    ]);
    PAGES.configure_from(&config).unwrap();
    MANGLED.configure_from(&config).unwrap();

    one(-3, Some("clé é")).await;
    one(4, None).await;
    nothing().await;
    named("z", None).await;
    named("a b", Some(1.0)).await;
    many(&[1, 2, 10]).await;
    Repo.load(1e16, false).await;
    long("äääää").await;
    long("ääääääääääääääääääää").await;
    let larder = names(&server);
    assert_eq!(larder.len(), 11, "{larder:?}");

    for environment in ["current", "before"] {
        server.call(&["FLUSHALL"]);
        python(environment, "cached.py", &[&server.unix_url()]);
        assert_eq!(names(&server), larder, "{environment}");
    }
}

/// A region from a configuration has prefixed keys, unless it is told not to.
#[tokio::test]
async fn an_empty_prefix_leaves_the_keys_to_python() {
    type Configured = Region<Prefixed<IntTime<Msgpack<Redis>>>>;
    let server = RedisServer::start();
    let key = DogpileKey::function("myapp.tools:one").key().arg(1);
    for (prefix, stored) in [(None, "pages:myapp.tools:one|1"), (Some(""), "myapp.tools:one|1")] {
        server.call(&["FLUSHALL"]);
        let mut pairs = vec![("cache.pages.url", server.unix_url())];
        pairs.extend(prefix.map(|prefix| ("cache.pages.key_prefix", prefix.to_owned())));
        let config = Config::from_pairs(pairs);
        let pages = Configured::from_config(&config.region("pages").unwrap()).unwrap();
        pages.set(&key, 1_u8).await.unwrap();
        assert_eq!(names(&server), [stored]);
    }
}
