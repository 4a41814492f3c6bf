//! cached, its macro on an asynchronous function, with one creation for each key. The macro wants a key of
//! its own; a mutex is faster than its read-write lock, because reads move entries to the front.

use cached::macros::cached;

use crate::{Blob, Contender, User, Value, origin};

#[cached(
    max_size = 200_000, ttl_secs = 3600, key = "String", convert = { key.to_owned() }, sync_writes = "by_key",
    sync_lock = "mutex"
)]
async fn user(key: &str) -> User {
    let _ = key;
    origin::ask().await
}

#[cached(
    max_size = 200_000, ttl_secs = 3600, key = "String", convert = { key.to_owned() }, sync_writes = "by_key",
    sync_lock = "mutex"
)]
async fn blob(key: &str) -> Blob {
    let _ = key;
    origin::ask().await
}

/// What has a cached function.
pub trait CachedValue: Value {
    fn cached(key: &str) -> impl Future<Output = Self> + Send;
}

impl CachedValue for User {
    fn cached(key: &str) -> impl Future<Output = Self> + Send {
        user(key)
    }
}

impl CachedValue for Blob {
    fn cached(key: &str) -> impl Future<Output = Self> + Send {
        blob(key)
    }
}

/// Its caches belong to functions, so all of a type are one.
pub struct Cached;

impl<V: CachedValue> Contender<V> for Cached {
    fn with_room(_: usize) -> Self {
        Self
    }

    async fn get_or_create(&self, key: &str) -> Result<V, String> {
        Ok(V::cached(key).await)
    }
}
