//! cached, its macro on an asynchronous function, with one creation for each key. The macro wants a key of
//! its own.

use cached::macros::cached;

use crate::{Blob, Contender, User, origin};

#[cached(max_size = 200_000, ttl_secs = 3600, key = "String", convert = { key.to_owned() }, sync_writes = "by_key")]
async fn user(key: &str) -> User {
    let _ = key;
    origin::ask().await
}

#[cached(max_size = 200_000, ttl_secs = 3600, key = "String", convert = { key.to_owned() }, sync_writes = "by_key")]
async fn blob(key: &str) -> Blob {
    let _ = key;
    origin::ask().await
}

/// Its caches belong to functions, so all of a type are one.
pub struct Cached;

impl Contender<User> for Cached {
    fn with_room(_: usize) -> Self {
        Self
    }

    async fn get_or_create(&self, key: &str) -> Result<User, String> {
        Ok(user(key).await)
    }
}

impl Contender<Blob> for Cached {
    fn with_room(_: usize) -> Self {
        Self
    }

    async fn get_or_create(&self, key: &str) -> Result<Blob, String> {
        Ok(blob(key).await)
    }
}
