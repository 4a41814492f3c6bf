//! One connection, one open file for all who name the same.

use larder::{Config, File, FileLock, Framed, Invalidation, Json, Lock, Region, SharedMarks};

use crate::{
    support::redis_server::{RedisServer, Reply},
    types::{Shared, from},
};

/// Connections besides the one that asks.
fn clients(server: &RedisServer) -> usize {
    let Reply::Bulk(list) = server.call(&["CLIENT", "LIST"]) else { unreachable!("a list") };
    String::from_utf8(list).unwrap().lines().filter(|line| !line.contains("cmd=client")).count()
}

async fn used(region: &Shared, key: &str) {
    assert_eq!(region.get_or_create(key, async || 5_u32).await.unwrap(), 5);
    region.invalidate(Invalidation::Soft).await.unwrap();
}

#[tokio::test]
async fn stack_lock_and_marks_share_a_connection_and_so_do_regions() {
    let server = RedisServer::start();
    let url = server.unix_url();
    let config = Config::from_pairs([
        ("cache.a.url", url.as_str()),
        ("cache.b.url", &url),
        ("cache.b.response_timeout", "500ms"),
        ("cache.b.expiration_time", "5m"),
        ("cache.c.url", &url),
        ("cache.c.response_timeout", "501ms"),
    ]);
    let region = |name| Shared::from_config(&config.region(name).unwrap()).unwrap();
    let (a, b, again) = (region("a"), region("b"), region("a"));
    for (region, key) in [(&a, "a"), (&b, "b"), (&again, "again")] {
        used(region, key).await;
    }
    assert_eq!(clients(&server), 1);
    // Other settings are another connection; so is another configuration.
    let c = region("c");
    used(&c, "c").await;
    assert_eq!(clients(&server), 2);
    let other = Config::from_pairs([("cache.r.url", url.as_str())]);
    used(&from::<Shared>(&other).unwrap(), "d").await;
    used(&from::<Shared>(&other.clone()).unwrap(), "e").await;
    assert_eq!(clients(&server), 3);
    // The marks have the name of their region.
    assert_ne!(server.call(&["EXISTS", "larder:invalid:b:soft"]), Reply::Int(0));
}

#[tokio::test]
async fn stack_and_lock_have_the_same_fence() {
    type InFile = Region<Framed<Json<File>>, FileLock, SharedMarks<File>>;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.larder").display().to_string();
    let config =
        Config::from_pairs([("cache.r.path", path.as_str()), ("cache.r.max_bytes", "2MiB")]);
    let region: InFile = from(&config).unwrap();
    assert_eq!(region.get_or_create("k", async || 5_u32).await.unwrap(), 5);
    let capabilities = larder::Level::capabilities(region.stack());
    assert!(capabilities.fence.is_some());
    assert_eq!(capabilities.fence, region.lock().domain());

    let config = Config::from_pairs([("cache.r.url", "redis://127.0.0.1:1")]);
    let region: Shared = from(&config).unwrap();
    let capabilities = larder::Level::capabilities(region.stack());
    assert_eq!(capabilities.fence, region.lock().domain());
}

#[test]
fn what_cannot_be_built_is_not_kept() {
    let config = Config::from_pairs([("cache.r.x", "1")]);
    let table = config.region("r").unwrap();
    let failed = || larder::Error::new(larder::ErrorKind::Unavailable, "x");
    assert!(table.shared(1_u8, |_| Err::<u32, _>(failed())).is_err());
    assert_eq!(table.shared(1_u8, |_| Ok(2_u32)).unwrap(), 2);
    assert_eq!(table.shared(1_u8, |_| Ok(3_u32)).unwrap(), 2);
    // By both types.
    assert_eq!(table.shared(1_u8, |_| Ok(4_u64)).unwrap(), 4);
    assert_eq!(table.shared(1_u16, |_| Ok(5_u32)).unwrap(), 5);
    // What is built may share, too.
    let nested = table.shared(6_u8, |_| table.shared(7_u8, |_| Ok(8_u32)));
    assert_eq!(nested.unwrap(), 8);
}
