use std::{borrow::Cow, fmt, time::Duration};

use minijinja::{
    AutoEscape, Environment, Error as TemplateError, ErrorKind as TemplateErrorKind, State, Value,
    value::{Kwargs, ValueKind},
};

use super::key;
use crate::{
    Error, ErrorKind, Failure, Invalidator, Key, KeyBuf, Lock, Region, Result, Store, units,
};

/// The regions that keep the fragments of templates; [`install`](Self::install) gives an environment of
/// minijinja the function `cached`. [The module](super) shows it in templates.
///
/// ```
/// # #[cfg(feature = "backend-memory")] {
/// use larder::{LayerExt, Memo, template::Fragments};
/// use minijinja::{Environment, context};
///
/// let pages = Memo::<String>::new().region();
/// let mut environment = Environment::new();
/// environment.add_template(
///     "index.html",
///     "{% call cached('greeting', key=name, expire='5m') %}<b>{{ name }}</b>{% endcall %}",
/// )?;
/// Fragments::new().region("pages", pages.clone()).install(&mut environment)?;
///
/// let index = environment.get_template("index.html")?;
/// assert_eq!(index.render(context!(name => "<ann>"))?, "<b>&lt;ann&gt;</b>"); // renders the body
/// assert_eq!(index.render(context!(name => "<ann>"))?, "<b>&lt;ann&gt;</b>"); // does not
/// assert_eq!(pages.stats().creations, 1);
/// # }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
#[must_use = "fragments do nothing until `install`"]
pub struct Fragments {
    regions: Vec<(String, Box<dyn Keeps>)>,
}

impl Fragments {
    /// No region yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a region, which templates call `name`. The first one that is added is where fragments go that
    /// name none.
    ///
    /// Its `expire_after` is the lifetime of fragments that have none of their own.
    pub fn region<S, L, I>(mut self, name: impl Into<String>, region: Region<S, L, I>) -> Self
    where
        S: Store<String> + 'static,
        L: Lock,
        I: Invalidator,
    {
        self.regions.push((name.into(), Box::new(region)));
        self
    }

    /// Adds the function `cached` to an environment; clones of it share the regions.
    ///
    /// # Errors
    ///
    /// [`Config`](ErrorKind::Config), when there is no region, or two have the same name.
    pub fn install(self, environment: &mut Environment<'_>) -> Result<()> {
        let names: Vec<&str> = self.names().collect();
        let twice = (1..names.len()).find(|at| names[..*at].contains(&names[*at]));
        let problem = match (names.is_empty(), twice) {
            (true, _) => Some("there is no region for fragments; add one with `region`".to_owned()),
            (_, Some(at)) => Some(format!("two regions for fragments are called `{}`", names[at])),
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(Error::new(ErrorKind::Config, "template").with_message(problem));
        }
        environment.add_function(
            "cached",
            move |state: &mut State<'_, '_>, name: Option<Value>, options: Kwargs| {
                self.cached(state, name.as_ref(), &options)
            },
        );
        Ok(())
    }

    /// Where a fragment is kept: the one called `name` of this template, under this way of escaping and
    /// with this `key`; `()` where the template gives none.
    ///
    /// To forget one, or to have one ready before it is asked for:
    ///
    /// ```
    /// # #[cfg(feature = "backend-memory")] {
    /// use larder::{LayerExt, Memo, template::Fragments};
    /// use minijinja::{AutoEscape, Value};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let pages = Memo::<String>::new().region();
    /// let key = Fragments::key("index.html", &AutoEscape::Html, "sidebar", 7)?;
    /// pages.delete(&key).await?;
    /// // Of a list, as `key=[user.id, 'en']`:
    /// let list = [Value::from(7), Value::from("en")];
    /// let key = Fragments::key("index.html", &AutoEscape::Html, "sidebar", Value::from_iter(list))?;
    /// assert_eq!(key.as_key().name(), r#"html:index.html:sidebar:[7,"en"]"#);
    /// # Ok::<_, larder::Error>(()) }).unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Encode`](ErrorKind::Encode), for what `key` may not be.
    pub fn key(
        template: &str,
        escape: &AutoEscape,
        name: &str,
        key: impl Into<Value>,
    ) -> Result<KeyBuf> {
        let text = key::text(template, escape, name, &key.into()).map_err(|error| {
            Error::new(ErrorKind::Encode, "template").with_message(error.to_string())
        })?;
        Ok(Key::from(text.as_str()).to_buf())
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.regions.iter().map(|(name, _)| name.as_str())
    }

    /// The function `cached`.
    fn cached(
        &self,
        state: &mut State<'_, '_>,
        name: Option<&Value>,
        options: &Kwargs,
    ) -> Result<Value, TemplateError> {
        let name = name.filter(|name| name.kind() == ValueKind::String);
        let Some(name) = name.and_then(Value::as_str) else {
            return Err(wrong(
                "`cached` begins with the name of the fragment: cached(\"sidebar\")",
            ));
        };
        let caller = argument(options, "caller")?.ok_or_else(|| {
            wrong(format!(
                "fragment `{name}` has no body: {{% call cached(\"{name}\") %}} .. {{% endcall %}}"
            ))
        })?;
        let key = argument(options, "key")?.unwrap_or(Value::from(()));
        let (expire, region) = (argument(options, "expire")?, argument(options, "region")?);
        options.assert_all_used()?;

        let expire_after = expire.map(|expire| lifetime(name, &expire)).transpose()?;
        let region = self.choose(name, region.as_ref())?;
        let key = key::text(state.name(), state.auto_escape(), name, &key)?;
        let body = &mut || rendered(state, &caller).map_err(Value::from);
        let kept = region.keep(key.as_str().into(), expire_after, body);
        let text = kept.map_err(|failure| match failure {
            Failure::Creator(error) => raised(&error),
            Failure::Cache(error) => failed(name, error),
        })?;
        // What the engine itself makes of a body.
        Ok(match state.auto_escape() {
            AutoEscape::None => text.into(),
            _ => Value::from_safe_string(text),
        })
    }

    fn choose(&self, fragment: &str, asked: Option<&Value>) -> Result<&dyn Keeps, TemplateError> {
        let is_asked = |name: &str| asked.is_none_or(|asked| asked.as_str() == Some(name));
        let found = self.regions.iter().find(|(name, _)| is_asked(name));
        found.map(|(_, region)| region.as_ref()).ok_or_else(|| {
            let names: Vec<_> = self.names().map(|name| format!("`{name}`")).collect();
            let (asked, names) = (asked.map(shown).unwrap_or_default(), names.join(", "));
            wrong(format!("fragment `{fragment}`: there is no region {asked}; there is {names}"))
        })
    }
}

impl fmt::Debug for Fragments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fragments").field("regions", &self.names().collect::<Vec<_>>()).finish()
    }
}

/// A region of whatever stack.
trait Keeps: Send + Sync {
    /// What is kept under `key`, or else what `body` renders. Its error is that of the template, as the
    /// engine holds errors in values: unlike a bare one, that can be handed to all who waited.
    fn keep(
        &self,
        key: Key<'_>,
        expire_after: Option<Duration>,
        body: &mut dyn FnMut() -> Result<String, Value>,
    ) -> Result<String, Failure<Value>>;
}

impl<S: Store<String>, L: Lock, I: Invalidator> Keeps for Region<S, L, I> {
    fn keep(
        &self,
        key: Key<'_>,
        expire_after: Option<Duration>,
        body: &mut dyn FnMut() -> Result<String, Value>,
    ) -> Result<String, Failure<Value>> {
        self.within(expire_after).blocking().try_get_or_create(key, body)
    }
}

/// The argument `name`. An undefined one is there, other than `none`: nobody has meant that.
fn argument(options: &Kwargs, name: &str) -> Result<Option<Value>, TemplateError> {
    let given = if options.has(name) { Some(options.get::<Value>(name)?) } else { None };
    Ok(given.filter(|given| !given.is_none()))
}

/// What `expire` says.
fn lifetime(fragment: &str, expire: &Value) -> Result<Duration, TemplateError> {
    let lifetime = match expire.kind() {
        ValueKind::String => expire.as_str().and_then(|text| units::parse_time(text.trim())),
        ValueKind::Number => f64::try_from(expire.clone())
            .ok()
            .and_then(|secs| Duration::try_from_secs_f64(secs).ok()),
        _ => None,
    };
    lifetime.ok_or_else(|| {
        wrong(format!(
            "fragment `{fragment}`: `expire` is {}; write a time such as \"5m\", \"1h 30m\", \"250ms\" \
             or 300 (seconds)",
            shown(expire)
        ))
    })
}

/// Renders the body, escaped as the engine does it where the body stands.
fn rendered(state: &mut State<'_, '_>, caller: &Value) -> Result<String, TemplateError> {
    let body = caller.call(state, &[])?;
    if body.kind() == ValueKind::Invalid {
        return Err(raised(&body));
    }
    match (state.auto_escape(), body.as_str()) {
        (AutoEscape::None, Some(text)) => Ok(text.to_owned()),
        (_, Some(text)) if body.is_safe() => Ok(text.to_owned()),
        // No body of a `call` block, but some function that was given for one.
        _ => state.format(body),
    }
}

/// The error that a value holds, with the place where it happened.
fn raised(held: &Value) -> TemplateError {
    let items = Value::from_iter([held.clone()]).try_iter();
    let error = items.map(|items| items.checked().find_map(Result::err));
    error.unwrap_or_else(Some).unwrap_or_else(|| wrong("the body failed"))
}

/// What the region itself has to say.
#[cold]
fn failed(fragment: &str, error: Error) -> TemplateError {
    let message = match error.kind() {
        ErrorKind::Recursion => format!(
            "fragment `{fragment}` is inside its own body with the same key; give one of them another name"
        ),
        _ => format!("fragment `{fragment}`: {error}"),
    };
    wrong(message).with_source(error)
}

#[cold]
fn wrong(message: impl Into<Cow<'static, str>>) -> TemplateError {
    TemplateError::new(TemplateErrorKind::InvalidOperation, message)
}

/// A value in a message; of a long one, what it is.
fn shown(value: &Value) -> String {
    let text = format!("`{value:?}`");
    if text.len() > 60 { format!("a {}", value.kind()) } else { text }
}
