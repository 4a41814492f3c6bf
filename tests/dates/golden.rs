//! `tests/python/dates.jsonl`: what Python writes, and what it reads of that.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use larder::{ErrorKind, PyStr, dates::AsDict, function::KeyText};
use serde::Deserialize;
use time::{Duration, OffsetDateTime, PrimitiveDateTime, UtcOffset};

use crate::{
    libraries::{Micros, day, dict, ext, of_dict, of_ext},
    support::{
        hex::{hex, unhex},
        python::python,
    },
};

const SAID: &str = include_str!("../python/dates.jsonl");

#[derive(Debug, Deserialize)]
struct Line {
    form: String,
    kind: String,
    value: Value,
    read: Option<Value>,
    bytes: String,
    text: String,
}

/// A local time with its offset.
#[derive(Deserialize)]
struct Aware {
    value: String,
    offset: i32,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Value {
    Micros(String),
    Day(i32, u8, u8),
}

fn text(value: impl PyStr) -> String {
    let mut text = KeyText::new();
    value.py_str(&mut text);
    text.as_str().to_owned()
}

fn check<T: Micros + PyStr>(line: &Line, value: &str, zone: &str) {
    let (written, micros) = (unhex(&line.bytes), value.parse().unwrap());
    let at = T::of_micros(micros);
    assert_eq!(text(at), format!("{}{zone}", line.text));
    assert_eq!(text(AsDict::new(at)), text(at));
    let read = line.read.as_ref().map(|read| match read {
        Value::Micros(micros) => T::of_micros(micros.parse().unwrap()),
        Value::Day(..) => panic!("{line:?}"),
    });
    if line.form == "ext" {
        assert_eq!(of_ext::<T>(&written).ok(), read, "{line:?}");
        assert_eq!(hex(&ext(at).unwrap()), line.bytes, "{line:?}");
        return;
    }
    assert_eq!(of_dict::<T>(&written).ok(), read, "{line:?}");
    match (line.form.as_str(), read == Some(at)) {
        ("dict", true) => assert_eq!(hex(&dict(at).unwrap()), line.bytes, "{line:?}"),
        // What would not come back is not written.
        ("dict", false) => assert_eq!(dict(at).unwrap_err().kind(), ErrorKind::Encode, "{line:?}"),
        _ => {}
    }
}

fn check_day(line: &Line, (year, month, of_month): (i32, u8, u8)) {
    let (written, (chrono, time)) = (unhex(&line.bytes), day(year, month, of_month));
    assert_eq!((&text(chrono), &text(time)), (&line.text, &line.text));
    if line.form == "ext" {
        assert_eq!((of_ext(&written).unwrap(), of_ext(&written).unwrap()), (chrono, time));
        assert_eq!(
            (hex(&ext(chrono).unwrap()), hex(&ext(time).unwrap())),
            (line.bytes.clone(), line.bytes.clone())
        );
        return;
    }
    assert_eq!(
        (of_dict(&written).unwrap(), of_dict(&written).unwrap()),
        (chrono, time),
        "{line:?}"
    );
    if line.form == "dict" {
        assert_eq!(
            (hex(&dict(chrono).unwrap()), hex(&dict(time).unwrap())),
            (line.bytes.clone(), line.bytes.clone())
        );
    }
}

#[test]
fn dates_are_those_of_python() {
    let (mut lines, mut ext_lines, mut far) = (0, 0, 0);
    for line in SAID.lines().filter(|line| !line.contains(r#""kind": "aware""#)) {
        let line: Line = serde_json::from_str(line).unwrap();
        lines += 1;
        ext_lines += usize::from(line.form == "ext");
        far += usize::from(line.form == "dict" && line.read.as_ref() != Some(&line.value));
        match (line.kind.as_str(), &line.value) {
            ("datetime", Value::Micros(micros)) => {
                check::<DateTime<Utc>>(&line, micros, "+00:00");
                check::<NaiveDateTime>(&line, micros, "");
                check::<OffsetDateTime>(&line, micros, "+00:00");
                check::<PrimitiveDateTime>(&line, micros, "");
            }
            ("timedelta", Value::Micros(micros)) => {
                check::<TimeDelta>(&line, micros, "");
                check::<Duration>(&line, micros, "");
            }
            ("date", Value::Day(year, month, day)) => check_day(&line, (*year, *month, *day)),
            _ => panic!("{line:?}"),
        }
    }
    assert!(lines > 400 && ext_lines > 20 && far > 50, "{lines} {ext_lines} {far}");
}

#[test]
fn texts_have_the_offset_of_python() {
    let mut lines = 0;
    for line in SAID.lines().filter(|line| line.contains(r#""kind": "aware""#)) {
        let line: Aware = serde_json::from_str(line).unwrap();
        let local = PrimitiveDateTime::of_micros(line.value.parse().unwrap());
        let at = local.assume_offset(UtcOffset::from_whole_seconds(line.offset).unwrap());
        assert_eq!(text(at), line.text);
        lines += 1;
    }
    assert!(lines > 20);
}

#[test]
fn python_says_it_today() {
    for environment in ["current", "before"] {
        assert!(python(environment, "dates.py", &[]) == SAID, "{environment}: not dates.jsonl");
    }
}

/// The bytes that are told in the documentation.
#[test]
fn well_known_bytes() {
    let at = NaiveDateTime::of_micros(1_577_934_245_678_901);
    assert_eq!(dict(at).unwrap(), b"\x82\xac__datetime__\xc3\xa10\xcbA\xd7\x83Wiks\x1d");
    assert_eq!(dict(day(2020, 1, 2).0).unwrap(), b"\x82\xa8__date__\xc3\xa10\xa820200102");
    let span = TimeDelta::of_micros(86_402_500_000);
    assert_eq!(
        dict(span).unwrap(),
        b"\x82\xad__timedelta__\xc3\xa10\xcb@\xf5\x18(\x00\x00\x00\x00"
    );
    assert_eq!(ext(at).unwrap(), b"\xd6\x01\x5e\x0d\x5d\xa5");
    assert_eq!(
        ext(day(2020, 1, 2).1).unwrap(),
        b"\xc7\x0c\x02\x00\x00\x07\xe4\x00\x00\x00\x01\x00\x00\x00\x02"
    );
    assert_eq!(ext(span).unwrap(), b"\xd6\x03\x00\x01\x51\x82");
}
