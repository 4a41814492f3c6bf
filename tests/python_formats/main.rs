//! Entries that a Python service writes are read here, and the other way round. What Python wrote is kept
//! as data, one entry a line; `live` asks Python itself.
//!
//! The data is made by `tests/python/formats.py`; `BLESS=1` has it made anew.

#![cfg(all(
    feature = "backend-redis",
    feature = "codec-json",
    feature = "codec-msgpack",
    feature = "codec-pickle",
    feature = "format-dogpile"
))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

mod live;
#[path = "../support/mod.rs"]
mod support;
mod words;

use larder::{
    Bytes, Codec, DogpileFormat, Entry, Format, FullDictFormat, IntDictFormat, IntTimeFormat,
    JsonCodec, Meta, MsgpackCodec, NoMetaFormat, PickleCodec, PyValue, RawCodec, Timestamp,
};
use serde_json::Value;

use self::{
    support::hex::unhex,
    words::{build, comparable, describe},
};

const PICKLES: &str = include_str!("pickles.jsonl");
/// Made by `tests/python/pickles_2.py`, with both picklers of Python 2.7.
const PICKLES_OF_PYTHON_2: &str = include_str!("python_2.jsonl");
const ENTRIES: &str = include_str!("entries.jsonl");

fn lines(text: &str) -> impl Iterator<Item = Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

/// The forms that have no tuples.
fn only_lists(form: &str) -> bool {
    form.ends_with("json") || form.ends_with("msgpack")
}

#[test]
fn every_protocol_of_pickle() {
    let mut protocols = [0; 6];
    for line in lines(PICKLES) {
        let bytes = unhex(line["bytes"].as_str().unwrap());
        let value: PyValue = PickleCodec.decode(&bytes).unwrap_or_else(|e| panic!("{line}: {e:?}"));
        let read = comparable(&describe(&value), false);
        assert_eq!(read, comparable(&line["value"], false), "{line}");
        protocols[usize::try_from(line["protocol"].as_u64().unwrap()).unwrap()] += 1;

        let mut again = Vec::new();
        PickleCodec.encode(&value, &mut again).unwrap();
        let value: PyValue = PickleCodec.decode(&again).unwrap();
        assert_eq!(comparable(&describe(&value), false), read, "{line}");
    }
    assert!(protocols.iter().all(|count| *count > 70), "{protocols:?}");
}

#[test]
fn both_picklers_of_python_2() {
    for line in lines(PICKLES_OF_PYTHON_2) {
        let bytes = unhex(line["bytes"].as_str().unwrap());
        let value: PyValue = PickleCodec.decode(&bytes).unwrap_or_else(|e| panic!("{line}: {e:?}"));
        assert_eq!(comparable(&describe(&value), false), line["value"], "{line}");
    }
}

/// The entry in the bytes of `form`, and the bytes that larder writes for it.
fn read(form: &str, bytes: &Bytes) -> larder::Result<(Entry<PyValue>, Vec<u8>)> {
    fn through(
        format: &impl Format,
        codec: &impl Codec,
        bytes: &Bytes,
    ) -> larder::Result<(Entry<PyValue>, Vec<u8>)> {
        let entry: Entry<PyValue> = format.decode(codec, bytes)?;
        let mut again = Vec::new();
        format.encode(codec, &entry, &mut again)?;
        Ok((entry, again))
    }
    match form {
        "dogpile_pickle" | "dogpile_pickle_5" => through(&DogpileFormat::<2>, &PickleCodec, bytes),
        "dogpile_json" => through(&DogpileFormat::<2>, &JsonCodec, bytes),
        "dogpile_msgpack" => through(&DogpileFormat::<2>, &MsgpackCodec, bytes),
        "pickle_int_time" => through(&IntDictFormat::<2>, &PickleCodec, bytes),
        "pickle_no_meta" => through(&NoMetaFormat, &PickleCodec, bytes),
        "raw" => through(&NoMetaFormat, &RawCodec, bytes),
        "pickled_class" | "pickled_class_2" => through(&FullDictFormat::<1>, &PickleCodec, bytes),
        "whole_json" => through(&FullDictFormat::<1>, &JsonCodec, bytes),
        "whole_msgpack" => through(&FullDictFormat::<1>, &MsgpackCodec, bytes),
        "int_time_json" => through(&IntTimeFormat, &JsonCodec, bytes),
        "int_time_msgpack" => through(&IntTimeFormat, &MsgpackCodec, bytes),
        "no_meta_json" => through(&NoMetaFormat, &JsonCodec, bytes),
        "no_meta_msgpack" => through(&NoMetaFormat, &MsgpackCodec, bytes),
        other => panic!("no such form: {other}"),
    }
}

/// What is said about the time of creation.
fn created(form: &str, seconds: &Value) -> Meta {
    if form.contains("no_meta") || form == "raw" {
        return Meta::none();
    }
    #[expect(clippy::cast_possible_truncation, reason = "microseconds of this century")]
    let micros = (seconds.as_f64().unwrap() * 1e6).round() as i64;
    Meta::new(Timestamp::from_micros(micros))
}

#[test]
fn every_form_of_entry() {
    let mut identical = 0;
    for line in lines(ENTRIES) {
        let form = line["form"].as_str().unwrap();
        let bytes = Bytes::from(unhex(line["bytes"].as_str().unwrap()));
        let (entry, again) = read(form, &bytes).unwrap_or_else(|e| panic!("{line}: {e:?}"));
        let expected = comparable(&line["value"], only_lists(form));
        assert_eq!(comparable(&describe(&entry.value), only_lists(form)), expected, "{line}");
        assert_eq!(entry.meta, created(form, &line["ct"]), "{line}");

        // What is written for it is read as the same; `Raw` has no place for a `PyInt` of more than 64 bits.
        if form == "raw" && line["value"]["int"].as_str().is_some_and(|digits| digits.len() > 18) {
            continue;
        }
        let (rewritten, _) = read(form, &Bytes::from(again.clone())).unwrap();
        assert_eq!(describe(&rewritten.value), describe(&entry.value), "{line}");
        assert_eq!(rewritten.meta, entry.meta, "{line}");
        identical += usize::from(again == bytes);

        // From the words, too.
        let mut built = Vec::new();
        let value = build(&line["value"]);
        NoMetaFormat.encode(&PickleCodec, &Entry::new(&value, Meta::none()), &mut built).unwrap();
        let back: PyValue = PickleCodec.decode(&built).unwrap();
        assert_eq!(describe(&back), describe(&value));
    }
    assert!(identical > 300, "MessagePack and Raw are the same byte by byte: {identical}");
}

/// Nothing that Python wrote can be cut off anywhere and still be read as something else.
#[test]
fn entries_that_are_cut_off_are_misses() {
    for line in lines(ENTRIES) {
        let form = line["form"].as_str().unwrap();
        if form == "raw" || form.ends_with("_json") {
            continue; // The beginning of a number is one.
        }
        let bytes = Bytes::from(unhex(line["bytes"].as_str().unwrap()));
        for end in 0..bytes.len().min(200) {
            if end < bytes.len() {
                assert!(read(form, &bytes.slice(..end)).is_err(), "{line} up to {end}");
            }
        }
    }
}
