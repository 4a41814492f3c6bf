//! The peers, called as their users call them.

use std::io;

use larder_benches::{
    Contender, Table, Trace, Value, origin,
    peers::{Cached, CachedValue, Cachet, Foyer, Hitbox, HitboxValue, Moka},
};
use tokio::runtime::Handle;

/// What all of them can cache.
pub trait Cacheable: CachedValue + HitboxValue {}

impl<V: CachedValue + HitboxValue> Cacheable for V {}

pub fn rows<'a, V: Cacheable>(table: &mut Table<'a>, keys: u32, trace: &'a Trace) {
    let moka: Moka<V, false> = filled(keys);
    table.traffic("moka: get_with_by_ref", trace, async move |key| {
        moka.0.get_with_by_ref(key, origin::ask()).await
    });

    let moka: Moka<V, true> = filled(keys);
    table.traffic("moka: the same with a lifetime", trace, async move |key| {
        moka.0.get_with_by_ref(key, origin::ask()).await
    });

    let foyer: Foyer<V> = filled(keys);
    table.traffic("foyer: get_or_fetch, S3-FIFO", trace, async move |key| {
        let entry = foyer.0.get_or_fetch(key, fetch::<V>).await.expect("a hit");
        entry.value().clone()
    });

    let foyer: Foyer<V> = filled(keys);
    table.traffic("foyer: get, else get_or_fetch, S3-FIFO", trace, async move |key| {
        let entry = match foyer.0.get(key) {
            Some(entry) => entry,
            None => foyer.0.get_or_fetch(key, fetch::<V>).await.expect("a hit"),
        };
        entry.value().clone()
    });

    let _functions: Cached = filled::<V, _>(keys);
    table.traffic("cached: #[cached], async, by key, with a lifetime", trace, async |key| {
        <V as CachedValue>::cached(key).await
    });

    let cachet: Cachet<V> = filled(keys);
    table.traffic("cachet: get_or_insert, with a lifetime", trace, async move |key| {
        let entry = cachet.0.get_or_insert(key, origin::ask).await.expect("a hit");
        entry.value().clone()
    });

    let hitbox: Hitbox<V> = filled(keys);
    let name = "hitbox: #[cached] over moka, bytes, with a lifetime";
    table.traffic(name, trace, async move |key| {
        <V as HitboxValue>::cached(key.to_owned(), &hitbox.0).await
    });
}

async fn fetch<V: Value>() -> io::Result<V> {
    Ok(origin::ask().await)
}

fn filled<V: Value, C: Contender<V>>(keys: u32) -> C {
    let contender = C::with_room(super::room(keys));
    Handle::current().block_on(async {
        for n in 0..keys {
            contender.get_or_create(&Trace::key(n)).await.expect("the source does not fail");
        }
    });
    origin::asked();
    contender
}
