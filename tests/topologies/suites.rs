//! All the suites.

use std::time::Duration;

use larder::{
    Always, BackendExt, Hstore, LayerExt, PayloadExt, Redis, RedisLock, Wire,
    testing::{
        backend_suite, entry_ttl_suite, fence_suite, hash_backend_suite, lease_suite, lock_suite,
        store_suite,
    },
};

/// Leases that outlast a busy machine, and those that end while a test runs.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(200);

fn lock<W: Wire>(redis: &Redis<W>, lease: Duration) -> RedisLock<W> {
    RedisLock::builder(redis).lease(lease).build().unwrap()
}

fn text(number: u64) -> String {
    format!("value {number}")
}

/// Runs them on what `make` gives, which is empty each time.
pub(crate) async fn every_suite<W: Wire>(make: impl Fn() -> Redis<W>) {
    backend_suite(|| async { make() }).await;
    hash_backend_suite(|| async { make() }).await;
    backend_suite(|| async { Hstore::<_, Always>::with_policy(make()) }).await;
    store_suite(|| async { make().hstore().json().full_dict() }, text).await;
    entry_ttl_suite(|| async { make().json().framed() }, text).await;
    lock_suite(|| async { lock(&make(), LONG) }).await;
    lease_suite(|| async { lock(&make(), SHORT) }).await;
    fence_suite(|| async {
        let redis = make();
        (redis.clone(), lock(&redis, LONG))
    })
    .await;
    fence_suite(|| async {
        let redis = make();
        (redis.clone().hstore().logging(), lock(&redis, LONG))
    })
    .await;
}
