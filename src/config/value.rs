use std::{fmt, path::PathBuf, time::Duration};

use crate::units;

/// The longest time that can be configured: a thousand years.
const LONGEST: Duration = Duration::from_secs(1_000 * 366 * 86_400);

/// A value as a source gave it.
///
/// Everything from the environment and from [pairs](super::Config::from_pairs) is text. What is
/// expected decides what it means: `"300"` is a number for a number, and text for a password.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i128),
    /// A number with a fraction.
    Float(f64),
    /// `true` or `false`.
    Flag(bool),
    /// A list.
    List(Vec<Value>),
    /// Something that no setting takes, in words: `"a date"`.
    Other(&'static str),
}

impl Value {
    /// The text, where it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Of what type it is, in words.
    pub(super) const fn describe(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Flag(_) => "a flag",
            Self::List(_) => "a list",
            Self::Other(what) => what,
        }
    }

    /// The value itself, for messages about settings that are no secret.
    pub(super) fn show(&self) -> String {
        match self {
            Self::Text(text) => {
                let shown: String = text.chars().take(40).collect();
                let rest = if shown.len() < text.len() { ".." } else { "" };
                format!("`{}{rest}`", shown.escape_debug())
            }
            Self::Integer(number) => format!("`{number}`"),
            Self::Float(number) => format!("`{number}`"),
            Self::Flag(flag) => format!("`{flag}`"),
            Self::List(_) => self.describe().to_owned(),
            Self::Other(what) => (*what).to_owned(),
        }
    }

    fn whole(&self) -> Option<u64> {
        match self {
            Self::Integer(number) => u64::try_from(*number).ok(),
            Self::Text(text) => units::digits(text.trim()),
            _ => None,
        }
    }
}

/// Its type only: any value may be a secret.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.describe())
    }
}

/// What can be read from a [`Value`].
///
/// ```
/// use larder::config::{FromValue, Value};
///
/// #[derive(Debug, PartialEq)]
/// enum Level { Fast, Small }
///
/// impl FromValue for Level {
///     const EXPECTED: &str = "`fast` or `small`";
///
///     fn from_value(value: &Value) -> Option<Self> {
///         match value.as_text()? {
///             "fast" => Some(Self::Fast),
///             "small" => Some(Self::Small),
///             _ => None,
///         }
///     }
/// }
///
/// assert_eq!(Level::from_value(&Value::Text("fast".to_owned())), Some(Level::Fast));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a configuration",
    label = "expected a type of a setting here",
    note = "implement `FromValue`, or take `String`, `Duration`, `Size`, `bool`, `u64`, .."
)]
pub trait FromValue: Sized {
    /// What is expected, with an example: ``"a time such as `5m`"``.
    const EXPECTED: &'static str;

    /// The value, if it is one.
    fn from_value(value: &Value) -> Option<Self>;

    /// What an absent setting without a default means; `None` unless overridden: it is missing.
    #[must_use]
    fn absent() -> Option<Self> {
        None
    }
}

/// A setting that may be left away.
impl<V: FromValue> FromValue for Option<V> {
    const EXPECTED: &'static str = V::EXPECTED;

    fn from_value(value: &Value) -> Option<Self> {
        V::from_value(value).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl FromValue for String {
    const EXPECTED: &'static str = "text";

    fn from_value(value: &Value) -> Option<Self> {
        value.as_text().map(str::to_owned)
    }
}

/// A list, or one text with commas in between.
impl FromValue for Vec<String> {
    const EXPECTED: &'static str = "a list of texts, or one text with commas";

    fn from_value(value: &Value) -> Option<Self> {
        let all: Self = match value {
            Value::List(all) => all.iter().map(String::from_value).collect::<Option<_>>()?,
            Value::Text(all) => all.split(',').map(|one| one.trim().to_owned()).collect(),
            _ => return None,
        };
        Some(all).filter(|all| !all.is_empty() && all.iter().all(|one| !one.is_empty()))
    }
}

impl FromValue for PathBuf {
    const EXPECTED: &'static str = "a path such as `/var/cache/pages.larder`";

    fn from_value(value: &Value) -> Option<Self> {
        value.as_text().filter(|path| !path.is_empty()).map(Self::from)
    }
}

/// `true`, `yes`, `on`, and their opposites.
impl FromValue for bool {
    const EXPECTED: &'static str = "`true` or `false`";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Flag(flag) => Some(*flag),
            Value::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" => Some(true),
                "false" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }
}

impl FromValue for u64 {
    const EXPECTED: &'static str = "a whole number such as `1000`";

    fn from_value(value: &Value) -> Option<Self> {
        value.whole()
    }
}

impl FromValue for u32 {
    const EXPECTED: &'static str = "a whole number such as `1`";

    fn from_value(value: &Value) -> Option<Self> {
        value.whole().and_then(|number| Self::try_from(number).ok())
    }
}

/// `5m`, `1h 30m`, `250ms`, `1.5s`; a bare number is seconds. Units: `ms`, `s`, `m`, `h`, `d`, `w`.
impl FromValue for Duration {
    const EXPECTED: &'static str = "a time such as `5m`, `1h 30m`, `250ms` or `300` (seconds)";

    fn from_value(value: &Value) -> Option<Self> {
        let time = match value {
            Value::Integer(secs) => Some(Self::from_secs(u64::try_from(*secs).ok()?)),
            Value::Float(secs) => Self::try_from_secs_f64(*secs).ok(),
            Value::Text(text) => units::parse_time(text.trim()),
            Value::Flag(_) | Value::List(_) | Value::Other(_) => None,
        };
        time.filter(|time| *time <= LONGEST)
    }
}

/// A number of bytes: `64MiB`, `1GB`, `1048576`. Units: `B`, `kB`, `MB`, `GB`, `TB` (by 1000) and
/// `KiB`, `MiB`, `GiB`, `TiB` (by 1024), in letters of any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size(pub u64);

impl FromValue for Size {
    const EXPECTED: &'static str = "a size such as `64MiB`, `1GB` or `1048576` (bytes)";

    fn from_value(value: &Value) -> Option<Self> {
        let bytes = match value {
            Value::Text(text) => parse_size(text.trim()),
            value => value.whole(),
        };
        bytes.map(Self)
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let (number, unit, rest) = units::quantity(text)?;
    let unit: u64 = match unit.to_ascii_lowercase().as_str() {
        "" if !number.contains('.') => 1,
        "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    if rest.is_empty() { units::times(number, unit) } else { None }
}
