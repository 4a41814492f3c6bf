//! Redis and Valkey.

mod access;
mod broadcast;
mod by_slot;
mod channel;
mod cluster;
mod config;
mod connection;
mod driver;
mod failure;
mod fenced;
mod fields;
mod followers;
mod hash;
mod sentinel;
#[cfg(feature = "config")]
mod settings;
mod tracking;
mod wire;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use redis::{Cmd, Pipeline, RedisWrite, Value};

#[cfg(feature = "config")]
pub(crate) use self::settings::Configured;
pub use self::{
    channel::RedisChannel,
    cluster::{Cluster, RedisCluster, RedisClusterBuilder},
    config::RedisBuilder,
    sentinel::{RedisSentinel, RedisSentinelBuilder, Sentinel},
    wire::{Direct, Wire},
};
pub(crate) use self::{config::config, failure::refusal, tracking::Waits};
use self::{failure::Meaning, fenced::any_fenced, tracking::Listener};
use crate::{Backend, Batch, Capabilities, Error, Expires, Key, Level, Put, Result, WriteOpts};

/// The longest lifetime a server is asked for: 285,000 years, which added to its clock is far from
/// overflowing, and which a double keeps exactly.
const LONGEST_MS: u64 = 1 << 53;

/// Redis or Valkey, over TCP, TLS or a UNIX socket; a cluster, or servers that sentinels watch.
///
/// | type | made by | for |
/// |---|---|---|
/// | `Redis` | [`Redis::new`], [`Redis::builder`] | one server, or a proxy that stands for many |
/// | [`RedisCluster`] | [`Redis::cluster`] | many masters, each with a part of the keys |
/// | [`RedisSentinel`] | [`Redis::sentinel`] | a master and its replicas; another master when it fails |
///
/// Everything below holds for all of them, and they speak to Redis from 7.0 and Valkey from 8.
///
/// A clone shares the connection: one, pipelined, made by the first call and made anew when it is
/// lost. Honours [`WriteOpts::keep_for`] in milliseconds. A batch is one round trip.
///
/// Honours [`WriteOpts::fence`] for locks in the same database: a script looks at the lease and writes,
/// which is one step for the server and one command for us. Of a batch, those puts whose leases are
/// held are written; the error tells how many were not.
///
/// A plain key is stored under its own name. A key in a space is stored under its
/// [flat form](Key::flat), or with [`Hstore`](crate::Hstore) as a field of the hash that has the name
/// of the space; a space and a plain key may not share a name then.
///
/// ```no_run
/// # async fn run() -> larder::Result<()> {
/// use std::time::Duration;
/// use larder::Redis;
///
/// let redis = Redis::new("redis://127.0.0.1/")?;
/// let other = Redis::builder("rediss://cache.example.com/1")
///     .password("secret")
///     .response_timeout(Duration::from_millis(100))
///     .build()?;
/// redis.ping().await?;
/// # let _ = other;
/// # Ok(()) }
/// ```
///
/// # URLs
///
/// | form | reaches |
/// |---|---|
/// | `redis://[user:password@]host[:port][/db]` | TCP; the port is 6379 unless given |
/// | `rediss://[user:password@]host[:port][/db]` | TLS, always verified (feature `backend-redis-tls`) |
/// | `unix:///path[?db=1&user=name&pass=word]` | a UNIX socket: half the latency of TCP on one host |
///
/// `valkey://`, `valkeys://`, `redis+unix://` and `valkey+unix://` mean the same. Special characters
/// in a name or password are percent-encoded.
///
/// # Failures
///
/// A server that is down costs a caller little: the first call waits for at most the connect
/// timeout (250 ms), those after it for at most 20 ms, and most of them not at all, since a failed
/// attempt is followed by a pause of 20 ms to 500 ms. When a connection is lost in the middle of a
/// call, the call is made once more over a new one, which is safe because every command sent has
/// the same effect when it runs twice.
///
/// | what happens | [`ErrorKind`](crate::ErrorKind) |
/// |---|---|
/// | no connection, or it was lost; the server is loading or busy | `Unavailable` |
/// | no answer within the response timeout (500 ms) | `Timeout` |
/// | the server refuses: rights, memory, a replica, no such database | `Backend`, with its words |
/// | the lease of a write is no longer held | `LeaseLost` |
/// | a read meets a value of another type | `Decode`: a region counts it as a miss and overwrites it |
///
/// # Cancellation
///
/// Every call may be dropped at any point. Whether a dropped write was carried out is unknown; other
/// calls are not affected, and an answer never reaches the wrong one.
///
/// # Concurrency
///
/// The connection lives in the Tokio runtime of the call that made it, which must have I/O and time
/// enabled. When that runtime ends, the next call makes a new connection in its own.
#[derive(Clone)]
pub struct Redis<W = Direct> {
    pub(crate) wire: W,
}

impl Redis {
    /// The server at `url`, with default settings. Does not connect yet, so a server that is down
    /// does not matter here; [`ping`](Self::ping) looks at once.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](crate::ErrorKind::Config), when the URL cannot be read. The message never
    /// holds a part of the URL.
    pub fn new(url: impl Into<String>) -> Result<Self> {
        Self::builder(url).build()
    }

    /// Settings for the server at `url`.
    pub fn builder(url: impl Into<String>) -> RedisBuilder {
        RedisBuilder::new(url.into())
    }

    /// Settings for the cluster that the nodes at `urls` are part of: some of them will do, the others
    /// are found.
    pub fn cluster(urls: impl IntoIterator<Item = impl Into<String>>) -> RedisClusterBuilder {
        RedisClusterBuilder::new(urls.into_iter().map(Into::into).collect())
    }

    /// Settings for the master that the sentinels at `urls` know as `name`.
    pub fn sentinel(
        urls: impl IntoIterator<Item = impl Into<String>>,
        name: impl Into<String>,
    ) -> RedisSentinelBuilder {
        RedisSentinelBuilder::new(urls.into_iter().map(Into::into).collect(), name.into())
    }
}

impl<W: Wire> Redis<W> {
    /// Asks the server whether it is there, connecting if need be.
    ///
    /// # Errors
    ///
    /// When it cannot be reached, does not answer in time, or does not let us in.
    ///
    /// # Cancellation
    ///
    /// Harmless.
    pub async fn ping(&self) -> Result<()> {
        match self.wire.send(&command("PING", 0, 0)).await? {
            Value::SimpleString(answer) if answer == "PONG" => Ok(()),
            other => Err(self.refused(other, failure::refusal)),
        }
    }

    /// The same servers, with the same settings, over connections that track: of each key that was read
    /// over them, they say when it changes, once, and `waits` is told.
    pub(crate) fn tracking(&self, waits: Arc<Waits>) -> Self {
        self.listening(Listener::Waits(waits))
    }

    fn listening(&self, listener: Listener) -> Self {
        Self { wire: self.wire.listening(listener) }
    }

    /// The error in an answer that is not what the command should give.
    #[cold]
    pub(crate) fn refused(&self, answer: Value, meaning: Meaning) -> Error {
        let Value::ServerError(error) = answer else {
            return failure::unexpected("the server gave an answer of an unexpected form");
        };
        if error.code() == "READONLY" {
            self.wire.demoted();
        }
        meaning(&error)
    }

    /// The value in an answer to a read.
    fn found(&self, answer: Value) -> Result<Option<Bytes>> {
        match answer {
            Value::BulkString(bytes) => Ok(Some(bytes.into())),
            Value::Nil => Ok(None),
            other => Err(self.refused(other, failure::read_refusal)),
        }
    }

    /// An answer to a write, which is `OK`, the number of keys or fields touched, or one for each.
    fn done(&self, answer: Result<Value>, meaning: Meaning) -> Result<()> {
        match answer? {
            Value::Okay | Value::Int(_) | Value::Array(_) => Ok(()),
            other => Err(self.refused(other, meaning)),
        }
    }

    async fn get_plain(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        let name = W::name(key);
        let mut get = command("GET", 1, name.len());
        get.write_arg(&name);
        self.found(self.wire.read(&[key], &get).await?)
    }

    async fn set_plain(&self, key: &[u8], value: &[u8], opts: WriteOpts<'_>) -> Result<()> {
        let answer = self.wire.send(&set_command(key, value, opts)).await;
        self.done(answer, failure::refusal)
    }

    // DEL and not UNLINK: what we store is strings, which the server frees in one step either way.
    async fn remove_plain(&self, key: &[u8]) -> Result<()> {
        let mut del = command("DEL", 1, key.len());
        del.write_arg(key);
        self.done(self.wire.send(&del).await, failure::refusal)
    }
}

impl<W: Wire> fmt::Debug for Redis<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Redis");
        self.wire.describe(&mut shown);
        if let Some(tracking) = self.wire.broadcast() {
            shown.field("tracking", tracking);
        }
        shown.finish()
    }
}

impl<W: Wire> Level for Redis<W> {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        self.remove_plain(&W::name(key)).await.map_err(|error| error.with_key(key))
    }

    async fn remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        if W::HAS_SLOTS {
            return Box::pin(self.remove_by_slot(keys)).await;
        }
        let answer = self.wire.send(&keys_command::<W>("DEL", keys.iter().copied())).await;
        self.done(answer, failure::refusal)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
            .with_expires(Expires::Always)
            .with_fence(self.wire.domain())
            .with_place(self.wire.place())
    }
}

impl<W: Wire> Backend for Redis<W> {
    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        self.get_plain(key).await.map_err(|error| error.with_key(key))
    }

    async fn set(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) -> Result<()> {
        if opts.fence.is_some() {
            // Boxed, so that other writes do not carry what this one needs.
            let set = Box::pin(self.set_fenced(&[Put::new(key, value, opts)], None)).await;
            return set.map_err(|error| error.with_key(key));
        }
        let set = self.set_plain(&W::name(key), &value, opts).await;
        set.map_err(|error| error.with_key(key))
    }

    /// One `MGET`, or one for each slot. It gives nothing for a key that holds another type of value.
    async fn get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        if W::HAS_SLOTS {
            return Box::pin(self.get_by_slot(keys)).await;
        }
        let get = keys_command::<W>("MGET", keys.iter().copied());
        let answer = self.wire.read(keys, &get).await;
        self.found_many(answer, keys.len())
    }

    /// One pipeline of `SET`s; with leases, a script.
    async fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> Result<()> {
        if puts.is_empty() {
            return Ok(());
        }
        if any_fenced(puts) {
            return Box::pin(self.set_fenced(puts, None)).await;
        }
        let mut sets = Pipeline::with_capacity(puts.len());
        for put in puts {
            sets.add_command(set_command(&W::name(put.key), &put.value, put.opts));
        }
        let answers = self.wire.send_all(&sets).await?;
        answers.into_iter().zip(puts).try_for_each(|(answer, put)| {
            self.done(answer, failure::refusal).map_err(|error| error.with_key(put.key))
        })
    }
}

impl<W: Wire> Redis<W> {
    /// The values in an answer to `MGET` or `HMGET` of `count` keys.
    fn found_many(&self, answer: Result<Value>, count: usize) -> Result<Batch<Bytes>> {
        match answer? {
            Value::Array(answers) if answers.len() == count => {
                Ok(answers.into_iter().map(|answer| self.found(answer)).collect())
            }
            other => Err(self.refused(other, failure::read_refusal)),
        }
    }
}

/// An empty command with room for `args` arguments of `bytes` bytes in all.
pub(crate) fn command(name: &str, args: usize, bytes: usize) -> Cmd {
    let mut command = Cmd::with_capacity(1 + args, name.len() + bytes);
    command.write_arg(name.as_bytes());
    command
}

fn keys_command<'a, W: Wire>(
    name: &str,
    keys: impl ExactSizeIterator<Item = Key<'a>> + Clone,
) -> Cmd {
    let bytes = keys.clone().map(|key| key.space().map_or(0, |s| s.len() + 3) + key.name().len());
    let mut command = command(name, keys.len(), bytes.sum());
    for key in keys {
        command.write_arg(&W::name(key));
    }
    command
}

/// `SET key value [PX ms]`.
fn set_command(key: &[u8], value: &[u8], opts: WriteOpts<'_>) -> Cmd {
    let mut set = command("SET", 4, key.len() + value.len() + 24);
    set.write_arg(key);
    set.write_arg(value);
    if let Some(keep_for) = opts.keep_for {
        set.write_arg(b"PX");
        set.arg(millis(keep_for));
    }
    set
}

/// A lifetime as the server takes it: never 0, which it refuses (`SET`) or takes for "delete"
/// (`PEXPIRE`), and never so long that it overflows.
pub(crate) fn millis(keep_for: Duration) -> u64 {
    u64::try_from(keep_for.as_millis()).unwrap_or(LONGEST_MS).clamp(1, LONGEST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_never_zero_and_never_overflow() {
        for (keep_for, ms) in [
            (Duration::ZERO, 1),
            (Duration::from_nanos(1), 1),
            (Duration::from_micros(1999), 1),
            (Duration::from_secs(60), 60_000),
            (Duration::from_secs(u64::MAX), LONGEST_MS),
            (Duration::MAX, LONGEST_MS),
        ] {
            assert_eq!(millis(keep_for), ms, "{keep_for:?}");
        }
    }
}
