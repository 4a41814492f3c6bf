//! Layers that change keys keep the promises of what they wrap.

use std::time::Duration;

use larder::{
    BackendExt, KeyHash, LayerExt, Memo, Memory, PayloadExt, Prefixed, Sha1, Store, Versioned,
    testing::{
        Chaos, backend_suite, entry_ttl_suite, expiry_suite, fence_suite, hash_backend_suite,
        store_suite,
    },
};

use crate::{
    desk::{Desk, Slip},
    shelf::{Flaw, Shelf},
};

fn text(number: u64) -> String {
    format!("value {number}")
}

/// The suites for backends and those for stores, with the layer in every place.
macro_rules! everywhere {
    ($layer:expr) => {{
        let layer = $layer;
        backend_suite(|| async { layer(Memory::new()) }).await;
        hash_backend_suite(|| async { layer(Memory::new()) }).await;
        backend_suite(|| async { layer(Memory::new()).hstore() }).await;
        expiry_suite(|clock| async { layer(Memory::new().with_clock(clock)) }).await;
    }};
}

async fn store<S: Store<String> + larder::EntryTtl + 'static>(make: impl Fn() -> S) {
    store_suite(|| async { make() }, text).await;
    entry_ttl_suite(|| async { make() }, text).await;
}

#[tokio::test]
async fn prefixed() {
    everywhere!(|inner| Prefixed::new("app:", inner));
    store(|| Memory::new().postcard().framed().prefixed("app:")).await;
    store(|| Memo::new().prefixed("")).await;
}

#[tokio::test]
async fn versioned() {
    everywhere!(Versioned::<_, 3>::new);
    store(|| Memory::new().postcard().framed().versioned::<0>()).await;
    store(|| Memo::new().versioned::<{ u32::MAX }>()).await;
}

#[tokio::test]
async fn split() {
    everywhere!(|inner: Memory| inner.split_at::<'-'>());
    everywhere!(|inner: Memory| inner.split_at::<'e'>());
    store(|| Memory::new().hstore().split_at::<'i'>().postcard().framed()).await;
    store(|| Memo::new().split_at::<'→'>()).await;
}

#[tokio::test]
async fn bucketed() {
    everywhere!(|inner: Memory| inner.bucketed::<2>());
    everywhere!(|inner: Memory| inner.bucketed::<{ u32::MAX }>());
    store(|| Memory::new().hstore().bucketed::<100>().postcard().framed()).await;
    store(|| Memo::new().bucketed::<128>()).await;
}

#[tokio::test]
async fn hashed() {
    everywhere!(|inner: Memory| inner.hashed());
    everywhere!(|inner: Memory| inner.keyed(KeyHash::new().longer_than(16)));
    everywhere!(|inner: Memory| inner.keyed(KeyHash::with(Sha1)));
    everywhere!(|inner: Memory| inner.keyed(KeyHash::with(Sha1).longer_than(64)));
    store(|| Memory::new().postcard().framed().hashed()).await;
    store(|| Memo::new().hashed()).await;
}

#[tokio::test]
async fn normalized() {
    everywhere!(|inner: Memory| inner.normalized());
    store(|| Memory::new().postcard().framed().normalized()).await;
    store(|| Memo::new().normalized()).await;
}

#[tokio::test]
async fn one_over_the_other() {
    everywhere!(|inner: Memory| inner.normalized().versioned::<3>().logging().prefixed("app:"));
    everywhere!(|inner| Chaos::new(Memory::prefixed(inner, "app:")).hashed());
}

#[tokio::test(start_paused = true)]
async fn writes_are_fenced_under_other_keys() {
    let long = Duration::from_secs(60);
    fence_suite(|| async {
        let desk = Desk::new(Slip::None, long);
        (
            Shelf::new(Flaw::None).with_desk(desk.clone()).normalized().hashed().prefixed("app:"),
            desk,
        )
    })
    .await;
}

#[cfg(feature = "backend-redis")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_redis() {
    use larder::{Redis, RedisLock};

    use crate::support::{DEADLINE, redis_server::RedisServer};

    let server = RedisServer::start();
    let make = || {
        server.call(&["FLUSHALL"]);
        let builder = Redis::builder(server.unix_url());
        builder.connect_timeout(DEADLINE).response_timeout(DEADLINE).build().unwrap()
    };
    hash_backend_suite(|| async { make().versioned::<3>().prefixed("app:") }).await;
    hash_backend_suite(|| async { make().hashed() }).await;
    hash_backend_suite(|| async { make().split_at::<'-'>() }).await;
    hash_backend_suite(|| async { make().bucketed::<7>() }).await;
    backend_suite(|| async { make().hstore().split_at::<'e'>() }).await;
    backend_suite(|| async { make().hstore().bucketed::<100>() }).await;
    backend_suite(|| async { make().normalized() }).await;
    store(|| make().hstore().postcard().framed().hashed().prefixed("app:")).await;
    fence_suite(|| async {
        let redis = make();
        let lock = RedisLock::builder(&redis).lease(Duration::from_secs(60)).build().unwrap();
        (redis.hashed().versioned::<3>().prefixed("app:"), lock)
    })
    .await;
}
