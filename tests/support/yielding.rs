//! A store that gives way to others before and after everything it does.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use larder::{
    Batch, Capabilities, Entry, Immediate, Key, KeyBuf, Level, Put, Result, Store, WriteOpts,
};

/// Is pending once. Works under every executor.
pub(crate) async fn give_way() {
    let mut given = false;
    poll_fn(|cx: &mut Context<'_>| {
        if std::mem::replace(&mut given, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Gives way until `condition` holds; for current-thread runtimes, where that is enough.
///
/// # Panics
///
/// When it never does.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    for _ in 0..100_000 {
        if condition() {
            return;
        }
        give_way().await;
    }
    panic!("the condition never came true");
}

/// Does `work` between two moments at which others may run, or at which it is dropped.
pub(crate) async fn yielding<T>(work: impl Future<Output = T>) -> T {
    give_way().await;
    let done = work.await;
    give_way().await;
    done
}

/// A store, made slow.
#[derive(Debug, Default)]
pub(crate) struct Yielding<S>(pub(crate) S);

impl<S: Level> Level for Yielding<S> {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        yielding(self.0.remove(key)).await
    }

    async fn remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        yielding(self.0.remove_multi(keys)).await
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities().with_immediate(Immediate::Nothing)
    }

    fn stored_key(&self, key: Key<'_>) -> Option<KeyBuf> {
        self.0.stored_key(key)
    }
}

impl<T: Send + Sync, S: Store<T>> Store<T> for Yielding<S> {
    async fn read(&self, key: Key<'_>) -> Result<Option<Entry<Option<T>>>> {
        yielding(self.0.read(key)).await
    }

    async fn write(
        &self,
        key: Key<'_>,
        entry: &Entry<Option<T>>,
        opts: WriteOpts<'_>,
    ) -> Result<()> {
        yielding(self.0.write(key, entry, opts)).await
    }

    async fn read_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Entry<Option<T>>>> {
        yielding(self.0.read_multi(keys)).await
    }

    async fn write_multi(&self, puts: &[Put<'_, &Entry<Option<T>>>]) -> Result<()> {
        yielding(self.0.write_multi(puts)).await
    }
}

impl<S: larder::EntryTtl> larder::EntryTtl for Yielding<S> {}
