//! What a careful person writes without larder: what is missing is created and written, and nothing is locked.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use larder::Bytes;
use larder_benches::{User, Value as _, timed};
use redis::{AsyncConnectionConfig, Client, Cmd, Pipeline, aio::MultiplexedConnection};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{
    place::{Way, keys},
    support::redis_cluster::RedisCluster,
};

const LIFETIME: u64 = 3600;

/// MGET, and a pipeline of SET, because MSET knows no lifetimes.
pub fn single<'a>(runtime: &'a Runtime, url: &str, counted_url: &str) -> Way<'a> {
    let direct = runtime.block_on(connect(url));
    let counted = runtime.block_on(connect(counted_url));
    let mget = |keys: &[String]| redis::pipe().add_command(mget(keys)).clone();
    Way {
        name: "by hand: MGET, SET in a pipeline".to_owned(),
        call: Box::new(move || {
            timed(1, || runtime.block_on(all(direct.clone(), keys(), mget))).seconds
        }),
        counted: Some(Box::new(move || runtime.block_on(all(counted.clone(), keys(), mget)))),
    }
}

/// The same for each node at once, with GET instead of MGET, which would have to be of one slot.
pub fn cluster<'a>(runtime: &'a Runtime, cluster: &RedisCluster) -> Way<'a> {
    let mut nodes: Vec<(MultiplexedConnection, Vec<String>)> = Vec::new();
    for url in cluster.urls() {
        nodes.push((runtime.block_on(connect(&url)), Vec::new()));
    }
    for key in keys() {
        nodes[cluster.home(&key)].1.push(key);
    }
    let gets = |keys: &[String]| {
        let mut pipeline = redis::pipe();
        keys.iter().for_each(|key| _ = pipeline.get(key));
        pipeline
    };
    Way {
        name: "by hand: GET and SET in pipelines, all nodes at once".to_owned(),
        call: Box::new(move || {
            let work = async {
                let mut tasks = JoinSet::new();
                for (connection, keys) in nodes.clone() {
                    tasks.spawn(all(connection, keys, gets));
                }
                tasks.join_all().await;
            };
            timed(1, || runtime.block_on(work)).seconds
        }),
        counted: None,
    }
}

async fn connect(url: &str) -> MultiplexedConnection {
    let timeout = Some(Duration::from_millis(500));
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(timeout).set_response_timeout(timeout);
    let client = Client::open(url).expect("a sound URL");
    let connection = client.get_multiplexed_async_connection_with_config(&config).await;
    connection.expect("the server is there")
}

fn mget(keys: &[String]) -> Cmd {
    redis::cmd("MGET").arg(keys).clone()
}

/// Has a value for each of `keys`.
async fn all(
    mut connection: MultiplexedConnection,
    keys: Vec<String>,
    read: impl Fn(&[String]) -> Pipeline,
) {
    let reading = read(&keys);
    let found: Vec<Option<Bytes>> = if reading.len() == 1 {
        let (found,) = reading.query_async(&mut connection).await.expect("an answer");
        found
    } else {
        reading.query_async(&mut connection).await.expect("an answer")
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
    let mut writing = redis::pipe();
    let mut users = Vec::with_capacity(keys.len());
    for (key, bytes) in keys.iter().zip(found) {
        let entry = bytes.and_then(|bytes| rmp_serde::from_slice::<(User, u64)>(&bytes).ok());
        users.push(match entry {
            Some((user, created_at)) if now.saturating_sub(created_at) <= LIFETIME => user,
            _ => {
                let user = User::sample();
                let bytes = rmp_serde::to_vec(&(&user, now)).expect("it is encoded");
                writing.cmd("SET").arg(key).arg(bytes).arg("EX").arg(2 * LIFETIME).ignore();
                user
            }
        });
    }
    if !writing.is_empty() {
        let () = writing.query_async(&mut connection).await.expect("an answer");
    }
    assert_eq!(users.len(), keys.len());
}
