use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use pin_project_lite::pin_project;

use crate::{
    Backend, Batch, Capabilities, Domain, Entry, EntryTtl, HashBackend, HashExpiry, Key, KeyBuf,
    Lease, Level, Lifetimes, Lock, Put, ReadOpts, RegionEvent, Result, Seen, Store, WriteOpts,
};

/// One of two: stacks, backends or locks, as the program or its configuration decides when it starts.
///
/// It is whatever both are, and does what the one that is there does: no virtual call, no allocation, one
/// branch for each call. Nest it for more than two.
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "codec-json"))] {
/// use larder::{Either, IntTime, Json, Logging, Memory, Null, Region};
///
/// type Pages = Region<Logging<IntTime<Json<Either<Memory, Null>>>>>;
///
/// # use larder::{BackendExt, LayerExt, PayloadExt};
/// # let is_on = true;
/// let backend = if is_on { Either::First(Memory::new()) } else { Either::Second(Null) };
/// let pages: Pages = backend.json().int_time().logging().region();
/// # let _ = pages;
/// # }
/// ```
///
/// With the feature `config` the setting `backend` chooses by name (`"memory"`, `"redis"`,
/// `"redis-cluster"`, `"file"`, `"null"`, ..), and `lock` does where it stands for a lock (`"local"`,
/// `"redis"`, `"redis-cluster"`, `"file"`):
/// `Region<IntTime<Msgpack<Either<Memory, Redis>>>, Either<Local, RedisLock>>`. The settings of
/// the side that is not chosen may be there; nobody looks at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first.
    First(A),
    /// The second.
    Second(B),
}

pin_project! {
    /// The future of one of the two. Not an `async` function: that would move the answer once more, which
    /// on a hit in memory takes longer than the search.
    #[project = BranchProj]
    enum Branch<F, G> {
        First { #[pin] future: F },
        Second { #[pin] future: G },
    }
}

impl<F: Future, G: Future<Output = F::Output>> Future for Branch<F, G> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.project() {
            BranchProj::First { future } => future.poll(cx),
            BranchProj::Second { future } => future.poll(cx),
        }
    }
}

/// Asks one of the two.
macro_rules! both {
    ($either:expr, $it:ident => $call:expr) => {
        match $either {
            Self::First($it) => $call,
            Self::Second($it) => $call,
        }
    };
}

/// Calls one of the two, which gives a future.
macro_rules! either {
    ($either:expr, $it:ident => $call:expr) => {
        match $either {
            Self::First($it) => Branch::First { future: $call },
            Self::Second($it) => Branch::Second { future: $call },
        }
    };
}

impl<A: Level, B: Level> Level for Either<A, B> {
    fn remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send {
        either!(self, it => it.remove(key))
    }

    fn remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send {
        either!(self, it => it.remove_multi(keys))
    }

    fn capabilities(&self) -> Capabilities {
        both!(self, it => it.capabilities())
    }

    fn stored_key(&self, key: Key<'_>) -> Option<KeyBuf> {
        both!(self, it => it.stored_key(key))
    }

    fn adopt(&self, lifetimes: &Lifetimes) -> Result<()> {
        both!(self, it => it.adopt(lifetimes))
    }

    #[inline]
    fn tell(&self, event: &RegionEvent<'_>) {
        both!(self, it => it.tell(event));
    }

    fn evicted(&self) -> u64 {
        both!(self, it => it.evicted())
    }
}

impl<A: Backend, B: Backend> Backend for Either<A, B> {
    #[inline]
    fn glance(&self, key: Key<'_>) -> Option<Bytes> {
        match self {
            Self::First(it) => it.glance(key),
            Self::Second(it) => it.glance(key),
        }
    }

    fn get(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Bytes>>> + Send {
        either!(self, it => it.get(key))
    }

    fn set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
    ) -> impl Future<Output = Result<()>> + Send {
        either!(self, it => it.set(key, value, opts))
    }

    fn get_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<Batch<Bytes>>> + Send {
        either!(self, it => it.get_multi(keys))
    }

    fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> impl Future<Output = Result<()>> + Send {
        either!(self, it => it.set_multi(puts))
    }
}

impl<A: HashBackend, B: HashBackend> HashBackend for Either<A, B> {
    fn hash_get(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Bytes>>> + Send {
        either!(self, it => it.hash_get(key))
    }

    fn hash_set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
        expiry: HashExpiry,
    ) -> impl Future<Output = Result<()>> + Send {
        either!(self, it => it.hash_set(key, value, opts, expiry))
    }

    fn hash_remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send {
        either!(self, it => it.hash_remove(key))
    }

    fn hash_get_multi(
        &self,
        keys: &[Key<'_>],
    ) -> impl Future<Output = Result<Batch<Bytes>>> + Send {
        either!(self, it => it.hash_get_multi(keys))
    }

    fn hash_set_multi(
        &self,
        puts: &[Put<'_, Bytes>],
        expiry: HashExpiry,
    ) -> impl Future<Output = Result<()>> + Send {
        either!(self, it => it.hash_set_multi(puts, expiry))
    }

    fn hash_remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send {
        either!(self, it => it.hash_remove_multi(keys))
    }
}

impl<T, A: Store<T>, B: Store<T>> Store<T> for Either<A, B> {
    #[inline]
    fn glance(&self, key: Key<'_>) -> Option<Entry<Option<T>>> {
        match self {
            Self::First(it) => it.glance(key),
            Self::Second(it) => it.glance(key),
        }
    }

    fn read(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Entry<Option<T>>>>> + Send {
        either!(self, it => it.read(key))
    }

    fn write(
        &self,
        key: Key<'_>,
        entry: &Entry<Option<T>>,
        opts: WriteOpts<'_>,
    ) -> impl Future<Output = Result<()>> + Send {
        either!(self, it => it.write(key, entry, opts))
    }

    fn read_multi(
        &self,
        keys: &[Key<'_>],
    ) -> impl Future<Output = Result<Batch<Entry<Option<T>>>>> + Send
    where
        T: Send,
    {
        either!(self, it => it.read_multi(keys))
    }

    fn read_with(
        &self,
        key: Key<'_>,
        opts: ReadOpts,
    ) -> impl Future<Output = Result<Option<Entry<Option<T>>>>> + Send {
        either!(self, it => it.read_with(key, opts))
    }

    fn read_multi_with(
        &self,
        keys: &[Key<'_>],
        opts: ReadOpts,
    ) -> impl Future<Output = Result<Batch<Entry<Option<T>>>>> + Send
    where
        T: Send,
    {
        either!(self, it => it.read_multi_with(keys, opts))
    }

    fn handed(&self, key: Key<'_>, entry: impl FnOnce() -> Entry<Option<T>>) {
        both!(self, it => Store::<T>::handed(it, key, entry));
    }

    fn write_multi(
        &self,
        puts: &[Put<'_, &Entry<Option<T>>>],
    ) -> impl Future<Output = Result<()>> + Send
    where
        T: Sync,
    {
        either!(self, it => it.write_multi(puts))
    }
}

impl<A: EntryTtl, B: EntryTtl> EntryTtl for Either<A, B> {}

impl<A: Lock, B: Lock> Lock for Either<A, B> {
    fn is_shared(&self) -> bool {
        both!(self, it => it.is_shared())
    }

    fn lease(&self, key: Key<'_>) -> Lease {
        both!(self, it => it.lease(key))
    }

    async fn acquire(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        both!(self, it => it.acquire(leases).await)
    }

    async fn seize(&self, leases: &[Lease]) -> Result<()> {
        both!(self, it => it.seize(leases).await)
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        both!(self, it => it.renew(leases).await)
    }

    async fn release(&self, leases: &[Lease]) -> Result<()> {
        both!(self, it => it.release(leases).await)
    }

    async fn released(&self, key: Key<'_>, seen: &mut Seen) -> Result<()> {
        both!(self, it => it.released(key, seen).await)
    }

    async fn is_locked(&self, key: Key<'_>) -> Result<bool> {
        both!(self, it => it.is_locked(key).await)
    }

    fn lasts(&self) -> Duration {
        both!(self, it => it.lasts())
    }

    fn domain(&self) -> Option<Domain> {
        both!(self, it => it.domain())
    }
}
