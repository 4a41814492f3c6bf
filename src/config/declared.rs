use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use arc_swap::{ArcSwap, Guard};

use super::{Config, FromConfig, table::wrong};
use crate::{Region, RegionSource, Result};

/// A region that is named before it is configured: a static, in dogpile's manner.
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "codec-postcard"))] {
/// use larder::{Config, Declared, Framed, Memory, Postcard, Region};
///
/// type Users = Region<Framed<Postcard<Memory>>>;
///
/// static USERS: Declared<Users> = Declared::new("users");
///
/// let config = Config::from_pairs([("cache.users.expiration_time", "5m")]);
/// USERS.configure_from(&config)?; // once, when the application starts
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let users = USERS.get()?;
/// let name: String = users.get_or_create("user:1", async || "ann".to_owned()).await?;
/// assert_eq!(name, "ann");
/// # Ok::<_, larder::Error>(()) })?;
/// # }
/// # Ok::<_, larder::Error>(())
/// ```
///
/// Cached functions take it for their region: it is a [`RegionSource`].
///
/// # Concurrency
///
/// [`load`](Self::load) waits for nobody and touches nothing that threads share, so that it suits
/// every hit. Who holds a region goes on with it after it was [replaced](Self::replace).
pub struct Declared<R> {
    name: &'static str,
    region: OnceLock<ArcSwap<R>>,
}

impl<R> Declared<R> {
    /// A region called `name`, which is also the name of its table. Not configured yet.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, region: OnceLock::new() }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether there is a region.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.region.get().is_some()
    }

    /// Sets the region.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](crate::ErrorKind::Config), when there is one already; that one stays.
    pub fn configure(&self, region: R) -> Result<()> {
        if self.region.set(ArcSwap::from_pointee(region)).is_ok() {
            return Ok(());
        }
        let name = self.name;
        Err(wrong(format!("region `{name}` is configured already; call `replace` for another one")))
    }

    /// Sets the region that the table of its name describes.
    ///
    /// # Errors
    ///
    /// Those of [`Config::region`], of the region, and of [`configure`](Self::configure).
    pub fn configure_from(&self, config: &Config) -> Result<()>
    where
        R: FromConfig,
    {
        self.configure(R::from_config(&config.region(self.name)?)?)
    }

    /// Puts `region` in place of the one there is, if there is one.
    pub fn replace(&self, region: R) {
        let region = Arc::new(region);
        self.region.get_or_init(|| ArcSwap::new(Arc::clone(&region))).store(region);
    }

    /// The region, for the moment: cheap enough for every call.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](crate::ErrorKind::Config), before it is configured.
    pub fn load(&self) -> Result<Loaded<R>> {
        match self.region.get() {
            Some(region) => Ok(Loaded(region.load())),
            None => Err(wrong(format!(
                "region `{name}` is used before it is configured: call `configure_from(&config)` or \
                 `configure(region)` first",
                name = self.name
            ))),
        }
    }

    /// The region, to keep.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn get(&self) -> Result<R>
    where
        R: Clone,
    {
        self.load().map(|region| R::clone(&region))
    }
}

impl<R: fmt::Debug> fmt::Debug for Declared<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = self.region.get().map(ArcSwap::load_full);
        f.debug_struct("Declared").field("name", &self.name).field("region", &region).finish()
    }
}

/// A region as it was when it was asked for; from [`Declared::load`].
#[derive(Debug)]
pub struct Loaded<R>(Guard<Arc<R>>);

impl<R> Deref for Loaded<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.0
    }
}

impl<S, L, I> RegionSource for Declared<Region<S, L, I>>
where
    S: Send + Sync,
    L: Send + Sync,
    I: Send + Sync,
{
    type Stack = S;
    type Lock = L;
    type Invalidator = I;

    fn region(&self) -> Result<impl Deref<Target = Region<S, L, I>> + Send> {
        self.load()
    }
}
