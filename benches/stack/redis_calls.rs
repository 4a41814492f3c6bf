//! Calls to Redis one after the other, on a runtime of one thread: what each level adds to them.

use larder::{Backend, BackendExt, Hstore, IntTime, Key, Msgpack, PayloadExt, Redis, Store};
use larder_benches::{Report, Table, User, Value as _, timed};
use tokio::runtime::{Builder, Runtime};

use crate::{
    case::Work,
    instructions,
    redis_by_hand::{NAME, SPACE, by_hand, connect, through, users},
    support::redis_server::RedisServer,
};

const CALLS: u32 = 500;

const ROWS: [&str; 5] = [
    "by hand: HGET, rmp-serde, age",
    "Hstore<Redis>: get, bytes",
    "IntTime<Msgpack<Hstore<Redis>>>: read",
    "Region<Logging<IntTime<Msgpack<Hstore<Redis>>>>>: get",
    "the same, get_or_create",
];

/// `row` of a server at `url`, with a connection and a runtime of its own.
pub fn start(row: &str, url: &str) -> Work {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let key = || Key::from((SPACE, NAME));
    if row == ROWS[0] {
        let connection = runtime.block_on(connect(url));
        return calls(runtime, async move || by_hand(&connection).await);
    }
    let region = runtime.block_on(users(url));
    let redis = Redis::new(url).expect("a sound URL");
    if row == ROWS[1] {
        let level: Hstore<Redis> = redis.hstore();
        let level = &*Box::leak(Box::new(level));
        return calls(runtime, async move || {
            level.get(key()).await.expect("no error").map(|_| User::sample())
        });
    }
    if row == ROWS[2] {
        let level: IntTime<Msgpack<Hstore<Redis>>> = redis.hstore().msgpack().int_time();
        let level = &*Box::leak(Box::new(level));
        return calls(runtime, async move || {
            level.read(key()).await.expect("no error").and_then(|entry| entry.value)
        });
    }
    if row == ROWS[3] {
        return calls(runtime, async move || {
            region.get::<User>((SPACE, NAME)).await.expect("no error")
        });
    }
    calls(runtime, async move || through(&region).await)
}

fn calls(runtime: Runtime, call: impl AsyncFn() -> Option<User> + 'static) -> Work {
    Box::new(move |times| {
        runtime.block_on(async {
            for _ in 0..times {
                assert_eq!(call().await, Some(User::sample()));
            }
        });
    })
}

/// The table of all rows over a UNIX socket.
pub fn measure(report: &mut Report, server: &RedisServer, counting: bool) {
    let url = server.unix_url();
    // The value is there before anybody asks.
    start(ROWS[4], &url)(1);
    let title = "Redis over a UNIX socket, one call after the other, current-thread runtime";
    let mut table = Table::new(title, "us", CALLS);
    for row in ROWS {
        let mut work = start(row, &url);
        work(CALLS);
        let before = commands(server);
        work(CALLS);
        // The question itself is one of them.
        let sent = f64::from(commands(server) - before - 1) / f64::from(CALLS);
        table.batch(row, move || timed(CALLS, || work(CALLS)));
        table.figure("commands", sent);
        if counting {
            let case = ["--redis".to_owned(), url.clone(), row.to_owned()];
            table.figure("instructions", instructions::per_call(&case));
        }
    }
    report.table(table);
}

/// How many commands the server has run.
fn commands(server: &RedisServer) -> u32 {
    let info = server.call(&["INFO", "stats"]).text();
    let line = info.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
    line.and_then(|count| count.parse().ok()).expect("a number of commands")
}
