//! `larder inspect` recognises what others wrote, and shows it so that no terminal obeys it.

use std::time::Duration;

use larder::{
    BackendExt, Created, LayerExt, Lock, ManualClock, PayloadExt, RedisLock, Region, Timestamp,
};
use serde_json::{Value, json as value};

use super::{
    data::{User, fill, now, redis},
    is_order, json,
    support::redis_server::RedisServer,
    text,
};

fn prefix<'r>(report: &'r Value, pattern: &str) -> &'r Value {
    let prefixes = report["prefixes"].as_array().unwrap();
    prefixes.iter().find(|of| of["pattern"] == pattern).unwrap_or_else(|| panic!("{report:#}"))
}

/// The stack of all entries with this prefix.
fn stack(report: &Value, pattern: &str) -> (String, String) {
    let stacks = prefix(report, pattern)["stacks"].as_array().unwrap();
    assert_eq!(stacks.len(), 1, "{pattern}: {stacks:?}");
    let word = |name: &str| stacks[0][name].as_str().unwrap().to_owned();
    (word("stack"), word("surety"))
}

pub(crate) fn entry<'r>(report: &'r Value, key: &str) -> &'r Value {
    let entries = report["entries"].as_array().unwrap();
    entries.iter().find(|entry| entry["key"] == key).unwrap_or_else(|| panic!("{report:#}"))
}

/// The last moment whose first byte in `Coarse` ends in zeros: in some others it is how MessagePack begins
/// a list or a text that is as long as a value.
fn unlike_msgpack() -> Timestamp {
    let since = now() - 1_577_836_800;
    let seconds = 1_577_836_800 + since / (16 * 64) * (16 * 64);
    Timestamp::from_micros(i64::from(seconds) * 1_000_000)
}

#[tokio::test]
async fn stacks_of_larder_are_told_apart() {
    let server = RedisServer::start();
    let key = |prefix: &'static str| move |id| format!("{prefix}:{id}");
    let one = || redis(&server);
    fill(one().json().full_dict(), true, 50, key("a"), User::new).await;
    fill(one().msgpack().full_dict(), true, 50, key("b"), User::new).await;
    fill(one().json().int_time(), true, 50, key("c"), |id| id).await;
    fill(one().msgpack().int_time(), true, 50, key("d"), |id| format!("text {id}")).await;
    fill(one().pickle().dogpile(), true, 50, key("e"), User::new).await;
    fill(one().json().dogpile(), true, 50, key("f"), User::new).await;
    fill(one().postcard().framed(), true, 50, key("g"), User::new).await;
    fill(one().msgpack_named().framed(), true, 50, key("h"), User::new).await;
    let clock = ManualClock::new(unlike_msgpack()).clock();
    let coarse = Region::builder(one().postcard().coarse()).clock(clock);
    let coarse = coarse.expire_after(Duration::from_secs(3600)).build().unwrap();
    for id in 0..50 {
        coarse.set(&format!("i:{id}"), User::new(id)).await.unwrap();
    }
    fill(one().raw().no_meta(), true, 50, key("j"), |id| format!("text {id}")).await;
    fill(one().raw().no_meta(), true, 50, key("k"), |id| id).await;
    fill(one().msgpack_named().no_meta(), true, 50, key("l"), User::new).await;
    fill(one().json().no_meta(), true, 50, key("m"), |id| id * 1000).await;
    fill(one().pickle().int_dict(), true, 50, key("n"), |id| id).await;
    fill(one().postcard().no_meta(), true, 50, key("o"), |id| u64::from(id) << 40).await;
    let report = json(&["inspect", &server.tcp_url(), "--keys", "1000"]);
    for (pattern, name, surety) in [
        ("a:*", "FullDict<Json>", "certain"),
        ("b:*", "FullDict<Msgpack>", "certain"),
        ("c:*", "IntTime<Json>", "certain"),
        ("d:*", "IntTime<Msgpack>", "certain"),
        ("e:*", "Dogpile<Pickle>", "certain"),
        ("f:*", "Dogpile<Json>", "certain"),
        ("h:*", "Framed<Msgpack>", "certain"),
        ("j:*", "NoMeta<Raw>", "certain"),
        ("k:*", "NoMeta<Raw>", "certain"),
        ("l:*", "NoMeta<Msgpack>", "certain"),
        ("m:*", "NoMeta<Json>", "certain"),
        ("n:*", "IntDict<Pickle>", "certain"),
        ("o:*", "NoMeta<Postcard?>", "guess"),
    ] {
        assert_eq!(stack(&report, pattern), (name.into(), surety.into()), "{pattern}");
        let of = prefix(&report, pattern);
        assert_eq!((&of["entries"], &of["ttl_share"]), (&value!(50.0), &value!(1.0)), "{of}");
        assert!(of["memory_bytes"].as_f64().unwrap() >= 50.0 * 40.0, "{of}");
    }
    // All of them are of one moment, which is less than many would be: enough for the five bytes of one, and
    // for the three of the other perhaps no more than a guess.
    let (framed, surety) = stack(&report, "g:*");
    assert!(framed == "Framed<Postcard?>" && surety != "guess", "{framed} {surety}");
    assert_eq!(stack(&report, "i:*").0, "Coarse<Postcard?>");
    for key in ["a:4", "e:4", "f:4", "h:4", "l:4"] {
        let user = value!({"id": 4, "name": "User 4", "mail": "user4@example.com"});
        assert_eq!(entry(&report, key)["value"], user, "{key}");
    }
    let by_position = value!([4, "User 4", "user4@example.com"]);
    assert_eq!(entry(&report, "b:4")["value"], by_position);
    assert_eq!(entry(&report, "m:4")["value"], 4000);
    assert_eq!(entry(&report, "k:4")["value"], 4);
    for key in ["a:4", "c:4", "g:4", "n:4"] {
        let entry = entry(&report, key);
        assert!((0.0..100.0).contains(&entry["age_seconds"].as_f64().unwrap()), "{entry}");
        assert!((7000.0..=7200.0).contains(&entry["ttl_seconds"].as_f64().unwrap()), "{entry}");
    }
    assert!((0.0..1300.0).contains(&entry(&report, "i:4")["age_seconds"].as_f64().unwrap()));
    assert!(entry(&report, "m:4")["created"].is_null());
}

/// Byte for byte what Python writes.
#[test]
fn bytes_of_python_are_recognised() {
    let server = RedisServer::start();
    let mut raw = server.raw();
    let mut set = |key: &str, value: &[u8]| {
        raw.call(&[b"SET", key.as_bytes(), value]);
    };
    set("dog:1", b"{\"ct\": 1700000000.123456, \"v\": 2}|\x80\x04\x95\x0e\0\0\0\0\0\0\0\x8c\nsome value\x94.");
    set("dog:2", b"{\"ct\": 1700000000.123456, \"v\": 2}|\x80\x04N.");
    set("dog:3", b"{\"ct\": 100, \"v\": 2}|\x80\x04K\x05.");
    set("dogjson:1", br#"{"ct": 1700000000.5, "v": 2}|{"foo": ["bar|x", 1, false, null]}"#);
    set("dogold:1", b"{\"ct\": 1700000000.5, \"v\": 1}|\x80\x04K\x05.");
    set(
        "cached:1",
        b"\x80\x05\x95A\0\0\0\0\0\0\0\x8c\x11dogpile.cache.api\x94\x8c\x0bCachedValue\x94\x93\x94\x8c\x01a\
          \x94}\x94(\x8c\x02ct\x94J\xe2i\xafW\x8c\x01v\x94K\x02u\x86\x94\x81\x94.",
    );
    set(
        "py2:1",
        b"cdogpile.cache.api\nCachedValue\np0\n(S'a'\np1\n(dp2\nS'ct'\np3\nF1471113698.76127\nsS'v'\np4\nI1\nstp5\nRp6\n.",
    );
    set("pickle:1", b"\x80\x05\x95\x05\0\0\0\0\0\0\0\x8c\x01a\x94.");
    set(
        "class:1",
        b"\x80\x04\x95\x1b\0\0\0\0\0\0\0\x8c\x08__main__\x94\x8c\x05Thing\x94\x93\x94)\x81\x94.",
    );
    set("msgint:1", b"\x92\n\xceW\xafct");
    set("msgdict:1", b"\x92\n\x82\xa1v\x01\xa2ct\xcbA\xd5\xeb\x92\x83\xe9\x97\x9a");
    set("jsonint:1", b"[10, 1471113753]");
    set("jsondict:1", br#"[10, {"v": 1, "ct": 1471113698.76127}]"#);
    set("raw:1", b"@\x7fNone");
    set("raw:2", b"i\x7f1");
    set("raw:3", b"b\x7fxy");
    set("raw:4", "\u{e9}".as_bytes());
    let report = json(&["inspect", &server.tcp_url(), "--keys", "100"]);
    for (key, name, value, created) in [
        ("dog:1", "Dogpile<Pickle>", value!("some value"), Some(1_700_000_000.123_456)),
        ("dog:2", "Dogpile<Pickle>", value!(null), Some(1_700_000_000.123_456)),
        ("dog:3", "Dogpile<Pickle>", value!(5), Some(100.0)),
        (
            "dogjson:1",
            "Dogpile<Json>",
            value!({"foo": ["bar|x", 1, false, null]}),
            Some(1_700_000_000.5),
        ),
        ("dogold:1", "Dogpile<Pickle, 1>", value!(5), Some(1_700_000_000.5)),
        ("cached:1", "IntDict<Pickle>", value!("a"), Some(1_471_113_698.0)),
        ("py2:1", "FullDict<Pickle>", value!("a"), Some(1_471_113_698.761_27)),
        ("pickle:1", "NoMeta<Pickle>", value!("a"), None),
        ("class:1", "NoMeta<Pickle>", value!(null), None),
        ("msgint:1", "IntTime<Msgpack>", value!(10), Some(1_471_112_052.0)),
        ("msgdict:1", "FullDict<Msgpack>", value!(10), None),
        ("jsonint:1", "IntTime<Json>", value!(10), Some(1_471_113_753.0)),
        ("jsondict:1", "FullDict<Json>", value!(10), Some(1_471_113_698.761_27)),
        ("raw:1", "NoMeta<Raw>", value!(null), None),
        ("raw:2", "NoMeta<Raw>", value!(1), None),
        ("raw:3", "NoMeta<Raw>", value!("xy"), None),
        ("raw:4", "NoMeta<Raw>", value!("\u{e9}"), None),
    ] {
        let entry = entry(&report, key);
        assert_eq!((&entry["stack"], &entry["value"]), (&value!(name), &value), "{entry}");
        if let Some(created) = created {
            assert!((entry["created"].as_f64().unwrap() - created).abs() < 1e-5, "{entry}");
        }
    }
}

/// Dates whose third character could be a time of `Coarse`, and documents longer than what is weighed.
#[test]
fn texts_and_documents_are_not_taken_for_times() {
    let server = RedisServer::start();
    let mut raw = server.raw();
    for id in 0..200 {
        raw.call(&[
            "SET",
            &format!("date:{id}"),
            &format!("20{}1-01-{:02} and so on", id % 10, id % 28),
        ]);
        raw.call(&["SET", &format!("long:{id}"), &format!("[[1],[{id}]{}]", ",[1]".repeat(500))]);
        raw.call(&["SET", &format!("page:{id}"), &format!("<p>{}</p>", "text ".repeat(500))]);
    }
    let report = json(&["inspect", &server.tcp_url()]);
    assert_eq!(stack(&report, "date:*"), ("NoMeta<Raw>".into(), "certain".into()));
    assert_eq!(stack(&report, "long:*"), ("NoMeta<Json>".into(), "certain".into()));
    assert_eq!(stack(&report, "page:*"), ("NoMeta<Raw>".into(), "certain".into()));
}

/// A constant beginning is seen once, however many values have it.
#[test]
fn binary_values_are_not_taken_for_times() {
    let server = RedisServer::start();
    let mut raw = server.raw();
    let heads: [&[u8]; 5] =
        [b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"\xac\xed\0\x05", b"\0\x01\0\x01", b"\x1b[1m"];
    for (at, head) in heads.iter().enumerate() {
        for id in 0..200_u8 {
            let value = [head, [0xfe, id, 0xff, id ^ 0x55, 0x80].as_slice()].concat();
            raw.call(&[
                b"SET".as_slice(),
                format!("{}:{id}", ["gz", "zst", "java", "zeros", "escape"][at]).as_bytes(),
                &value,
            ]);
        }
    }
    let report = json(&["inspect", &server.tcp_url(), "--sample", "2000"]);
    for of in report["prefixes"].as_array().unwrap() {
        assert_eq!(of["stacks"][0]["stack"], "NoMeta<Postcard?>", "{of}");
        assert_eq!(of["stacks"][0]["surety"], "guess", "{of}");
    }
}

/// Those of protocol 0 are legible, and are no texts.
#[test]
fn old_pickles_are_recognised() {
    let server = RedisServer::start();
    let mut raw = server.raw();
    let meta = "{\"ct\": 1700000000.5, \"v\": 2}|";
    for id in 0..100 {
        let dict = format!("(dp0\nVid\np1\nI{id}\nsVs\np2\nVtext {id}\np3\ns.");
        raw.call(&["SET", &format!("plain:{id}"), &dict]);
        raw.call(&["SET", &format!("dog:{id}"), &format!("{meta}{dict}")]);
        let class = format!("capp.models\nThing\np0\n(I{id}\ntp1\nRp2\n.");
        raw.call(&["SET", &format!("class:{id}"), &format!("{meta}{class}")]);
    }
    let report = json(&["inspect", &server.tcp_url()]);
    assert_eq!(stack(&report, "plain:*"), ("NoMeta<Pickle>".into(), "certain".into()));
    assert_eq!(stack(&report, "dog:*"), ("Dogpile<Pickle>".into(), "certain".into()));
    assert_eq!(stack(&report, "class:*"), ("Dogpile<Pickle>".into(), "certain".into()));
}

/// A prefix whose writer was changed yesterday.
#[tokio::test]
async fn stacks_that_share_a_prefix_are_counted() {
    let server = RedisServer::start();
    let key = |id| format!("user:{id}");
    fill(redis(&server).pickle().dogpile(), true, 100, key, User::new).await;
    fill(redis(&server).msgpack().int_time(), true, 30, key, User::new).await;
    let report = json(&["inspect", &server.tcp_url()]);
    let stacks = prefix(&report, "user:*")["stacks"].as_array().unwrap();
    let seen = |of: &Value| {
        let percent = 100.0 * of["share"].as_f64().unwrap();
        format!("{} {percent:.0}%", of["stack"].as_str().unwrap())
    };
    let seen: Vec<_> = stacks.iter().map(seen).collect();
    assert_eq!(seen, ["Dogpile<Pickle> 70%", "IntTime<Msgpack> 30%"]);
}

#[tokio::test]
async fn fields_of_hashes_are_entries_of_their_own() {
    let server = RedisServer::start();
    let stack = redis(&server).hstore().bucketed::<100>().msgpack().int_time();
    fill(stack, true, 2000, |id| format!("user:{id}"), |id| format!("User {id}")).await;
    let report = json(&["inspect", &server.tcp_url(), "--keys", "3"]);
    let of = prefix(&report, "user:*");
    assert_eq!((&of["kind"], &of["keys"]), (&value!("hash"), &value!(20.0)));
    assert!((of["entries"].as_f64().unwrap() - 2000.0).abs() < 0.1, "{of}");
    assert_eq!(of["stacks"][0]["stack"], "IntTime<Msgpack>");
    let entry = &report["entries"][0];
    assert_eq!((&entry["kind"], &entry["encoding"]), (&value!("hash"), &value!("listpack")));
    let number = entry["key"].as_str().unwrap()[5..].parse::<u32>().unwrap() * 100
        + entry["field"].as_str().unwrap().parse::<u32>().unwrap();
    assert_eq!(entry["value"], format!("User {number}"));
    assert!((10.0..60.0).contains(&entry["memory_bytes"].as_f64().unwrap()), "{entry}");
}

#[tokio::test]
async fn entries_with_a_lifetime_of_their_own_and_negative_ones_are_shown() {
    let server = RedisServer::start();
    let region = Region::builder(redis(&server).msgpack().framed()).build().unwrap();
    let minute = Duration::from_secs(60);
    for id in 0..20 {
        let key = format!("user:{id}");
        let made = async || Created::new(format!("User {id}")).ttl(minute);
        region.get_or_create_with(&key, made).await.unwrap();
        let key = format!("none:{id}");
        region
            .get_or_create_with(&key, async || Created::<String>::nothing().ttl(minute))
            .await
            .unwrap();
    }
    let report = json(&["inspect", &server.tcp_url(), "--keys", "50"]);
    let user = entry(&report, "user:7");
    assert_eq!((&user["own_ttl_seconds"], &user["value"]), (&value!(60.0), &value!("User 7")));
    let none = entry(&report, "none:7");
    assert_eq!((&none["own_ttl_seconds"], &none["value"]), (&value!(60.0), &value!(null)));
    assert!(none["stack"].as_str().unwrap().starts_with("Framed<"), "{none}");
    assert!(text(&["inspect", &server.tcp_url(), "none:*"]).contains("(there is nothing)"));
}

#[tokio::test]
async fn locks_and_other_types_are_told_apart_from_entries() {
    let server = RedisServer::start();
    let lock = RedisLock::new(&redis(&server));
    assert_eq!(lock.acquire(&[lock.lease("user:1".into())]).await.unwrap(), [true]);
    for name in ["_lockuser:2", "_lok.user:3"] {
        server.call(&["SET", name, "0123456789abcdef0123456789abcdef", "PX", "60000"]);
    }
    server.call(&["RPUSH", "jobs:1", "a"]);
    server.call(&["SADD", "tags:1", "a"]);
    let report = json(&["inspect", &server.tcp_url()]);
    for pattern in ["larder:lock:*", "_lock*", "_lok.*"] {
        let of = prefix(&report, pattern);
        assert_eq!((&of["kind"], &of["stacks"]), (&value!("lock"), &value!([])), "{of}");
    }
    assert_eq!(prefix(&report, "jobs:*")["kind"], "list");
    assert_eq!(prefix(&report, "tags:*")["kind"], "set");
    assert!(text(&["inspect", &server.tcp_url()]).contains("larder:lock:*"));
}

/// Identifiers without a separator are one group, and names that nothing is like are one row.
#[test]
fn keys_that_have_nothing_in_common_do_not_flood_the_table() {
    let server = RedisServer::start();
    let mut raw = server.raw();
    for id in 0..200_u32 {
        let (a, b) = (id.wrapping_mul(2_654_435_761), id.wrapping_mul(40_503) % 65_536);
        raw.call(&["SET", &format!("{a:08x}-{b:04x}-4a1b-8c2d-{a:08x}{b:04x}"), "x"]);
        raw.call(&["SET", &format!("{:010x}", 0x10_0000_0000 + u64::from(a)), "x"]);
        let letter = char::from(b'a' + u8::try_from(id % 26).unwrap());
        raw.call(&[
            "SET",
            &format!("{letter}{}{letter}:x", letter.to_string().repeat(id as usize / 26)),
            "x",
        ]);
    }
    raw.call(&[b"SET".as_slice(), b"\xff\xfe", b"x"]);
    let report = json(&["inspect", &server.tcp_url()]);
    let prefixes = report["prefixes"].as_array().unwrap();
    assert!(prefixes.len() <= 23, "{report:#}");
    let keys: f64 = prefixes.iter().map(|of| of["keys"].as_f64().unwrap()).sum();
    assert!((keys - 601.0).abs() < 0.1, "{keys}");
    assert!(prefix(&report, "*")["keys"].as_f64().unwrap() > 390.0, "{report:#}");
    assert!(prefix(&report, "(others)")["keys"].as_f64().unwrap() > 150.0, "{report:#}");
    assert!(prefixes.iter().all(|of| of["pattern"] != "?*"), "{report:#}");
    let shown = text(&["advise", &server.tcp_url()]);
    assert_eq!(shown.matches("(others)").count(), 1, "{shown}");
}

/// What Python stores beside data is counted, and named.
#[test]
fn pickles_that_cannot_be_read_are_counted_by_their_classes() {
    let server = RedisServer::start();
    let mut raw = server.raw();
    let meta = b"{\"ct\": 1700000000.5, \"v\": 2}|";
    let class = b"\x80\x04\x8c\x08datetime\x94\x8c\x08datetime\x94\x93\x94C\x0a\x07\xea\x01\x02\x03\x04\x05\0\0\0\x94\x85\x94R.";
    for id in 0..300_u32 {
        let plain = format!("\u{7f}K{}.", char::from(u8::try_from(id % 100).unwrap()));
        let plain = [b"\x80\x04".as_slice(), &plain.as_bytes()[1..]].concat();
        let value = if id % 3 == 0 { plain.as_slice() } else { class };
        raw.call(&[b"SET", format!("order:{id}").as_bytes(), &[meta.as_slice(), value].concat()]);
    }
    let (url, said) = (server.tcp_url(), "the class \"datetime.datetime\" is not data");
    for report in [prefix(&json(&["inspect", &url]), "order:*"), &json(&["advise", &url])] {
        let unread = report["unread"].as_array().unwrap();
        assert_eq!(unread.len(), 1, "{report}");
        assert!(unread[0]["reason"].as_str().unwrap().starts_with(said), "{report}");
        assert!((unread[0]["share"].as_f64().unwrap() - 200.0 / 300.0).abs() < 1e-6, "{report}");
    }
    let shown = text(&["inspect", &url]).replace('\n', " ");
    assert!(
        shown.contains(&format!("order:*: 67% of the values cannot be read: {said}")),
        "{shown}"
    );
    let shown = text(&["advise", &url]).replace('\n', " ");
    let words = format!("300 entries, of which 100 can be read (not 67%: {said}");
    assert!(shown.contains(&words), "{shown}");
}

/// Keys and values that would rename the window, hide a line, or write backwards.
#[test]
fn terminals_are_not_given_orders() {
    let server = RedisServer::start();
    let mut raw = server.raw();
    let evil = "\x1b]0;owned\x07\x1b[2J\u{202e}\u{200b}\u{e0041}\r\n\u{9b}31m\u{7f}\\";
    raw.call(&["SET", &format!("{evil}:1"), evil]);
    raw.call(&["SET", "json:1", &value!({evil: evil}).to_string()]);
    raw.call(&["SET", "json:2", "[\"\\u001b[2J\", \"\\u202e\"]"]);
    raw.call(&["HSET", &format!("h{evil}"), evil, evil]);
    raw.call(&[b"SET".as_slice(), b"\xff\xfe\x1b", b"\xff\x1b[2J\xfe"]);
    for words in [&["inspect"][..], &["advise"]] {
        let url = server.tcp_url();
        let words = [words, &[&url]].concat();
        let shown = text(&words);
        assert!(!shown.lines().any(|line| line.contains(is_order)), "{shown:?}");
        json(&words);
    }
    assert!(text(&["inspect", &server.tcp_url()]).contains("\\u{1b}]0;owned\\u{7}"));
    // Programs are told the very text.
    let report = json(&["inspect", &server.tcp_url()]);
    assert_eq!(entry(&report, &format!("{evil}:1"))["kind"], "string");
    assert_eq!(entry(&report, "json:2")["value"], value!(["\x1b[2J", "\u{202e}"]));
    assert_eq!(entry(&report, &format!("h{evil}"))["field"], evil);
}

#[test]
fn sockets_databases_and_patterns_are_followed() {
    let server = RedisServer::start();
    let mut raw = server.raw();
    raw.call(&["SELECT", "3"]);
    for id in 0..30 {
        raw.call(&["SET", &format!("user:{id}"), &format!("[{id},{}]", now())]);
        raw.call(&["SET", &format!("page:{id}"), "x"]);
    }
    let url = format!("{}?db=3", server.unix_url());
    let report = json(&["inspect", &url, "user:*"]);
    let about = &report["about"];
    assert_eq!((&about["database"], &about["keys"]), (&value!(3), &value!(60)));
    assert_eq!((&about["matched"], &about["pattern"]), (&value!(30), &value!("user:*")));
    assert_eq!(report["prefixes"].as_array().unwrap().len(), 1);
    let shown = text(&["inspect", &format!("{}/3", server.tcp_url()), "user:*"]);
    assert!(shown.contains("database 3: 60 keys, 30 like user:*, 30 looked at."), "{shown}");
}
