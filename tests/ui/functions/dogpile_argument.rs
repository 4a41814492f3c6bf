//! An argument that Python does not write.

use larder::{LayerExt, Memo, cached};

#[cached(region = Memo::new().region(), dogpile = "a:b")]
async fn half(ratio: f32) -> u64 {
    ratio as u64
}

#[cached(region = Memo::new().region(), dogpile = "a:b")]
async fn list(ids: &[u64]) -> u64 {
    ids.len() as u64
}

fn main() {}
