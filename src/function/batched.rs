//! What batches return, taken apart and put together again.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, Hash},
};

/// What a batch function over items `K` may return: `HashMap<K, V>`, `BTreeMap<K, V>`, `Vec<(K, V)>`, or
/// `Vec<Option<V>>` in the order of its list; or a `Result` of one of them.
#[diagnostic::on_unimplemented(
    message = "a batch over `{K}` cannot return `{Self}`",
    label = "no way to tell which value belongs to which item",
    note = "return `HashMap<{K}, V>`, `BTreeMap<{K}, V>`, `Vec<({K}, V)>`, or `Vec<Option<V>>` in the order of the list, or a `Result` of one of them"
)]
pub trait Batched<K>: Sized {
    /// What is kept for each item.
    type Value;

    /// The values of what was `asked`, by their items.
    ///
    /// # Panics
    ///
    /// When a `Vec<Option<V>>` has another length than the list.
    fn pairs(self, asked: Vec<K>) -> Vec<(K, Self::Value)>;

    /// The values that are there, in the order in which they were asked for.
    fn whole(found: impl Iterator<Item = (K, Option<Self::Value>)>) -> Self;
}

fn present<K, V>(found: impl Iterator<Item = (K, Option<V>)>) -> impl Iterator<Item = (K, V)> {
    found.filter_map(|(item, value)| Some((item, value?)))
}

impl<K: Eq + Hash, V, S: BuildHasher + Default> Batched<K> for HashMap<K, V, S> {
    type Value = V;

    fn pairs(self, _: Vec<K>) -> Vec<(K, V)> {
        self.into_iter().collect()
    }

    fn whole(found: impl Iterator<Item = (K, Option<V>)>) -> Self {
        present(found).collect()
    }
}

impl<K: Ord, V> Batched<K> for BTreeMap<K, V> {
    type Value = V;

    fn pairs(self, _: Vec<K>) -> Vec<(K, V)> {
        self.into_iter().collect()
    }

    fn whole(found: impl Iterator<Item = (K, Option<V>)>) -> Self {
        present(found).collect()
    }
}

impl<K, V> Batched<K> for Vec<(K, V)> {
    type Value = V;

    fn pairs(self, _: Vec<K>) -> Self {
        self
    }

    fn whole(found: impl Iterator<Item = (K, Option<V>)>) -> Self {
        present(found).collect()
    }
}

impl<K, V> Batched<K> for Vec<Option<V>> {
    type Value = V;

    fn pairs(self, asked: Vec<K>) -> Vec<(K, V)> {
        assert_eq!(
            self.len(),
            asked.len(),
            "a batch that returns a `Vec<Option<_>>` returns one for each item it was asked for"
        );
        present(asked.into_iter().zip(self)).collect()
    }

    fn whole(found: impl Iterator<Item = (K, Option<V>)>) -> Self {
        found.map(|(_, value)| value).collect()
    }
}
