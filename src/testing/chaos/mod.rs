//! A layer that makes what is under it fail.

mod handle;
mod hold;
mod rule;

use std::future::Future;

use bytes::Bytes;

pub use self::{
    handle::ChaosHandle,
    hold::Hold,
    rule::{Calls, Damage, Fault, Rule},
};
use self::{handle::Met, rule::Action};
use super::dice::Dice;
use crate::{
    Backend, Batch, Capabilities, Entry, EntryTtl, Error, ErrorKind, HashBackend, HashExpiry, Key,
    KeyBuf, Level, Lifetimes, Op, Put, ReadOpts, RegionEvent, Result, Store, WriteOpts,
};

/// A level that fails when it is told to: errors, delays, lost replies, damaged bytes, calls that
/// stop until the test lets them go. Transparent: it is whatever `S` is, a backend or a store.
///
/// Told so through its [`handle`](Self::handle), by rules for the next calls or for some of all calls;
/// chance is seeded, so that a run can be repeated.
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "codec-json"))] {
/// use larder::{BackendExt, ErrorKind, LayerExt, Memory, PayloadExt};
/// use larder::testing::{Calls, Chaos, Fault};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = Chaos::new(Memory::new());
/// let chaos = store.handle();
/// let region = store.json().int_time().region();
///
/// chaos.inject(Fault::Error(ErrorKind::Unavailable).on(Calls::Writes).times(1));
/// assert!(region.set("k", 1).await.is_err());
/// region.set("k", 2).await?;
/// assert_eq!((chaos.asked(Calls::Writes), chaos.injected(Calls::Writes)), (2, 1));
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// # }
/// ```
#[derive(Debug)]
pub struct Chaos<S> {
    inner: S,
    handle: ChaosHandle,
}

impl<S: Level> Chaos<S> {
    /// Puts it over `inner`, with the seed 0.
    #[must_use]
    pub fn new(inner: S) -> Self {
        Self::with_seed(inner, 0)
    }

    /// Puts it over `inner`. What is random is the same for the same seed and the same calls in the
    /// same order.
    #[must_use]
    pub fn with_seed(inner: S, seed: u64) -> Self {
        Self { inner, handle: ChaosHandle::new(seed) }
    }

    /// Its controls.
    #[must_use]
    pub fn handle(&self) -> ChaosHandle {
        self.handle.clone()
    }

    /// What is under it, for a look that meets no fault and is not counted.
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// Makes a call, and lets happen to it what the rules say.
    async fn call<V: Damaged>(
        &self,
        op: Op,
        inner: impl Future<Output = Result<V>> + Send,
    ) -> Result<V> {
        let Some(Met { action, seed }) = self.handle.meet(op) else { return inner.await };
        match action {
            Action::Hold { gate, answered: false } => {
                gate.pass().await;
                inner.await
            }
            Action::Hold { gate, answered: true } => {
                let answer = inner.await;
                gate.pass().await;
                answer
            }
            Action::Inject(Fault::Error(kind)) => Err(Error::new(kind, "chaos")),
            Action::Inject(Fault::Delay(delay)) => {
                tokio::time::sleep(delay).await;
                inner.await
            }
            Action::Inject(Fault::LoseReply) => {
                inner.await?;
                Err(Error::new(ErrorKind::Timeout, "chaos").with_message("the reply was lost"))
            }
            Action::Inject(Fault::Corrupt(damage)) => {
                inner.await?.damaged(&damage, &mut Dice::new(seed))
            }
        }
    }

    async fn call_for<V: Damaged>(
        &self,
        op: Op,
        key: Key<'_>,
        inner: impl Future<Output = Result<V>> + Send,
    ) -> Result<V> {
        self.call(op, inner).await.map_err(|error| error.with_key(key))
    }
}

/// An answer that may hold something to be damaged.
trait Damaged: Sized + Send {
    fn damaged(self, damage: &Damage, dice: &mut Dice) -> Result<Self>;
}

impl Damaged for () {
    fn damaged(self, _: &Damage, _: &mut Dice) -> Result<Self> {
        Ok(())
    }
}

impl Damaged for Option<Bytes> {
    fn damaged(self, damage: &Damage, dice: &mut Dice) -> Result<Self> {
        Ok(self.map(|bytes| damage.inflict(&bytes, dice)))
    }
}

impl<T: Send> Damaged for Option<Entry<T>> {
    fn damaged(self, _: &Damage, _: &mut Dice) -> Result<Self> {
        match self {
            None => Ok(None),
            Some(_) => Err(Error::new(ErrorKind::Decode, "chaos")),
        }
    }
}

impl<V: Send> Damaged for Batch<V>
where
    Option<V>: Damaged,
{
    fn damaged(self, damage: &Damage, dice: &mut Dice) -> Result<Self> {
        Ok(self.into_iter().map(|found| found?.damaged(damage, dice)).collect())
    }
}

impl<S: Level> Level for Chaos<S> {
    fn remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send {
        self.call_for(Op::Remove, key, self.inner.remove(key))
    }

    fn remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send {
        self.call(Op::RemoveMulti, self.inner.remove_multi(keys))
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn stored_key(&self, key: Key<'_>) -> Option<KeyBuf> {
        self.inner.stored_key(key)
    }

    fn adopt(&self, lifetimes: &Lifetimes) -> Result<()> {
        self.inner.adopt(lifetimes)
    }

    #[inline]
    fn tell(&self, event: &RegionEvent<'_>) {
        self.inner.tell(event);
    }

    fn evicted(&self) -> u64 {
        self.inner.evicted()
    }
}

impl<S: Backend> Backend for Chaos<S> {
    fn get(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Bytes>>> + Send {
        self.call_for(Op::Get, key, self.inner.get(key))
    }

    fn set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
    ) -> impl Future<Output = Result<()>> + Send {
        self.call_for(Op::Set, key, self.inner.set(key, value, opts))
    }

    fn get_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<Batch<Bytes>>> + Send {
        self.call(Op::GetMulti, self.inner.get_multi(keys))
    }

    fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> impl Future<Output = Result<()>> + Send {
        self.call(Op::SetMulti, self.inner.set_multi(puts))
    }
}

impl<S: HashBackend> HashBackend for Chaos<S> {
    fn hash_get(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Bytes>>> + Send {
        self.call_for(Op::Get, key, self.inner.hash_get(key))
    }

    fn hash_set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
        expiry: HashExpiry,
    ) -> impl Future<Output = Result<()>> + Send {
        self.call_for(Op::Set, key, self.inner.hash_set(key, value, opts, expiry))
    }

    fn hash_remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send {
        self.call_for(Op::Remove, key, self.inner.hash_remove(key))
    }

    fn hash_get_multi(
        &self,
        keys: &[Key<'_>],
    ) -> impl Future<Output = Result<Batch<Bytes>>> + Send {
        self.call(Op::GetMulti, self.inner.hash_get_multi(keys))
    }

    fn hash_set_multi(
        &self,
        puts: &[Put<'_, Bytes>],
        expiry: HashExpiry,
    ) -> impl Future<Output = Result<()>> + Send {
        self.call(Op::SetMulti, self.inner.hash_set_multi(puts, expiry))
    }

    fn hash_remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send {
        self.call(Op::RemoveMulti, self.inner.hash_remove_multi(keys))
    }
}

impl<T: Send + Sync, S: Store<T>> Store<T> for Chaos<S> {
    fn read(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Entry<Option<T>>>>> + Send {
        self.call_for(Op::Get, key, self.inner.read(key))
    }

    fn write(
        &self,
        key: Key<'_>,
        entry: &Entry<Option<T>>,
        opts: WriteOpts<'_>,
    ) -> impl Future<Output = Result<()>> + Send {
        self.call_for(Op::Set, key, self.inner.write(key, entry, opts))
    }

    fn read_multi(
        &self,
        keys: &[Key<'_>],
    ) -> impl Future<Output = Result<Batch<Entry<Option<T>>>>> + Send {
        self.call(Op::GetMulti, self.inner.read_multi(keys))
    }

    fn read_with(
        &self,
        key: Key<'_>,
        opts: ReadOpts,
    ) -> impl Future<Output = Result<Option<Entry<Option<T>>>>> + Send {
        self.call_for(Op::Get, key, self.inner.read_with(key, opts))
    }

    fn read_multi_with(
        &self,
        keys: &[Key<'_>],
        opts: ReadOpts,
    ) -> impl Future<Output = Result<Batch<Entry<Option<T>>>>> + Send {
        self.call(Op::GetMulti, self.inner.read_multi_with(keys, opts))
    }

    fn handed(&self, key: Key<'_>, entry: impl FnOnce() -> Entry<Option<T>>) {
        self.inner.handed(key, entry);
    }

    fn write_multi(
        &self,
        puts: &[Put<'_, &Entry<Option<T>>>],
    ) -> impl Future<Output = Result<()>> + Send {
        self.call(Op::SetMulti, self.inner.write_multi(puts))
    }
}

impl<S: EntryTtl> EntryTtl for Chaos<S> {}
