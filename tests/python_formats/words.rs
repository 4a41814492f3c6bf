//! Values of Python in words that both sides understand, as in `tests/python/data.py`.

use larder::PyValue;
use serde_json::{Value, json};

use crate::support::hex::{hex, unhex};

/// What both sides call it.
pub(crate) fn describe(value: &PyValue) -> Value {
    let all = |items: &[PyValue]| items.iter().map(describe).collect::<Vec<_>>();
    match value {
        PyValue::None => Value::Null,
        PyValue::Bool(bool) => json!(bool),
        PyValue::Int(int) => json!({ "int": int.to_string() }),
        PyValue::Float(float) => json!({ "float": hex(&float.to_be_bytes()) }),
        PyValue::Text(text) => json!({ "text": text }),
        PyValue::Bytes(bytes) => json!({ "bytes": hex(bytes) }),
        PyValue::List(items) => json!({ "list": all(items) }),
        PyValue::Tuple(items) => json!({ "tuple": all(items) }),
        PyValue::Dict(items) => {
            let items: Vec<_> = items.iter().map(|(k, v)| [describe(k), describe(v)]).collect();
            json!({ "dict": items })
        }
        PyValue::Set(items) => json!({ "set": all(items) }),
        PyValue::FrozenSet(items) => json!({ "frozenset": all(items) }),
    }
}

/// The value that is called so.
pub(crate) fn build(words: &Value) -> PyValue {
    let (kind, content) = match words {
        Value::Null => return PyValue::None,
        Value::Bool(bool) => return PyValue::Bool(*bool),
        words => words.as_object().unwrap().iter().next().unwrap(),
    };
    let text = || content.as_str().unwrap();
    let all = || content.as_array().unwrap().iter().map(build).collect();
    match kind.as_str() {
        "int" => PyValue::Int(text().parse().unwrap()),
        "float" => PyValue::Float(f64::from_be_bytes(unhex(text()).try_into().unwrap())),
        "text" => PyValue::Text(text().to_owned()),
        "bytes" => PyValue::Bytes(unhex(text())),
        "list" => PyValue::List(all()),
        "tuple" => PyValue::Tuple(all()),
        "dict" => {
            let items = content.as_array().unwrap().iter();
            PyValue::Dict(items.map(|item| (build(&item[0]), build(&item[1]))).collect())
        }
        "set" => PyValue::Set(all()),
        "frozenset" => PyValue::FrozenSet(all()),
        other => panic!("no such word: {other}"),
    }
}

/// Sets in one order, and for forms that know one kind of sequence only, that one.
pub(crate) fn comparable(words: &Value, only_lists: bool) -> Value {
    let Some((kind, content)) = words.as_object().and_then(|words| words.iter().next()) else {
        return words.clone();
    };
    let all = || -> Vec<Value> {
        content.as_array().unwrap().iter().map(|item| comparable(item, only_lists)).collect()
    };
    match kind.as_str() {
        "list" => json!({ "list": all() }),
        "tuple" => json!({ if only_lists { "list" } else { "tuple" }: all() }),
        "set" | "frozenset" => {
            let mut items = all();
            items.sort_by_key(Value::to_string);
            json!({ kind: items })
        }
        "dict" => {
            let items = content.as_array().unwrap().iter();
            let both = |item: &Value| {
                json!([comparable(&item[0], only_lists), comparable(&item[1], only_lists)])
            };
            json!({ "dict": items.map(both).collect::<Vec<_>>() })
        }
        _ => words.clone(),
    }
}
