//! What happens with any lock: one side holds, the other waits and is served.

use std::time::Duration;

use larder::{Lock, Region, Store};
use serde_json::json;

use crate::{
    python::Python,
    support::{region::Slow, until},
};

/// What a process of larder shares with Python here: values are texts.
pub(crate) trait Shared: Store<String> + Send + Sync + 'static {}

impl<S: Store<String> + Send + Sync + 'static> Shared for S {}

/// A call that waits for another process: it began, and did not end.
pub(crate) async fn is_waiting<T>(call: &tokio::task::JoinHandle<T>) {
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert!(!call.is_finished());
}

pub(crate) fn asking<S: Shared, L: Lock>(
    region: &Region<S, L>,
    key: &'static str,
    slow: &Slow,
) -> tokio::task::JoinHandle<String> {
    let (region, slow) = (region.clone(), slow.clone());
    tokio::spawn(async move {
        region.get_or_create(key, async || slow.create("larder's".to_owned()).await).await.unwrap()
    })
}

pub(crate) async fn python_holds<S: Shared, L: Lock>(region: &Region<S, L>, python: &mut Python) {
    let slow = Slow::new();
    python.creating("theirs", "python's");
    assert!(region.key_is_locked("theirs").await.unwrap());
    let waiters: Vec<_> = (0..3).map(|_| asking(region, "theirs", &slow)).collect();
    is_waiting(&waiters[0]).await;
    python.go();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), "python's");
    }
    assert_eq!(python.hear("got"), "python's");
    assert_eq!(slow.calls(), 0);
    until("its lock is given back", async || {
        (!region.key_is_locked("theirs").await.unwrap()).then_some(())
    })
    .await;
}

/// `sees` is whether Python looks at the lock to say that a key is locked.
pub(crate) async fn larder_holds<S: Shared, L: Lock>(
    region: &Region<S, L>,
    python: &mut Python,
    sees: bool,
) {
    let slow = Slow::new();
    let creation = asking(region, "ours", &slow);
    slow.called(1).await;
    assert_eq!(python.sees_locked("ours"), sees);
    assert!(!python.acquires("ours"));
    python.create("ours", "python's");
    is_waiting(&creation).await;
    slow.go();
    assert_eq!(creation.await.unwrap(), "larder's");
    // It would create, and stop there, if it were not served.
    assert_eq!(python.hear("got"), "larder's");
    assert!(!python.sees_locked("ours"));
    assert!(!region.key_is_locked("ours").await.unwrap());
    assert_eq!(python.ask(&json!(["get", "ours"]), "got"), "larder's");
}
