//! foyer, in memory, with S3-FIFO, one of the fastest of its policies, and a faster hasher than its own. It has no lifetimes.

use foldhash::fast::RandomState;
use foyer::{Cache, CacheBuilder, EvictionConfig, S3FifoConfig};

use crate::{Contender, Value, origin};

pub struct Foyer<V: Value>(pub Cache<String, V, RandomState>);

impl<V: Value> Contender<V> for Foyer<V> {
    fn with_room(entries: usize) -> Self {
        let eviction = EvictionConfig::S3Fifo(S3FifoConfig::default());
        let builder = CacheBuilder::new(entries).with_hash_builder(RandomState::default());
        Self(builder.with_eviction_config(eviction).build())
    }

    async fn get_or_create(&self, key: &str) -> Result<V, String> {
        let create = async || Ok::<V, std::io::Error>(origin::ask().await);
        let entry = self.0.get_or_fetch(key, create).await;
        entry.map(|entry| entry.value().clone()).map_err(|error| error.to_string())
    }
}
