use std::{any::Any, collections::BTreeMap, fmt};

use super::{
    Config, Declared, FromConfig, check,
    table::{all, short, wrong},
};
use crate::{Error, Result};

/// Many regions from one configuration.
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "codec-postcard"))] {
/// use larder::{Config, Framed, Memo, Memory, Postcard, Region, Regions};
///
/// type Users = Region<Framed<Postcard<Memory>>>;
/// type Prices = Region<Memo<f64>>;
///
/// let config = Config::from_pairs([
///     ("cache.users.max_bytes", "64MiB"),
///     ("cache.prices.expiration_time", "10s"),
/// ]);
/// let regions =
///     Regions::builder(&config).region::<Users>("users").region::<Prices>("prices").build()?;
/// let prices = regions.get::<Prices>("prices")?;
/// # let _ = prices;
/// # }
/// # Ok::<_, larder::Error>(())
/// ```
pub struct Regions {
    regions: BTreeMap<String, Built>,
}

struct Built {
    region: Box<dyn Any + Send + Sync>,
    of: fn() -> String,
}

impl Regions {
    /// Begins to build regions from `config`.
    pub fn builder(config: &Config) -> RegionsBuilder<'_> {
        let regions = Self { regions: BTreeMap::new() };
        RegionsBuilder {
            config,
            regions,
            names: Vec::new(),
            declared: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The region `name`, which was added as an `R`.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](crate::ErrorKind::Config), when no such region was added, or another type.
    pub fn get<R: Any + Clone>(&self, name: &str) -> Result<R> {
        let Some(built) = self.regions.get(name) else {
            let names = check::listed(self.regions.keys().map(String::as_str));
            return Err(wrong(format!("there is no region `{}`; there is {names}", short(name))));
        };
        built.region.downcast_ref::<R>().cloned().ok_or_else(|| {
            let (is, asked) = ((built.of)(), type_name::<R>());
            wrong(format!("region `{name}` is a `{is}`, and was asked for as a `{asked}`"))
        })
    }

    /// The names of the regions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.regions.keys().map(String::as_str)
    }
}

impl fmt::Debug for Regions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.regions.iter().map(|(name, built)| (name, (built.of)())))
            .finish()
    }
}

/// Builds [`Regions`]; from [`Regions::builder`].
#[must_use = "a builder does nothing until `build`"]
pub struct RegionsBuilder<'a> {
    config: &'a Config,
    regions: Regions,
    /// Those that were asked for, built or not.
    names: Vec<String>,
    declared: Vec<Box<dyn FnOnce() -> Result<()> + 'a>>,
    problems: Vec<String>,
}

impl<'a> RegionsBuilder<'a> {
    /// Adds the region `name`, as the type `R`.
    pub fn region<R: FromConfig + Any + Send + Sync>(mut self, name: &str) -> Self {
        if let Some(region) = self.make::<R>(name) {
            let built = Built { region: Box::new(region), of: type_name::<R> };
            self.regions.regions.insert(name.to_owned(), built);
        }
        self
    }

    /// Adds a declared region and configures it, if all of them can be.
    pub fn declared<R>(mut self, declared: &'a Declared<R>) -> Self
    where
        R: FromConfig + Any + Clone + Send + Sync,
    {
        let name = declared.name();
        if let Some(region) = self.make::<R>(name) {
            if declared.is_configured() {
                self.problems.push(format!(
                    "region `{name}` is configured already; call `replace` for another one"
                ));
            }
            let built = Built { region: Box::new(region.clone()), of: type_name::<R> };
            self.regions.regions.insert(name.to_owned(), built);
            self.declared.push(Box::new(move || declared.configure(region)));
        }
        self
    }

    fn make<R: FromConfig>(&mut self, name: &str) -> Option<R> {
        if self.names.iter().any(|known| known == name) {
            self.problems.push(format!("region `{}` is added twice", short(name)));
            return None;
        }
        self.names.push(name.to_owned());
        let table = match self.config.region(name) {
            Ok(table) => table,
            Err(error) => return self.fail(&error),
        };
        let problems = table.problems::<R>();
        if !problems.is_empty() {
            self.problems.extend(problems);
            return None;
        }
        match R::from_config(&table).map_err(|error| table.blame(error)) {
            Ok(region) => Some(region),
            Err(error) => self.fail(&error),
        }
    }

    fn fail<R>(&mut self, error: &Error) -> Option<R> {
        let message = error.to_string();
        let message = message.strip_prefix("config: ").unwrap_or(&message);
        self.problems.push(message.to_owned());
        None
    }

    /// The regions.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](crate::ErrorKind::Config), with all that is wrong with any of the tables, and
    /// with tables that no region has.
    pub fn build(mut self) -> Result<Regions> {
        for (name, node) in self.config.others(self.names.iter().map(String::as_str)) {
            let place = node.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
            let meant = check::similar(name, self.names.iter().map(String::as_str));
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            let (root, name) = (self.config.root(), short(name));
            self.problems.push(format!("`{root}.{name}`{place}: no region has this table{meant}"));
        }
        if !self.problems.is_empty() {
            return Err(all(&self.problems));
        }
        self.declared.into_iter().try_for_each(|configure| configure())?;
        Ok(self.regions)
    }
}

impl fmt::Debug for RegionsBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegionsBuilder").field("names", &self.names).finish_non_exhaustive()
    }
}

/// The name of a type as people write it, without the paths.
pub(crate) fn type_name<T: ?Sized>() -> String {
    let mut name = String::new();
    for part in std::any::type_name::<T>().split_inclusive(|c: char| "<>,()[]& ".contains(c)) {
        name.push_str(part.rsplit("::").next().unwrap_or(part));
    }
    name
}
