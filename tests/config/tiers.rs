//! Two tiers from one table.

use std::time::Duration;

use larder::{IntTime, Memo, Msgpack, Redis, RedisChannel, Region, Tiered};

use crate::types::{of, refused};

type Users = Region<Tiered<Memo<String>, IntTime<Msgpack<Redis>>, Redis>>;
type Pages = Region<Tiered<Memo<String>, IntTime<Msgpack<Redis>>, RedisChannel>>;
type Alone = Region<Tiered<Memo<String>, IntTime<Msgpack<Redis>>>>;

#[test]
fn have_their_settings_beside_each_other() {
    let url = ("url", "redis://h");
    let users: Users =
        of(&[url, ("tracking", "user:"), ("l1_ttl", "30s"), ("max_entries", "7")]).unwrap();
    let text = format!("{users:?}");
    assert!(text.contains("l1_ttl: Some(30s)") && text.contains("max_weight: 7"), "{text}");
    assert!(text.contains(r#"prefixes: ["user:"]"#) && text.contains("count: 1"), "{text}");

    let pages: Pages = of(&[url, ("channel", "pages"), ("l2_ttl", "1h")]).unwrap();
    let text = format!("{pages:?}");
    assert!(text.contains(r#"name: "pages""#) && text.contains("l2_ttl: Some(3600s)"), "{text}");

    let alone: Alone = of(&[url, ("expiration_time", "60")]).unwrap();
    assert_eq!(alone.stack().l1().len(), 0);
    assert!(format!("{alone:?}").contains(&format!("{:?}", Duration::from_secs(60))));
}

#[test]
fn say_what_is_missing_or_makes_no_sense() {
    let message = refused::<Users>(&[("url", "redis://h"), ("tracking", "user:*")]);
    assert!(message.contains("`*`") && message.contains("tracking"), "{message}");
    let message = refused::<Users>(&[("url", "redis://h")]);
    assert!(message.contains("tracking"), "{message}");
}
