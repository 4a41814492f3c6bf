//! What is kept, how large it may be, and for how long.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use larder::{
    Backend, BackendExt, Bytes, ErrorKind, Key, LayerExt, Level, PayloadExt, Put, WriteOpts,
};

use crate::{
    common::{FOREVER, bytes, client},
    support::{memcached_server::MemcachedServer, until},
};

#[tokio::test]
async fn keys_are_found_by_others_under_the_names_told() {
    let server = MemcachedServer::start();
    let memcached = client(server.url());
    let long = "é".repeat(200);
    for (key, name) in [
        (Key::from("user:15"), "user:15"),
        ("two words\r\n".into(), "two%20words%0D%0A"),
        (("user-15", "posts").into(), "user-15%.posts"),
    ] {
        memcached.set(key, bytes("v"), FOREVER).await.unwrap();
        assert!(server.has(name), "{name}");
        let stored = memcached.stored_key(key);
        assert_eq!(stored.as_ref().map_or(key, |key| key.as_key()).name(), name);
    }
    memcached.set((&long).into(), bytes("long"), FOREVER).await.unwrap();
    assert_eq!(memcached.get((&long).into()).await.unwrap(), Some(bytes("long")));
    assert!(server.has(memcached.stored_key((&long).into()).unwrap().as_key().name()));
    // What others wrote, with flags of their own.
    server.ask("set theirs 7 0 3\r\nabc");
    assert_eq!(memcached.get("theirs".into()).await.unwrap(), Some(bytes("abc")));
}

#[tokio::test]
async fn values_may_hold_anything() {
    let server = MemcachedServer::start();
    let memcached = client(server.url());
    let large = Bytes::from((0..900_000_u32).map(|n| n.to_le_bytes()[0]).collect::<Vec<u8>>());
    for value in [bytes(""), bytes("\r\n"), bytes("VA 3\r\nabc\r\nEN\r\n"), bytes("\0"), large] {
        memcached.set("k".into(), value.clone(), FOREVER).await.unwrap();
        assert_eq!(memcached.get("k".into()).await.unwrap(), Some(value));
    }
}

#[tokio::test]
async fn too_large_a_value_is_a_clear_error_and_nothing_else_is_lost() {
    let server = MemcachedServer::start();
    let memcached = client(server.url());
    let large = Bytes::from(vec![b'x'; 2 << 20]);
    memcached.set("large".into(), bytes("small"), FOREVER).await.unwrap();
    let connections = server.stat("total_connections");
    let error = memcached.set("large".into(), large.clone(), FOREVER).await.unwrap_err();
    assert_eq!((error.kind(), error.layer()), (ErrorKind::Backend, "memcached"));
    assert_eq!(error.key(), Some("large".into()));
    let text = error.to_string();
    assert!(text.contains("2097152 bytes") && text.contains("`-I`"), "{text}");
    // As the documentation says.
    assert_eq!(memcached.get("large".into()).await.unwrap(), None);

    let puts = [("a", bytes("1")), ("large", large), ("b", bytes("2"))];
    let puts = puts.map(|(key, value)| Put::new(key.into(), value, FOREVER));
    let error = memcached.set_multi(&puts).await.unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Backend, Some("large".into())));
    let found = memcached.get_multi(&["a".into(), "large".into(), "b".into()]).await.unwrap();
    let found: Vec<_> = found.into_iter().map(Result::unwrap).collect();
    assert_eq!(found, [Some(bytes("1")), None, Some(bytes("2"))]);
    // Two more looks at statistics, and none of ours.
    assert_eq!(server.stat("total_connections"), connections + 1, "the connection broke");
}

#[tokio::test]
async fn a_region_returns_what_is_too_large_to_keep() {
    let server = MemcachedServer::start();
    let region = client(server.url()).json().int_time().region();
    let large = "x".repeat(2 << 20);
    for _ in 0..2 {
        let made: String = region.get_or_create("page", async || large.clone()).await.unwrap();
        assert_eq!(made, large);
    }
    assert_eq!(region.stats().creations, 2);
    let make = async |_: Vec<&str>| [("page", large.clone()), ("other", String::new())];
    let many = region.get_or_create_multi(["page", "other"], make).await.unwrap();
    assert_eq!(many, [Some(large.clone()), Some(String::new())]);
    assert_eq!(region.get::<String>("other").await.unwrap().as_deref(), Some(""));
}

#[tokio::test]
async fn entries_end_with_their_lifetime() {
    let server = MemcachedServer::start();
    let memcached = client(server.url());
    let for_a_moment = WriteOpts::keep_for(Some(Duration::from_millis(1)));
    memcached.set("short".into(), bytes("v"), for_a_moment).await.unwrap();
    memcached.set("long".into(), bytes("v"), FOREVER).await.unwrap();
    until("the end of an entry", || async {
        memcached.get("short".into()).await.unwrap().is_none().then_some(())
    })
    .await;
    assert_eq!(memcached.get("long".into()).await.unwrap(), Some(bytes("v")));
}

/// What the server says is left.
#[tokio::test]
async fn lifetimes_are_what_the_server_takes_for_them() {
    const DAY: u64 = 24 * 60 * 60;
    let server = MemcachedServer::start();
    let memcached = client(server.url());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let last = i64::from(i32::MAX) - i64::try_from(now).unwrap();
    for (keep_for, left) in [
        (None, -1),
        (Some(Duration::from_secs(60)), 60),
        (Some(Duration::from_millis(59_001)), 60),
        (Some(Duration::from_secs(30 * DAY)), 2_592_000),
        (Some(Duration::from_secs(31 * DAY)), 2_678_400),
        (Some(Duration::from_secs(365 * DAY)), 31_536_000),
        (Some(Duration::from_secs(1000 * 365 * DAY)), -1),
        (Some(Duration::MAX), -1),
    ] {
        memcached.set("k".into(), bytes("v"), WriteOpts::keep_for(keep_for)).await.unwrap();
        let told = server.ask("mg k t");
        let told: i64 = told.strip_prefix("HD t").expect("a lifetime").parse().unwrap();
        assert!(left < last, "this test ends in 2037");
        // Clocks tick meanwhile.
        let near = if left < 0 { told == left } else { (left - 5..=left + 2).contains(&told) };
        assert!(near, "{keep_for:?}: {told}");
    }
}
