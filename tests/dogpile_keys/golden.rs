//! `tests/python/keys.jsonl`: what the generators and manglers of dogpile.cache said.

use larder::{
    DogpileFunction, DogpileKey, Key, KeyHash, LayerExt, Level, Null, PyStr, Sha1,
    function::KeyText,
};
use proptest::prelude::*;
use serde::Deserialize;

use crate::support::python::python;

const SAID: &str = include_str!("../python/keys.jsonl");

/// A value of Python.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Value {
    Bool(bool),
    Text(String),
    Int { int: String },
    Float { float: String },
    None(()),
}

/// As Rust has it, in each type that it fits in.
fn forms(value: &Value) -> Vec<Box<dyn PyStr + '_>> {
    match value {
        Value::Bool(value) => vec![Box::new(value), Box::new(Some(*value))],
        Value::Text(text) => {
            let mut forms: Vec<Box<dyn PyStr>> =
                vec![Box::new(text.as_str()), Box::new(text), Box::new(Some(text.clone()))];
            let mut chars = text.chars();
            if let (Some(only), None) = (chars.next(), chars.next()) {
                forms.push(Box::new(only));
            }
            forms
        }
        Value::Int { int } => ints(int),
        Value::Float { float } => {
            let bits = u64::from_str_radix(float, 16).unwrap();
            vec![Box::new(f64::from_bits(bits))]
        }
        Value::None(()) => vec![Box::new(None::<u8>), Box::new(None::<&str>)],
    }
}

fn ints(digits: &str) -> Vec<Box<dyn PyStr>> {
    macro_rules! those_that_fit {
        ($($ty:ty)*) => {
            [$(digits.parse::<$ty>().ok().map(|int| Box::new(int) as Box<dyn PyStr>)),*]
        };
    }
    let all = those_that_fit!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);
    all.into_iter().flatten().collect()
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    Positions {
        function: String,
        namespace: Option<String>,
        values: Vec<Value>,
        key: String,
    },
    Names {
        function: String,
        namespace: Option<String>,
        arguments: Vec<(String, Value)>,
        key: String,
    },
    Batch {
        function: String,
        namespace: Option<String>,
        values: Vec<Value>,
        keys: Vec<String>,
    },
    Sha1 {
        text: String,
        key: String,
    },
    Conditional {
        text: String,
        length: usize,
        key: String,
    },
}

fn function(name: &str, namespace: Option<&str>) -> DogpileFunction {
    let function = DogpileKey::function(name);
    match namespace {
        Some(namespace) => function.namespace(namespace),
        None => function,
    }
}

fn one_form(value: &Value) -> Box<dyn PyStr + '_> {
    forms(value).swap_remove(0)
}

fn stored(map: KeyHash<Sha1>, key: &str) -> String {
    Null.keyed(map).stored_key(Key::from(key)).unwrap().as_key().name().to_owned()
}

#[test]
fn keys_are_those_of_dogpile() {
    let mut kinds = [0; 5];
    for line in SAID.lines() {
        let parsed: Line = serde_json::from_str(line).unwrap();
        match &parsed {
            Line::Positions { function: name, namespace, values, key } => {
                kinds[0] += 1;
                let function = function(name, namespace.as_deref());
                let made = values.iter().fold(function.key(), |key, v| key.arg(&*one_form(v)));
                assert_eq!(made.as_str(), key, "{line}");
                // Every type of Rust that holds the value.
                for form in values.iter().filter(|_| values.len() == 1).flat_map(forms) {
                    assert_eq!(function.key().arg(&*form).as_str(), key, "{line}");
                }
            }
            Line::Names { function: name, namespace, arguments, key } => {
                kinds[1] += 1;
                let function = function(name, namespace.as_deref());
                let values: Vec<_> =
                    arguments.iter().map(|(name, value)| (name, one_form(value))).collect();
                let mut named: Vec<(&str, &dyn PyStr)> =
                    values.iter().map(|(name, value)| (name.as_str(), &**value)).collect();
                assert_eq!(function.key_by_names(&named).as_str(), key, "{line}");
                named.reverse();
                assert_eq!(function.key_by_names(&named).as_str(), key, "{line}");
            }
            Line::Batch { function: name, namespace, values, keys } => {
                kinds[2] += 1;
                let function = function(name, namespace.as_deref());
                let made = function.keys(values.iter().map(one_form));
                let made: Vec<_> = made.map(|key| key.as_str().to_owned()).collect();
                assert_eq!(&made, keys, "{line}");
            }
            Line::Sha1 { text, key } => {
                kinds[3] += 1;
                assert_eq!(&stored(KeyHash::with(Sha1), text), key, "{line}");
            }
            Line::Conditional { text, length, key } => {
                kinds[4] += 1;
                let all = KeyHash::with(Sha1);
                let map = length.checked_sub(1).map_or(all, |limit| all.longer_than(limit));
                assert_eq!(&stored(map, text), key, "{line}");
            }
        }
    }
    assert!(kinds.iter().all(|lines| *lines > 2), "{kinds:?}");
}

#[test]
fn python_says_it_today() {
    for environment in ["current", "before"] {
        assert!(python(environment, "keys.py", &[]) == SAID, "{environment}: not keys.jsonl");
    }
}

/// The fewest digits are read back as the same number, whatever Python says.
#[test]
fn floats_come_back() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(bits: u64)| {
        let value = f64::from_bits(bits);
        let mut text = KeyText::new();
        value.py_str(&mut text);
        let back: f64 = text.as_str().parse().unwrap();
        prop_assert!(back.to_bits() == value.to_bits() || value.is_nan() && back.is_nan());
        prop_assert!(text.as_str().contains(['.', 'e', 'n']));
    });
}
