//! hitbox, a cached function over moka, with its protection against stampedes. It keeps bytes; of its
//! formats bincode was the fastest for these values, faster than rkyv.

use std::time::Duration;

use hitbox::{concurrency::BroadcastConcurrencyManager, policy::PolicyConfig};
use hitbox_backend::format::BincodeFormat;
use hitbox_core::DisabledOffload;
use hitbox_derive::cached;
use hitbox_fn::Cache;
use hitbox_moka::MokaBackend;

use crate::{Blob, Contender, User, Value, origin};

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

type Store<V> = Cache<MokaBackend<BincodeFormat>, BroadcastConcurrencyManager<V>, DisabledOffload>;

/// What has a cached function.
pub trait HitboxValue: Value + hitbox_core::CacheableResponse<Cached: Send + Sync> {
    fn cached(key: String, store: &Store<Self>) -> impl Future<Output = Self> + Send;
}

impl HitboxValue for User {
    fn cached(key: String, store: &Store<Self>) -> impl Future<Output = Self> + Send {
        user(key).cache(store).into_future()
    }
}

impl HitboxValue for Blob {
    fn cached(key: String, store: &Store<Self>) -> impl Future<Output = Self> + Send {
        blob(key).cache(store).into_future()
    }
}

pub struct Hitbox<V: HitboxValue>(pub Store<V>);

impl<V: HitboxValue> Contender<V> for Hitbox<V> {
    fn with_room(entries: usize) -> Self {
        let one = 1_u8.try_into().expect("one creation at a time");
        let policy =
            PolicyConfig::builder().ttl(Duration::from_secs(3600)).concurrency(one).build();
        let backend =
            MokaBackend::builder().max_entries(entries as u64).value_format(BincodeFormat).build();
        let manager = BroadcastConcurrencyManager::new();
        Self(Cache::builder().backend(backend).policy(policy).concurrency_manager(manager).build())
    }

    async fn get_or_create(&self, key: &str) -> Result<V, String> {
        Ok(V::cached(key.to_owned(), &self.0).await)
    }
}
