//! What functions may look like: attributes, visibility, imports, bounds, arguments.

use std::{
    borrow::Cow,
    fmt::Display,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use larder::{LayerExt, Memo, Region, cached, cached_multi};
use serde::Serialize;

static NUMBERS: LazyLock<Region<Memo<u64>>> = LazyLock::new(|| Memo::new().region());

/// Attributes that speak of the body go with it: the expectation is fulfilled there.
#[cached(region = NUMBERS)]
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the test")]
fn of_a_body(n: u64) -> u64 {
    u64::from(n as u8)
}

#[cached(region = NUMBERS)]
#[cfg(not(test))]
fn not_there(n: u64) -> NoSuchType {
    n
}

#[cfg(test)]
#[cached(region = NUMBERS)]
#[cfg(test)]
fn there(n: u64) -> u64 {
    n + 1
}

#[test]
fn attributes_go_where_they_belong() {
    assert_eq!((of_a_body(257), of_a_body::cache().get(&257).unwrap()), (1, Some(1)));
    assert_eq!((there(1), there::cache().get(&1).unwrap()), (2, Some(2)));
}

mod inner {
    use std::collections::HashMap as Map;

    use larder::{cached as remembered, cached_multi as all_remembered};

    use super::NUMBERS as NUMBERS_OF_ALL;

    #[remembered(region = NUMBERS_OF_ALL)]
    fn private(n: u64) -> u64 {
        n + 1
    }

    #[remembered(region = NUMBERS_OF_ALL)]
    pub(super) async fn for_the_parent(n: u64) -> core::result::Result<u64, super::super::Refused> {
        Ok(private(n) + private::cache().get(&n).unwrap().unwrap_or_default())
    }

    #[remembered(region = NUMBERS_OF_ALL)]
    pub(in crate::forms) fn for_a_path(n: u64) -> Option<u64> {
        (n < 100).then_some(n)
    }

    #[all_remembered(region = NUMBERS_OF_ALL)]
    pub(crate) fn all(numbers: &[u64]) -> std::collections::BTreeMap<u64, u64> {
        let all: Map<u64, u64> = numbers.iter().map(|n| (*n, *n)).collect();
        all.into_iter().collect()
    }
}

#[tokio::test]
async fn visibility_is_that_of_the_function_and_names_may_change() {
    use inner::{all as every, for_the_parent as other_name};
    assert_eq!(other_name(1).await, Ok(4));
    assert_eq!(other_name::cache().get(&1).await.unwrap(), Some(4));
    assert_eq!(inner::for_a_path(1), inner::for_a_path::cache().get(&1).unwrap());
    assert_eq!(every(&[1, 2]), every::cache().get(&[1, 2]).unwrap());
}

/// What is public is documented, the handle and its methods too.
#[deny(missing_docs)]
pub mod documented {
    /// A function.
    #[larder::cached(region = super::NUMBERS)]
    pub async fn of_one(n: u64) -> u64 {
        n
    }

    /// A batch.
    #[larder::cached_multi(of = of_one)]
    pub async fn of_many(numbers: &[u64]) -> Vec<(u64, u64)> {
        numbers.iter().map(|n| (*n, *n)).collect()
    }

    /// A type.
    #[derive(Debug, serde::Serialize)]
    pub struct Public;

    #[larder::cached(region = super::NUMBERS)]
    impl Public {
        /// A method.
        #[cached]
        pub fn of_self(&self, n: u64) -> u64 {
            n
        }

        /// A batch.
        #[cached_multi(of = of_self)]
        pub fn all_of_self(&self, numbers: &[u64]) -> Vec<(u64, u64)> {
            numbers.iter().map(|n| (*n, *n)).collect()
        }
    }
}

#[tokio::test]
async fn public_functions_have_public_handles() {
    documented::of_many(&[1]).await;
    assert_eq!(documented::of_one::cache().get(&1).await.unwrap(), Some(1));
    documented::Public.all_of_self(&[1]);
    assert_eq!(documented::Public.of_self_cache().get(&1).unwrap(), Some(1));
}

static CALLS: AtomicUsize = AtomicUsize::new(0);

#[cached(region = NUMBERS)]
async fn bounded<'a, T>(mut list: Vec<T>, mut word: Cow<'a, str>, plus: &'a mut u64) -> u64
where
    T: Serialize + Clone + Sync + Send + 'static,
    &'a str: Display,
{
    CALLS.fetch_add(1, SeqCst);
    list.clear();
    word.to_mut().push('!');
    *plus += 1;
    (list.len() + word.len()) as u64 + *plus
}

#[cached(region = NUMBERS, key = "{n}")]
fn of_any(n: u64, rest: impl IntoIterator<Item = u64>) -> u64 {
    n + rest.into_iter().sum::<u64>()
}

#[cached_multi(region = NUMBERS, key = "all:{item}")]
fn all_of_any(mut numbers: Vec<u64>, mut plus: u64) -> Vec<Option<u64>> {
    plus += 1;
    for n in &mut numbers {
        *n += plus;
    }
    numbers.into_iter().map(Some).collect()
}

#[tokio::test]
async fn arguments_and_bounds_are_as_they_were_written() {
    let mut plus = 7;
    assert_eq!(bounded(vec![1], "a".into(), &mut plus).await, 10);
    assert_eq!(plus, 8);
    plus = 7;
    assert_eq!(bounded(vec![1], "a".into(), &mut plus).await, 10);
    assert_eq!((plus, CALLS.load(SeqCst)), (7, 1));
    assert_eq!(of_any(1, [1, 2]), 4);
    assert_eq!(of_any(1, []), 4);
    assert_eq!(all_of_any(vec![1, 2], 0), [Some(2), Some(3)]);
    assert_eq!(all_of_any::cache().get(&[2]).unwrap(), [Some(3)]);
}
