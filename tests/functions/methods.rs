//! Cached methods.

use std::{
    fmt::Display,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use larder::{LayerExt, Memo, Region, cached};
use serde::Serialize;

#[derive(Clone, Debug, PartialEq)]
struct Gone(String);

struct Repo {
    tenant: String,
    cache: Region<Memo<String>>,
    calls: AtomicUsize,
}

fn repo(tenant: &str) -> Repo {
    Repo { tenant: tenant.to_owned(), cache: Memo::new().region(), calls: AtomicUsize::new(0) }
}

#[cached(region = self.cache)]
impl Repo {
    const GREETING: &'static str = "hello";

    /// Loads a name.
    #[cached(key = "{self.tenant}:{id:03}")]
    pub async fn load(&self, id: u64) -> Result<String, Gone> {
        self.count();
        if id == 0 { Err(Gone(self.tenant.clone())) } else { Ok(format!("{}{id}", Self::GREETING)) }
    }

    #[cached(skip(self))]
    fn shout(&self, word: &str, with: &Self) -> String {
        self.count();
        format!("{word}{}!", with.tenant)
    }

    #[cached(region = shared())]
    async fn alone(id: u64) -> String {
        format!("{}{id}", Self::GREETING)
    }

    fn count(&self) {
        self.calls.fetch_add(1, SeqCst);
    }
}

impl Serialize for Repo {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.tenant.serialize(serializer)
    }
}

fn shared() -> Region<Memo<String>> {
    static SHARED: std::sync::LazyLock<Region<Memo<String>>> =
        std::sync::LazyLock::new(|| Memo::new().region());
    SHARED.clone()
}

#[tokio::test]
async fn a_method_from_end_to_end() {
    let repo = repo("acme");
    assert_eq!(repo.load(7).await.unwrap(), "hello7");
    assert_eq!(repo.load(7).await.unwrap(), "hello7");
    assert_eq!(repo.calls.load(SeqCst), 1);
    assert_eq!(repo.load_cache().key(&7).unwrap().as_key(), "acme:007".into());
    assert_eq!(repo.load_cache().get(&7).await.unwrap().as_deref(), Some("hello7"));
    repo.load_cache().set("ann".to_owned(), &7).await.unwrap();
    assert_eq!(repo.load(7).await.unwrap(), "ann");
    repo.load_cache().invalidate(&7).await.unwrap();
    assert_eq!(repo.load_cache().refresh(7).await.unwrap(), "hello7");
    assert_eq!(repo.load_cache().original(7).await.unwrap(), "hello7");
    assert_eq!(repo.calls.load(SeqCst), 3);
    assert_eq!(repo.load(0).await, Err(Gone("acme".to_owned())));
}

#[test]
fn self_is_another_argument_by_its_type() {
    let (repo, other) = (repo("acme"), repo("other"));
    assert_eq!(repo.shout("hey", &other), "heyother!");
    assert_eq!(repo.shout("hey", &other), "heyother!");
    assert_eq!(repo.calls.load(SeqCst), 1);
    assert_eq!(repo.shout_cache().get("hey", &other).unwrap().as_deref(), Some("heyother!"));
    assert_eq!(repo.shout_cache().get("hey", &repo).unwrap(), None);
}

#[tokio::test]
async fn functions_without_self_need_none() {
    assert_eq!(Repo::alone(1).await, "hello1");
    assert_eq!(Repo::alone_cache().get(&1).await.unwrap().as_deref(), Some("hello1"));
    let spawned = tokio::spawn(async { Repo::alone_cache().refresh(2).await });
    assert_eq!(spawned.await.unwrap(), "hello2");
}

/// Type parameters and a lifetime, of the type and of the method.
struct Shelf<'a, T> {
    label: &'a str,
    item: T,
    cache: &'a Region<Memo<String>>,
}

#[cached(region = self.cache, skip(self))]
impl<'a, T: Display + Clone> Shelf<'a, T>
where
    T: Send + Sync,
{
    #[cached]
    async fn show<'b, U: Display + Serialize + Sync>(&self, prefix: &'b str, of: &'a U) -> String {
        format!("{}{prefix}{of}{}", self.label, self.item)
    }

    #[cached]
    fn typed<V: From<u8> + Into<u64>, const N: usize>(&self) -> String {
        format!("{}x{N}", V::from(7).into())
    }
}

#[tokio::test]
async fn generic_types_and_methods() {
    let cache = Memo::new().region();
    let label = "l".to_owned();
    let (words, numbers) = (
        Shelf { label: &label, item: "w", cache: &cache },
        Shelf { label: &label, item: 1, cache: &cache },
    );
    assert_eq!(words.show("-", &5).await, "l-5w");
    assert_eq!(numbers.show("-", &5).await, "l-51"); // another type, another key
    assert_eq!(words.show_cache().get("-", &5).await.unwrap().as_deref(), Some("l-5w"));
    assert_eq!(words.show_cache().get("-", &5_u8).await.unwrap(), None);
    assert_eq!(words.typed::<u32, 3>(), "7x3");
    assert_eq!(words.typed_cache::<u32, 3>().get().unwrap().as_deref(), Some("7x3"));
    assert_eq!(words.typed_cache::<u32, 4>().get().unwrap(), None);
    assert_eq!(words.typed_cache::<u64, 3>().get().unwrap(), None);
}

/// Two instances with one region, told apart by what they serialize to.
#[derive(Serialize)]
struct Tenant(u32);

#[cached(region = shared())]
impl Tenant {
    #[cached]
    fn name(&self, id: u8) -> String {
        format!("{}:{id}", self.0)
    }
}

#[test]
fn self_counts() {
    assert_eq!((Tenant(1).name(1), Tenant(2).name(1)), ("1:1".to_owned(), "2:1".to_owned()));
    assert_ne!(Tenant(1).name_cache().key(&1).unwrap(), Tenant(2).name_cache().key(&1).unwrap());
}
