//! Cached functions of every kind, over two regions that a TOML file configures.
//!
//! ```sh
//! cargo run --release --example functions -- [CONFIG]
//! CACHE__USERS__BACKEND=redis CACHE__USERS__LOCK=redis cargo run --release --example functions
//! ```
//!
//! The second time, Redis has what the first run left there.

use std::{
    collections::{BTreeSet, HashMap},
    error::Error,
    fmt::Debug,
    io,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use larder::{
    Config, Declared, Either, Framed, Hstore, KeyBuf, Local, Logging, Memo, Memory, Postcard,
    Redis, RedisLock, Region, SharedError, cached, cached_multi,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

type Users =
    Region<Logging<Framed<Postcard<Hstore<Either<Memory, Redis>>>>>, Either<Local, RedisLock>>;
type Steps = Region<Memo<u64>>;

// Declared where the functions are, configured when the program starts.
static USERS: Declared<Users> = Declared::new("users");
static STEPS: Declared<Steps> = Declared::new("steps");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Profile {
    id: u64,
    name: String,
}

/// A single one, under a key that is written out: a name in a space, so a field of a hash.
#[cached(region = USERS, key = ("user-{id}", "profile"), expire_after = "5m")]
async fn profile(id: u64) -> Profile {
    let found = ask_the_database(&[id]).await;
    Profile { id, name: found.into_iter().next().unwrap_or_default() }
}

/// Many at once. They are the same entries: what one form has fetched, the other one finds.
#[cached_multi(of = profile)]
async fn profiles(ids: &[u64]) -> HashMap<u64, Profile> {
    let names = ask_the_database(ids).await;
    ids.iter().zip(names).map(|(&id, name)| (id, Profile { id, name })).collect()
}

/// It may find nothing and it may fail. The key is derived from the function and its arguments.
#[cached(region = USERS)]
async fn find(name: &str, town: &str) -> Result<Option<u64>, SharedError> {
    ask_the_database(&[]).await;
    match (name, town) {
        ("ann lee", "york") => Ok(Some(7)),
        (_, "atlantis") => Err(io::Error::other("no such town"))?,
        _ => Ok(None),
    }
}

/// Whatever can be stored: the type is part of the key.
#[cached(region = USERS, namespace = "newest")]
async fn newest<T>(table: &str) -> T
where
    T: Row + Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    ask_the_database(&[]).await;
    T::newest(table)
}

trait Row {
    fn newest(table: &str) -> Self;
}

impl Row for u32 {
    fn newest(table: &str) -> Self {
        table.len().try_into().unwrap_or_default()
    }
}

impl Row for String {
    fn newest(table: &str) -> Self {
        format!("the last of {table}")
    }
}

/// A service; its shops have prices of their own.
struct Shop {
    town: &'static str,
}

#[cached(region = USERS)]
impl Shop {
    /// A method.
    #[cached(key = "price:{self.town}:{item}", should_cache = |price: &u32| *price > 0)]
    async fn price(&self, item: &str) -> u32 {
        ask_the_database(&[]).await;
        item.len().try_into().unwrap_or_default()
    }
}

/// A synchronous one that calls itself: each step is cached.
#[cached(region = STEPS)]
fn collatz(n: u64) -> u64 {
    CALLS.fetch_add(1, Relaxed);
    match n {
        0 | 1 => 0,
        n if n.is_multiple_of(2) => 1 + collatz(n / 2),
        n => 1 + collatz(3 * n + 1),
    }
}

/// How often something slow was done.
static CALLS: AtomicUsize = AtomicUsize::new(0);

async fn ask_the_database(ids: &[u64]) -> Vec<String> {
    CALLS.fetch_add(1, Relaxed);
    tokio::time::sleep(Duration::from_millis(20)).await;
    ids.iter().map(|id| format!("user {id}")).collect()
}

/// Prints a call, what came back, how often the slow thing was done for it, and its key.
fn tell(call: &str, answer: impl Debug, key: Option<KeyBuf>) {
    let slow = CALLS.swap(0, Relaxed);
    let key = key.map(|key| key.as_key().to_string()).unwrap_or_default();
    println!("{}", format!("{call:<40}{slow:>4}  {:<22}{key}", format!("{answer:?}")).trim_end());
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1);
    let path = path.unwrap_or_else(|| "examples/functions/cache.toml".to_owned());
    let config = Config::from_toml_file(&path)?.overlaid(Config::from_env("CACHE")?);
    USERS.configure_from(&config)?;
    STEPS.configure_from(&config)?;
    println!("users: {:?}\nsteps: {:?}\n", USERS.get()?.stack(), STEPS.get()?.stack());
    println!("{:<40}slow  {:<22}key", "call", "answer");
    single_and_batch().await?;
    derived_keys().await?;
    methods_and_generics().await?;
    synchronous()?;
    handles().await?;
    Ok(())
}

async fn single_and_batch() -> larder::Result<()> {
    let name = async |id| profile(id).await.name;
    tell("profile(7)", name(7).await, Some(profile::cache().key(&7)?));
    tell("profile(7)", name(7).await, None);
    let all: BTreeSet<u64> = profiles(&[7, 8, 9]).await.into_keys().collect();
    tell("profiles(&[7, 8, 9])", all, None);
    tell("profile(9)", name(9).await, Some(profile::cache().key(&9)?));
    Ok(())
}

async fn derived_keys() -> larder::Result<()> {
    let key = find::cache().key("ann lee", "york")?;
    tell("find(\"ann lee\", \"york\")", told(find("ann lee", "york").await), Some(key));
    let key = find::cache().key("ann", "lee york")?;
    tell("find(\"ann\", \"lee york\")", told(find("ann", "lee york").await), Some(key));
    tell("find(\"ann\", \"lee york\")", told(find("ann", "lee york").await), None);
    tell("find(\"bob\", \"atlantis\")", told(find("bob", "atlantis").await), None);
    Ok(())
}

/// An answer on one line.
fn told(found: Result<Option<u64>, SharedError>) -> Result<Option<u64>, String> {
    found.map_err(|error| error.to_string())
}

async fn methods_and_generics() -> larder::Result<()> {
    let (york, rome) = (Shop { town: "york" }, Shop { town: "rome" });
    tell("york.price(\"tea\")", york.price("tea").await, Some(york.price_cache().key("tea")?));
    tell("rome.price(\"tea\")", rome.price("tea").await, Some(rome.price_cache().key("tea")?));
    let key = newest::<u32>::cache().key("orders")?;
    tell("newest::<u32>(\"orders\")", newest::<u32>("orders").await, Some(key));
    let key = newest::<String>::cache().key("orders")?;
    tell("newest::<String>(\"orders\")", newest::<String>("orders").await, Some(key));
    Ok(())
}

fn synchronous() -> larder::Result<()> {
    tell("collatz(27)", collatz(27), Some(collatz::cache().key(&27)?));
    tell("collatz(82)", collatz(82), None);
    Ok(())
}

/// What stands beside each function.
async fn handles() -> larder::Result<()> {
    let cache = profile::cache();
    tell("profile::cache().get(&7)", cache.get(&7).await?.map(|found| found.name), None);
    cache.invalidate(&7).await?;
    tell("profile::cache().invalidate(&7), get", cache.get(&7).await?, None);
    cache.set(Profile { id: 7, name: "ann".to_owned() }, &7).await?;
    tell("profile::cache().set(ann, &7), profile(7)", profile(7).await.name, None);
    tell("profile::cache().refresh(7)", cache.refresh(7).await.name, None);
    tell("profile::cache().original(7)", cache.original(7).await.name, None);
    Ok(())
}
