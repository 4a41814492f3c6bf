//! What is refused, and in which words.

use larder::{Config, File, FileLock, Framed, Json, Memo, NoMeta, Null, Region};

use crate::types::{Shared, Small, from, of, refused, why};

fn toml(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.toml");
    std::fs::write(&path, text).unwrap();
    why(Config::from_toml_file(&path).and_then(|config| from::<Small>(&config)))
}

#[test]
fn one_wrong_value() {
    assert_eq!(
        toml("[cache.r]\n\nexpiration_time = '5 parsecs'"),
        "`cache.r.expiration_time` (cache.toml, line 3): expected a time such as `5m`, `1h 30m` or \
         `300` (seconds), or `never`, found `5 parsecs`"
    );
    assert_eq!(
        refused::<Small>(&[("on_timeout", "panic")]),
        "`cache.r.on_timeout`: expected `fail`, `create` or `stale`, found `panic`"
    );
}

#[test]
fn wrong_types() {
    assert_eq!(
        toml("cache.r.max_bytes = [1]"),
        "`cache.r.max_bytes` (cache.toml, line 1): expected a size such as `64MiB`, `1GB` or `1048576` \
         (bytes), found a list"
    );
    assert_eq!(
        toml("[cache.r.strict]\nreally = true"),
        "`cache.r.strict` (cache.toml, line 1): expected `true` or `false`, found a table"
    );
    assert_eq!(
        toml("[cache.r]\nstrict = 2026-01-01"),
        "`cache.r.strict` (cache.toml, line 2): expected `true` or `false`, found a date"
    );
}

#[test]
fn unknown_settings() {
    assert_eq!(
        refused::<Region<NoMeta<Json<Null>>>>(&[("expiraton_time", "5m")]),
        "`cache.r.expiraton_time`: unknown setting; did you mean `expiration_time`?\n  \
         `cache.r` understands `expiration_time`, `keep_for`, `wait_timeout`, `on_timeout`, \
         `stale_on_error`, `negative_ttl`, `strict`, `backend`, `lock`"
    );
    let long = "\u{1b}x".repeat(100);
    let message = refused::<Small>(&[(&long, "1")]);
    assert!(!message.contains('\u{1b}') && message.contains(".."), "{message}");
}

#[test]
fn all_problems_at_once() {
    let message = refused::<Shared>(&[
        ("expiration_time", "soon"),
        ("keep_for", "1h"),
        ("redis_expiration_time", "1h"),
        ("lock_leese", "5s"),
        ("backend", "memory"),
    ]);
    let parts = [
        "5 problems:",
        "`cache.r.backend`: the type of this region says `redis`, not `memory`",
        "`cache.r.expiration_time`: expected a time",
        "`cache.r.keep_for` and `cache.r.redis_expiration_time` are two names for one setting",
        "`cache.r.url`: missing; expected a Redis URL such as `redis://localhost`",
        "`cache.r.lock_leese`: unknown setting; did you mean `lock_lease`?",
        "`cache.r` understands `expiration_time`, ",
    ];
    for part in parts {
        assert!(message.contains(part), "{part}\n{message}");
    }
}

#[test]
fn missing_tables() {
    let config =
        Config::from_pairs([("cache.users.max_entries", "1"), ("cache.b.max_entries", "1")]);
    assert_eq!(
        why(config.region("user")),
        "`cache.user`: there is no such table; did you mean `users`?; there is `b`, `users`"
    );
    assert_eq!(
        why(Config::default().region("r")),
        "`cache.r`: there is no such table; there is no table under `cache`"
    );
}

#[test]
fn what_the_levels_refuse_has_the_table() {
    type InFile = Region<Framed<Json<File>>, FileLock>;
    assert_eq!(
        toml("[cache.r]\nexpiration_time = 5\nkeep_for = 1"),
        "`cache.r` (cache.toml, line 1): region: `keep_for` (1s) is shorter than `expire_after` (5s): \
         the store would drop entries that are still fresh"
    );
    assert_eq!(
        refused::<Small>(&[("max_entries", "1"), ("max_bytes", "1kB")]),
        "`cache.r.max_bytes`: a store has one bound; remove this or `max_entries`"
    );
    let zero = "is zero: nothing would ever be kept; for that there is the backend `Null`";
    for bound in ["max_entries", "max_bytes"] {
        assert_eq!(refused::<Small>(&[(bound, "0")]), format!("`cache.r.{bound}`: {zero}"));
    }
    assert_eq!(
        refused::<Small>(&[("backend", "redis://:s3cret@host")]),
        "`cache.r.backend`: the type of this region says `memory`, not this"
    );
    let message = refused::<Shared>(&[("url", "localhost")]);
    assert!(
        message.starts_with("`cache.r.url`: redis: not a Redis URL; expected redis://"),
        "{message}"
    );
    let message = refused::<Shared>(&[("url", "rediss://h"), ("ca_certificate", "/no/such.pem")]);
    assert!(
        message.starts_with("`cache.r.ca_certificate`: `/no/such.pem` cannot be read: "),
        "{message}"
    );
    let path = tempfile::tempdir().unwrap().path().join("x").display().to_string();
    let message = refused::<InFile>(&[("path", &path), ("lock_lease", "1ms")]);
    assert!(
        message.starts_with("`cache.r.lock_lease`: file lock: leases of 1ms are too short"),
        "{message}"
    );
}

#[test]
fn negative_entries_where_no_place_is_for_them() {
    type Bare = Region<NoMeta<Json<Null>>>;
    assert_eq!(
        refused::<Bare>(&[("negative_ttl", "5s")]),
        "`cache.r.negative_ttl`: `Formatted<NoMetaFormat, Coded<JsonCodec, Null>>` keeps no negative \
         entries; use the format `Framed`, or `Memo`"
    );
    of::<Small>(&[("negative_ttl", "5s")]).unwrap();
    of::<Region<larder::Logging<Memo<u8>>>>(&[("negative_ttl", "5s")]).unwrap();
}

#[test]
fn files_that_are_none() {
    let message = why(Config::from_toml_file("/no/such/cache.toml"));
    assert!(message.starts_with("/no/such/cache.toml: the file cannot be read: "), "{message}");
    assert!(toml("[cache.r]\nmax_entries 5").starts_with("cache.toml, line 2: not TOML: "));
    assert!(toml("[cache.r]\na = 1\na = 2").starts_with("cache.toml, line 3: not TOML: "));
}
