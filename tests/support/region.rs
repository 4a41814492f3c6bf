//! Regions that stand for processes, and creators that stop in the middle.

use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use larder::{
    Backend, BackendExt, Bytes, Capabilities, FullDict, Invalidator, Json, Key, KeyBuf, Level,
    Lock, Marks, PayloadExt, Redis, RedisLock, Region, RegionBuilder, Result, WriteOpts,
};
use tokio::sync::{Notify, Semaphore};

use super::{
    DEADLINE,
    redis_server::{RedisServer, Reply},
    until,
};

type Stack = FullDict<Json<Redis>>;
type Builder<I = Marks> = RegionBuilder<Stack, RedisLock, I>;

/// A region with a lock between processes, over times as fine as a microsecond.
pub(crate) type Shared<I = Marks> = Region<Stack, RedisLock, I>;

/// A client for a busy machine.
pub(crate) fn patient(url: String) -> Redis {
    let builder = Redis::builder(url).connect_timeout(DEADLINE).response_timeout(DEADLINE);
    builder.build().expect("a URL of ours")
}

/// Leases that do not end by themselves while anything is waited for: what is unlocked was released.
const LEASE: Duration = DEADLINE.saturating_mul(3);

/// A region as another process has it: its connections, its lock and its flights are its own.
pub(crate) fn process(server: &RedisServer) -> Shared {
    process_with(server, |builder| builder)
}

/// The same with further settings.
pub(crate) fn process_with<I: Invalidator>(
    server: &RedisServer,
    settings: impl FnOnce(Builder) -> Builder<I>,
) -> Shared<I> {
    let redis = patient(server.unix_url());
    let lock = RedisLock::builder(&redis).lease(LEASE).build().expect("a lock of ours");
    let builder = Region::builder(redis.json().full_dict()).lock(lock);
    settings(builder).build().expect("a policy of ours")
}

/// Fresh for an hour.
pub(crate) fn an_hour(builder: Builder) -> Builder {
    builder.expire_after(Duration::from_secs(3600))
}

/// Waits until `count` keys are waited for at the lock of `region`.
pub(crate) async fn waiting<S, L: Lock + Debug, I>(region: &Region<S, L, I>, count: usize) {
    let shown = format!("waiting: {count}");
    until("a wait for a lock", async || {
        format!("{:?}", region.lock()).contains(&shown).then_some(())
    })
    .await;
}

/// The names of all locks that `server` has.
pub(crate) fn locks(server: &RedisServer) -> Vec<String> {
    let Reply::Array(names) = server.call(&["KEYS", "*lock*"]) else { return Vec::new() };
    names.iter().map(Reply::text).collect()
}

/// Waits until no lock is left.
pub(crate) async fn unlocked(server: &RedisServer) {
    until("the end of all leases", async || locks(server).is_empty().then_some(())).await;
}

/// A creator that counts its calls and waits until it is let go.
#[derive(Clone)]
pub(crate) struct Slow(Arc<(AtomicUsize, Semaphore)>);

impl Slow {
    pub(crate) fn new() -> Self {
        Self(Arc::new((AtomicUsize::new(0), Semaphore::new(0))))
    }

    pub(crate) async fn create<T>(&self, value: T) -> T {
        let (calls, gate) = &*self.0;
        calls.fetch_add(1, SeqCst);
        gate.acquire().await.expect("an open semaphore").forget();
        value
    }

    /// Lets the next call go, and one that waits already before it.
    pub(crate) fn go_once(&self) {
        self.0.1.add_permits(1);
    }

    /// Lets all calls go from now on.
    pub(crate) fn go(&self) {
        self.0.1.add_permits(1 << 20);
    }

    pub(crate) fn calls(&self) -> usize {
        self.0.0.load(SeqCst)
    }

    /// Waits for the call of this number.
    pub(crate) async fn called(&self, times: usize) {
        until("a call of the creator", async || (self.calls() >= times).then_some(())).await;
    }
}

/// A backend whose next read stops with its answer in hand, once it is armed.
pub(crate) struct Pausing<B> {
    pub(crate) inner: B,
    pub(crate) armed: AtomicBool,
    pub(crate) read: Notify,
    pub(crate) go: Notify,
}

impl<B> Pausing<B> {
    pub(crate) fn new(inner: B) -> Arc<Self> {
        let (read, go) = (Notify::new(), Notify::new());
        Arc::new(Self { inner, armed: AtomicBool::new(false), read, go })
    }
}

impl<B: Backend> Level for Pausing<B> {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        self.inner.remove(key).await
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn stored_key(&self, key: Key<'_>) -> Option<KeyBuf> {
        self.inner.stored_key(key)
    }
}

impl<B: Backend> Backend for Pausing<B> {
    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        let found = self.inner.get(key).await;
        if self.armed.swap(false, SeqCst) {
            self.read.notify_one();
            self.go.notified().await;
        }
        found
    }

    async fn set(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) -> Result<()> {
        self.inner.set(key, value, opts).await
    }
}
