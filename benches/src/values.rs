//! The values that are cached.

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What can be cached by everything that is compared.
pub trait Value:
    Clone + std::fmt::Debug + PartialEq + Send + Sync + Serialize + DeserializeOwned + 'static
{
    fn sample() -> Self;
}

impl Value for u64 {
    fn sample() -> Self {
        1_234_567
    }
}

/// A struct of five fields, which a copy copies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "peers", derive(hitbox_derive::CacheableResponse))]
pub struct User {
    pub id: u64,
    pub age: u32,
    pub score: f64,
    pub active: bool,
    pub since: i64,
}

impl Value for User {
    fn sample() -> Self {
        Self { id: 15, age: 31, score: 0.5, active: true, since: 1_700_000_000 }
    }
}

/// A hundred bytes, of which a copy counts one reference more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "peers", derive(hitbox_derive::CacheableResponse))]
pub struct Blob {
    pub data: Bytes,
}

impl Value for Blob {
    fn sample() -> Self {
        Self { data: Bytes::from(vec![b'x'; 100]) }
    }
}

/// What a list has many of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub id: u64,
    pub name: String,
    pub price: f64,
    pub tags: Vec<String>,
}

/// `count` rows of a list.
pub fn rows(count: u32) -> Vec<Row> {
    (0..count)
        .map(|n| Row {
            id: u64::from(n) + 1_000,
            name: format!("Product number {n}"),
            price: f64::from(n) * 1.25 + 0.99,
            tags: vec!["kitchen".to_owned(), format!("shelf-{}", n % 7)],
        })
        .collect()
}
