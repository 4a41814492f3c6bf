use std::time::Duration;

use bytes::Bytes;

use crate::{
    Backend, Batch, Capabilities, Domain, Entry, EntryTtl, HashBackend, HashExpiry, Key, Lease,
    Level, Lock, Put, Result, Store, WriteOpts,
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
/// With the feature `config` the setting `backend` chooses by name (`"memory"`, `"redis"`, `"file"`,
/// `"null"`, ..), and `lock` does where it stands for a lock (`"local"`, `"redis"`, `"file"`):
/// `Region<IntTime<Msgpack<Either<Memory, Redis>>>, Either<Local, RedisLock>>`. The settings of
/// the side that is not chosen may be there; nobody looks at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first.
    First(A),
    /// The second.
    Second(B),
}

/// Calls one of the two.
macro_rules! both {
    ($either:expr, $it:ident => $call:expr) => {
        match $either {
            Self::First($it) => $call,
            Self::Second($it) => $call,
        }
    };
}

impl<A: Level, B: Level> Level for Either<A, B> {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        both!(self, it => it.remove(key).await)
    }

    async fn remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        both!(self, it => it.remove_multi(keys).await)
    }

    fn capabilities(&self) -> Capabilities {
        both!(self, it => it.capabilities())
    }
}

impl<A: Backend, B: Backend> Backend for Either<A, B> {
    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        both!(self, it => it.get(key).await)
    }

    async fn set(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) -> Result<()> {
        both!(self, it => it.set(key, value, opts).await)
    }

    async fn get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        both!(self, it => it.get_multi(keys).await)
    }

    async fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> Result<()> {
        both!(self, it => it.set_multi(puts).await)
    }
}

impl<A: HashBackend, B: HashBackend> HashBackend for Either<A, B> {
    async fn hash_get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        both!(self, it => it.hash_get(key).await)
    }

    async fn hash_set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
        expiry: HashExpiry,
    ) -> Result<()> {
        both!(self, it => it.hash_set(key, value, opts, expiry).await)
    }

    async fn hash_remove(&self, key: Key<'_>) -> Result<()> {
        both!(self, it => it.hash_remove(key).await)
    }

    async fn hash_get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        both!(self, it => it.hash_get_multi(keys).await)
    }

    async fn hash_set_multi(&self, puts: &[Put<'_, Bytes>], expiry: HashExpiry) -> Result<()> {
        both!(self, it => it.hash_set_multi(puts, expiry).await)
    }

    async fn hash_remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        both!(self, it => it.hash_remove_multi(keys).await)
    }
}

impl<T: Send + Sync, A: Store<T>, B: Store<T>> Store<T> for Either<A, B> {
    async fn read(&self, key: Key<'_>) -> Result<Option<Entry<Option<T>>>> {
        both!(self, it => it.read(key).await)
    }

    async fn write(
        &self,
        key: Key<'_>,
        entry: &Entry<Option<T>>,
        opts: WriteOpts<'_>,
    ) -> Result<()> {
        both!(self, it => it.write(key, entry, opts).await)
    }

    async fn read_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Entry<Option<T>>>> {
        both!(self, it => it.read_multi(keys).await)
    }

    async fn write_multi(&self, puts: &[Put<'_, &Entry<Option<T>>>]) -> Result<()> {
        both!(self, it => it.write_multi(puts).await)
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

    async fn released(&self, key: Key<'_>) -> Result<()> {
        both!(self, it => it.released(key).await)
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
