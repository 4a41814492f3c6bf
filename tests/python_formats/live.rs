//! Python and larder at the same Redis.

use std::collections::BTreeMap;

use larder::{
    BackendExt, Codec, Hstore, Key, LayerExt, Never, PayloadExt, PickleCodec, PyInt, PyValue,
    Redis, Result, Timestamp,
};
use proptest::{
    collection,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use crate::{
    created, only_lists,
    support::{
        hex::{hex, unhex},
        python::python_told,
        redis_server::RedisServer,
    },
    words::{build, comparable, describe},
};

/// Runs `tests/python/formats.py` with the packages of today or of before.
fn python(packages: &str, arguments: &[&str], input: &str) -> String {
    python_told(packages, "formats.py", arguments, input)
}

/// Calls a function with the stack of a form.
macro_rules! with_stack {
    ($form:expr, $redis:expr, $call:ident($($argument:expr),*)) => {
        match $form {
            "dogpile_pickle" | "dogpile_pickle_5" => $call($redis.pickle().dogpile(), $($argument),*).await,
            "dogpile_json" => $call($redis.json().dogpile(), $($argument),*).await,
            "dogpile_msgpack" => $call($redis.msgpack().dogpile(), $($argument),*).await,
            "hashes" => {
                let hashes: Hstore<_, Never> = Hstore::with_policy($redis);
                $call(hashes.pickle().dogpile(), $($argument),*).await
            }
            "pickle_int_time" => $call($redis.pickle().int_dict(), $($argument),*).await,
            "pickle_no_meta" => $call($redis.pickle().no_meta(), $($argument),*).await,
            "raw" => $call($redis.raw().no_meta(), $($argument),*).await,
            "pickled_class" | "pickled_class_2" => $call($redis.pickle().full_dict(), $($argument),*).await,
            "whole_json" => $call($redis.json().full_dict(), $($argument),*).await,
            "whole_msgpack" => $call($redis.msgpack().full_dict(), $($argument),*).await,
            "int_time_json" => $call($redis.json().int_time(), $($argument),*).await,
            "int_time_msgpack" => $call($redis.msgpack().int_time(), $($argument),*).await,
            "no_meta_json" => $call($redis.json().no_meta(), $($argument),*).await,
            "no_meta_msgpack" => $call($redis.msgpack().no_meta(), $($argument),*).await,
            other => panic!("no such form: {other}"),
        }
    };
}

/// What larder reads: the value, and the time of creation.
async fn read<S: LayerExt + larder::Store<PyValue>>(
    stack: S,
    key: Key<'_>,
) -> Result<Option<(PyValue, Option<Timestamp>)>> {
    let region = stack.region();
    let entry = region.entry::<PyValue>(key).await?;
    assert_eq!(region.stats().unreadable, 0, "{key:?}");
    Ok(entry.map(|found| (found.value.clone(), found.created_at())))
}

async fn write<S: LayerExt + larder::Store<PyValue>>(
    stack: S,
    key: Key<'_>,
    value: PyValue,
) -> Result<()> {
    stack.region().set(key, value).await
}

fn key(words: &Value) -> Key<'_> {
    match words {
        Value::Array(parts) => Key::from((parts[0].as_str().unwrap(), parts[1].as_str().unwrap())),
        words => Key::from(words.as_str().unwrap()),
    }
}

/// The same key on the side of larder.
fn ours(words: &Value) -> Value {
    match words {
        Value::Array(parts) => json!([format!("larder:{}", parts[0].as_str().unwrap()), parts[1]]),
        words => json!(format!("larder:{}", words.as_str().unwrap())),
    }
}

async fn both_directions(packages: &str, forms: usize) {
    let server = RedisServer::start();
    let url = server.tcp_url();
    let redis = Redis::new(&url).unwrap();

    let written = python(packages, &["write", &url], "");
    let written: Vec<Value> =
        written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut seen = BTreeMap::<String, u32>::new();
    let mut asked = String::new();
    for line in &written {
        let form = line["form"].as_str().unwrap();
        *seen.entry(form.to_owned()).or_default() += 1;

        // Python wrote.
        let stack = redis.clone();
        let found = with_stack!(form, stack, read(key(&line["key"]))).unwrap();
        let (value, time) = found.unwrap_or_else(|| panic!("not found: {line}"));
        let expected = comparable(&line["value"], only_lists(form));
        assert_eq!(comparable(&describe(&value), only_lists(form)), expected, "{line}");
        assert_eq!(time, created(form, &line["ct"]).created_at(), "{line}");

        // larder writes.
        let ours = ours(&line["key"]);
        let stack = redis.clone();
        with_stack!(form, stack, write(key(&ours), build(&expected))).unwrap();
        asked += &json!({ "form": form, "key": ours }).to_string();
        asked.push('\n');
    }
    assert_eq!(seen.len(), forms, "{seen:?}");
    assert!(seen.values().all(|count| *count > 25), "{seen:?}");

    let found = python(packages, &["read", &url], &asked);
    let found: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), written.len());
    for (found, written) in found.iter().zip(&written) {
        let form = found["form"].as_str().unwrap();
        let expected = comparable(&written["value"], only_lists(form));
        assert_eq!(comparable(&found["value"], only_lists(form)), expected, "{found}");
        let stack = redis.clone();
        let (_, time) = with_stack!(form, stack, read(key(&found["key"]))).unwrap().unwrap();
        assert_eq!(time, created(form, &found["ct"]).created_at(), "{found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_packages_of_today() {
    both_directions("current", 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_packages_of_before() {
    both_directions("before", 8).await;
}

/// What Python can hash, and tells apart from any other.
fn hashable() -> impl Strategy<Value = PyValue> {
    let leaf = prop_oneof![
        any::<i128>().prop_map(|int| PyValue::Int(int.into())),
        collection::vec(any::<u8>(), 17..40)
            .prop_map(|bytes| PyValue::Int(PyInt::from_le_bytes(&bytes))),
        ".{0,12}".prop_map(PyValue::Text),
        collection::vec(any::<u8>(), 0..12).prop_map(PyValue::Bytes),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..6).prop_map(PyValue::Tuple),
            collection::vec(inner, 0..4).prop_map(|items| PyValue::FrozenSet(distinct(items))),
        ]
    })
}

/// Each once.
fn distinct(items: Vec<PyValue>) -> Vec<PyValue> {
    let by_words = |item| (comparable(&describe(&item), false).to_string(), item);
    items.into_iter().map(by_words).collect::<BTreeMap<_, _>>().into_values().collect()
}

fn any_value() -> impl Strategy<Value = PyValue> {
    let leaf = prop_oneof![
        Just(PyValue::None),
        any::<bool>().prop_map(PyValue::Bool),
        any::<f64>().prop_map(PyValue::Float),
        hashable(),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..8).prop_map(PyValue::List),
            collection::vec(inner.clone(), 0..6).prop_map(PyValue::Tuple),
            collection::vec(hashable(), 0..5).prop_map(|items| PyValue::Set(distinct(items))),
            (collection::vec(hashable(), 0..5), collection::vec(inner, 5)).prop_map(
                |(keys, values)| PyValue::Dict(distinct(keys).into_iter().zip(values).collect())
            ),
        ]
    })
}

/// Values of any shape go to Python and come back, in every protocol.
#[test]
fn any_pickle_there_and_back() {
    let mut runner = TestRunner::new(Config::default());
    let mut asked = String::new();
    let mut values = Vec::new();
    for number in 0..600 {
        let value = any_value().new_tree(&mut runner).unwrap().current();
        let mut bytes = Vec::new();
        PickleCodec.encode(&value, &mut bytes).unwrap();
        asked += &json!({ "bytes": hex(&bytes), "protocol": number % 6 }).to_string();
        asked.push('\n');
        values.push(value);
    }
    let answers = python("current", &["echo"], &asked);
    let answers: Vec<Value> =
        answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), values.len());
    for (value, answer) in values.iter().zip(answers) {
        let words = comparable(&describe(value), false);
        assert_eq!(comparable(&answer["value"], false), words);
        let again: PyValue = PickleCodec.decode(&unhex(answer["bytes"].as_str().unwrap())).unwrap();
        assert_eq!(comparable(&describe(&again), false), words, "{answer}");
    }
}

/// The data in this folder is what Python wrote, not what somebody thought that it writes.
#[test]
fn the_data_comes_from_python() {
    let server = RedisServer::start();
    let entries = |packages| python(packages, &["golden", &server.tcp_url()], "");
    let pickles = |packages| python(packages, &["pickles"], "");
    let entries = [entries("current"), entries("before")].concat();
    let entries: String = entries
        .lines()
        .filter(|line| !line.contains("\"hashes\""))
        .fold(String::new(), |all, line| all + line + "\n");
    // The class of before is another one, and the last of all.
    let before = pickles("before");
    let classes: String = before
        .lines()
        .skip(before.lines().count() - 6)
        .fold(String::new(), |all, line| all + line + "\n");
    let pickles = pickles("current") + &classes;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python_formats");
    for (name, said, kept) in
        [("entries", entries, crate::ENTRIES), ("pickles", pickles, crate::PICKLES)]
    {
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(format!("{folder}/{name}.jsonl"), said).unwrap();
            continue;
        }
        // Byte by byte only where the Python is the one that wrote them: the order of a set and what is
        // taken from the memo are its own.
        let (said, kept): (Vec<_>, Vec<_>) = (said.lines().collect(), kept.lines().collect());
        assert_eq!(said.len(), kept.len(), "{name}: run this test with BLESS=1");
        for (said, kept) in said.iter().zip(kept) {
            let said: Value = serde_json::from_str(said).unwrap();
            let kept: Value = serde_json::from_str(kept).unwrap();
            assert_eq!(said["form"], kept["form"], "{name}");
            assert_eq!(
                comparable(&said["value"], false),
                comparable(&kept["value"], false),
                "{name}"
            );
        }
    }
}
