//! `larder advise` says what stacks take: compared with what they do take.

use std::{cell::RefCell, time::Duration};

use larder::{BackendExt, LayerExt, PayloadExt, Redis, Store};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    data::{User, cluster_node, fill, redis},
    json,
    support::{
        redis_server::{RedisServer, newer},
        until,
    },
    text,
};

const ENTRIES: u32 = 20_000;

fn key(id: u32) -> String {
    format!("user:{id}")
}

fn used_memory(server: &RedisServer) -> i64 {
    let info = server.call(&["INFO", "memory"]).text();
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    line.parse().unwrap()
}

/// What is used when all other connections have ended, and tables have been moved to their last place.
async fn settled(server: &RedisServer) -> i64 {
    let readings = RefCell::new(Vec::new());
    until("the end of all that changes", async || {
        tokio::time::sleep(Duration::from_millis(40)).await;
        let alone = server.call(&["INFO", "clients"]).text().contains("connected_clients:1\r");
        let mut readings = readings.borrow_mut();
        readings.push(alone.then(|| used_memory(server)));
        let last = readings.last_chunk::<8>()?;
        last[0].filter(|first| last.iter().all(|reading| *reading == Some(*first)))
    })
    .await
}

/// What an entry takes in `server`, which is empty, under a stack.
async fn taken<S: Store<User>>(server: &RedisServer, ttl: bool, stack: fn(Redis) -> S) -> f64 {
    taken_by(User::new, server, ttl, stack).await
}

/// What one takes that is made by `value`.
#[expect(clippy::cast_precision_loss, reason = "a few million")]
async fn taken_by<T, S>(
    value: fn(u32) -> T,
    server: &RedisServer,
    ttl: bool,
    stack: fn(Redis) -> S,
) -> f64
where
    T: Clone + Send + Sync + 'static,
    S: Store<T>,
{
    // The first time that a command runs, the server makes room for its statistics.
    fill(stack(redis(server)), ttl, 1000, key, value).await;
    server.call(&["FLUSHALL"]);
    let before = settled(server).await;
    fill(stack(redis(server)), ttl, ENTRIES, key, value).await;
    (settled(server).await - before) as f64 / f64::from(ENTRIES)
}

fn column(advice: &Value, stack: &str, column: &str) -> f64 {
    let rows = advice["stacks"].as_array().unwrap();
    rows.iter().find(|row| row["stack"] == stack).unwrap()[column].as_f64().unwrap()
}

fn close(said: f64, true_one: f64, what: &str) {
    println!("{what}: {said:.2} said, {true_one:.2} taken");
    assert!((said / true_one - 1.0).abs() < 0.1, "{what}: {said} said, {true_one} taken");
}

async fn agrees(start: impl Fn() -> RedisServer) {
    let server = start();
    let now = taken(&server, true, |redis| redis.pickle().dogpile()).await;
    let advice = json(&["advise", &server.tcp_url()]);
    assert_eq!(advice["now"]["stacks"], serde_json::json!(["Dogpile<Pickle>"]));
    close(advice["now"]["bytes"].as_f64().unwrap(), now, "as it is");
    match advice["now"]["measured_bytes"].as_f64() {
        Some(bytes) => close(bytes, now, "as it is, measured"),
        // Its `MEMORY USAGE` leaves out the names of some keys.
        None => assert!(advice["about"]["server"].as_str().unwrap().starts_with("Valkey 8.")),
    }
    close(column(&advice, "Dogpile<Pickle>", "with_ttl"), now, "written anew");

    let plain = taken(&start(), true, |redis| redis.postcard().framed()).await;
    close(column(&advice, "Framed<Postcard>", "with_ttl"), plain, "Framed<Postcard>, TTL");
    let plain = taken(&start(), false, |redis| redis.json().no_meta()).await;
    close(column(&advice, "NoMeta<Json>", "without_ttl"), plain, "NoMeta<Json>");
    let plain = taken(&start(), true, |redis| redis.msgpack().int_time()).await;
    close(column(&advice, "IntTime<Msgpack>", "with_ttl"), plain, "IntTime<Msgpack>, TTL");
    let packed =
        taken(&start(), true, |redis| redis.hstore().bucketed::<127>().msgpack().int_time()).await;
    close(column(&advice, "IntTime<Msgpack>", "in_hashes"), packed, "IntTime<Msgpack>, buckets");
    let server = start();
    let packed =
        taken(&server, true, |redis| redis.hstore().bucketed::<127>().postcard().framed()).await;
    close(column(&advice, "Framed<Postcard>", "in_hashes"), packed, "Framed<Postcard>, buckets");
}

#[tokio::test]
async fn redis_7_takes_what_is_said() {
    agrees(RedisServer::start).await;
}

#[tokio::test]
async fn redis_8_takes_what_is_said() {
    agrees(|| RedisServer::start_program(newer("redis-8"), &[])).await;
}

#[tokio::test]
async fn valkey_8_takes_what_is_said() {
    agrees(|| RedisServer::start_program(newer("valkey-8"), &[])).await;
}

#[tokio::test]
async fn valkey_9_takes_what_is_said() {
    agrees(|| RedisServer::start_program(newer("valkey-9"), &[])).await;
}

/// Entries of a node are larger: they know their slots.
#[tokio::test]
async fn a_node_of_a_cluster_takes_what_is_said() {
    agrees(cluster_node).await;
}

/// Numbers that were never negative are those of a `u64`, of which Postcard has one byte where an `i64` has two.
#[tokio::test]
async fn unsigned_numbers_take_what_is_said() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Counts {
        days: [[u64; 16]; 4],
        all: u64,
    }
    let counts = |_| Counts { days: [[100; 16]; 4], all: 6400 };
    let server = RedisServer::start();
    fill(redis(&server).json().no_meta(), false, ENTRIES, key, counts).await;
    let advice = json(&["advise", &server.tcp_url()]);
    let server = RedisServer::start();
    let plain = taken_by(counts, &server, false, |redis| redis.postcard().no_meta()).await;
    close(column(&advice, "NoMeta<Postcard>", "without_ttl"), plain, "NoMeta<Postcard>, counts");
}

/// And in the other direction, from hashes to keys.
#[tokio::test]
async fn hashes_are_counted_by_their_fields() {
    let server = RedisServer::start();
    let now =
        taken(&server, true, |redis| redis.hstore().bucketed::<100>().msgpack_named().int_time())
            .await;
    let advice = json(&["advise", &server.tcp_url()]);
    close(advice["now"]["bytes"].as_f64().unwrap(), now, "as it is");
    close(advice["now"]["measured_bytes"].as_f64().unwrap(), now, "as it is, measured");
    close(column(&advice, "IntTime<MsgpackNamed>", "in_hashes"), now, "written anew");
    assert_eq!(advice["prefixes"][0]["fields_per_hash"], 100.0);
    let pick = advice["prefixes"][0]["picks"][0]["stack"].as_str().unwrap();
    assert!(pick.ends_with("<Hstore<Redis>>>"), "{pick}");
}

#[tokio::test]
async fn what_is_picked_can_be_written_and_what_it_costs_is_said() {
    let server = RedisServer::start();
    fill(redis(&server).pickle().dogpile(), true, 3000, key, User::new).await;
    fill(
        redis(&server).json().full_dict(),
        false,
        3000,
        |id| format!("{}|{}", id / 30, id % 30),
        |id| id,
    )
    .await;
    let advice = json(&["advise", &server.tcp_url()]);
    let picks = |pattern: &str| {
        let prefixes = advice["prefixes"].as_array().unwrap();
        let of = prefixes.iter().find(|of| of["pattern"] == pattern).unwrap();
        of["picks"].as_array().unwrap().clone()
    };
    let stack = |pick: &Value| pick["stack"].as_str().unwrap().to_owned();
    let users = picks("user:*");
    assert!(stack(&users[0]).ends_with("<Bucketed<Hstore<Redis>, 127>>>"), "{users:?}");
    assert_eq!(stack(&users[1]), "IntTime<Msgpack<Bucketed<Hstore<Redis>, 127>>>");
    assert!(stack(&users[2]).ends_with("<Redis>>"), "{users:?}");
    assert!(stack(&users[3]).starts_with("NoMeta<"), "{users:?}");
    let bytes = |at: usize| users[at]["bytes"].as_f64().unwrap();
    assert!(bytes(3) < bytes(0) && bytes(0) <= bytes(1) && bytes(1) < bytes(2), "{users:?}");
    for (at, loss) in [
        (0, "steps of 64 seconds"),
        (0, "one TTL for all entries of a hash"),
        (1, "by position"),
        (1, "whole seconds"),
        (3, "no time of creation"),
    ] {
        assert!(users[at]["gives_up"].to_string().contains(loss), "{at} {loss}: {users:?}");
    }
    let numbers = picks("*|*");
    assert!(stack(&numbers[0]).ends_with("<SplitAt<Hstore<Redis>, '|'>>>"), "{numbers:?}");

    let shown = text(&["advise", &server.tcp_url()]);
    for words in [
        "6000 entries, now ",
        "Dogpile<Pickle>",
        "IntTime<Msgpack<Bucketed<Hstore<Redis>, 127>>>",
        "What one gives up:",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

/// One hash for a whole prefix grows with it; numbers make buckets that do not.
#[test]
fn a_prefix_is_not_one_hash() {
    let server = RedisServer::start();
    let mut raw = server.raw();
    for id in 0..400 {
        raw.call(&["SET", &format!("p0only:{id}"), &format!("[{id}]")]);
    }
    for id in 0..100 {
        let letters: String = format!("{id:03}").bytes().map(|b| char::from(b + 50)).collect();
        raw.call(&["SET", &format!("words:{letters}"), "[1]"]);
    }
    let advice = json(&["advise", &server.tcp_url()]);
    for of in advice["prefixes"].as_array().unwrap() {
        let backend =
            if of["pattern"] == "words:*" { "<Redis>>" } else { "Bucketed<Hstore<Redis>, 127>>>" };
        let pick = of["picks"][0]["stack"].as_str().unwrap();
        assert!(pick.ends_with(backend) && !pick.contains("SplitAt"), "{of}");
    }
}

/// Large figures have units, and keep to their columns.
#[test]
fn large_values_stay_in_line() {
    let server = RedisServer::start();
    let mut raw = server.raw();
    raw.call(&["SET", "big:1", &"x".repeat(12_435_676)]);
    raw.call(&["SET", "mid:1", &"x".repeat(14_000)]);
    let shown = text(&["inspect", &server.tcp_url()]);
    let line = |name: &str| shown.lines().find(|line| line.starts_with(name)).unwrap();
    let of_stack = line("prefix").find("stack").unwrap();
    for (name, figure) in [("big:*", " 12.4M "), ("mid:*", " 14.0k ")] {
        let line = line(name);
        assert!(line.contains(figure), "{line}");
        assert!(line[of_stack..].starts_with("NoMeta<"), "{line}");
    }
}

/// Values without names in common are no structs, and values of all kinds are an enum.
#[test]
fn values_of_any_shape_are_weighed() {
    let server = RedisServer::start();
    let mut raw = server.raw();
    for (id, value) in [
        "1",
        "-1",
        "1.5",
        "null",
        "true",
        "\"text\"",
        "[]",
        "[1,[2,\"x\"]]",
        "{}",
        "{\"a\":{\"b\":[1]}}",
        "123456789012345678901234567890",
        "{\"1\":null}",
    ]
    .iter()
    .enumerate()
    {
        raw.call(&["SET", &format!("any:{id}"), value]);
        raw.call(&["SET", &format!("map:{id}"), &format!("{{\"x{id}\":{id},\"y{id}\":{value}}}")]);
        raw.call(&["SET", &format!("row:{id}"), &format!("[{id},\"row {id}\",null]")]);
    }
    let advice = json(&["advise", &server.tcp_url()]);
    assert_eq!(advice["read"], 36.0);
    for row in advice["stacks"].as_array().unwrap() {
        assert!(row["with_ttl"].as_f64().unwrap() > row["without_ttl"].as_f64().unwrap(), "{row}");
    }
    for stack in ["NoMeta<Postcard>", "NoMeta<Msgpack>", "NoMeta<Json>", "Dogpile<Pickle>"] {
        column(&advice, stack, "with_ttl");
    }
}
