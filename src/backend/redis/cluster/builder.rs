use std::{fmt, sync::Arc, time::Duration};

use super::{
    super::{
        Redis,
        config::{Access, access_settings, config},
    },
    Cluster,
};
use crate::Result;

/// Settings of a [`RedisCluster`](crate::RedisCluster); made by [`Redis::cluster`].
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
    /// and when there is no URL at all or one of a UNIX socket.
    pub fn build(self) -> Result<Redis<Cluster>> {
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
        Ok(Redis { wire: Cluster::new(seeds, self.access.listener(true)?) })
    }
}

/// Shows the timeouts only; a URL may hold a password.
impl fmt::Debug for RedisClusterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.access.show(f, "RedisClusterBuilder")
    }
}
