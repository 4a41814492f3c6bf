//! The peers, each used as its documentation shows, with its own protection against stampedes.
//!
//! Who is faster with another of its own settings gets that one: what is chosen is said in each file.

mod cached;
mod cachet;
mod foyer;
mod hitbox;
mod moka;

pub use self::{cached::Cached, cachet::Cachet, foyer::Foyer, hitbox::Hitbox, moka::Moka};

use crate::Value;

/// A cache that creates what it does not have, by [`origin::ask`](crate::origin::ask).
#[allow(async_fn_in_trait, reason = "called where its type is known")]
pub trait Peer<V: Value>: Sync {
    /// With room for `entries` entries; those with a lifetime keep them for an hour.
    fn with_room(entries: usize) -> Self;

    fn get_or_create(&self, key: &str) -> impl Future<Output = V> + Send;
}
