//! larder, the store underneath, and nothing at all.

use std::{sync::OnceLock, time::Duration};

use larder::{
    BackendExt, Framed, LayerExt, Logging, Memo, Msgpack, PayloadExt, Redis, RedisLock, Region,
};
use larder_benches::{Contender, User, origin};
use quick_cache::sync::Cache;

#[path = "../../tests/support/mod.rs"]
mod support;

use support::redis_server::RedisServer;

static SERVER: OnceLock<RedisServer> = OnceLock::new();

/// The server of this run.
pub(crate) fn server() -> &'static RedisServer {
    SERVER.get_or_init(RedisServer::start)
}

/// What one writes first.
pub(crate) struct NoProtection(Cache<String, User>);

impl Contender<User> for NoProtection {
    fn with_room(entries: usize) -> Self {
        Self(Cache::new(entries))
    }

    async fn get_or_create(&self, key: &str) -> Result<User, String> {
        if let Some(user) = self.0.get(key) {
            return Ok(user);
        }
        let user: User = origin::ask().await;
        self.0.insert(key.to_owned(), user.clone());
        Ok(user)
    }
}

pub(crate) struct QuickCache(Cache<String, User>);

impl Contender<User> for QuickCache {
    fn with_room(entries: usize) -> Self {
        Self(Cache::new(entries))
    }

    async fn get_or_create(&self, key: &str) -> Result<User, String> {
        let create = async { Ok::<_, String>(origin::ask().await) };
        self.0.get_or_insert_async(key, create).await
    }
}

pub(crate) struct LarderMemo(Region<Logging<Memo<User>>>);

impl Contender<User> for LarderMemo {
    fn with_room(entries: usize) -> Self {
        Self(Memo::with_capacity(entries).logging().region())
    }

    async fn get_or_create(&self, key: &str) -> Result<User, String> {
        self.0.get_or_create(key, origin::ask).await.map_err(|error| error.to_string())
    }
}

pub(crate) struct LarderRedis(Region<Logging<Framed<Msgpack<Redis>>>, RedisLock>);

impl Contender<User> for LarderRedis {
    fn with_room(_: usize) -> Self {
        let redis = Redis::new(server().unix_url()).expect("a URL of ours");
        let lock = RedisLock::new(&redis);
        let stack = redis.msgpack().framed().logging();
        let region = Region::builder(stack).lock(lock).expire_after(Duration::from_secs(3600));
        Self(region.build().expect("sound"))
    }

    async fn get_or_create(&self, key: &str) -> Result<User, String> {
        self.0.get_or_create(key, origin::ask).await.map_err(|error| error.to_string())
    }
}
