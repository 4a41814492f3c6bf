//! Names of keys, and names in values, as `larder inspect` tells them to programs.

use serde_json::json as value;

use super::{inspect::entry, json, support::redis_server::RedisServer};

/// Also names that are long, look escaped, or are no text.
#[test]
fn programs_get_names_back() {
    let server = RedisServer::start();
    let mut raw = server.raw();
    let long = "x".repeat(1000);
    for key in [&long, "back\\slash", "\\x1b", "\x1b"] {
        raw.call(&["SET", key, "text"]);
        raw.call(&["HSET", "h", key, "text"]);
    }
    raw.call(&[b"SET".as_slice(), b"\xff\xfe\x1b", b"text"]);
    raw.call(&[b"HSET".as_slice(), b"h", b"\xff\x01", b"text"]);
    let report = json(&["inspect", &server.tcp_url()]);
    let entries = report["entries"].as_array().unwrap();
    for key in [&long, "back\\slash", "\\x1b", "\x1b"] {
        for part in ["key", "field"] {
            assert_eq!(entries.iter().filter(|entry| entry[part] == key).count(), 1, "{key:?}");
        }
    }
    assert!(entries.iter().any(|entry| entry["key"] == value!({"hex": "fffe1b"})), "{report}");
    assert!(entries.iter().any(|entry| entry["field"] == value!({"hex": "ff01"})), "{report}");
}

/// Each level of names within names would double the quotes of the one below.
#[test]
fn names_within_names_are_cut() {
    let server = RedisServer::start();
    let mut raw = server.raw();
    let pickle = ["\u{80}\u{4}", &"}".repeat(40), &"K\u{1}s".repeat(39), "."].concat();
    let pickle: Vec<u8> = pickle.chars().map(|char| u8::try_from(char).unwrap()).collect();
    raw.call(&[b"SET".as_slice(), b"pickle:1", &pickle]);
    let msgpack = [vec![0x81; 60], vec![1; 61]].concat();
    raw.call(&[b"SET".as_slice(), b"msgpack:1", &msgpack]);
    let report = json(&["inspect", &server.tcp_url()]);
    for key in ["pickle:1", "msgpack:1"] {
        let entry = entry(&report, key);
        assert!(entry["value"].is_object(), "{entry}");
        assert!(entry.to_string().len() < 2000, "{entry}");
    }
}

#[test]
fn names_that_look_alike_are_all_shown() {
    let server = RedisServer::start();
    let mut raw = server.raw();
    // {1: 2, "1": 3} and {"1": 2, "2": 3}
    raw.call(&[b"SET".as_slice(), b"two:1", b"\x82\x01\x02\xa11\x03"]);
    raw.call(&[b"SET".as_slice(), b"one:1", b"\x82\xa11\x02\xa12\x03"]);
    let long = "x".repeat(300);
    let names = format!(r#"{{"{long}a": 1, "{long}b": 2}}"#);
    raw.call(&["SET", "long:1", &names]);
    let more: Vec<_> = (0..22).map(|id| format!(r#""{id}": {id}"#)).collect();
    raw.call(&["SET", "more:1", &format!(r#"{{"…": 7, {}}}"#, more.join(", "))]);
    let report = json(&["inspect", &server.tcp_url()]);
    assert_eq!(entry(&report, "two:1")["value"], value!([[1, 2], ["1", 3]]));
    assert_eq!(entry(&report, "one:1")["value"], value!({"1": 2, "2": 3}));
    let cut = format!("{}…", &long[..199]);
    assert_eq!(entry(&report, "long:1")["value"], value!([[cut, 1], [cut, 2]]));
    let more = &entry(&report, "more:1")["value"];
    assert_eq!((&more[0], &more[20]), (&value!(["…", 7]), &value!("… 3 more")));
}
