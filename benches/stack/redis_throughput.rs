//! A hit in Redis under load: by hand, through the whole stack, and what the server's own tool gets out of it.

use std::future::Future;

use larder_benches::{Report, Sample, Table, User, Value as _, redis_benchmark, timed};
use redis::aio::MultiplexedConnection;
use tokio::runtime::{Builder, Runtime};

use crate::{
    redis_by_hand::{NAME, SPACE, Users, by_hand, connect, through, users},
    support::redis_server::RedisServer,
};

/// Fewer than in memory: these rounds are long.
const ROUNDS: u32 = 21;
/// The server's tool counts whole milliseconds, and its start among them: it makes more calls.
const MORE: u32 = 5;

pub fn measure(report: &mut Report, server: &RedisServer) {
    let (socket, port) = (server.socket(), server.port().to_string());
    let socket = socket.to_string_lossy();
    for (path, url, to) in [
        ("a UNIX socket", server.unix_url(), ["-s", &*socket]),
        ("TCP", server.tcp_url(), ["-p", &*port]),
    ] {
        for workers in [1, 2_u32] {
            let runtime =
                Builder::new_multi_thread().worker_threads(workers as usize).enable_all().build();
            let runtime = runtime.expect("a runtime");
            let (connection, users) =
                runtime.block_on(async { (connect(&url).await, users(&url).await) });
            for tasks in [1, 64] {
                let (many, threads) = (count(tasks, "task"), count(workers, "thread"));
                let title = format!("Redis over {path}, {many} on {threads}");
                report.table(side_by_side(&title, &runtime, tasks, &connection, &users, to));
            }
        }
    }
}

fn side_by_side<'a>(
    title: &str,
    runtime: &'a Runtime,
    tasks: u32,
    connection: &'a MultiplexedConnection,
    users: &'a Users,
    to: [&'a str; 2],
) -> Table<'a> {
    let calls = if tasks == 1 { 1_000 } else { 8_000 };
    let mut table = Table::new(title, "us", calls).rounds(ROUNDS);
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
            async move { through(&users).await }
        })
    });
    let ask = move || redis_benchmark(&to, tasks, MORE * calls, &["HGET", SPACE, NAME]);
    if ask().is_some() {
        let name = format!("the ceiling: redis-benchmark, {}", count(tasks, "connection"));
        table.batch(name, move || {
            let per_second = ask().expect("it was there before");
            Sample::time(1.0 / per_second)
        });
    }
    table
}

/// Measures `calls` calls, spread over `tasks` tasks.
fn shared<F, Fut>(runtime: &Runtime, tasks: u32, calls: u32, call: F) -> Sample
where
    F: Fn() -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Option<User>> + Send,
{
    let work = async {
        let running: Vec<_> = (0..tasks)
            .map(|_| {
                let call = call.clone();
                tokio::spawn(async move {
                    for _ in 0..calls / tasks {
                        assert_eq!(call().await, Some(User::sample()));
                    }
                })
            })
            .collect();
        for task in running {
            task.await.expect("no task panics");
        }
    };
    // This thread only waits: what it allocates says nothing.
    Sample::time(timed(calls, || runtime.block_on(work)).seconds)
}

/// `1 task`, `2 tasks`.
fn count(number: u32, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
