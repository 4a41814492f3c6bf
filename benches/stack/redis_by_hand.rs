//! What a careful person writes against Redis without larder, and the same through it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use larder::{
    BackendExt, Bytes, Hstore, IntTime, LayerExt, Logging, Msgpack, PayloadExt, Redis, Region,
};
use larder_benches::{User, Value as _};
use redis::{AsyncConnectionConfig, Client, aio::MultiplexedConnection};

pub type Stack = Logging<IntTime<Msgpack<Hstore<Redis>>>>;
pub type Users = Region<Stack>;

pub const SPACE: &str = "user-15";
pub const NAME: &str = "profile";
const LIFETIME: Duration = Duration::from_secs(3600);
/// What both sides give the server to answer.
const TIMEOUT: Duration = Duration::from_millis(500);

/// The connection of who writes by hand.
pub async fn connect(url: &str) -> MultiplexedConnection {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(TIMEOUT))
        .set_response_timeout(Some(TIMEOUT));
    let client = Client::open(url).expect("a sound URL");
    let connection = client.get_multiplexed_async_connection_with_config(&config).await;
    connection.expect("the server is there")
}

/// One field, decoded, its age checked, errors told apart.
pub async fn by_hand(connection: &MultiplexedConnection) -> Option<User> {
    let mut connection = connection.clone();
    let bytes: Option<Bytes> = redis::cmd("HGET")
        .arg(SPACE)
        .arg(NAME)
        .query_async(&mut connection)
        .await
        .expect("the server answers");
    let (user, created_at): (User, u64) = rmp_serde::from_slice(&bytes?).ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    (now.saturating_sub(created_at) <= LIFETIME.as_secs()).then_some(user)
}

/// The whole stack, with a value in it.
pub async fn users(url: &str) -> Users {
    let redis = Redis::builder(url).response_timeout(TIMEOUT).build().expect("a sound URL");
    let stack = redis.hstore().msgpack().int_time().logging();
    let users = Region::builder(stack).expire_after(LIFETIME).build().expect("a sound policy");
    users.set((SPACE, NAME), User::sample()).await.expect("the server takes it");
    users
}

/// A hit.
pub async fn through(users: &Users) -> Option<User> {
    users.get_or_create((SPACE, NAME), async || unreachable!("it is a hit")).await.ok()
}
