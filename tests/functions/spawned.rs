//! Calls that move to another task, whatever their items borrow.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
    sync::LazyLock,
};

use larder::{LayerExt, Memo, Region, cached, cached_multi};

use serde::Serialize;

use super::Refused;

static LENGTHS: LazyLock<Region<Memo<u64>>> = LazyLock::new(|| Memo::new().region());

#[cached(region = LENGTHS, key = "{word}")]
async fn length(word: &str) -> u64 {
    word.len() as u64
}

#[cached_multi(of = length)]
async fn lengths<'a>(words: &[&'a str]) -> HashMap<&'a str, u64> {
    words.iter().map(|word| (*word, word.len() as u64)).collect()
}

#[cached_multi(region = LENGTHS)]
async fn of_owned<'a>(words: &[&'a String]) -> Result<BTreeMap<&'a String, u64>, Refused> {
    Ok(words.iter().map(|word| (*word, word.len() as u64)).collect())
}

#[cached_multi(region = LENGTHS)]
#[expect(
    clippy::needless_lifetimes,
    reason = "the handle takes a slice, and has to tell them apart"
)]
async fn of_bytes<'a>(words: Vec<&'a [u8]>) -> Vec<(&'a [u8], u64)> {
    words.into_iter().map(|word| (word, word.len() as u64)).collect()
}

#[cached_multi(region = LENGTHS)]
async fn of_any<'a>(words: impl IntoIterator<Item = &'a str> + Send) -> Vec<Option<u64>> {
    words.into_iter().map(|word| Some(word.len() as u64)).collect()
}

#[cached_multi(region = LENGTHS)]
async fn of_pairs<'a>(owner: &str, words: &[(&'a str, u8)]) -> Vec<((&'a str, u8), u64)> {
    words.iter().map(|word| (*word, owner.len() as u64)).collect()
}

#[tokio::test]
async fn batches_over_borrowed_items() {
    let call = async {
        let (a, b) = ("a".to_owned(), "bb".to_owned());
        let words = lengths(&[&a, &b, "ccc"]).await;
        assert_eq!(words[b.as_str()], 2);
        assert_eq!(of_owned(&[&a, &b]).await.unwrap()[&a], 1);
        assert_eq!(of_bytes(vec![a.as_bytes(), b"x"]).await.len(), 2);
        assert_eq!(of_any([a.as_str(), &b]).await, [Some(1), Some(2)]);
        assert_eq!(of_pairs(&a, &[(&a, 1), (&b, 2)]).await.len(), 2);
        length(&b).await
    };
    assert_eq!(tokio::spawn(call).await.unwrap(), 2);
}

#[tokio::test]
async fn and_their_handles() {
    let call = async {
        let (a, b) = ("handle a".to_owned(), "handle b".to_owned());
        let words: &[&str] = &[&a, &b];
        let cache = lengths::cache();
        assert_eq!(cache.get(words).await.unwrap().len(), 0);
        cache.set([(a.as_str(), 7)]).await.unwrap();
        assert_eq!(cache.get(words).await.unwrap()[a.as_str()], 7);
        assert_eq!(cache.refresh(words).await[a.as_str()], 8);
        assert_eq!(cache.original(words).await.len(), 2);
        cache.invalidate(words).await.unwrap();
        assert_eq!(cache.keys(words).unwrap().len(), 2);
        let cache = of_any::cache();
        cache.invalidate([a.as_str(), &b]).await.unwrap();
        cache.refresh([a.as_str(), &b]).await;
        assert_eq!(cache.get([a.as_str(), &b]).await.unwrap(), [Some(8), Some(8)]);
        let pairs: &[(&str, u8)] = &[(&a, 1)];
        of_pairs::cache().refresh(&a, pairs).await;
        of_pairs::cache().set([((a.as_str(), 1), 1)], &a).await.unwrap();
        of_pairs::cache().get(&a, pairs).await.unwrap().len()
    };
    assert_eq!(tokio::spawn(call).await.unwrap(), 1);
}

struct Words(Region<Memo<u64>>);

#[cached(region = self.0)]
impl Words {
    #[cached_multi(skip(self))]
    async fn lengths<'a, T: AsRef<str> + Clone + Serialize + Sync>(
        &self,
        owner: &T,
        words: &[&'a str],
    ) -> Vec<(&'a str, u64)> {
        let owner = owner.as_ref().len();
        tokio::task::yield_now().await;
        words.iter().map(|word| (*word, (owner + word.len()) as u64)).collect()
    }
}

#[tokio::test]
async fn and_methods() {
    let words = Words(Memo::new().region());
    let call = async move {
        let a = "a".to_owned();
        let of_all = words.lengths(&a, &[&a, "bb"]).await;
        let cache = words.lengths_cache::<String>();
        assert_eq!(cache.get(&a, &[&a, "bb"]).await.unwrap(), of_all);
        cache.refresh(&a, &[&a]).await.len()
    };
    assert_eq!(tokio::spawn(call).await.unwrap(), 1);
}

#[cached_multi(region = LENGTHS)]
async fn at_home(words: &[String]) -> Vec<Option<u64>> {
    let shared = Rc::new(words);
    tokio::task::yield_now().await;
    shared.iter().map(|word| Some(word.len() as u64)).collect()
}

#[tokio::test]
async fn a_function_that_stays_in_its_thread_may_do_so() {
    assert_eq!(at_home(&["four".to_owned()]).await, [Some(4)]);
}
