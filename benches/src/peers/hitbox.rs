//! hitbox, a cached function over moka, with its protection against stampedes. It keeps bytes; bincode is the fastest of its
//! formats.

use std::time::Duration;

use hitbox::{concurrency::BroadcastConcurrencyManager, policy::PolicyConfig};
use hitbox_backend::format::BincodeFormat;
use hitbox_core::DisabledOffload;
use hitbox_derive::cached;
use hitbox_fn::Cache;
use hitbox_moka::MokaBackend;

use crate::{Blob, Contender, User, origin};

#[cached]
async fn user(key: String) -> User {
    let _ = key;
    origin::ask().await
}

#[cached]
async fn blob(key: String) -> Blob {
    let _ = key;
    origin::ask().await
}

pub struct Hitbox<V: hitbox_core::CacheableResponse>(
    Cache<MokaBackend<BincodeFormat>, BroadcastConcurrencyManager<V>, DisabledOffload>,
);

impl<V: hitbox_core::CacheableResponse> Hitbox<V> {
    fn new(entries: usize) -> Self {
        let one = 1_u8.try_into().expect("one creation at a time");
        let policy =
            PolicyConfig::builder().ttl(Duration::from_secs(3600)).concurrency(one).build();
        let backend =
            MokaBackend::builder().max_entries(entries as u64).value_format(BincodeFormat).build();
        let manager = BroadcastConcurrencyManager::new();
        Self(Cache::builder().backend(backend).policy(policy).concurrency_manager(manager).build())
    }
}

impl Contender<User> for Hitbox<User> {
    fn with_room(entries: usize) -> Self {
        Self::new(entries)
    }

    async fn get_or_create(&self, key: &str) -> Result<User, String> {
        Ok(user(key.to_owned()).cache(&self.0).await)
    }
}

impl Contender<Blob> for Hitbox<Blob> {
    fn with_room(entries: usize) -> Self {
        Self::new(entries)
    }

    async fn get_or_create(&self, key: &str) -> Result<Blob, String> {
        Ok(blob(key.to_owned()).cache(&self.0).await)
    }
}
