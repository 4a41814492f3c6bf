use std::{any::Any, fmt};

use super::{Config, FromConfig, FromValue, Setting, check, node::Node, setting::Told};
use crate::{Error, ErrorKind, Result};

/// The settings of one region; from [`Config::region`].
#[derive(Clone, Copy)]
pub struct Table<'a> {
    pub(super) config: &'a Config,
    pub(super) name: &'a str,
    pub(super) node: &'a Node,
}

impl<'a> Table<'a> {
    /// The name of the region.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The value of `setting`: what is set, else its default.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](ErrorKind::Config), when it is missing or not what is expected.
    pub fn get<T: FromValue>(&self, setting: &Setting<T>) -> Result<T> {
        if let Some((name, node)) = self.given(setting) {
            let value = node.value.as_ref().and_then(T::from_value);
            return value.ok_or_else(|| wrong(check::unfit(self, &setting.told, name, node)));
        }
        let default = setting.told.default.map(|text| super::Value::Text(text.to_owned()));
        let value = default.as_ref().map_or_else(T::absent, T::from_value);
        value.ok_or_else(|| wrong(check::missing(self, &setting.told)))
    }

    /// The error that `setting` cannot be what it is, for a reason that only the level itself knows.
    pub fn refuse<T: FromValue>(&self, setting: &Setting<T>, why: impl fmt::Display) -> Error {
        let at = match self.given(setting) {
            Some((name, node)) => self.spot(name, node),
            None => self.spot(setting.told.name, &Node::default()),
        };
        wrong(format!("{at}: {why}"))
    }

    /// What `make` makes of `settings`, made once for all who ask with the same types and equal
    /// settings: the regions of one [`Config`] share their connections so. Kept as long as the
    /// `Config` and its clones are.
    ///
    /// # Errors
    ///
    /// Those of `make`; they are not kept.
    pub fn shared<K, T>(&self, settings: K, make: impl FnOnce(K) -> Result<T>) -> Result<T>
    where
        K: Any + Clone + PartialEq + Send,
        T: Any + Clone + Send,
    {
        if let Some(kept) = self.config.kept(&settings) {
            return Ok(kept);
        }
        // Unlocked, because what is built may itself share.
        let built = make(settings.clone())?;
        Ok(self.config.keep(settings, built))
    }

    /// Refuses a table that says anything `T` does not understand, lacks what it needs, or has values
    /// that are none. All of it in one error.
    ///
    /// A region does it before anything is built. Who implements [`FromConfig`] for a level needs it
    /// not.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](ErrorKind::Config).
    pub fn check<T: FromConfig>(&self) -> Result<()> {
        let problems = self.problems::<T>();
        if problems.is_empty() { Ok(()) } else { Err(all(&problems)) }
    }

    pub(super) fn problems<T: FromConfig>(&self) -> Vec<String> {
        check::problems(self, &super::About::of::<T>())
    }

    /// Whether the one that is chosen by name is `T`, or a part of it.
    pub(crate) fn chooses<T: FromConfig>(&self) -> bool {
        super::About::of::<T>().is_chosen(&|slot| check::chosen(self, slot))
    }

    /// `error` of one of the levels, with the name of the table.
    pub(crate) fn blame(&self, error: Error) -> Error {
        if error.layer() == LAYER {
            return error;
        }
        let message = format!("{}: {error}", self.spot("", self.node));
        Error::new(error.kind(), LAYER).with_message(message).with_source(error)
    }

    /// `name` in words, with where it was written.
    pub(super) fn spot(&self, name: &str, node: &Node) -> String {
        let dot = if name.is_empty() { "" } else { "." };
        let path = format!("`{}.{}{dot}{}`", self.config.root(), self.name, short(name));
        match &node.place {
            Some(place) => format!("{path} ({place})"),
            None => path,
        }
    }

    fn given<T: FromValue>(&self, setting: &Setting<T>) -> Option<(&'a str, &'a Node)> {
        self.names_given(&setting.told).next()
    }

    /// The names under which a setting is given by the uppermost source that gives it.
    pub(super) fn names_given<'s>(
        &'s self,
        told: &'s Told,
    ) -> impl Iterator<Item = (&'a str, &'a Node)> {
        let given = || told.names().filter_map(|name| self.node.below.get_key_value(name));
        let uppermost = given().map(|(_, node)| node.layer).max();
        given()
            .filter(move |(_, node)| Some(node.layer) == uppermost)
            .map(|(name, node)| (name.as_str(), node))
    }
}

/// The names of what is set and where, no values: any of them may be a secret.
impl fmt::Debug for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("name", &self.name).field("settings", self.node).finish()
    }
}

pub(super) const LAYER: &str = "config";

pub(super) fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Config, LAYER).with_message(message)
}

/// One error of many problems.
pub(super) fn all(problems: &[String]) -> Error {
    match problems {
        [problem] => wrong(problem.clone()),
        many => wrong(format!("{} problems:\n  {}", many.len(), many.join("\n  "))),
    }
}

/// A name that somebody else chose, fit for one line.
pub(super) fn short(name: &str) -> String {
    let shown: String = name.chars().take(64).collect();
    let rest = if shown.len() < name.len() { ".." } else { "" };
    format!("{}{rest}", shown.escape_debug())
}
