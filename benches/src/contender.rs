//! What is compared.

use crate::Value;

/// A cache that creates what it does not have, by [`origin::ask`](crate::origin::ask).
pub trait Contender<V: Value>: Send + Sync + 'static {
    /// With room for `entries` entries; those with a lifetime keep them for an hour.
    fn with_room(entries: usize) -> Self;

    /// # Errors
    ///
    /// What the cache says when there is no value.
    fn get_or_create(&self, key: &str) -> impl Future<Output = Result<V, String>> + Send;
}
