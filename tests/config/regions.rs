//! Many regions of one configuration.

use larder::{Config, Declared, Memo, Region, Regions};

use crate::types::{Shared, Small, why};

type Prices = Region<Memo<f64>>;

fn config() -> Config {
    Config::from_toml("[cache.users]\nmax_entries = 5\n[cache.prices]\nexpiration_time = 10")
        .unwrap()
}

#[test]
fn are_handed_out_by_name_and_type() {
    let config = config();
    let builder = Regions::builder(&config).region::<Small>("users").region::<Prices>("prices");
    let regions = builder.build().unwrap();
    assert_eq!(regions.names().collect::<Vec<_>>(), ["prices", "users"]);
    assert!(format!("{:?}", regions.get::<Small>("users").unwrap()).contains("max_weight: 5,"));
    let message = why(regions.get::<Prices>("users"));
    let is = "region `users` is a `Region<Formatted<FramedFormat, Coded<PostcardCodec, Memory>>";
    assert!(message.starts_with(is), "{message}");
    assert!(message.contains(", and was asked for as a `Region<Memo<f64>"), "{message}");
    assert_eq!(
        why(regions.get::<Small>("user")),
        "there is no region `user`; there is `prices`, `users`"
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let config = config()
        .overlaid(Config::from_toml("[cache.user]\n[cache]\nx = 1\n[cache.r]\na = 1").unwrap());
    let built = Regions::builder(&config)
        .region::<Shared>("r")
        .region::<Small>("users")
        .region::<Prices>("users")
        .region::<Prices>("gone")
        .build();
    let message = why(built);
    for part in [
        "7 problems:",
        "`cache.r.url`: missing",
        "`cache.r.a` (line 5): unknown setting",
        "region `users` is added twice",
        "`cache.gone`: there is no such table",
        "`cache.prices` (line 3): no region has this table",
        "`cache.user` (line 1): no region has this table; did you mean `users`?",
        "`cache.x` (line 3): no region has this table",
    ] {
        assert!(message.contains(part), "{part}\n{message}");
    }
}

#[test]
fn declared_ones_are_configured_if_all_can_be() {
    let (users, prices) = (Declared::<Small>::new("users"), Declared::<Prices>::new("prices"));
    let config = config();
    let broken = config.clone().overlaid(Config::from_pairs([("cache.prices.strict", "perhaps")]));
    Regions::builder(&broken).declared(&users).declared(&prices).build().unwrap_err();
    assert!(!users.is_configured() && !prices.is_configured());
    let regions = Regions::builder(&config).declared(&users).declared(&prices).build().unwrap();
    assert!(users.is_configured() && prices.is_configured());
    regions.get::<Prices>("prices").unwrap();
    let message =
        why(Regions::builder(&config).declared(&users).region::<Prices>("prices").build());
    assert_eq!(message, "region `users` is configured already; call `replace` for another one");
}
