//! Configuration text.

use larder::{
    Config, Either, Error, ErrorKind, Framed, Local, Memo, Memory, Null, Postcard, Redis,
    RedisLock, Region, Regions,
};

type Stack = Framed<Postcard<Either<Memory, Either<Null, Redis>>>>;
type Chosen = Region<Stack, Either<Local, RedisLock>>;

/// What is refused is refused as a configuration, in words fit for a terminal.
fn refused(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
    assert!(!error.to_string().contains('\u{1b}'), "{error}");
}

/// Reads `bytes` as TOML and as lines of pairs, one over the other, and builds the regions `a` and `b`.
pub fn config_text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let mut config = Config::from_pairs(pairs.map(|(name, value)| (name.trim(), value.trim())));
    match Config::from_toml(text) {
        Ok(toml) => config = config.overlaid(toml),
        Err(error) => refused(&error),
    }
    let _ = format!("{config:?}");
    for name in ["a", "b"] {
        let table = config.region(name);
        match table.and_then(|table| Chosen::from_config(&table)) {
            Ok(region) => drop(format!("{region:?}")),
            Err(error) => refused(&error),
        }
    }
    let all =
        Regions::builder(&config).region::<Chosen>("a").region::<Region<Memo<u8>>>("b").build();
    if let Err(error) = all {
        refused(&error);
    }
}
