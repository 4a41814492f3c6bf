mod builder;
mod script;
#[cfg(feature = "config")]
mod settings;
mod watch;

use std::{fmt, sync::Arc, time::Duration};

use redis::{RedisWrite, Value};

pub use self::builder::RedisLockBuilder;
use self::watch::Watch;
use super::{Domain, Lease, Lock, Seen};
use crate::{
    Error, Key, Redis, Result,
    backend::redis::{Cluster, Direct, Sentinel, Wire, command, millis, refusal},
};

/// One creator among all processes that use a Redis or Valkey server.
///
/// A clone shares everything. Commands go over the connection of the [`Redis`] it was made from;
/// waits share a second one, made by the first of them and kept, over which the server says when a
/// lock is released.
///
/// ```no_run
/// # async fn run() -> larder::Result<()> {
/// use std::time::Duration;
/// use larder::{Lock, Redis, RedisLock};
///
/// let redis = Redis::new("redis://127.0.0.1/")?;
/// let lock = RedisLock::new(&redis);
/// let patient = RedisLock::builder(&redis).lease(Duration::from_secs(30)).build()?;
/// let lease = lock.lease("user:15".into());
/// if lock.acquire(&[lease.clone()]).await? == [true] {
///     // Create and store, in writes that are fenced by `lease`.
///     lock.release(&[lease]).await?;
/// }
/// # let _ = patient;
/// # Ok(()) }
/// ```
///
/// # What it promises
///
/// While the server answers and keeps what it is told, at most one lease of a key is held, and one
/// that ends (5 s after its last renewal) can be taken by another. That saves work; by itself it does
/// not keep two processes from creating the same value. A process that is stopped for longer than its
/// lease lasts goes on believing that it holds it, and a server that fails over may have forgotten a
/// lease. What keeps the store right is the *fence*: [`Redis`] in the same database looks at the lease
/// in the same step as it writes ([`WriteOpts::fence`](crate::WriteOpts::fence)), so that what was
/// created under a lost lease never overwrites what came later.
///
/// # Commands
///
/// The lock of a key is the string `larder:lock:` and the key's [flat form](Key::flat), after the layers
/// that change keys: the lock of `k` under [`Prefixed`](crate::Prefixed) is `larder:lock:app:k`. It holds
/// the token of its owner, and its TTL is what is left of the lease.
///
/// In a [cluster](crate::RedisCluster#names) the key has a tag around it or before it, so that the lock is
/// in the slot of the entry, and waits share one more connection for each node.
///
/// Many leases are one script (in a cluster one for each slot), up to 1000 of them, and one round trip, however many.
///
/// | call | commands |
/// |---|---|
/// | [`acquire`](Lock::acquire) | `SET name token NX PX ms`; a name that has this token is a success |
/// | [`renew`](Lock::renew) | `PEXPIRE name ms` where the name has this token |
/// | [`release`](Lock::release) | `DEL name` where the name has this token |
/// | [`seize`](Lock::seize) | `SET name token PX ms` |
/// | [`is_locked`](Lock::is_locked) | `EXISTS name` |
/// | [`released`](Lock::released) | `GET name`, `PTTL name`, over the second connection |
///
/// That connection speaks RESP3 and has `CLIENT TRACKING` on: whoever looked at a name over it is told
/// by the server when it is deleted, overwritten, renewed or expired. So a waiter wakes one message
/// after the release, and nobody polls, except once a second in case that a message was lost.
///
/// # Together with Python
///
/// [`dogpile()`](RedisLockBuilder::dogpile) gives locks the form of dogpile.cache with
/// `distributed_lock`: the name `_lock` and the key, and tokens of 32 hexadecimal digits. Both sides
/// then exclude each other, with a `key_mangler` as well: see [`Hashed`](crate::Hashed).
///
/// | in Python | its lock | here |
/// |---|---|---|
/// | dogpile.cache, key `k` | `_lockk` | `.dogpile()` |
/// | dogpile.cache 1.5 with `lock_prefix="app:"` | `app:k` | `.dogpile().prefix("app:")` |
/// | `dogpile_backend_redis_advanced` 0.4, key `("h", "f")` | `_lockh,f` | `.dogpile()`, key `("h", "f")` |
/// | `dogpile_backend_redis_advanced` 0.5, key `("h", "f")` | `_lok.h,f` | `.dogpile().prefix("_lok.")`, key `("h", "f")` |
///
/// So `("a", "b,c")` and `("a,b", "c")` share a lock, as they do there: one is created after the other.
///
/// Give dogpile a `lock_timeout` that is longer than any creation. It does not renew, so a longer one
/// loses its lock, and when it then finds that out it raises `LockNotOwnedError` to its caller, after it
/// has stored its value. Without a `lock_timeout` the lock of a process that dies never ends: calls here
/// wait as long as [`wait_timeout`](crate::Options::wait_timeout) says and then fail, or create without
/// storing ([`OnTimeout`](crate::OnTimeout)), until somebody deletes the lock. [`seize`](Lock::seize) leaves
/// what Python holds alone, because of that exception. Python waits by looking every `lock_sleep` (100 ms)
/// and knows nothing of waiting times: it waits for a lease of larder as long as that is renewed.
/// Python stores without looking at its lock, so a creation that outlived its lock may overwrite what came
/// later; larder's writes are fenced against Python's locks as against its own.
///
/// In a cluster there is no such form: it has no tag, so it could not be looked at in the step that writes.
///
/// # Failures
///
/// | what happens | what follows |
/// |---|---|
/// | the server is down, hangs or refuses | the errors of [`Redis`], as soon as there; a wait that sleeps notices at once or with its next look |
/// | a process dies while it holds a lease | others can take it when it ends, and waits end then |
/// | a lease is lost: it ended, was seized, deleted or evicted | `renew` says so, a fenced write is refused, `release` touches nothing |
/// | the second connection is lost | every wait looks again, over a new one |
/// | the second connection cannot be made, or tracking is refused (before Redis 6, by an ACL or a proxy) | waits poll every 50 ms over the first one; a refusal is logged once |
///
/// An ACL user needs `EVAL`, `GET`, `SET`, `DEL`, `EXISTS`, `PEXPIRE` and `PTTL` on the names of
/// locks, and `HELLO` and `CLIENT TRACKING` for the pushes.
pub struct RedisLock<W = Direct>(Arc<Inner<W>>);

/// [`RedisLock`] in a cluster.
pub type RedisClusterLock = RedisLock<Cluster>;

/// [`RedisLock`] at a master that sentinels watch.
pub type RedisSentinelLock = RedisLock<Sentinel>;

struct Inner<W> {
    redis: Redis<W>,
    watch: Watch<W>,
    prefix: Box<str>,
    dogpile: bool,
    lease: Duration,
}

impl<W: Wire> RedisLock<W> {
    /// Locks beside the entries of `redis`, with default settings. Does not connect yet.
    #[must_use]
    pub fn new(redis: &Redis<W>) -> Self {
        RedisLockBuilder::new(redis).lock(builder::PREFIX)
    }

    /// Settings for locks beside the entries of `redis`.
    pub fn builder(redis: &Redis<W>) -> RedisLockBuilder<W> {
        RedisLockBuilder::new(redis)
    }

    fn name(&self, key: Key<'_>) -> Vec<u8> {
        match key.space() {
            // As redis_advanced joins the parts of a tuple.
            Some(space) if self.0.dogpile => {
                [&self.0.prefix, space, ",", key.name()].concat().into()
            }
            _ => W::lock_name(&self.0.prefix, key),
        }
    }

    /// Runs `script` for all of `leases`; its answer for each.
    async fn run(&self, script: &str, leases: &[Lease]) -> Result<Vec<bool>> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let (pipeline, parts) = script::pipeline::<W>(script, leases, millis(self.0.lease));
        let answers =
            self.0.redis.wire.send_all(&pipeline).await.map_err(|error| match leases {
                [lease] => error.with_key(lease.key()),
                _ => error,
            })?;
        let mut held = vec![false; leases.len()];
        for (answer, positions) in answers.into_iter().zip(parts) {
            let key = leases[positions[0]].key();
            let refused = |answer| self.refused(answer, key);
            match answer.map_err(|error| error.with_key(key))? {
                Value::Array(answers) if answers.len() == positions.len() => {
                    for (position, answer) in positions.into_iter().zip(answers) {
                        held[position] = yes(answer).map_err(refused)?;
                    }
                }
                other => return Err(refused(other)),
            }
        }
        Ok(held)
    }

    /// Tells the wire which of `leases` are held.
    fn hold(&self, leases: &[Lease], held: &[bool]) {
        let ours = leases.iter().zip(held).filter_map(|(lease, held)| held.then_some(lease));
        self.0.redis.wire.held(ours, self.0.lease);
    }

    #[cold]
    fn refused(&self, answer: Value, key: Key<'_>) -> Error {
        self.0.redis.refused(answer, refusal).with_key(key)
    }
}

/// The truth of 1 or 0; anything else comes back.
fn yes(answer: Value) -> Result<bool, Value> {
    match answer {
        Value::Int(0) => Ok(false),
        Value::Int(1) => Ok(true),
        other => Err(other),
    }
}

/// Shows how many locks are waited for besides the settings.
impl<W: Wire> fmt::Debug for RedisLock<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLock")
            .field("prefix", &self.0.prefix)
            .field("dogpile", &self.0.dogpile)
            .field("lease", &self.0.lease)
            .field("waiting", &self.0.watch.waiting())
            .field("redis", &self.0.redis)
            .finish()
    }
}

impl<W> Clone for RedisLock<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Wire> Lock for RedisLock<W> {
    fn lease(&self, key: Key<'_>) -> Lease {
        Lease::new(key, self.name(key))
    }

    async fn acquire(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        self.run(script::ACQUIRE, leases).await.inspect(|held| self.hold(leases, held))
    }

    async fn seize(&self, leases: &[Lease]) -> Result<()> {
        let script = if self.0.dogpile { script::SEIZE_OURS } else { script::SEIZE };
        self.run(script, leases).await.map(|held| self.hold(leases, &held))
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        self.run(script::RENEW, leases).await.inspect(|held| self.hold(leases, held))
    }

    async fn release(&self, leases: &[Lease]) -> Result<()> {
        self.0.redis.wire.given_back(leases);
        self.run(script::RELEASE, leases).await.map(drop)
    }

    async fn released(&self, key: Key<'_>, seen: &mut Seen) -> Result<()> {
        let released = self.0.watch.released(&self.name(key), seen).await;
        released.map_err(|error| error.with_key(key))
    }

    async fn is_locked(&self, key: Key<'_>) -> Result<bool> {
        let name = self.name(key);
        let mut exists = command("EXISTS", 1, name.len());
        exists.write_arg(&name);
        let answer = self.0.redis.wire.send(&exists).await;
        let answer = answer.map_err(|error| error.with_key(key))?;
        yes(answer).map_err(|answer| self.refused(answer, key))
    }

    fn lasts(&self) -> Duration {
        self.0.lease
    }

    fn domain(&self) -> Option<Domain> {
        Some(self.0.redis.wire.domain())
    }
}
