//! The example `economy`, run as its users run it, and the bytes it compares with.
//!
//! `cargo test` and `cargo nextest run` build the examples too; `cargo test --test economy` alone does
//! not, and would run the one that was built last.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]
#![cfg(all(
    unix,
    feature = "backend-redis",
    feature = "codec-json",
    feature = "codec-msgpack",
    feature = "codec-postcard"
))]

#[cfg(test)]
#[path = "../examples/economy/dogpile.rs"]
mod dogpile;

use std::{
    env, fs,
    process::{Command, Stdio},
};

use dogpile::Python::{Dict, Int, Str};
use serde_json::Value;

/// `target/<profile>/examples/economy`, beside the `deps` that hold this test.
fn economy(args: &str) -> Command {
    let here = env::current_exe().unwrap();
    let program = here.ancestors().nth(2).unwrap().join("examples/economy");
    assert!(program.exists(), "{} is missing: cargo build --example economy", program.display());
    let mut command = Command::new(program);
    command.args(args.split_whitespace()).stdin(Stdio::null());
    command
}

#[test]
fn every_row_is_measured_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("economy.svg");
    let mut command = economy("--entries 5500 --json --svg");
    let output = command.arg(&svg).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["entries"], 5500);
    let rows = report["rows"].as_array().unwrap();
    let number = |row: &Value, name: &str| row[name].as_f64().unwrap();
    for row in rows {
        assert!(number(row, "bytes_per_entry") > 5.0, "{row}");
        assert!((1.0..=100.0).contains(&number(row, "percent")), "{row}");
        assert!(number(row, "write_seconds") > 0.0 && number(row, "read_seconds") > 0.0, "{row}");
    }
    assert_eq!(
        (&rows[0]["stack"], number(&rows[0], "percent")),
        (&"dogpile.cache, pickle".into(), 100.0)
    );
    // Each way with and without a TTL, but for those with a stack for each kind of value.
    let without = rows.iter().filter(|row| row["ttl"] == false).count();
    let of_kinds = |row: &&Value| row["stack"].as_str().unwrap().contains("Bucketed<_");
    assert_eq!(rows.len() - without, without - rows.iter().filter(of_kinds).count());
    // Whatever the number of entries: a TTL costs, a time costs, a bucket saves.
    let bytes = |stack: &str, ttl: bool| {
        let row = rows.iter().find(|row| row["stack"] == stack && row["ttl"] == ttl);
        row.unwrap()["bytes"].as_i64().unwrap()
    };
    assert!(bytes("NoMeta<Json<Redis>>", false) + 40 * 5500 < bytes("NoMeta<Json<Redis>>", true));
    let bucketed = "IntTime<Postcard<Bucketed<Hstore<Redis>, 127>>>";
    assert!(bytes("NoMeta<Postcard<Bucketed<Hstore<Redis>, 127>>>", true) < bytes(bucketed, true));
    assert!(4 * bytes(bucketed, true) < bytes("IntTime<Postcard<Redis>>", true));

    let svg = fs::read_to_string(svg).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    assert_eq!(svg.matches("height=\"14\"/>").count(), rows.len(), "a bar for each row");
    assert!(svg.contains("IntTime&lt;Postcard&lt;Redis&gt;&gt;, TTL</text>"));
}

#[test]
fn the_table_can_be_cut() {
    let output = economy("--entries 110 --only").arg("inttime MSGPACK ttl").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let table = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<_> = table.lines().skip(3).take_while(|line| !line.is_empty()).collect();
    assert!(rows.len() > 2 && rows[0].starts_with("dogpile.cache, pickle"), "{table}");
    assert!(rows[0].contains("100.00%"), "{table}");
    assert!(rows[1..].iter().all(|row| row.starts_with("IntTime<Msgpack<")), "{table}");
    assert!(rows.iter().all(|row| row.contains(" TTL ")), "{table}");
    assert!(table.contains("\nSmallest with a time of creation: IntTime<Msgpack<"), "{table}");
    assert!(!table.contains("Smallest without"), "{table}");
}

#[test]
fn mistakes_are_explained() {
    for (args, words) in [
        ("--entries 10", "--entries takes 110 to"),
        ("--redis /nowhere/redis-server", "there is no `/nowhere/redis-server`"),
        ("--redis false", "false does not start"),
        ("--nonsense", "--nonsense"),
    ] {
        let output = economy(args).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args}: {error}");
        assert!(error.contains(words), "{args}: {error}");
    }
}

/// What `pickle.dumps(value, protocol=4)` of Python gives.
#[test]
fn pickles_are_those_of_python() {
    let cases: [(_, &[u8]); 8] = [
        (Int(5), b"\x80\x04K\x05."),
        (Int(300), b"\x80\x04\x95\x04\0\0\0\0\0\0\0M,\x01."),
        (Int(70_000), b"\x80\x04\x95\x06\0\0\0\0\0\0\0Jp\x11\x01\0."),
        (Int(9_999_990), b"\x80\x04\x95\x06\0\0\0\0\0\0\0Jv\x96\x98\0."),
        (Str("foo"), b"\x80\x04\x95\x07\0\0\0\0\0\0\0\x8c\x03foo\x94."),
        (Str("some value"), b"\x80\x04\x95\x0e\0\0\0\0\0\0\0\x8c\nsome value\x94."),
        (
            Dict(3_990_000, "foobar"),
            b"\x80\x04\x95\x1f\0\0\0\0\0\0\0}\x94(\x8c\x03one\x94J\xf0\xe1<\0\x8c\x03two\x94\x8c\x06foobar\x94u.",
        ),
        (
            Dict(0, "foo"),
            b"\x80\x04\x95\x19\0\0\0\0\0\0\0}\x94(\x8c\x03one\x94K\0\x8c\x03two\x94\x8c\x03foo\x94u.",
        ),
    ];
    for (value, bytes) in cases {
        assert_eq!(dogpile::pickle(value), bytes);
    }
    let entry = dogpile::entry("1700000000.123456", Int(5));
    assert_eq!(entry, b"{\"ct\": 1700000000.123456, \"v\": 2}|\x80\x04K\x05.");
}
