//! Locks in the forms that Python has.

use larder::{
    Config, DbmLock, IntTime, Json, Lock, Memcached, MemcachedLock, Memory, Redis, RedisLock,
    Region,
};

use crate::types::{of, refused};

#[test]
fn locks_take_dogpiles_form() {
    type OverRedis = Region<IntTime<Json<Redis>>, RedisLock>;
    type OverMemcached = Region<IntTime<Json<Memcached>>, MemcachedLock>;
    let dogpile = ("lock_dogpile", "true");
    let redis = |pairs: &[(&str, &str)]| {
        let all = [&[("url", "redis://h")], pairs].concat();
        let region = of::<OverRedis>(&all).unwrap();
        String::from_utf8(region.lock().lease(("h", "f").into()).name().into()).unwrap()
    };
    assert_eq!(redis(&[dogpile]), "_lockh,f");
    assert_eq!(redis(&[dogpile, ("lock_prefix", "_lok.")]), "_lok.h,f");
    let memcached = |pairs: &[(&str, &str)]| {
        let all =
            [&[("url", "memcached://h"), ("flags", "1"), ("exact_keys", "true")], pairs].concat();
        let region = of::<OverMemcached>(&all).unwrap();
        assert!(format!("{region:?}").contains("names: Exact, flags: Some(1)"), "{region:?}");
        String::from_utf8(region.lock().lease("100%".into()).name().into()).unwrap()
    };
    assert_eq!(memcached(&[dogpile]), "_lock100%");
    assert_eq!(memcached(&[]), "larder:lock:100%25");
    assert_eq!(memcached(&[("lock_prefix", "l:")]), "l:100%25");
    refused::<OverMemcached>(&[("url", "memcached://h"), ("flags", "-1")]);
    for (setting, value) in [("lock_prefix", ""), ("lock_lease", "10ms")] {
        let message = refused::<OverMemcached>(&[("url", "memcached://h"), (setting, value)]);
        assert!(message.starts_with(&format!("`cache.r.{setting}`: memcached: ")), "{message}");
    }
}

/// Two locks of one file would wait for each other.
#[tokio::test]
async fn regions_share_a_lock_file() {
    type Files = Region<IntTime<Json<Memory>>, DbmLock>;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pages.dbm").display().to_string();
    let config = Config::from_pairs([
        ("cache.a.filename", path.as_str()),
        ("cache.b.path", &path),
        ("cache.c.path", &path),
        ("cache.c.dogpile_lockfile", &path),
    ]);
    let region = |name| Files::from_config(&config.region(name).unwrap()).unwrap();
    let [a, b, c] = ["a", "b", "c"].map(region);
    assert_eq!(a.lock().path().display().to_string(), path.clone() + ".dogpile.lock");
    assert_eq!(c.lock().path().display().to_string(), path);
    let lease = |region: &Files, key: &str| [region.lock().lease(key.into())];
    assert_eq!(a.lock().acquire(&lease(&a, "one")).await.unwrap(), [true]);
    assert_eq!(b.lock().acquire(&lease(&b, "one")).await.unwrap(), [false]);
    assert_eq!(b.lock().acquire(&lease(&b, "two")).await.unwrap(), [true]);
    refused::<Files>(&[("path", "")]);
}
