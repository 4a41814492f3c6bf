//! Under which key a fragment is kept.

use std::fmt::Write as _;

use minijinja::{AutoEscape, Error, ErrorKind, Value, value::ValueKind};

use crate::function::KeyText;

/// How deep lists may nest.
const DEEPEST: u32 = 16;

/// `html:index.html:sidebar:[7,"en"]`. No two fragments share one: in front of the last part nothing
/// but what stands between them has a bare `:`, and the last part has a quote around each text.
pub(super) fn text(
    template: &str,
    escape: &AutoEscape,
    name: &str,
    key: &Value,
) -> Result<KeyText, Error> {
    let mut text = KeyText::new();
    match escape {
        AutoEscape::None => text.push_str("none"),
        AutoEscape::Html => text.push_str("html"),
        AutoEscape::Custom(mode) => {
            text.push('=');
            part(mode, &mut text);
        }
        other => part(&format!("{other:?}").to_lowercase(), &mut text),
    }
    for next in [template, name] {
        text.push(':');
        part(next, &mut text);
    }
    if !key.is_none() {
        text.push(':');
        push(key, DEEPEST, &mut text).map_err(|unfit| unfit.error(name))?;
    }
    Ok(text)
}

fn part(part: &str, text: &mut KeyText) {
    text.push_escaped(part, |c| c == ':');
}

/// Why a value cannot be a key.
enum Unfit {
    Undefined,
    Kind(ValueKind),
    Deep,
}

fn push(key: &Value, depth: u32, text: &mut KeyText) -> Result<(), Unfit> {
    match key.kind() {
        ValueKind::None => text.push('?'),
        ValueKind::Bool => text.push_str(if key.is_true() { "true" } else { "false" }),
        ValueKind::Number => match key.as_i64().filter(|_| key.is_integer()) {
            Some(number) => text.push_signed(number),
            // A text takes everything. One with a fraction always has a point.
            None => _ = write!(text, "{key}"),
        },
        ValueKind::String => {
            text.push('"');
            text.push_escaped(key.as_str().unwrap_or_default(), |c| c == '"');
            text.push('"');
        }
        ValueKind::Seq => {
            let depth = depth.checked_sub(1).ok_or(Unfit::Deep)?;
            let items = key.try_iter().map_err(|_unreadable| Unfit::Kind(ValueKind::Seq))?;
            text.push('[');
            for (at, item) in items.enumerate() {
                if at > 0 {
                    text.push(',');
                }
                push(&item, depth, text)?;
            }
            text.push(']');
        }
        ValueKind::Undefined => return Err(Unfit::Undefined),
        kind => return Err(Unfit::Kind(kind)),
    }
    Ok(())
}

impl Unfit {
    #[cold]
    fn error(self, name: &str) -> Error {
        match self {
            Self::Undefined => Error::new(
                ErrorKind::UndefinedError,
                format!(
                    "the key of fragment `{name}`, or something in it, is undefined: with a misspelt \
                     variable all would share one fragment (for one that all share, leave `key` out)"
                ),
            ),
            Self::Kind(ValueKind::Iterable) => {
                unfit(name, "an iterator; make a list of it: `|list`")
            }
            Self::Kind(kind) => unfit(
                name,
                &format!("of kind {kind}; take numbers, strings, booleans, none, or lists of them"),
            ),
            Self::Deep => unfit(name, &format!("a list within {DEEPEST} others")),
        }
    }
}

fn unfit(name: &str, what: &str) -> Error {
    let message = format!("the key of fragment `{name}` is, or has in it, {what}");
    Error::new(ErrorKind::InvalidOperation, message)
}
