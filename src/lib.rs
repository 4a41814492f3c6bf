//! A layered cache: the stack is a type, one caller creates, everyone else is served.
//!
//! A *region* caches the results of slow work (a query, a render, a remote call) in a *stack* that
//! you write as a type. The compiler sees the whole of it: a hit crosses no virtual call, no box
//! and no lock of larder's, and inside the process it allocates nothing.
//!
//! ```
//! # #[cfg(all(feature = "backend-memory", feature = "codec-msgpack"))] {
//! use std::time::Duration;
//! use larder::{BackendExt, Hstore, IntTime, LayerExt, Logging, Memory, Msgpack, PayloadExt, Region};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
//! struct User { id: u64, name: String }
//!
//! type Users = Region<Logging<IntTime<Msgpack<Hstore<Memory>>>>>;
//! //                  proxy   format  codec   layer  backend
//!
//! async fn slow_query(id: u64) -> User {
//!     User { id, name: "ann".to_owned() }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let users: Users = Region::builder(Memory::new().hstore().msgpack().int_time().logging())
//!     .expire_after(Duration::from_secs(300))
//!     .build()?;
//!
//! let ann = users.get_or_create("user:1", || slow_query(1)).await?;   // runs the query
//! let again = users.get_or_create("user:1", || slow_query(1)).await?; // does not
//! assert_eq!(ann, again);
//! # Ok::<_, larder::Error>(()) }).unwrap();
//! # }
//! ```
//!
//! # What `get_or_create` promises
//!
//! However many callers ask for a key at the same time:
//!
//! | the value is | what happens |
//! |---|---|
//! | **fresh** | it is returned: no lock, no allocation |
//! | **stale** (older than `expire_after`) | one caller creates and gets the new one, all others get the stale one *at once* |
//! | **missing** | one caller creates, the others wait and get the same value, *or the same error* |
//!
//! Nobody is harmed by a caller that is dropped or panics while it creates: one of those who wait
//! takes over. A `set`, `delete` or `invalidate` during a creation wins over it. When a refresh
//! fails, the stale value is served. Bytes that cannot be decoded are a miss, and so is a store that
//! is down: the application goes on without it, and one caller still creates for all who ask
//! meanwhile. Every wait has an end ([`wait_timeout`](RegionBuilder::wait_timeout)), and a creator
//! that asks for its own key gets an error, not a deadlock. The details are told at
//! [`Region::get_or_create`].
//!
//! | to | call |
//! |---|---|
//! | read through | [`get_or_create`](Region::get_or_create), [`try_get_or_create`](Region::try_get_or_create) for creators that fail |
//! | many keys, with one read and one creator call | [`get_or_create_multi`](Region::get_or_create_multi), [`try_get_or_create_multi`](Region::try_get_or_create_multi) |
//! | let the creator say for how long, not at all, or that there is nothing | [`get_or_create_with`](Region::get_or_create_with), [`get_or_create_multi_with`](Region::get_or_create_multi_with) and [`Created`] |
//! | keep every caller from waiting for a refresh | [`get_or_create_in_background`](Region::get_or_create_in_background) |
//! | make a new value now | [`refresh`](Region::refresh) |
//! | want something else for one call | [`with`](Region::with) and [`Options`], [`with_ttl`](Region::with_ttl) |
//! | forget | [`delete`](Region::delete), [`delete_multi`](Region::delete_multi); everything at once: [`invalidate`](Region::invalidate) |
//!
//! Two lifetimes are never mixed up. [`expire_after`](RegionBuilder::expire_after) is the logical
//! one: from then on a value is stale. [`keep_for`](RegionBuilder::keep_for) is the physical one:
//! from then on the store may drop it (by default after twice the logical one, so that there is
//! something stale to serve).
//!
//! # Many processes
//!
//! A second parameter of the region extends the promise to all processes that share the store:
//!
//! ```
//! # #[cfg(all(feature = "backend-redis", feature = "codec-msgpack"))]
//! # fn connect() -> larder::Result<()> {
//! use std::time::Duration;
//! use larder::{BackendExt, IntTime, Msgpack, PayloadExt, Redis, RedisLock, Region};
//!
//! type Rates = Region<IntTime<Msgpack<Redis>>, RedisLock>;
//!
//! let redis = Redis::new("redis://localhost")?;
//! let rates: Rates = Region::builder(redis.clone().msgpack().int_time())
//!     .lock(RedisLock::new(&redis))
//!     .expire_after(Duration::from_secs(60))
//!     .build()?;
//! # let _ = rates;
//! # Ok(()) }
//! ```
//!
//! A thousand tasks in each of eight processes that ask for a cold key cost one creation. The lock is
//! a *lease* with an owner: it is renewed while the creator runs, ends by itself if its process dies,
//! and is checked by the store in the same step as the value is written, so that whoever lost it
//! cannot overwrite what came after. Those who wait are woken by the server. `set` and `delete` in one
//! process win over a creation in another; [`SharedMarks`] does the same for `invalidate`.
//! [`FileLock`] is the lock for processes that share a [`File`], [`MemcachedLock`] for those that share
//! [`Memcached`], which cannot check it when it writes. [`RedisCluster`] and [`RedisSentinel`] are the same
//! over many servers. Where dogpile.cache shares the keys, [`RedisLock`] and [`MemcachedLock`] take its form, and
//! [`DbmLock`] is that of its dbm files. See [`lock`].
//!
//! # Tiers
//!
//! [`Tiered<L1, L2>`](Tiered) puts copies near the caller before the place where everybody looks: typed
//! values before bytes, memory before a server, to any depth. What one process changes, the copies of the
//! others hear of: Redis tells it over the same connection ([`tracking`](RedisBuilder::tracking)), whoever
//! made the change; for other stores, processes tell each other ([`RedisChannel`]).
//!
//! ```
//! # #[cfg(all(feature = "backend-memory", feature = "backend-redis", feature = "codec-postcard"))]
//! # fn connect() -> larder::Result<()> {
//! use std::time::Duration;
//! use larder::{BackendExt, LayerExt, Memo, PayloadExt, Redis, Region, stacks::NearRedis};
//!
//! let redis = Redis::builder("redis://localhost").tracking("page:").build()?;
//! let stack = redis.clone().postcard().framed().behind(Memo::new()).coherent(redis)?;
//! let pages: Region<NearRedis<String>> =
//!     Region::builder(stack).expire_after(Duration::from_secs(60)).build()?;
//! # let _ = pages;
//! # Ok(()) }
//! ```
//!
//! A hit in the near tier is a hit in memory. A copy that is stale is no reason to create: the caller whose
//! turn it is looks into the last tier first.
//!
//! # The levels
//!
//! A type reads from the outside in, values come in at the top and leave as bytes at the bottom:
//!
//! ```text
//!           Region                 one creation for many callers, freshness
//!             │  T
//!           Logging                proxies watch: around entries or around bytes   observe
//!             │  Entry<T>  = value + metadata
//!  level 3  IntTime                formats frame value and metadata                format
//!             │  (T, seconds)
//!  level 2  Msgpack                codecs turn values into bytes                   codec
//!             │  Bytes
//!           Zip (yours)            transforms change bytes                         transform
//!             │  Bytes
//!           Hstore                 layers change where an entry lives              layer
//!             │  Bytes
//!  level 1  Redis                  backends keep bytes under keys                  backend
//! ```
//!
//! [`Memo<T>`](Memo) is a whole stack by itself: it keeps values of one type as they are.
//!
//! Built postfix, a stack has the same type as written out:
//!
//! ```
//! # #[cfg(all(feature = "backend-memory", feature = "codec-json"))] {
//! use larder::{BackendExt, FullDict, Json, LayerExt, Logging, Memory, PayloadExt, Region};
//!
//! let region: Region<Logging<FullDict<Json<Memory>>>> =
//!     Memory::new().json().full_dict().logging().region();
//! # let _ = region;
//! # }
//! ```
//!
//! A wrong order is a compile error that says what belongs where. What a stack cannot keep, it
//! refuses when the region is built: see [`RegionBuilder::build`].
//!
//! # Which stack to pick
//!
//! [`stacks`] has aliases for these:
//!
//! | where | stack | metadata |
//! |---|---|---|
//! | one process, one type | `Memo<T>` | – |
//! | one process, many types | `Framed<Postcard<Memory>>` | 5 bytes |
//! | one machine, survives restarts | `Framed<Postcard<File>>` | 5 bytes |
//! | many machines, fewest bytes | `Framed<Postcard<Hstore<Redis>>>` | 5 bytes |
//! | the same for values of a few bytes, that live for hours | `Coarse<Postcard<Bucketed<Hstore<Redis>, 127>>>` | 3 bytes |
//! | many machines, every language | `IntTime<Msgpack<Hstore<Redis>>>` | 6 bytes |
//! | many machines, for human eyes | `FullDict<Json<Redis>>` | about 35 bytes |
//! | many machines, memcached | `Framed<Postcard<Memcached>>` | 5 bytes |
//!
//! Codecs: [`Postcard`] is the smallest and fastest, for Rust on both sides; [`Msgpack`] is nearly
//! as small and read by every language; [`MsgpackNamed`] tolerates added and reordered fields;
//! [`Json`] is for people; [`Raw`] is bare text and numbers. Formats: [`Framed`] knows its age
//! without decoding and carries a lifetime for each entry; [`IntTime`] is the smallest portable
//! one; [`Coarse`] takes three bytes; [`FullDict`] also has a value version; [`NoMeta`] leaves time to the store's TTL.
//!
//! # Keys
//!
//! A [`Key`] is a name, or a name in a space: `"user:15"`, `&string`, `("user-15", "posts")`. No
//! two different keys ever meet in a store, whatever characters are in them. With [`Hstore`], a
//! space is one Redis hash, which takes a fraction of the memory of as many plain keys (there a plain key
//! may not have the name of a space). The name of a region is no part of its keys: two regions over one
//! store share entries and locks, unless a [`Prefixed`] keeps them apart.
//!
//! Layers change keys on their way to the store, for entries and locks alike:
//!
//! | layer | postfix | `"user:15"` becomes | for |
//! |---|---|---|---|
//! | [`Prefixed`] | `.prefixed("app:")` | `app:user:15` | many applications in one store |
//! | [`Versioned`] | `.versioned::<3>()` | `v3:user:15` | forgetting everything when a type changes |
//! | [`SplitAt`] | `.split_at::<':'>()` | the field `15` of the hash `user`, with [`Hstore`] | plain keys in small hashes |
//! | [`Bucketed`] | `.bucketed::<10>()` | the field `5` of the hash `user:1`, with [`Hstore`] | numbered keys in small hashes |
//! | [`Hashed`] | `.hashed()` | `~KFnhREflhc-WupAvDsO39SnuybZ73O3c` | long keys, keys nobody should read, keys of dogpile.cache |
//! | [`Normalized`] | `.normalized()` | itself; `two words` becomes `two%20words` | stores with rules for keys, such as memcached |
//!
//! They go around a backend or around a format; the outermost sees a key first, so prefixes and versions
//! that are to be seen in the store go inside: `Hashed<Prefixed<..>>` makes `app:~KFnhR..`. Calls and the errors of the store go by your keys all
//! the same. A layer of your own is one function: see [`layer::keys`].
//!
//! A program in Python that caches functions with dogpile.cache names its entries by function and arguments.
//! [`DogpileKey`] makes the same names; a cached function has them by `dogpile = "myapp.tools:one"`.
//!
//! # Creators that fail
//!
//! ```
//! # #[cfg(feature = "backend-memory")] {
//! use larder::{Failure, LayerExt, Memo};
//!
//! #[derive(Debug, PartialEq, thiserror::Error)]
//! #[error("no user {0}")]
//! struct NoUser(u64);
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let names = Memo::<String>::new().region();
//! let failed = names.try_get_or_create("user:7", async || Err(NoUser(7))).await;
//! match failed {
//!     Ok(name) => println!("{name}"),
//!     Err(Failure::Creator(error)) => assert_eq!(*error, NoUser(7)), // nothing was stored
//!     Err(Failure::Cache(error)) => println!("{error}"),
//! }
//! # });
//! # }
//! ```
//!
//! # In a task of its own
//!
//! Futures of a region are `Send`, regions are cheap to clone:
//!
//! ```
//! # #[cfg(feature = "backend-memory")] {
//! use larder::{LayerExt, Memo};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let region = Memo::<u64>::new().region();
//! let tasks: Vec<_> = (0..10)
//!     .map(|_| {
//!         let region = region.clone();
//!         tokio::spawn(async move { region.get_or_create("answer", async || 42).await })
//!     })
//!     .collect();
//! for task in tasks {
//!     assert_eq!(task.await.unwrap()?, 42);
//! }
//! assert_eq!(region.stats().creations, 1);
//! # Ok::<_, larder::Error>(()) }).unwrap();
//! # }
//! ```
//!
//! # Cached functions
//!
//! With the feature `macros`, a function says where its values are kept, and is called as before:
//!
//! ```
//! # #[cfg(all(feature = "macros", feature = "backend-memory"))] {
//! use std::{collections::HashMap, sync::LazyLock};
//! use larder::{LayerExt, Memo, Region, SharedError, cached, cached_multi};
//!
//! static USERS: LazyLock<Region<Memo<String>>> = LazyLock::new(|| Memo::new().region());
//!
//! #[cached(region = USERS, key = "user:{id}", expire_after = "5m")]
//! async fn load_user(id: u64) -> Result<String, SharedError> {
//!     Ok(format!("user {id}")) // a slow query
//! }
//!
//! #[cached_multi(of = load_user)]
//! async fn load_users(ids: &[u64]) -> Result<HashMap<u64, String>, SharedError> {
//!     Ok(ids.iter().map(|id| (*id, format!("user {id}"))).collect()) // one query for all
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! load_user(7).await?;                                     // runs the query
//! let users = load_users(&[7, 8]).await?;                  // runs the other one, for 8
//! assert_eq!(users[&7], "user 7");
//!
//! let cache = load_user::cache();                          // the handle of the function
//! assert_eq!(cache.get(&8).await?.as_deref(), Some("user 8"));
//! cache.set("ann".to_owned(), &8).await?;
//! cache.invalidate(&7).await?;
//! assert_eq!(cache.refresh(7).await?, "user 7");           // runs the query, whatever is there
//! # Ok::<_, SharedError>(()) }).unwrap();
//! # }
//! ```
//!
//! Without a `key` it is derived from the function and its arguments, so that no two calls share one by
//! accident. Methods, generic and synchronous functions are cached the same way. The macros
//! [`cached`](macro@cached) and [`cached_multi`](macro@cached_multi) tell everything else.
//!
//! # One request
//!
//! [`RequestScoped`], a layer for the outside of any stack, keeps what a request has read as long as the request
//! lasts (feature `request`): the same object is not asked for twice, be it by itself or in a batch, there or not.
//! A [`Loader`] pairs the single and the batched form of a query, asks the database once for all that neither the
//! request nor the cache has, and keeps every answer for both, absent rows included. [`Lazy`] is a relation that
//! loads on first use. A layer for tower sets a request up, an extractor for axum hands it out.
//!
//! ```
//! # #[cfg(all(feature = "request", feature = "backend-redis", feature = "codec-postcard"))] {
//! use larder::{Framed, Logging, Postcard, Redis, Region, RequestScoped};
//!
//! type Products = Region<RequestScoped<Logging<Framed<Postcard<Redis>>>>>;
//! # let _: Option<Products> = None;
//! # }
//! ```
//!
//! The module `request` begins with a whole page.
//!
//! # Seen
//!
//! Observers go around any level of a stack, and cost a stack that does not name them nothing:
//!
//! | | tells | feature |
//! |---|---|---|
//! | [`Logging<S>`](Logging) | `tracing` events, one for each operation | |
//! | `Metered<S>` | counters and histograms, for Prometheus and others; `docs/metrics.md` | `observe-metered` |
//! | `Recorded<S>` | what each request asked of its caches, off until it is started; shown by `panel()`, a router of axum; `docs/panel.md` | `observe-recorded`, `panel` |
//! | [`Observed<O, S>`](Observed) | whatever an [`Observe`] of your own makes of it | |
//!
//! Creations are `tracing` spans of the target `larder::create`, with the key. The example `shop` has all of it.
//!
//! # Synchronous code
//!
//! [`Region::blocking`] gives the same methods to code that is not asynchronous, with plain closures for
//! creators:
//!
//! ```
//! # #[cfg(feature = "backend-memory")] {
//! use larder::{LayerExt, Memo};
//!
//! let region = Memo::<u64>::new().region().blocking();
//! let threads: Vec<_> = (0..10)
//!     .map(|_| {
//!         let region = region.clone();
//!         std::thread::spawn(move || region.get_or_create("answer", || 42))
//!     })
//!     .collect();
//! for thread in threads {
//!     assert_eq!(thread.join().unwrap()?, 42);
//! }
//! assert_eq!(region.region().stats().creations, 1);
//! # }
//! # Ok::<_, larder::Error>(())
//! ```
//!
//! It needs no runtime and works inside one, too: on threads, in `spawn_blocking`, in the tasks of a
//! multi-thread runtime, and as far as nothing has to wait in those of a current-thread one.
//! [`Blocking`] tells the details.
//!
//! # Configuration
//!
//! The type of a region says what its settings are (features `config` and `config-toml`):
//!
//! ```
//! # #[cfg(all(feature = "config-toml", feature = "backend-redis", feature = "codec-msgpack"))] {
//! use larder::{Config, Declared, IntTime, Msgpack, Redis, RedisLock, Region};
//!
//! type Users = Region<IntTime<Msgpack<Redis>>, RedisLock>;
//! static USERS: Declared<Users> = Declared::new("users");
//!
//! let file = "
//!     [cache.users]
//!     url = 'redis://localhost'
//!     expiration_time = '5m'
//! ";
//! let config = Config::from_toml(file)?.overlaid(Config::from_env("CACHE")?);
//! USERS.configure_from(&config)?; // or Users::from_config(&config.region("users")?)?
//! # }
//! # Ok::<_, larder::Error>(())
//! ```
//!
//! Variables such as `CACHE__USERS__URL` win over the file. [`Either`] lets the configuration choose between
//! two backends or locks. The module `config` tells the rest, with a table of all settings.
//!
//! # Together with Python
//!
//! Services with dogpile.cache and `dogpile_backend_redis_advanced` can share a cache with larder (features
//! `codec-pickle` and `format-dogpile`): the same entries, the same keys, and locks that hold on both sides.
//!
//! | in Python | here |
//! |---|---|
//! | how entries are stored | [`Dogpile`], [`Pickle`], [`FullDict`], [`IntDict`], [`IntTime`], [`NoMeta`], [`Raw`] |
//! | tuples for keys | [`Hstore`] |
//! | keys of functions, manglers | [`DogpileKey`], [`Hashed`] with [`Sha1`] |
//! | `distributed_lock` | [`RedisLock`], [`MemcachedLock`], [`DbmLock`] |
//! | dates in MessagePack | [`dates`] |
//!
//! `docs/python.md` is the page about it: which stack reads what which region writes, with examples. `larder
//! inspect` (feature `cli`) finds out what is in a server.
//!
//! # A backend of your own
//!
//! Two async functions and a removal. This one keeps each entry as a file in a folder:
//!
//! ```
//! # #[cfg(feature = "codec-json")] {
//! use std::{io, path::PathBuf};
//! use larder::{Backend, Bytes, Error, ErrorKind, Key, Level, Result, WriteOpts};
//!
//! struct Folder(PathBuf);
//!
//! impl Folder {
//!     fn path(&self, key: Key<'_>) -> PathBuf {
//!         let name = key.flat().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
//!         self.0.join(name)
//!     }
//! }
//!
//! fn failed(error: io::Error) -> Error {
//!     Error::new(ErrorKind::Backend, "folder").with_source(error)
//! }
//!
//! impl Level for Folder {
//!     async fn remove(&self, key: Key<'_>) -> Result<()> {
//!         match tokio::fs::remove_file(self.path(key)).await {
//!             Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
//!             _ => Ok(()),
//!         }
//!     }
//! }
//!
//! impl Backend for Folder {
//!     async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
//!         match tokio::fs::read(self.path(key)).await {
//!             Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
//!             read => read.map(|bytes| Some(bytes.into())).map_err(failed),
//!         }
//!     }
//!
//!     async fn set(&self, key: Key<'_>, value: Bytes, _: WriteOpts<'_>) -> Result<()> {
//!         tokio::fs::write(self.path(key), value).await.map_err(failed)
//!     }
//! }
//!
//! // It stacks like any other.
//! use larder::{BackendExt, LayerExt, PayloadExt};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().to_owned();
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let region = Folder(path).json().int_time().logging().region();
//! region.set(("user-15", "posts"), 3_u32).await?;
//! assert_eq!(region.get::<u32>(("user-15", "posts")).await?, Some(3));
//! # Ok::<_, larder::Error>(()) }).unwrap();
//! # }
//! ```
//!
//! [`backend`], [`codec`], [`mod@format`], [`transform`] and [`observe`] each begin with
//! a whole extension of their kind; except for backends they are synchronous and a page long. Whether
//! a backend keeps its promises, [`testing::backend_suite`] finds out.
//!
//! # Features
//!
//! | feature | brings | default |
//! |---|---|---|
//! | `backend-memory` | [`Memory`], [`Memo`]; over `quick_cache` | yes |
//! | `backend-file` | [`File`], [`FileLock`], on 64-bit Unix; over LMDB, compiled from C | yes |
//! | `backend-redis` | [`Redis`], [`RedisCluster`], [`RedisSentinel`], [`RedisLock`]; Redis and Valkey by TCP or UNIX socket | |
//! | `backend-redis-tls` | `rediss://`; over rustls | |
//! | `backend-memcached` | [`Memcached`], [`MemcachedLock`]; one or many servers by TCP or UNIX socket | |
//! | `backend-memcached-tls` | `memcacheds://`; over rustls | |
//! | `lock-dbm` | [`DbmLock`], [`DbmRwLock`], on Unix: the lock files beside a dbm file of Python | |
//! | `codec-json` | [`Json`] | yes |
//! | `codec-msgpack` | [`Msgpack`], [`MsgpackNamed`] | yes |
//! | `codec-postcard` | [`Postcard`] | yes |
//! | `codec-pickle` | [`Pickle`], which reads and writes Python's pickles, for data | |
//! | `format-dogpile` | [`Dogpile`], the entries of dogpile.cache | |
//! | `config` | [`Config`], [`Regions`], [`Declared`], [`FromConfig`]: regions from their types and a configuration | |
//! | `config-toml` | `config`, from TOML files and text; messages tell the line | |
//! | `dates-chrono` | [`dates`]: the types of `chrono` as Python's serializers write them | |
//! | `dates-time` | [`dates`]: the same for the types of `time` | |
//! | `macros` | [`cached`](macro@cached), [`cached_multi`](macro@cached_multi); compiles syn | |
//! | `key-hashed` | [`Hashed`], [`Normalized`]; over `blake3` and `sha1` | |
//! | `request` | [`RequestScoped`], [`Loader`], [`Lazy`]: a cache that lives as long as one request, lookups in batches, relations | |
//! | `request-tower` | `request`, and `RequestLayer` for services of tower; over `http`, `tower-layer`, `tower-service` | |
//! | `request-axum` | `request-tower`, and [`RequestScope`] as an argument of axum's handlers; over `axum-core` | |
//! | `template-minijinja` | `template`: cached fragments in the templates of `minijinja` | |
//! | `observe-metered` | [`Metered`]: counters and histograms for Prometheus and others; over `metrics` | |
//! | `cli` | the command `larder`, which looks into a running Redis and says which stack would take fewer bytes; see `docs/inspect.md` | |
//! | `observe-recorded` | [`Recorded`], [`Recording`]: what each request, and the process, asks of its caches; see [`observe::recorded`] | |
//! | `panel` | [`mod@panel`]: what was recorded, in the browser; a router for axum | |
//! | `testing` | [`testing`]: suites for backends, stores and locks, and [`Chaos`](testing::Chaos), a layer that fails; for dev-dependencies | |
//!
//! Always there: [`Region`], [`Null`], [`Raw`], all formats, [`Hstore`], [`Either`], [`Prefixed`],
//! [`Versioned`], [`Logging`].
//!
//! larder runs on tokio: a region's waits end by tokio's timer, [`File`], [`Redis`] and
//! [`Memcached`] use its channels and sockets. Hits in memory need no runtime at all, and [`Region::blocking`] brings its own.

pub mod backend;
mod capabilities;
mod clock;
pub mod codec;
#[cfg(feature = "config")]
pub mod config;
#[cfg(any(feature = "dates-chrono", feature = "dates-time"))]
pub mod dates;
mod entry;
mod error;
mod ext;
pub mod format;
pub mod function;
mod key;
pub mod layer;
pub mod lock;
#[cfg(feature = "macros")]
mod macros;
pub mod observe;
mod opts;
#[cfg(feature = "panel")]
pub mod panel;
mod region;
#[cfg(feature = "request")]
pub mod request;
mod runtime;
mod seldom;
mod shared_error;
pub mod stacks;
mod store;
mod sync;
#[cfg(feature = "template-minijinja")]
pub mod template;
#[cfg(feature = "testing")]
pub mod testing;
pub mod transform;
#[cfg(any(feature = "config", feature = "template-minijinja"))]
mod units;

#[cfg(feature = "config")]
pub use self::config::{Config, Declared, FromConfig, Regions};
#[cfg(feature = "macros")]
pub use self::macros::{cached, cached_multi};
#[cfg(feature = "panel")]
pub use self::panel::{Panel, panel};

#[cfg(feature = "request")]
#[doc(no_inline)]
pub use self::request::*;
#[doc(no_inline)]
pub use self::{backend::*, codec::*, format::*, layer::*, lock::*, observe::*, transform::*};
pub use self::{
    capabilities::{Capabilities, Expires, Immediate, Place, Precision},
    clock::{Clock, ManualClock, Timestamp},
    entry::{Entry, Meta},
    error::{Error, ErrorKind, Failure, Result},
    ext::{BackendExt, LayerExt, PayloadExt},
    key::{AsKey, DogpileFunction, DogpileKey, Key, KeyBuf, PyStr},
    opts::{Put, ReadOpts, Tiers, WriteOpts},
    region::{
        Blocking, Created, Found, Invalidation, Invalidator, Lifetimes, Marks, OnTimeout, Options,
        Outcomes, Region, RegionBuilder, RegionSource, SharedMarks, Stats, Typed, Verdict,
    },
    shared_error::SharedError,
    store::{Batch, EntryTtl, Level, Store},
};
pub use bytes::Bytes;

/// The README's examples are tested with the others.
#[cfg(all(
    doctest,
    feature = "backend-memory",
    feature = "backend-file",
    feature = "codec-postcard",
    feature = "backend-redis",
    feature = "codec-pickle",
    feature = "config-toml",
    feature = "format-dogpile",
    feature = "macros",
    feature = "request"
))]
#[doc = include_str!("../README.md")]
struct Readme;

/// And those of the page about Python.
#[cfg(all(
    doctest,
    feature = "backend-redis",
    feature = "codec-pickle",
    feature = "format-dogpile"
))]
#[doc = include_str!("../docs/python.md")]
struct Python;

/// And those of the page about the panel.
#[cfg(all(doctest, feature = "backend-memory", feature = "codec-postcard", feature = "panel"))]
#[doc = include_str!("../docs/panel.md")]
struct ThePanel;
