//! Values of any type: how they are shown, and what is found in them.

use std::collections::HashSet;

use larder::PyValue;
use serde_json::{Map as JsonMap, Number, Value as Json};

use crate::escape;

/// How many characters of a text are shown inside a value, and how many elements.
const SHOWN_CHARS: usize = 200;
const SHOWN_ELEMENTS: usize = 20;

/// For people and programs to look at: shortened, and in JSON.
pub(crate) fn shown(value: &PyValue) -> Json {
    match value {
        PyValue::None => Json::Null,
        PyValue::Bool(bool) => Json::Bool(*bool),
        PyValue::Int(int) => {
            let number = i128::try_from(int).ok().and_then(Number::from_i128);
            let text = || Json::String(escape::cut(&int.to_string(), SHOWN_CHARS));
            number.map_or_else(text, Json::Number)
        }
        PyValue::Float(float) => {
            Number::from_f64(*float).map_or_else(|| Json::String(float.to_string()), Json::Number)
        }
        PyValue::Text(text) => Json::String(escape::cut(text, SHOWN_CHARS)),
        PyValue::Bytes(bytes) => {
            Json::String(escape::cut(&escape::bytes(head(bytes, SHOWN_CHARS)), SHOWN_CHARS))
        }
        PyValue::Dict(pairs) => dict(pairs),
        value => {
            let items = items(value).unwrap_or_default();
            let some = items.iter().take(SHOWN_ELEMENTS).map(shown);
            Json::Array(some.chain(more(items.len())).collect())
        }
    }
}

/// By name; as pairs where two names would be shown alike, as `1` and `"1"` are.
fn dict(pairs: &[(PyValue, PyValue)]) -> Json {
    let some = &pairs[..pairs.len().min(SHOWN_ELEMENTS)];
    // Each name once: to look at it twice in each level of names within names would take for ever.
    let all: Vec<(Json, Json)> =
        some.iter().map(|(name, value)| (shown(name), shown(value))).collect();
    let mut names: Vec<String> =
        some.iter().zip(&all).map(|((name, _), (shown, _))| label(name, shown)).collect();
    let more = more(pairs.len());
    names.extend(more.iter().map(|_| "…".into()));
    if names.iter().collect::<HashSet<_>>().len() < names.len() {
        let pairs = all.into_iter().map(|(name, value)| Json::Array(vec![name, value]));
        return Json::Array(pairs.chain(more).collect());
    }
    let values = all.into_iter().map(|(_, value)| value).chain(more);
    Json::Object(names.into_iter().zip(values).collect::<JsonMap<_, _>>())
}

/// A name as text. Cut here, too, since each level of names within names escapes the quotes of the one below.
fn label(name: &PyValue, shown: &Json) -> String {
    match (name, shown) {
        (PyValue::Text(_), Json::String(text)) => text.clone(),
        _ => escape::cut(&shown.to_string(), SHOWN_CHARS),
    }
}

fn more(all: usize) -> Option<Json> {
    let more = all.checked_sub(SHOWN_ELEMENTS).filter(|more| *more > 0)?;
    Some(Json::String(format!("… {more} more")))
}

/// One byte more than is shown, to see that it is cut.
fn head(bytes: &[u8], shown: usize) -> &[u8] {
    &bytes[..bytes.len().min(shown + 1)]
}

/// The items of what has some.
pub(crate) fn items(value: &PyValue) -> Option<&[PyValue]> {
    match value {
        PyValue::List(items)
        | PyValue::Tuple(items)
        | PyValue::Set(items)
        | PyValue::FrozenSet(items) => Some(items),
        _ => None,
    }
}

/// The value under a name, in a dictionary.
pub(crate) fn named<'v>(value: &'v PyValue, wanted: &str) -> Option<&'v PyValue> {
    let PyValue::Dict(pairs) = value else { return None };
    let is_it = |name: &PyValue| match name {
        PyValue::Text(name) => name == wanted,
        // As Python 2 wrote it.
        PyValue::Bytes(name) => name == wanted.as_bytes(),
        _ => false,
    };
    pairs.iter().find(|(name, _)| is_it(name)).map(|(_, value)| value)
}
