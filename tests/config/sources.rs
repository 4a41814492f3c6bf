//! The same configuration, wherever it comes from.

use std::{env, process::Command};

use larder::Config;
use serde::Deserialize;

use crate::types::{Small, from, why};

const PAIRS: [(&str, &str); 4] = [
    ("cache.r.expiration_time", "1h 30m"),
    ("cache.r.redis_expiration_time", "7200"),
    ("cache.r.max_bytes", "64MiB"),
    ("cache.r.strict", "yes"),
];

fn expected() -> String {
    format!("{:?}", from::<Small>(&Config::from_pairs(PAIRS)).unwrap())
}

fn same(config: &Config) {
    let region = format!("{:?}", from::<Small>(config).unwrap());
    assert_eq!(region, expected());
    assert!(region.contains("5400s") && region.contains("7200s") && region.contains("67108864"));
}

#[test]
fn toml_agrees() {
    let text = "[cache.r]\nexpiration_time = '1h 30m'\nkeep_for = 7200.0\nmax_bytes = 0x4000000\nstrict = true";
    same(&Config::from_toml(text).unwrap());
    same(&toml_by_serde());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.toml");
    std::fs::write(&path, text).unwrap();
    same(&Config::from_toml_file(&path).unwrap());
}

/// As somebody who has read the file already.
fn toml_by_serde() -> Config {
    let json = serde_json::json!({ "port": 80, "cache": { "r": {
        "expire_after": 5400, "keep_for": "2h", "max_bytes": "67108864", "strict": "ON"
    } } });
    serde_json::from_value(json).unwrap()
}

#[test]
fn json_agrees_by_itself_and_inside() {
    #[derive(Deserialize)]
    struct App {
        port: u16,
        #[serde(flatten)]
        cache: Config,
    }
    let text = r#"{"port": 80, "list": [1, [2]], "cache": {"r": {"expiration_time": "90m", "keep_for":
        7200, "max_bytes": "0.0625 GiB", "strict": true}}}"#;
    same(&serde_json::from_str(text).unwrap());
    let app: App = serde_json::from_str(text).unwrap();
    assert_eq!(app.port, 80);
    same(&app.cache);
    assert!(serde_json::from_str::<Config>(r#"{"a": 1, "a": 2}"#).is_err());
}

#[test]
fn the_environment_agrees_and_wins() {
    if env::var_os("CACHE__R__STRICT").is_none() {
        // The environment of a process is set from outside.
        let me = "sources::the_environment_agrees_and_wins";
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", me]).env("CACHE__USER_POSTS__MAX_ENTRIES", "7");
        for (name, value) in PAIRS {
            child.env(name.to_uppercase().replace('.', "__"), value);
        }
        let output = child.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
        return;
    }
    let environment = Config::from_env("CACHE").unwrap();
    same(&environment);
    same(&Config::from_env("cache").unwrap());
    let file = Config::from_toml(
        "[app.r]\nexpiration_time = 1\nstrict = false\nmax_bytes = 1\n[app.user-posts]\nstrict = true",
    );
    let both = file.unwrap().under("app").overlaid(environment);
    // What the file alone says stays.
    assert_eq!(both.names().collect::<Vec<_>>(), ["r", "user-posts"]);
    same(&both);
    let posts = Small::from_config(&both.region("user-posts").unwrap()).unwrap();
    let posts = format!("{posts:?}");
    assert!(posts.contains("max_weight: 7,") && posts.contains("strict: true"), "{posts}");
}

#[test]
fn the_root_may_be_any_table() {
    let text = "[app.stores.r]\nmax_entries = 9\n[cache]\nr = 1";
    let config = Config::from_toml(text).unwrap();
    assert_eq!(why(config.region("r")), "`cache.r` (line 4): expected a table");
    let region: Small = from(&config.under("app.stores")).unwrap();
    assert!(format!("{region:?}").contains("max_weight: 9,"));
}

#[test]
fn a_root_without_a_name_is_the_whole() {
    let config = Config::from_toml("r.max_entries = 9").unwrap().under("");
    let region: Small = from(&config).unwrap();
    assert!(format!("{region:?}").contains("max_weight: 9,"));
}

#[test]
fn an_overlay_wins_by_whatever_name() {
    let file = Config::from_pairs([("cache.r.expiration_time", "1h"), ("cache.r.keep_for", "2h")]);
    let other = || Config::from_pairs([("cache.r.expire_after", "90m")]);
    let third = Config::from_pairs([("cache.r.redis_expiration_time", "3h")]);
    let config = file.overlaid(other()).overlaid(third);
    let told = format!("{:?}", from::<Small>(&config).unwrap());
    assert!(told.contains("expire_after: Some(5400s), keep: For(10800s)"), "{told}");
    let doubled = other().overlaid(Config::from_pairs([
        ("cache.r.expire_after", "1m"),
        ("cache.r.expiration_time", "1m"),
    ]));
    assert!(why(from::<Small>(&doubled)).contains("two names for one setting"));
}

#[test]
fn a_later_pair_counts() {
    let config = Config::from_pairs([("cache.r.max_entries", "1"), ("cache.r.max_entries", "2")]);
    assert!(format!("{:?}", from::<Small>(&config).unwrap()).contains("max_weight: 2,"));
}

#[test]
fn names_as_deep_as_anybody_likes() {
    let deep = "a.".repeat(100_000);
    let config = Config::from_pairs([(deep.as_str(), "x"), ("cache.r.max_entries", "1")]);
    from::<Small>(&config).unwrap();
}
