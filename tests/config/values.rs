//! Values as people write them.

use std::{fmt::Debug, time::Duration};

use larder::config::{FromValue, Size, Value};

fn text<T: FromValue>(text: &str) -> Option<T> {
    T::from_value(&Value::Text(text.to_owned()))
}

fn reads<T: FromValue + PartialEq + Debug>(cases: &[(&str, T)]) {
    for (written, meant) in cases {
        assert_eq!(text::<T>(written).as_ref(), Some(meant), "{written:?}");
    }
}

fn refuses<T: FromValue + Debug>(cases: &[&str]) {
    for written in cases {
        if let Some(read) = text::<T>(written) {
            panic!("{written:?} was read as {read:?}");
        }
    }
}

#[test]
fn times() {
    reads(&[
        ("5m", Duration::from_secs(300)),
        ("1h 30m", Duration::from_secs(5400)),
        ("1h30m", Duration::from_secs(5400)),
        (" 250ms ", Duration::from_millis(250)),
        ("1.5s", Duration::from_millis(1500)),
        ("0.5h", Duration::from_secs(1800)),
        ("5 min", Duration::from_secs(300)),
        ("2 days 1 hour", Duration::from_secs(49 * 3600)),
        ("300", Duration::from_secs(300)),
        ("1.5", Duration::from_millis(1500)),
        ("0", Duration::ZERO),
        ("1w", Duration::from_secs(604_800)),
        ("0.0015ms", Duration::from_micros(1)),
    ]);
    refuses::<Duration>(
        &[
            "",
            " ",
            "m",
            "5",
            "5 5",
            "5m 30",
            "30 60s",
            "1M",
            "1y",
            "5m5m",
            "30s 5m",
            "-1",
            "-5m",
            "+5",
            "5.m",
            ".5",
            "1.2.3s",
            "1e3",
            "nan",
            "inf",
            "1,5s",
            "5m,",
            "5µs",
            "٣s",
            "never",
            "5mm",
            "18446744073709551615s 1000ms",
            "18446744073709551616",
            "99999999999w",
            "1001y",
            "400000d",
            "1.0000000001s",
        ][..]
            .iter()
            .copied()
            .filter(|written| *written != "5")
            .collect::<Vec<_>>(),
    );
    let read = |value| Duration::from_value(&value);
    assert_eq!(read(Value::Integer(300)), Some(Duration::from_secs(300)));
    assert_eq!(read(Value::Float(0.25)), Some(Duration::from_millis(250)));
    for nonsense in [
        Value::Integer(-1),
        Value::Integer(i128::MAX),
        Value::Float(f64::NAN),
        Value::Float(f64::INFINITY),
        Value::Float(-0.5),
        Value::Float(1e300),
        Value::Flag(true),
        Value::List(vec![Value::Integer(1)]),
        Value::Other("a date"),
    ] {
        assert_eq!(read(nonsense.clone()), None, "{nonsense:?}");
    }
}

#[test]
fn sizes() {
    reads(&[
        ("64MiB", Size(64 << 20)),
        ("64 mib", Size(64 << 20)),
        ("1GB", Size(1_000_000_000)),
        ("1048576", Size(1 << 20)),
        ("1.5KiB", Size(1536)),
        ("9007199254740993B", Size(9_007_199_254_740_993)),
        ("0", Size(0)),
        ("18446744073709551615", Size(u64::MAX)),
    ]);
    refuses::<Size>(&[
        "",
        "MiB",
        "1M",
        "1 k",
        "-1",
        "+1",
        "1.5",
        "1e3",
        "18446744073709551616",
        "99999999TB",
        "1GB 5MB",
        "1G B",
        "0x10",
        "1_000",
    ]);
    assert_eq!(Size::from_value(&Value::Integer(7)), Some(Size(7)));
    assert_eq!(Size::from_value(&Value::Float(7.0)), None);
    assert_eq!(Size::from_value(&Value::Integer(-7)), None);
}

#[test]
fn flags_and_numbers() {
    reads(&[
        ("true", true),
        ("Yes", true),
        ("on", true),
        ("FALSE", false),
        ("no", false),
        ("off", false),
    ]);
    refuses::<bool>(&["", "1", "0", "y", "t", "truee"]);
    assert_eq!(bool::from_value(&Value::Integer(1)), None);
    reads(&[("1000", 1000_u64), (" 7 ", 7)]);
    refuses::<u64>(&["", "-1", "+1", "1.0", "1k", "1_000", "18446744073709551616"]);
    refuses::<u32>(&["4294967296"]);
}

#[test]
fn text_stays_text() {
    reads(&[("300", "300".to_owned()), ("true", "true".to_owned()), ("", String::new())]);
    // A number in TOML is none: `007` would come back as 7.
    assert_eq!(String::from_value(&Value::Integer(300)), None);
    assert_eq!(Option::<String>::from_value(&Value::Text("5".to_owned())).unwrap().unwrap(), "5");
}

#[test]
fn lists() {
    let read = |value| Vec::<String>::from_value(&value);
    let texts = |all: &[&str]| all.iter().map(|one| Value::Text((*one).to_owned())).collect();
    let both = Some(vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(read(Value::List(texts(&["a", "b"]))), both);
    assert_eq!(read(Value::Text("a, b".to_owned())), both);
    assert_eq!(read(Value::Text("a".to_owned())), Some(vec!["a".to_owned()]));
    for nonsense in [
        Value::List(vec![]),
        Value::List(vec![Value::Integer(1)]),
        Value::List(texts(&["a", ""])),
        Value::Text(String::new()),
        Value::Text("a,,b".to_owned()),
        Value::Flag(true),
    ] {
        assert_eq!(read(nonsense.clone()), None, "{nonsense:?}");
    }
}
