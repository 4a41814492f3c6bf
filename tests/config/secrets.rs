//! Secrets never appear: not in errors, their causes, `Debug`, or what serde says.

use std::fmt::Debug;

use larder::{
    Config, Declared, ErrorKind, IntTime, Json, Memcached, MemcachedLock, Redis, Region, Regions,
    config::{About, Setting, Value},
};

use crate::types::{Shared, Small, from, why};

const CANARY: &str = "c4n4ry";

fn silent(shown: &dyn Debug) {
    for text in [format!("{shown:?}"), format!("{shown:#?}")] {
        assert!(!text.contains(CANARY), "{text}");
    }
}

fn silent_error(error: &larder::Error) {
    silent(error);
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        assert!(!error.to_string().contains(CANARY), "{error}");
        silent(&error);
        cause = error.source();
    }
}

#[test]
fn in_configurations_that_are_wrong() {
    for text in [
        "[cache.r]\nurl = 'redis://u:c4n4ry@h:port'",
        "[cache.r]\nurl = 'c4n4ry'",
        "[cache.r]\nurl = ['c4n4ry']",
        "[cache.r]\nurl = 'redis://h'\npassword = ['c4n4ry']",
        "[cache.r]\nurl = 'redis://h'\npasword = 'c4n4ry'",
        "[cache.r]\nurl = 'redis://h'\nnested.password = 'c4n4ry'",
        "[cache.r]\nurl = 'redis://u:c4n4ry@h'\nexpiration_time = 0",
        "[cache.r]\nurl = 'redis://h'\nusername = 'only'",
    ] {
        let config = Config::from_toml(text).unwrap();
        silent(&config);
        silent(&config.region("r").unwrap());
        let error = from::<Shared>(&config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        silent_error(&error);
        silent_error(&Regions::builder(&config).region::<Shared>("r").build().unwrap_err());
        let declared = Declared::<Shared>::new("r");
        silent_error(&declared.configure_from(&config).unwrap_err());
    }
}

#[test]
fn in_text_that_cannot_be_read() {
    for text in [
        "[cache.r]\npassword = c4n4ry",
        "[cache.r]\npassword = 'c4n4ry",
        "[cache.r]\npassword = \"c4n4ry\\q\"",
        "[cache.r]\npassword = 'a' c4n4ry",
        "password = 'c4n4ry'\npassword = 'c4n4ry'",
        "[cache.r]\npassword = 0xc4n4ry",
        "[cache.r]\npassword 'c4n4ry'",
        "[cache.r]\npassword = \"\"\"c4n4ry",
    ] {
        silent_error(&Config::from_toml(text).unwrap_err());
    }
    for text in [
        r#""c4n4ry""#,
        r#"["c4n4ry"]"#,
        r#"{"cache": {"r": {"password": "c4n4ry"}}"#,
        r#"{"cache": {"r": {"password": "c4n4ry", "password": "c4n4ry"}}}"#,
    ] {
        let error = serde_json::from_str::<Config>(text).unwrap_err();
        silent(&error);
        assert!(!error.to_string().contains(CANARY), "{error}");
    }
    silent(&Value::Text(CANARY.to_owned()));
    silent(&Config::from_pairs([("cache.r.password", CANARY), ("cache.r", CANARY)]));
}

#[test]
fn in_regions_that_are_right() {
    let config = Config::from_pairs([
        ("cache.r.url", "redis://u:c4n4ry@127.0.0.1:1/"),
        ("cache.r.password", CANARY),
    ]);
    silent(&config);
    silent(&from::<Shared>(&config).unwrap());
    let regions = Regions::builder(&config).region::<Shared>("r").build().unwrap();
    silent(&regions);
    silent_error(&regions.get::<Small>("r").unwrap_err());
    silent(&About::of::<Redis>());
}

#[test]
fn in_regions_on_memcached() {
    type Cluster = Region<IntTime<Json<Memcached>>, MemcachedLock>;
    let of = |url| {
        let pairs = [("cache.r.url", url), ("cache.r.username", "u"), ("cache.r.password", CANARY)];
        from::<Cluster>(&Config::from_pairs(pairs))
    };
    silent(&of("memcached://h memcached://u:c4n4ry@i").unwrap());
    for url in ["memcached://u:c4n4ry@h:port", "memcached://h c4n4ry", "c4n4ry", ""] {
        silent_error(&of(url).unwrap_err());
    }
    silent(&About::of::<MemcachedLock>());
}

#[test]
fn a_password_of_digits_is_a_password() {
    let text = "[cache.r]\nurl = 'redis://h'\npassword = 4711";
    let error = from::<Shared>(&Config::from_toml(text).unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "config: `cache.r.password` (line 3): expected text, in quotes if it is a number, found a number"
    );
    let pairs = [("cache.r.url", "redis://h"), ("cache.r.password", "4711")];
    from::<Shared>(&Config::from_pairs(pairs)).unwrap();
}

/// A secret that is no text, and one that should be.
#[test]
fn in_settings_of_others() {
    const PIN: Setting<u64> = Setting::new("pin", "Opens the door.").secret();
    const WORD: Setting<String> = Setting::new("word", "Opens it, too.").secret();
    let config = Config::from_toml("[cache.r]\npin = 'c4n4ry'\nword = 471147").unwrap();
    let table = config.region("r").unwrap();
    let message = why(table.get(&PIN));
    assert_eq!(
        message,
        "`cache.r.pin` (line 2): expected a whole number such as `1000`, found text"
    );
    assert_eq!(why(table.get(&WORD)), "`cache.r.word` (line 3): expected text, found a number");
    silent(&table);
}
