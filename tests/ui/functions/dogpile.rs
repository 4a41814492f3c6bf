//! Keys of dogpile: what is said wrong.

use std::collections::HashMap;

use larder::{LayerExt, Memo, cached, cached_multi};

#[cached(region = Memo::new().region(), dogpile = "myapp.tools.one")]
async fn without_colon(id: u64) -> u64 {
    id
}

const NAME: &str = "myapp.tools:one";

#[cached(region = Memo::new().region(), dogpile = NAME)]
async fn no_text(id: u64) -> u64 {
    id
}

#[cached(region = Memo::new().region(), dogpile = "a:b", key = "{id}")]
async fn beside_a_key(id: u64) -> u64 {
    id
}

#[cached(region = Memo::new().region(), dogpile = "a:b", dogpile_kwargs = "a:b")]
async fn both(id: u64) -> u64 {
    id
}

#[cached_multi(region = Memo::new().region(), dogpile_kwargs = "a:b")]
async fn no_such_batch(_ids: &[u64]) -> HashMap<u64, u64> {
    HashMap::new()
}

#[cached_multi(region = Memo::new().region(), dogpile = "a:b")]
async fn more_than_the_list(_ids: &[u64], _scale: u64) -> HashMap<u64, u64> {
    HashMap::new()
}

#[cached(region = Memo::new().region())]
async fn one(id: u64) -> u64 {
    id
}

#[cached_multi(of = one, dogpile = "a:b")]
async fn keys_of_another(_ids: &[u64]) -> HashMap<u64, u64> {
    HashMap::new()
}

fn main() {}
