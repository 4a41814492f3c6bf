use std::{
    any::Any,
    env, fmt,
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{
    Table, Value, check,
    node::Node,
    table::{short, wrong},
};
use crate::Result;

/// How deep names of pairs go; what follows is a part of the last one.
const DEPTH: usize = 16;

/// The settings of all regions, from wherever they come.
///
/// Each region has one flat table under a root, which is `cache` unless told [otherwise](Self::under):
/// `cache.users.url`. What stands elsewhere is not looked at, so that the file may be that of the
/// whole application.
///
/// Besides the sources here, every serde source will do: `serde_json::from_str::<Config>(..)`.
/// A configuration of your own has it as `#[serde(flatten)] cache: Config`.
///
/// ```
/// use larder::Config;
///
/// let file = Config::from_pairs([
///     ("cache.users.url", "redis://localhost"),
///     ("cache.users.expiration_time", "5m"),
/// ]);
/// let config = file.overlaid(Config::from_env("CACHE")?); // CACHE__USERS__URL wins
/// # let _ = config;
/// # Ok::<_, larder::Error>(())
/// ```
///
/// # Sharing
///
/// Regions of one `Config`, its clones included, that name the same server with the same settings share
/// its connection, and so do the parts of one region. It is held as long as they or the `Config` are.
#[derive(Clone)]
pub struct Config {
    tree: Node,
    root: String,
    shared: Shared,
}

/// What was built, by the settings it was built from.
type Shared = Arc<Mutex<Vec<(Box<dyn Any + Send>, Box<dyn Any + Send>)>>>;

impl Default for Config {
    fn default() -> Self {
        Self::new(Node::default())
    }
}

impl Config {
    pub(super) fn new(tree: Node) -> Self {
        Self { tree, root: "cache".to_owned(), shared: Shared::default() }
    }

    /// The variables of the environment that begin with `prefix` and two underscores: with the prefix
    /// `CACHE`, `CACHE__USERS__REDIS_EXPIRATION_TIME` is `cache.users.redis_expiration_time`.
    ///
    /// Capital letters are read as small ones, also in the prefix. Over another source, [`overlaid`](Self::overlaid) knows
    /// that `USER_POSTS` is the region `user-posts` there.
    ///
    /// # Errors
    ///
    /// When such a variable is not Unicode.
    pub fn from_env(prefix: &str) -> Result<Self> {
        let root = prefix.to_ascii_lowercase();
        let (mut tree, start) = (Node::default(), format!("{root}__"));
        for (name, value) in env::vars_os() {
            let Some(name) = name.to_str() else { continue };
            let lower = name.to_ascii_lowercase();
            let Some(path) = lower.strip_prefix(&start) else { continue };
            let Ok(value) = value.into_string() else {
                return Err(wrong(format!("environment variable {}: not Unicode", short(name))));
            };
            let place = format!("environment variable {}", short(name));
            *tree.at(steps(&root).chain(path.splitn(2, "__"))) =
                Node::value(Value::Text(value), Some(place.into()));
        }
        Ok(Self::new(tree).under(root))
    }

    /// Pairs of names and texts, as an ini file gives them: `("cache.users.url", "redis://localhost")`.
    /// Of two with the same name the later one counts.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: AsRef<str>,
        V: Into<String>,
    {
        let mut tree = Node::default();
        for (name, value) in pairs {
            let node = tree.at(name.as_ref().splitn(DEPTH, '.'));
            node.value = Some(Value::Text(value.into()));
        }
        Self::new(tree)
    }

    /// The same, with the tables of the regions in the table `root`: `"app.cache"` is a table in a
    /// table, and with `""` they are all there is. Default: `cache`, and for the environment the prefix
    /// in small letters.
    #[must_use]
    pub fn under(mut self, root: impl Into<String>) -> Self {
        self.root = root.into();
        self
    }

    /// The same, where `other` has not something else to say: its settings win, one by one, whatever
    /// its root is called.
    #[must_use]
    pub fn overlaid(mut self, mut other: Self) -> Self {
        let tables = std::mem::take(other.tree.at(steps(&other.root)));
        self.tree.at(steps(&self.root)).overlay(tables);
        self
    }

    /// The table of the region `name`.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](crate::ErrorKind::Config), when there is none; an empty one will do.
    pub fn region<'a>(&'a self, name: &'a str) -> Result<Table<'a>> {
        if let Some(node) = self.tables().and_then(|tables| tables.table(name)) {
            let table = Table { config: self, name, node };
            return match &node.value {
                None => Ok(table),
                Some(_) => Err(wrong(format!("{}: expected a table", table.spot("", node)))),
            };
        }
        let there = || self.names();
        let meant = check::similar(name, there());
        let meant = meant.map(|meant| format!("; did you mean `{}`?", short(meant)));
        let names = check::listed(there());
        let names = match names.as_str() {
            "" => format!("no table under `{}`", self.root),
            names => names.to_owned(),
        };
        Err(wrong(format!(
            "`{}.{}`: there is no such table{}; there is {names}",
            self.root,
            short(name),
            meant.unwrap_or_default()
        )))
    }

    /// The names of the tables there are.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tables().into_iter().flat_map(|tables| tables.below.keys().map(String::as_str))
    }

    pub(super) fn root(&self) -> &str {
        &self.root
    }

    /// The tables that are not among `asked`, with their places.
    pub(super) fn others<'a>(&self, asked: impl Iterator<Item = &'a str>) -> Vec<(&str, &Node)> {
        let Some(tables) = self.tables() else { return Vec::new() };
        let asked: Vec<*const Node> =
            asked.filter_map(|name| tables.table(name)).map(std::ptr::from_ref).collect();
        let all = tables.below.iter();
        all.filter(|(_, node)| !asked.contains(&std::ptr::from_ref(*node)))
            .map(|(name, node)| (name.as_str(), node))
            .collect()
    }

    fn tables(&self) -> Option<&Node> {
        self.tree.find(steps(&self.root))
    }

    pub(super) fn kept<K: Any + PartialEq, T: Any + Clone>(&self, settings: &K) -> Option<T> {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.iter().find_map(|(from, built)| {
            let same = from.downcast_ref::<K>().is_some_and(|from| from == settings);
            same.then(|| built.downcast_ref::<T>().cloned()).flatten()
        })
    }

    /// Keeps `built`, unless somebody else was quicker; what is kept now.
    pub(super) fn keep<K, T>(&self, settings: K, built: T) -> T
    where
        K: Any + PartialEq + Send,
        T: Any + Clone + Send,
    {
        if let Some(kept) = self.kept(&settings) {
            return kept;
        }
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.push((Box::new(settings), Box::new(built.clone())));
        built
    }
}

/// Names and places, no values: any of them may be a secret.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Config");
        out.field("root", &self.root);
        if let Some(tables) = self.tables() {
            out.field("tables", tables);
        }
        out.finish_non_exhaustive()
    }
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let tree = Node::deserialize(deserializer)?;
        match tree.value {
            None => Ok(Self::new(tree)),
            // serde's own message would show it.
            Some(_) => Err(D::Error::custom("a configuration is a table of tables")),
        }
    }
}

/// The names on the way to a root.
fn steps(root: &str) -> impl Iterator<Item = &str> {
    root.split('.').filter(|name| !name.is_empty())
}
