use std::marker::PhantomData;

use super::{FromValue, Value};

/// One setting: a constant that is both [described](super::About::setting) and
/// [read](super::Table::get), so that the two cannot differ.
///
/// Its type says whether it may be left away: `Setting<Option<T>>` may, `Setting<T>` may if it has a
/// [default](Self::or).
///
/// ```
/// use std::time::Duration;
/// use larder::config::Setting;
///
/// const PAUSE: Setting<Duration> =
///     Setting::new("pause", "How long to wait between two tries.").or("50ms").also(&["sleep"]);
/// # let _ = PAUSE;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Setting<T> {
    pub(super) told: Told,
    pub(super) of: PhantomData<fn() -> T>,
}

/// What is told about a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) name: &'static str,
    pub(super) also: &'static [&'static str],
    pub(super) expected: &'static str,
    pub(super) default: Option<&'static str>,
    pub(super) secret: bool,
    pub(super) about: &'static str,
}

impl Told {
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.also.iter().copied())
    }
}

impl<T: FromValue> Setting<T> {
    /// The setting called `name`; `about` says what it does.
    #[must_use]
    pub const fn new(name: &'static str, about: &'static str) -> Self {
        let expected = T::EXPECTED;
        let told = Told { name, also: &[], expected, default: None, secret: false, about };
        Self { told, of: PhantomData }
    }

    /// Other names for it, such as those of dogpile.cache.
    #[must_use]
    pub const fn also(mut self, names: &'static [&'static str]) -> Self {
        self.told.also = names;
        self
    }

    /// What it is when it is not set, as somebody would write it.
    #[must_use]
    pub const fn or(mut self, default: &'static str) -> Self {
        self.told.default = Some(default);
        self
    }

    /// What is expected, with an example, in place of [`FromValue::EXPECTED`].
    #[must_use]
    pub const fn expects(mut self, expected: &'static str) -> Self {
        self.told.expected = expected;
        self
    }

    /// Its value never appears in a message.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.told.secret = true;
        self
    }
}

/// What a [`Setting`] is, without its type; from [`About::settings`](super::About::settings).
#[derive(Clone, Copy, Debug)]
pub struct Described {
    pub(super) told: Told,
    pub(super) required: bool,
    /// Whether the value is one for it.
    pub(super) takes: fn(&Value) -> bool,
}

impl Described {
    pub(super) fn new<T: FromValue>(setting: &Setting<T>) -> Self {
        let told = setting.told;
        Self {
            told,
            required: told.default.is_none() && T::absent().is_none(),
            takes: |value| T::from_value(value).is_some(),
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.told.name
    }

    /// Its other names.
    #[must_use]
    pub const fn also(&self) -> &'static [&'static str] {
        self.told.also
    }

    /// What is expected, with an example.
    #[must_use]
    pub const fn expected(&self) -> &'static str {
        self.told.expected
    }

    /// What it is when it is not set.
    #[must_use]
    pub const fn default(&self) -> Option<&'static str> {
        self.told.default
    }

    /// Whether it must be set.
    #[must_use]
    pub const fn is_required(&self) -> bool {
        self.required
    }

    /// Whether its value never appears in a message.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        self.told.secret
    }

    /// What it does.
    #[must_use]
    pub const fn about(&self) -> &'static str {
        self.told.about
    }
}
