//! cachet, in memory, with its protection against stampedes.

use std::time::Duration;

use cachet::Cache;
use tick::Clock;

use super::Peer;
use crate::{Value, origin};

pub struct Cachet<V: Value>(Cache<String, V>);

impl<V: Value> Peer<V> for Cachet<V> {
    fn with_room(entries: usize) -> Self {
        let builder = Cache::builder(Clock::new_tokio())
            .memory_with(|memory| memory.max_capacity(entries as u64));
        Self(builder.ttl(Duration::from_secs(3600)).stampede_protection().build())
    }

    async fn get_or_create(&self, key: &str) -> V {
        let entry = self.0.get_or_insert(key, origin::ask).await;
        entry.expect("the source does not fail").value().clone()
    }
}
