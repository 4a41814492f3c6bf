//! memcached.

mod config;
mod connection;
mod dial;
mod driver;
mod failure;
mod names;
mod protocol;
mod ring;
mod servers;
#[cfg(feature = "config")]
mod settings;
mod ttl;
mod url;

use std::{fmt, sync::Arc};

use bytes::Bytes;

pub use self::config::MemcachedBuilder;
pub(crate) use self::{
    failure::{config, refused},
    names::{normal, obeys},
    protocol::{Reply, Requests, When},
    servers::Servers,
    ttl::{seconds, ttl},
};
use self::{names::Names, protocol::LARGEST_VALUE};
use crate::{
    Backend, Batch, Capabilities, Error, Expires, Key, KeyBuf, Level, Place, Put, Result, WriteOpts,
};

/// One or many memcached servers, over TCP, TLS or a UNIX socket.
///
/// A clone shares the connections: one for each server, pipelined, made by the first call and made anew
/// when it is lost. A batch is one round trip to each of its servers, to all at the same time. Needs
/// memcached 1.6, whose meta commands it speaks.
///
/// ```no_run
/// # async fn run() -> larder::Result<()> {
/// use std::time::Duration;
/// use larder::Memcached;
///
/// let memcached = Memcached::new("memcached://127.0.0.1")?;
/// let several = Memcached::builder([
///     "memcached://cache1.example.com",
///     "memcached://cache2.example.com",
///     "memcached://cache3.example.com?weight=2",
/// ])
/// .response_timeout(Duration::from_millis(100))
/// .build()?;
/// memcached.ping().await?;
/// # let _ = several;
/// # Ok(()) }
/// ```
///
/// # URLs
///
/// | form | reaches |
/// |---|---|
/// | `memcached://[user:password@]host[:port]` | TCP; the port is 11211 unless given |
/// | `memcacheds://[user:password@]host[:port]` | TLS, always verified (feature `backend-memcached-tls`) |
/// | `memcached+unix://[user:password@]/path` | a UNIX socket |
///
/// After each of them may come `?weight=2`, up to 1000: so many times the keys that a server of weight 1
/// has. Special characters in a name, a password or a path are percent-encoded.
///
/// User and password are those of memcached's text protocol, which the server reads from a file (`-Y`).
/// SASL (`-S`) exists in the binary protocol only, which memcached deprecates: it is not supported.
///
/// # Keys
///
/// memcached takes keys of at most 250 bytes without spaces and control characters. Keys that obey stay
/// as they are; all others become ones that do, no two the same, as [`Normalized`](crate::Normalized)
/// tells. So is a key in a space: it becomes a plain one. With [`exact_keys`](MemcachedBuilder::exact_keys),
/// all that obey stay as they are and all others are refused.
///
/// # Values and lifetimes
///
/// A value that is larger than the server takes (1 MiB, or its `-I`) is an error that says so, of kind
/// [`Backend`](crate::ErrorKind::Backend): a region returns it all the same, without keeping it. Of such
/// a write memcached drops what was under the key before.
///
/// [`WriteOpts::keep_for`] is rounded up to whole seconds. The server counts by the ticks of its own
/// clock, so an entry may go within the last of them. Lifetimes of more than 30 days are sent as a date,
/// by the clock of this machine; those that end after January 2038, which is the last date that
/// memcached knows, have no end. A server that is full evicts before that. There are no fences:
/// [`WriteOpts::fence`] is ignored.
///
/// # Together with Python
///
/// What dogpile.cache writes with its memcached backends larder reads, and the other way round, where both
/// have the same format and the same keys: those that memcached takes as they are. Say
/// [`exact_keys`](MemcachedBuilder::exact_keys), so that those with `%` stay as they are, too. With a value goes a number, the *client flags*, that tells Python what its bytes are:
///
/// | region in Python | its bytes | [`flags`](MemcachedBuilder::flags) |
/// |---|---|---|
/// | with a `serializer` | `{"ct": .., "v": 2}\|` and what that makes | 0 |
/// | without | a pickled `CachedValue` | 1 |
///
/// Without `flags`, values are written with 0, and what they were written with is not asked. That goes
/// well for the first row as long as no client compresses (`min_compress_len`). How Python takes part in
/// locks: [`MemcachedLock`](crate::MemcachedLock#together-with-python), also about several servers.
///
/// # Several servers
///
/// Which server has a key is told by libmemcached's weighted ketama, so that programs with other clients
/// and the same list of servers find the same keys in the same place. A server that comes or goes takes
/// only its own keys with it. A server has the name that its URL gives it: `localhost` and `127.0.0.1` are
/// two different ones.
///
/// While a server is down, the next one on the ring stands in for it: reads of its keys are misses, and
/// what is written is found there until it is back. Then its keys return to it. So there may be two
/// values of one key, and the older one may be seen again: a server that was only cut off comes back
/// with what it had, deletions and writes that went to others unknown to it, and what others hold for it
/// is seen when it goes down once more. How old an entry can become is limited by its lifetime, so give
/// entries one. Without [`failover`](MemcachedBuilder::failover), calls for the keys of a server that is
/// down fail, and a region creates those values without storing them.
///
/// # Failures
///
/// A server that is down costs a caller little: the first call waits for at most the connect timeout
/// (250 ms), or the response timeout (500 ms) if the server hangs; those after it wait 20 ms at most, and
/// not at all where another server stands in. A failed attempt is followed by a pause of 20 ms to 500 ms.
/// When a connection is lost in the middle of a call, the call is made once more over a new one, which is
/// safe because every command has the same effect when it runs twice. A server that goes down or comes
/// back is logged.
///
/// | what happens | [`ErrorKind`](crate::ErrorKind) |
/// |---|---|
/// | no connection, or it was lost; too many connections | `Unavailable` |
/// | no answer within the response timeout (500 ms) | `Timeout` |
/// | the server refuses: a login, a value, its memory; what answers is no memcached | `Backend`, with its words |
///
/// In a batch with several servers, keys of servers that are there are served, whatever happens to others.
///
/// # Speed
///
/// Over TCP on one machine of two cores, with values of 100 bytes, 64 tasks read some 500,000 values a
/// second: seven times what they read over a pool of 8 connections of `async-memcached` 0.9; a task alone
/// reads as many as there, 50,000. A batch of 100 keys takes 135 µs, twice as long as there, because the
/// server puts a connection back after every 20 meta commands (`-R`) and not after a `get` of many keys.
///
/// # Cancellation
///
/// Every call may be dropped at any point. Whether a dropped write was carried out is unknown; other
/// calls are not affected, and an answer never reaches the wrong one.
///
/// # Concurrency
///
/// A connection lives in the Tokio runtime of the call that made it, which must have I/O and time
/// enabled. When that runtime ends, the next call makes a new connection in its own.
#[derive(Clone)]
pub struct Memcached {
    servers: Arc<Servers>,
    names: Names,
    flags: Option<u32>,
}

impl Memcached {
    /// The server at `url`, with default settings. Does not connect yet, so a server that is down
    /// does not matter here; [`ping`](Self::ping) looks at once.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](crate::ErrorKind::Config), when the URL cannot be read. The message never
    /// holds a part of the URL.
    pub fn new(url: impl Into<String>) -> Result<Self> {
        Self::builder([url]).build()
    }

    /// Settings for the servers at `urls`. Their order does not matter.
    pub fn builder(urls: impl IntoIterator<Item: Into<String>>) -> MemcachedBuilder {
        MemcachedBuilder::new(urls.into_iter().map(Into::into).collect())
    }

    /// Asks every server whether it is there, connecting if need be.
    ///
    /// # Errors
    ///
    /// When one of them cannot be reached, does not answer in time, or does not let us in.
    ///
    /// # Cancellation
    ///
    /// Harmless.
    pub async fn ping(&self) -> Result<()> {
        self.servers.ping().await
    }

    fn from_servers(servers: Servers, names: Names, flags: Option<u32>) -> Self {
        Self { servers: Arc::new(servers), names, flags }
    }

    /// Where locks send their requests.
    pub(crate) fn servers(&self) -> &Servers {
        &self.servers
    }

    /// The same request for all of `keys`.
    fn requests(&self, keys: &[Key<'_>], request: fn(&mut Requests, &str)) -> Result<Requests> {
        let mut requests = Requests::default();
        for key in keys {
            request(&mut requests, self.names.of(*key)?.key().name());
        }
        Ok(requests)
    }

    /// Reads of all of `keys`.
    fn reads(&self, keys: &[Key<'_>]) -> Result<Requests> {
        let read = if self.flags.is_some() { Requests::get_flagged } else { Requests::get };
        self.requests(keys, read)
    }

    /// The reply to a read.
    fn found(&self, reply: Reply) -> Result<Option<Bytes>> {
        match (reply, self.flags) {
            (Reply::Value(_, flags), Some(wanted)) if flags != u64::from(wanted) => {
                Err(failure::flagged(flags, wanted))
            }
            (Reply::Value(value, _), _) => Ok(Some(value)),
            (Reply::Missing, _) => Ok(None),
            (other, _) => Err(refused(other)),
        }
    }

    fn write(&self, requests: &mut Requests, put: &Put<'_, Bytes>) -> Result<()> {
        let name = self.names.of(put.key)?;
        let name = name.key().name();
        if put.value.len() > LARGEST_VALUE {
            // No server takes it, and some would take its bytes for commands. So only what was there
            // goes.
            requests.remove(name);
        } else {
            let (flags, ttl) = (self.flags.unwrap_or_default(), ttl(put.opts.keep_for));
            requests.set_flagged(name, &put.value, flags, ttl, When::Always);
        }
        Ok(())
    }
}

/// Where the servers are, and how long they are waited for.
impl fmt::Debug for Memcached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Memcached");
        let targets = || self.servers.links.iter().map(|link| link.target());
        let addresses: Vec<String> = targets().map(|target| target.address.to_string()).collect();
        shown.field("servers", &addresses).field("failover", &self.servers.failover);
        shown.field("names", &self.names).field("flags", &self.flags);
        if let Some(target) = targets().next() {
            shown
                .field("connect_timeout", &target.connect_timeout)
                .field("response_timeout", &target.response_timeout);
        }
        shown.finish()
    }
}

impl Level for Memcached {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        let reply = self.servers.send_one(self.requests(&[key], Requests::remove)?).await;
        reply.and_then(removed).map_err(|error| error.with_key(key))
    }

    async fn remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        let outcomes = self.servers.send(self.requests(keys, Requests::remove)?).await;
        outcomes.into_iter().zip(keys).try_for_each(|(reply, key)| {
            reply.and_then(removed).map_err(|error| error.with_key(*key))
        })
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_expires(Expires::Always).with_place(Place::new("memcached"))
    }

    fn stored_key(&self, key: Key<'_>) -> Option<KeyBuf> {
        // What has no name is refused, and goes by itself until then.
        let stored = self.names.of(key).ok()?;
        (stored.key() != key).then(|| stored.key().to_buf())
    }
}

impl Backend for Memcached {
    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        let reply = self.servers.send_one(self.reads(&[key])?).await;
        reply.and_then(|reply| self.found(reply)).map_err(|error| error.with_key(key))
    }

    async fn set(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) -> Result<()> {
        let size = value.len();
        let mut requests = Requests::default();
        self.write(&mut requests, &Put::new(key, value, opts))?;
        let reply = self.servers.send_one(requests).await;
        reply.and_then(|reply| written(reply, size)).map_err(|error| error.with_key(key))
    }

    /// Errors of servers that are down are those of their keys, unless no key can be answered.
    async fn get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        let outcomes = self.servers.send(self.reads(keys)?).await;
        let found = |(reply, key): (Result<Reply>, &Key<'_>)| {
            reply.and_then(|reply| self.found(reply)).map_err(|error| error.with_key(*key))
        };
        let batch: Batch<Bytes> = outcomes.into_iter().zip(keys).map(found).collect();
        let is_unread =
            |found: &Result<_>| found.as_ref().is_err_and(|error: &Error| !error.is_unreadable());
        match batch.first() {
            Some(Err(error)) if batch.iter().all(is_unread) => Err(error.clone()),
            _ => Ok(batch),
        }
    }

    async fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> Result<()> {
        let mut requests = Requests::default();
        for put in puts {
            self.write(&mut requests, put)?;
        }
        let outcomes = self.servers.send(requests).await;
        outcomes.into_iter().zip(puts).try_for_each(|(reply, put)| {
            let written = reply.and_then(|reply| written(reply, put.value.len()));
            written.map_err(|error| error.with_key(put.key))
        })
    }
}

/// The reply to a write of `size` bytes.
fn written(reply: Reply, size: usize) -> Result<()> {
    match reply {
        _ if size > LARGEST_VALUE => Err(failure::too_large(size)),
        Reply::Done => Ok(()),
        other => Err(failure::unwritten(other, size)),
    }
}

/// The reply to a removal.
fn removed(reply: Reply) -> Result<()> {
    match reply {
        Reply::Done | Reply::Missing => Ok(()),
        other => Err(refused(other)),
    }
}
