//! moka, its asynchronous cache. `get_with_by_ref` copies no key on a hit; another hasher than its own makes it
//! faster.

use std::time::Duration;

use foldhash::fast::RandomState;
use moka::future::Cache;

use crate::{Contender, Value, origin};

pub struct Moka<V: Value, const EXPIRES: bool>(pub Cache<String, V, RandomState>);

impl<V: Value, const EXPIRES: bool> Contender<V> for Moka<V, EXPIRES> {
    fn with_room(entries: usize) -> Self {
        let builder = Cache::builder().max_capacity(entries as u64);
        Self(if EXPIRES {
            builder
                .time_to_live(Duration::from_secs(3600))
                .build_with_hasher(RandomState::default())
        } else {
            builder.build_with_hasher(RandomState::default())
        })
    }

    async fn get_or_create(&self, key: &str) -> Result<V, String> {
        Ok(self.0.get_with_by_ref(key, origin::ask()).await)
    }
}
