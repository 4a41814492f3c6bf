use std::{fmt, sync::Arc, time::Duration};

use super::{
    super::{
        Redis,
        access::{Access, access_settings},
        config::config,
    },
    Cluster,
};
use crate::Result;

/// A Redis Cluster or Valkey cluster: many masters, each with a part of the keys.
///
/// ```no_run
/// # async fn run() -> larder::Result<()> {
/// use larder::{Redis, RedisCluster, RedisClusterLock, RedisLock};
///
/// let redis: RedisCluster = Redis::cluster(["redis://one:7000", "redis://two:7000"]).build()?;
/// let lock: RedisClusterLock = RedisLock::new(&redis);
/// redis.ping().await?;
/// # let _ = lock;
/// # Ok(()) }
/// ```
///
/// A command goes to the node that has the slot of its key, over one connection for each node. A batch
/// becomes one pipeline for each node, all at the same time; what is one command for a single server
/// (`MGET`, `DEL`, a script) is one for each slot there. The nodes are asked who serves what
/// (`CLUSTER SLOTS`) by the first call, and again when one sends us elsewhere or does not answer, ten
/// times a second at most and beside the calls.
///
/// # Names
///
/// The entry, hash and lock of one key are in one slot, so that writes are fenced. Plain keys and hashes
/// have the names that they have elsewhere. A pair without [`Hstore`](crate::Hstore) and every lock have a
/// tag in braces:
///
/// | key | stored under | lock |
/// |---|---|---|
/// | `k` | `k` | `larder:lock:{k}` |
/// | `a{b}c`, which has a tag of its own | `a{b}c` | `larder:lock:{b}:a{b}c` |
/// | `("s", "n")` | `{s}`, the byte `0xff`, `n` | `larder:lock:{s}`, `0xff`, `n` |
/// | `a}b`; an empty key | `a}b` | `larder:lock:{20658}:a}b`, the smallest number in its slot |
///
/// # Failures
///
/// | what happens | what follows |
/// |---|---|
/// | a slot has moved | the command goes there, up to six times; the other commands of a batch are not sent again |
/// | a slot is on its way | single keys are found on either side; a command about keys on both sides (a fenced write, an `MGET` of one slot) is tried again for 0.3 s, then `Unavailable` |
/// | a node is lost | `Unavailable` for its keys, each by itself in [`get_multi`](crate::Backend::get_multi), until its replica has taken over or it is back; other keys go on |
/// | a master fails over | what it had not passed on to its replica is lost, leases included |
///
/// Addresses are those that the nodes announce, which have to be reachable from here. With `rediss://`
/// all nodes speak TLS, and all have the login of the first URL. An ACL user needs `CLUSTER SLOTS` and
/// `ASKING`. Only Valkey 9 has databases other than 0 in a cluster.
pub type RedisCluster = Redis<Cluster>;

/// Settings of a [`RedisCluster`]; made by [`Redis::cluster`].
#[must_use = "a builder does nothing until `build`"]
#[derive(Clone, PartialEq, Eq)]
pub struct RedisClusterBuilder {
    urls: Vec<String>,
    access: Access,
}

impl RedisClusterBuilder {
    pub(in super::super) fn new(urls: Vec<String>) -> Self {
        Self { urls, access: Access::default() }
    }

    access_settings!(", instead of those in the URLs");

    /// The backend. Does not connect yet: the first call, or [`Redis::ping`], does.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](crate::ErrorKind::Config), as [`RedisBuilder::build`](crate::RedisBuilder::build),
    /// and when there is no URL at all, one of a UNIX socket, or only some
    /// are `rediss://`.
    pub fn build(self) -> Result<RedisCluster> {
        let seeds: Result<Vec<_>> =
            self.urls.iter().map(|url| self.access.target(url).map(Arc::new)).collect();
        let seeds = seeds?;
        if seeds.is_empty() {
            return Err(config("a cluster needs the URL of one of its nodes at least"));
        }
        if seeds.iter().any(|seed| seed.host().is_empty()) {
            return Err(config(
                "the nodes of a cluster are reached by TCP: redis:// or rediss://, no UNIX sockets",
            ));
        }
        let is_tls = seeds[0].address.is_tls();
        if seeds.iter().any(|seed| seed.address.is_tls() != is_tls) {
            return Err(config("either all nodes speak TLS, or none"));
        }
        Ok(Redis { wire: Cluster::new(seeds, self.access.listener(true)?) })
    }
}

/// Shows the timeouts only; a URL may hold a password.
impl fmt::Debug for RedisClusterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.access.show(f, "RedisClusterBuilder")
    }
}
