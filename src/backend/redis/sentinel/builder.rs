use std::{fmt, sync::Arc, time::Duration};

use super::{
    super::{
        Redis,
        access::{Access, access_settings},
        config::{config, set},
        connection::Link,
    },
    Sentinel,
};
use crate::Result;

/// A master and its replicas, watched by sentinels, which put a replica in its place when it fails.
///
/// ```no_run
/// # async fn run() -> larder::Result<()> {
/// use larder::{Redis, RedisLock, RedisSentinel, RedisSentinelLock};
///
/// let sentinels = ["redis://one:26379", "redis://two:26379", "redis://three:26379"];
/// let redis: RedisSentinel = Redis::sentinel(sentinels, "mymaster").password("secret").build()?;
/// let lock: RedisSentinelLock = RedisLock::new(&redis);
/// redis.ping().await?;
/// # let _ = lock;
/// # Ok(()) }
/// ```
///
/// Each connection begins with the question who the master is, to one sentinel after the other, and
/// the server has to say itself that it is one. That is asked again when the connection is lost, when a
/// call runs out of time, and when the server says that it is a replica by now. Until there is another
/// master, calls fail as with a server that is down. The connect timeout is for all of it together.
///
/// Reads go to a replica on [request](RedisSentinelBuilder::read_from_replicas).
///
/// Writes that a master had not passed on when it failed are lost, leases included: two processes may
/// then create the same value. With `rediss://` sentinels and servers speak TLS. An ACL user of the
/// servers needs `ROLE`.
pub type RedisSentinel = Redis<Sentinel>;

/// Settings of a [`RedisSentinel`]; made by [`Redis::sentinel`].
#[must_use = "a builder does nothing until `build`"]
#[derive(Clone, PartialEq, Eq)]
pub struct RedisSentinelBuilder {
    sentinels: Vec<String>,
    service: String,
    access: Access,
    sentinel_username: Option<String>,
    sentinel_password: Option<String>,
    reads_from_replicas: bool,
}

impl RedisSentinelBuilder {
    pub(in super::super) fn new(sentinels: Vec<String>, service: String) -> Self {
        Self {
            sentinels,
            service,
            access: Access::default(),
            sentinel_username: None,
            sentinel_password: None,
            reads_from_replicas: false,
        }
    }

    access_settings!(" of the servers, not of the sentinels");

    /// The ACL user of the sentinels, instead of those in their URLs. An empty string counts as unset.
    pub fn sentinel_username(mut self, username: impl Into<String>) -> Self {
        self.sentinel_username = set(username.into());
        self
    }

    /// The password of the sentinels, instead of those in their URLs. An empty string counts as unset.
    pub fn sentinel_password(mut self, password: impl Into<String>) -> Self {
        self.sentinel_password = set(password.into());
        self
    }

    /// Whether reads go to a replica, as far as there is one that answers. Default: to the master.
    ///
    /// A replica lags behind by what is on its way: a `get` right after a `set` may see what was there
    /// before. A region loses nothing by that: keys whose lease this process holds are read from
    /// the master, so that who gets a lock sees what its last owner wrote. The marks of
    /// [`SharedMarks`](crate::SharedMarks) may be read as late as the replica is.
    ///
    /// Not for the second tier of a [`Tiered`](crate::Tiered): it would copy what the master has replaced
    /// already.
    pub fn read_from_replicas(mut self, reads_from_replicas: bool) -> Self {
        self.reads_from_replicas = reads_from_replicas;
        self
    }

    /// The backend. Does not connect yet: the first call, or [`Redis::ping`], does.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](crate::ErrorKind::Config), as [`RedisBuilder::build`](crate::RedisBuilder::build),
    /// and when there is no sentinel at all, one with a UNIX socket or the number of a database, only
    /// some of them with TLS, or no name of a master.
    pub fn build(self) -> Result<RedisSentinel> {
        let of_sentinels = Access {
            username: self.sentinel_username,
            password: self.sentinel_password,
            database: None,
            ..self.access.clone()
        };
        let targets: Result<Vec<_>> =
            self.sentinels.iter().map(|url| of_sentinels.target(url)).collect();
        let targets = targets?;
        let Some(first) = targets.first() else {
            return Err(config("give the URLs of the sentinels, all of them at best"));
        };
        if targets.iter().any(|target| target.host().is_empty() || target.database != 0) {
            return Err(config(
                "a sentinel is reached by redis://[user:password@]host:26379, or rediss:// for TLS; \
                 the number of the database is set with `.database()`",
            ));
        }
        let is_tls = first.address.is_tls();
        if targets.iter().any(|target| target.address.is_tls() != is_tls) {
            return Err(config(
                "either all sentinels speak TLS, and the servers with them, or none",
            ));
        }
        if self.reads_from_replicas && !self.access.tracking.is_empty() {
            return Err(config(
                "`tracking` and `read_from_replicas` do not go together: a replica may answer with what \
                 the master has already said to have changed",
            ));
        }
        if self.service.is_empty() {
            return Err(config("the sentinels know the master by a name, such as `mymaster`"));
        }
        let sentinels: Arc<[_]> = targets.into_iter().map(Link::new).collect();
        let sentinel = Sentinel::new(
            &sentinels,
            &self.service,
            is_tls,
            &self.access,
            self.reads_from_replicas,
        )?;
        Ok(Redis { wire: sentinel })
    }
}

/// Shows the service and the timeouts only; a URL may hold a password.
impl fmt::Debug for RedisSentinelBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.access.show(f, "RedisSentinelBuilder")
    }
}
