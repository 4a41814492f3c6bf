//! A hit in Redis: the client and the codec by hand, beside the whole stack.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use larder::{
    BackendExt, Bytes, Hstore, IntTime, LayerExt, Logging, Msgpack, PayloadExt, Redis, Region,
};
use redis::{AsyncConnectionConfig, Client, aio::MultiplexedConnection};
use tokio::runtime::{Builder, Runtime};

#[path = "../../tests/support/mod.rs"]
mod support;

use crate::{USER, User, harness::Table};
use support::redis_server::RedisServer;

type Users = Region<Logging<IntTime<Msgpack<Hstore<Redis>>>>>;

const SPACE: &str = "user-15";
const NAME: &str = "profile";
const LIFETIME: Duration = Duration::from_secs(3600);
/// What both sides give the server to answer.
const TIMEOUT: Duration = Duration::from_millis(500);

/// What a careful person writes: one field, decoded, its age checked, errors told apart.
async fn by_hand(connection: &MultiplexedConnection) -> Option<User> {
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

async fn through_larder(users: &Users) -> Option<User> {
    users.get_or_create((SPACE, NAME), async || unreachable!("it is a hit")).await.ok()
}

pub(crate) fn run() {
    let server = RedisServer::start();
    for (path, url) in [("a UNIX socket", server.unix_url()), ("TCP", server.tcp_url())] {
        for workers in [1, 2] {
            let runtime = Builder::new_multi_thread().worker_threads(workers).enable_all().build();
            let runtime = runtime.expect("a runtime");
            let (connection, users) = runtime.block_on(connect(&url));
            for tasks in [1, 64] {
                let title = format!("Redis over {path}, {tasks} task(s) on {workers} thread(s)");
                side_by_side(&title, &runtime, tasks, &connection, &users);
            }
        }
    }
}

fn side_by_side(
    title: &str,
    runtime: &Runtime,
    tasks: u32,
    connection: &MultiplexedConnection,
    users: &Users,
) {
    let calls = if tasks == 1 { 1_000 } else { 8_000 };
    let mut table = Table::new(title, "us", calls);
    table.batch("by hand: HGET, rmp-serde, age", move || {
        let connection = connection.clone();
        shared(runtime, tasks, calls, move || {
            let connection = connection.clone();
            async move { by_hand(&connection).await }
        })
    });
    table.batch("Region<Logging<IntTime<Msgpack<Hstore<Redis>>>>>", move || {
        let users = users.clone();
        shared(runtime, tasks, calls, move || {
            let users = users.clone();
            async move { through_larder(&users).await }
        })
    });
    table.print();
}

async fn connect(url: &str) -> (MultiplexedConnection, Users) {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(TIMEOUT))
        .set_response_timeout(Some(TIMEOUT));
    let client = Client::open(url).expect("a sound URL");
    let connection = client.get_multiplexed_async_connection_with_config(&config).await;
    let redis = Redis::builder(url).response_timeout(TIMEOUT).build().expect("a sound URL");
    let stack = redis.hstore().msgpack().int_time().logging();
    let users = Region::builder(stack).expire_after(LIFETIME).build().expect("a sound policy");
    users.set((SPACE, NAME), USER).await.expect("the server takes it");
    (connection.expect("the server is there"), users)
}

/// Seconds for each of `calls` calls, spread over `tasks` tasks.
fn shared<F, Fut>(runtime: &Runtime, tasks: u32, calls: u32, call: F) -> f64
where
    F: Fn() -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Option<User>> + Send,
{
    runtime.block_on(async {
        let start = Instant::now();
        let running: Vec<_> = (0..tasks)
            .map(|_| {
                let call = call.clone();
                tokio::spawn(async move {
                    for _ in 0..calls / tasks {
                        assert_eq!(call().await, Some(USER));
                    }
                })
            })
            .collect();
        for task in running {
            task.await.expect("no task panics");
        }
        start.elapsed().as_secs_f64() / f64::from(calls)
    })
}
