//! The peers, each used as its documentation shows, with its own protection against stampedes.
//!
//! Who is faster with another of its own settings gets that one: what is chosen is said in each file.

mod cached;
mod cachet;
mod foyer;
mod hitbox;
mod moka;

pub use self::{
    cached::{Cached, CachedValue},
    cachet::Cachet,
    foyer::Foyer,
    hitbox::{Hitbox, HitboxValue},
    moka::Moka,
};
