//! Redis and Valkey.

mod config;
mod connection;
mod driver;
mod failure;
mod fenced;
mod hash;
#[cfg(feature = "config")]
mod settings;
mod tracking;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use redis::{Cmd, Pipeline, RedisWrite, Value};

pub use self::config::RedisBuilder;
pub(crate) use self::{config::config, connection::Link, failure::refusal, tracking::Waits};
use self::{failure::Meaning, fenced::any_fenced};
use crate::{
    Backend, Batch, Capabilities, Domain, Error, Expires, Key, Level, Put, Result, WriteOpts,
};

/// The longest lifetime a server is asked for: 285,000 years, which added to its clock is far from
/// overflowing, and which a double keeps exactly.
const LONGEST_MS: u64 = 1 << 53;

/// Redis or Valkey, over TCP, TLS or a UNIX socket.
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
pub struct Redis {
    pub(crate) link: Arc<Link>,
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
        match self.link.send(&command("PING", 0, 0)).await? {
            Value::SimpleString(answer) if answer == "PONG" => Ok(()),
            other => Err(self.refused(other, failure::refusal)),
        }
    }

    /// Whose leases this backend can check, and where locks see its entries.
    pub(crate) fn domain(&self) -> Domain {
        let target = self.link.target();
        Domain::new(("redis", target.address.to_string(), target.database))
    }

    /// The same server, with the same settings, over a connection that tracks.
    pub(crate) fn tracking(&self, waits: Arc<Waits>) -> Self {
        Self::from_link(self.link.tracking(waits))
    }

    fn from_link(link: Arc<Link>) -> Self {
        Self { link }
    }

    /// The error in an answer that is not what the command should give.
    #[cold]
    pub(crate) fn refused(&self, answer: Value, meaning: Meaning) -> Error {
        let Value::ServerError(error) = answer else {
            return failure::unexpected("the server gave an answer of an unexpected form");
        };
        if error.code() == "READONLY" {
            // After a failover the old master answers so on connections that are still open.
            self.link.reconnect();
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

    /// An answer to a write, which is `OK` or the number of keys or fields touched.
    fn done(&self, answer: Value, meaning: Meaning) -> Result<()> {
        match answer {
            Value::Okay | Value::Int(_) => Ok(()),
            other => Err(self.refused(other, meaning)),
        }
    }

    async fn get_plain(&self, key: &[u8]) -> Result<Option<Bytes>> {
        let mut get = command("GET", 1, key.len());
        get.write_arg(key);
        self.found(self.link.send(&get).await?)
    }

    async fn set_plain(&self, key: &[u8], value: &[u8], opts: WriteOpts<'_>) -> Result<()> {
        let answer = self.link.send(&set_command(key, value, opts)).await?;
        self.done(answer, failure::refusal)
    }

    // DEL and not UNLINK: what we store is strings, which the server frees in one step either way.
    async fn remove_plain(&self, key: &[u8]) -> Result<()> {
        let mut del = command("DEL", 1, key.len());
        del.write_arg(key);
        self.done(self.link.send(&del).await?, failure::refusal)
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.link.target();
        f.debug_struct("Redis")
            .field("address", &format_args!("{}", target.address))
            .field("database", &target.database)
            .field("connect_timeout", &target.connect_timeout)
            .field("response_timeout", &target.response_timeout)
            .finish()
    }
}

impl Level for Redis {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        self.remove_plain(&key.flat()).await.map_err(|error| error.with_key(key))
    }

    async fn remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let answer = self.link.send(&keys_command("DEL", keys.iter().copied())).await?;
        self.done(answer, failure::refusal)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_expires(Expires::Always).with_fence(self.domain())
    }
}

impl Backend for Redis {
    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        self.get_plain(&key.flat()).await.map_err(|error| error.with_key(key))
    }

    async fn set(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) -> Result<()> {
        if opts.fence.is_some() {
            // Boxed, so that other writes do not carry what this one needs.
            let set = Box::pin(self.set_fenced(&[Put::new(key, value, opts)], None)).await;
            return set.map_err(|error| error.with_key(key));
        }
        let set = self.set_plain(&key.flat(), &value, opts).await;
        set.map_err(|error| error.with_key(key))
    }

    /// One `MGET`. It gives nothing for a key that holds another type of value.
    async fn get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self.link.send(&keys_command("MGET", keys.iter().copied())).await?;
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
            sets.add_command(set_command(&put.key.flat(), &put.value, put.opts));
        }
        let answers = self.link.send(&sets).await?;
        answers.into_iter().zip(puts).try_for_each(|(answer, put)| {
            self.done(answer, failure::refusal).map_err(|error| error.with_key(put.key))
        })
    }
}

impl Redis {
    /// The values in an answer to `MGET` or `HMGET` of `count` keys.
    fn found_many(&self, answer: Value, count: usize) -> Result<Batch<Bytes>> {
        match answer {
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

fn keys_command<'a>(name: &str, keys: impl ExactSizeIterator<Item = Key<'a>> + Clone) -> Cmd {
    let bytes = keys.clone().map(|key| key.space().map_or(0, |s| s.len() + 1) + key.name().len());
    let mut command = command(name, keys.len(), bytes.sum());
    for key in keys {
        command.write_arg(&key.flat());
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
