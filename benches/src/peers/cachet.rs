//! cachet, in memory, with its protection against stampedes.

use std::time::Duration;

use cachet::Cache;
use tick::Clock;

use crate::{Contender, Value, origin};

pub struct Cachet<V: Value>(pub Cache<String, V>);

impl<V: Value> Contender<V> for Cachet<V> {
    fn with_room(entries: usize) -> Self {
        let builder = Cache::builder(Clock::new_tokio())
            .memory_with(|memory| memory.max_capacity(entries as u64));
        Self(builder.ttl(Duration::from_secs(3600)).stampede_protection().build())
    }

    async fn get_or_create(&self, key: &str) -> Result<V, String> {
        let entry = self.0.get_or_insert(key, origin::ask).await;
        entry.map(|entry| entry.value().clone()).map_err(|error| error.to_string())
    }
}
