//! The attribute macros, with what there is to say about them.

/// Caches a function: its calls are answered from a region, and made once for all who ask.
///
/// Name and signature stay as they are. Beside the function, a type of the same name leads to its
/// handle, which looks into the cache, writes to it, and forgets:
///
/// ```
/// # #[cfg(feature = "backend-memory")] {
/// use std::sync::LazyLock;
/// use larder::{LayerExt, Memo, Region, cached};
///
/// static USERS: LazyLock<Region<Memo<String>>> = LazyLock::new(|| Memo::new().region());
///
/// #[derive(Clone, Debug)]
/// struct NoUser;
///
/// #[cached(region = USERS, key = "user:{id}", expire_after = "5m")]
/// async fn load_user(id: u64) -> Result<String, NoUser> {
///     if id == 0 { Err(NoUser) } else { Ok(format!("user {id}")) }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// load_user(7).await.unwrap();                        // calls the function
/// load_user(7).await.unwrap();                        // does not
/// let cache = load_user::cache();
/// assert_eq!(cache.get(&7).await?.as_deref(), Some("user 7")); // never calls it
/// cache.set("ann".to_owned(), &7).await?;             // the value first
/// cache.invalidate(&7).await?;                        // forgets this one
/// cache.refresh(7).await.unwrap();                    // calls it, whatever is there, and stores
/// cache.original(7).await.unwrap();                   // calls it, and nothing else
/// assert_eq!(cache.key(&7)?.as_key(), "user:7".into()); // for logs
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// # }
/// ```
///
/// Calls follow the rules of [`Region::try_get_or_create`](crate::Region::try_get_or_create), those of
/// functions that are not `async` the rules of [`Blocking`](crate::Blocking); then the methods of the
/// handle are not asynchronous either. What is generated is roughly:
///
/// ```text
/// async fn load_user(id: u64) -> Result<String, NoUser> { /* asks the region */ }
///
/// struct load_user {} // lives among the types, so `use` takes it and the function together
///
/// impl load_user {
///     const fn cache() -> Self;
///     async fn get(self, id: &u64) -> larder::Result<Option<String>>;
///     async fn set(self, value: String, id: &u64) -> larder::Result<()>;
///     async fn invalidate(self, id: &u64) -> larder::Result<()>;
///     async fn refresh(self, id: u64) -> Result<String, NoUser>;
///     async fn original(self, id: u64) -> Result<String, NoUser>;
///     fn key(self, id: &u64) -> larder::Result<KeyBuf>;
/// }
/// ```
///
/// `doc`, `must_use` and `deprecated` stay with the function, other attributes (`#[instrument]`) go with
/// its body. A body that calls the function by its name calls the cached one; each level of such a
/// recursion takes a good deal of stack (some 20 kB without optimization).
///
/// `set` stores with the lifetimes of the function, whatever `should_cache` says. `refresh` forgets what is
/// there no more (`None`), and joins a call that is running already, as
/// [`Region::refresh`](crate::Region::refresh) does: after a change to the source, `invalidate` is the one
/// that wins over it. The name of the function is that of a type, too, so a module beside it needs another
/// one.
///
/// A cached function is neither `unsafe` nor `const` nor `extern`. Its arguments have names, `mut` or not; one
/// of type `impl Trait` is no part of the key.
///
/// # Attributes
///
/// | attribute | default | |
/// |---|---|---|
/// | `region = USERS` | required | where the values are kept: any expression, over the arguments too, that is a [`RegionSource`](crate::RegionSource) |
/// | `key = "user:{id}"` | derived | see [below](#keys) |
/// | `dogpile = "app.users:load"` | none | the Python function whose keys these are, see [below](#keys) |
/// | `dogpile_kwargs = "app.users:load"` | none | the same with the arguments by the order of their names |
/// | `namespace = "eu"` | none | a text that is part of derived keys |
/// | `skip(db, self)` | nothing | arguments that are no part of derived keys, nor of the handle's methods that need a key only |
/// | `expire_after = "5m"` | the region's | the logical lifetime by which this function and its handle judge what is there. Text is checked by the compiler; else an expression of type `Duration`, over the arguments too, or a closure without parameters, which is asked at every call |
/// | `ttl = \|user: &User\| ..` | none | a lifetime of its own for each entry, stored with it; needs [`EntryTtl`](crate::EntryTtl) |
/// | `should_cache = \|user: &User\| ..` | everything | which values are stored |
/// | `crate = my::larder` | `::larder` | where larder is found |
///
/// In `key`, `region`, `namespace` and `expire_after`, arguments have their names. Numbers, `bool` and
/// `char` are values there; everything else is a reference (`&User`, `&str` for a `String`, `&[T]` for a
/// `Vec<T>`), as the handle takes it. An argument through which the region is reached is best a reference
/// itself.
///
/// # Keys
///
/// * A **template**: braces hold expressions over the arguments, with `:spec` as in [`format!`];
///   `{T}` is the name of a type parameter, `{{` a brace. Two calls share an entry if their texts are the
///   same: that is up to you.
/// * A **pair** of templates, `key = ("user-{id}", "posts")`: a name in a space.
/// * Any **expression** that is [`AsKey`](crate::AsKey).
/// * **Derived**, without a `key`: from the path of the function, the namespace, type and const parameters,
///   and all arguments by their `Serialize`, injectively; see [`CallKey`](crate::function::CallKey). The
///   path is that of the source, so functions that move get new keys. Of methods, `self` is an argument,
///   too, unless it is skipped. Two functions of one name in blocks of one and the same function have one
///   path: give them a `namespace`. Keys, and so all arguments, show up in logs and errors; a secret belongs
///   into a `key` as a digest.
/// * Those of **dogpile.cache**, to share entries with a function of Python that is decorated with
///   `cache_on_arguments`: `dogpile = "myapp.tools:one"` makes `myapp.tools:one|3 x` of the arguments
///   `3` and `"x"`, with a `namespace` `myapp.tools:one|foo|3 x`. The text is Python's `__module__`, a colon
///   and `__name__`; arguments are in the order of Python, those with a default there included, what Python does
///   not have is skipped, and each is a [`PyStr`](crate::PyStr). `self` is no part, as there, nor are type parameters. With
///   `function_key_generator=kwarg_function_key_generator` on the side of Python it is `dogpile_kwargs`, and the
///   arguments have the names that they have there. That the store has these keys unchanged is up to the stack:
///   see [`DogpileKey`](crate::DogpileKey).
///
/// # Return types
///
/// | | |
/// |---|---|
/// | `T` | is cached |
/// | `Result<T, E>`, or an alias of that name | only `Ok` is cached; everyone who waited gets the same error, so it is `Clone`: [`SharedError`](crate::SharedError) and `Arc<E>` are |
/// | `Option<T>` | entries hold the `T`; `None` is kept if the region has a [`negative_ttl`](crate::RegionBuilder::negative_ttl) |
/// | `Result<Option<T>, E>` | both |
///
/// Values are `Clone + Send + Sync + 'static` and nothing that borrows.
///
/// # When the cache fails
///
/// Where the error type can be made of [`larder::Error`](crate::Error) by `From`, callers get what
/// `try_get_or_create` reports: a wait that took too long, a strict region whose store is down, an argument
/// that cannot be written. All other functions are called without the cache then, which is counted
/// ([`Stats::bypassed`](crate::Stats::bypassed)) and logged. Whether there is such a `From` is asked of the
/// type as it is written; of a type parameter only if its bounds say so.
///
/// # Panics
///
/// A function that cannot tell its callers panics when it is used wrongly: when its region is not
/// configured, and when it asks for the key that it is creating: so does a batch that calls the function
/// for one item in a loop. Let it call `load_user::cache().original(id)`.
///
/// # Methods
///
/// The attribute stands on the `impl`, too, where it may have defaults for the methods inside. Each cached
/// method has an accessor for its handle:
///
/// ```
/// # #[cfg(feature = "backend-memory")] {
/// use larder::{LayerExt, Memo, Region, cached};
///
/// struct Repo { tenant: u32, cache: Region<Memo<String>> }
///
/// #[cached(region = self.cache)]
/// impl Repo {
///     #[cached(key = "{self.tenant}:{id}")]
///     async fn load(&self, id: u64) -> String {
///         format!("user {id} of {}", self.tenant)
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let repo = Repo { tenant: 1, cache: Memo::new().region() };
/// repo.load(7).await;
/// repo.load_cache().invalidate(&7).await?;
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// # }
/// ```
///
/// Methods take `&self`, or no `self` (`Repo::load_cache()`). Those of traits are not cached; call a cached
/// one from there.
///
/// # Generic functions
///
/// Type and const parameters belong to the handle: `load::<User>::cache()`, or `load::cache()` where the
/// arguments say enough; `repo.load_cache::<User>()` for methods. Lifetimes are those of each call.
pub use larder_macros::cached;
/// Caches a function over many items: one read for all, and one call for those that are missing.
///
/// ```
/// # #[cfg(feature = "backend-memory")] {
/// use std::{collections::HashMap, sync::LazyLock};
/// use larder::{LayerExt, Memo, Region, cached, cached_multi};
///
/// static USERS: LazyLock<Region<Memo<String>>> = LazyLock::new(|| Memo::new().region());
///
/// #[cached(region = USERS)]
/// async fn load_user(id: u64) -> Option<String> {
///     Some(format!("user {id}"))
/// }
///
/// #[cached_multi(of = load_user)]
/// async fn load_users(ids: &[u64]) -> HashMap<u64, String> {
///     ids.iter().map(|id| (*id, format!("user {id}"))).collect()
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// load_users(&[1, 2]).await;
/// assert!(load_user::cache().get(&2).await?.is_some()); // the same entries
/// load_users(&[1, 2, 3]).await;                         // is called with 3
/// load_users::cache().set([(4, "ann".to_owned())]).await?;
/// load_users::cache().invalidate(&[1, 2]).await?;
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// # }
/// ```
///
/// With `of = load_user` it has the region, the keys and the lifetimes of that function, and both are
/// `async` or both are not. Its arguments are those of the single function in the same order, with the list
/// in place of the item; `skip(db)` says again which of them are no part of the single function's key, since
/// one attribute cannot see another. Inside of an `impl`, `of` names a method beside it. Without `of`, it takes the attributes of
/// [`cached`](macro@cached); in a `key`, one item is called `item`, or as `each(id in ids)` says.
///
/// | | |
/// |---|---|
/// | the list | `&[K]`, `Vec<K>` or `impl IntoIterator<Item = K>`, with `K: Clone`; if there are several, `each(id in ids)` tells which |
/// | further arguments | belong to the key of every item, and are `Clone`: the function may be called again for what others have failed to create |
/// | returns | `HashMap<K, V>`, `BTreeMap<K, V>`, `Vec<(K, V)>`, `Vec<Option<V>>` in the order of the list, or a `Result` of one of them |
///
/// With `dogpile = "myapp.tools:many"` the keys of the items are those of `cache_multi_on_arguments`, which has
/// none but the items.
///
/// What the function leaves out is absent: it is kept as a negative entry if the region has a
/// [`negative_ttl`](crate::RegionBuilder::negative_ttl). An `expire_after` that depends on the item is
/// asked for the first. The handle has `get(&ids)`, `set(pairs)`, `invalidate(&ids)`, `refresh(ids)`,
/// `original(ids)` and `keys(&ids)`.
///
/// Everything else is as with [`cached`](macro@cached) and
/// [`Region::try_get_or_create_multi`](crate::Region::try_get_or_create_multi). If the cache fails for some
/// of the items and the error cannot tell, the function is called for all of them.
///
/// Items may borrow (`&[&str]`), also in a task that is spawned: the future is `Send` if that of the
/// function is. If they are returned, too, give their lifetime a name:
/// `async fn load<'a>(names: &[&'a str]) -> HashMap<&'a str, User>`.
///
/// # Panics
///
/// As [`cached`](macro@cached), and when a `Vec<Option<V>>` has another length than the list.
pub use larder_macros::cached_multi;
