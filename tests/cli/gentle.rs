//! Nothing is written, nobody is blocked, and nothing is taken that may not be had.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    process::Stdio,
};

use super::{
    command,
    data::cluster_node,
    failure, json, run,
    support::redis_server::{RedisServer, Reply, newer},
    text,
};

/// All commands that may be sent, and what the tests send themselves.
const MAY: &[&str] = &[
    "auth",
    "client|no-touch",
    "dbsize",
    "get",
    "getrange",
    "hget",
    "hlen",
    "hrandfield",
    "hstrlen",
    "info",
    "memory|malloc-stats",
    "memory|usage",
    "object|encoding",
    "pttl",
    "scan",
    "select",
    "strlen",
    "type",
];

/// The commands that ran since the statistics were reset, and how often.
fn ran(server: &RedisServer) -> Vec<(String, u64)> {
    let Reply::Bulk(info) = server.call(&["INFO", "commandstats"]) else { panic!("no INFO") };
    let info = String::from_utf8(info).unwrap();
    let lines =
        info.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="));
    let count = |rest: &str| rest.split(',').next().unwrap().parse().unwrap();
    lines.map(|(name, rest)| (name.to_owned(), count(rest))).collect()
}

/// Everything that is stored.
fn dump(server: &RedisServer) -> Vec<Reply> {
    let Reply::Array(mut keys) = server.call(&["KEYS", "*"]) else { panic!("no KEYS") };
    keys.sort_by_key(Reply::text);
    let dump = |key: &Reply| server.call(&["DUMP", &key.text()]);
    keys.iter().map(dump).collect()
}

fn some_of_everything(server: &RedisServer) {
    for id in 0..300 {
        let id = id.to_string();
        server.call(&["SET", &format!("user:{id}"), "[1,1471113698]", "EX", "1000"]);
        server.call(&["HSET", &format!("h{}", id.len()), &id, "x"]);
    }
    server.call(&["HSET", "large", "field", &"x".repeat(200_000), "small", "1"]);
    server.call(&["SET", "big", &"x".repeat(200_000)]);
    for command in ["RPUSH list a", "SADD set a", "ZADD zset 1 a", "XADD stream * a 1"] {
        server.call(&command.split(' ').collect::<Vec<_>>());
    }
}

#[test]
fn nothing_is_written_and_no_other_command_is_sent() {
    let server = RedisServer::start();
    some_of_everything(&server);
    let before = dump(&server);
    let url = server.tcp_url();
    server.call(&["CONFIG", "RESETSTAT"]);
    text(&["inspect", &url]);
    json(&["inspect", &url, "user:*", "--keys", "1000"]);
    text(&["advise", &format!("{url}/0")]);
    let names: BTreeSet<String> = ran(&server).into_iter().map(|(name, _)| name).collect();
    let more: Vec<_> = names
        .iter()
        .filter(|name| !MAY.contains(&name.as_str()) && *name != "config|resetstat")
        .collect();
    assert!(more.is_empty(), "{more:?}");
    assert!(names.contains("scan") && names.contains("memory|usage"), "{names:?}");
    assert_eq!(dump(&server), before);
}

#[test]
fn a_user_who_may_only_read_is_enough() {
    let server = RedisServer::start();
    some_of_everything(&server);
    server.call(&["ACL", "SETUSER", "reader", "on", ">s3cret", "~*", "-@all", "+@read", "+info"]);
    let url = format!("redis://reader:s3cret@127.0.0.1:{}", server.port());
    let report = json(&["inspect", &url]);
    assert_eq!(report["about"]["notes"].as_array().unwrap().len(), 1, "long values only: {report}");
    json(&["advise", &url]);
}

#[test]
fn what_is_refused_is_left_out_and_told_once() {
    let server = RedisServer::start();
    some_of_everything(&server);
    server.call(&[
        "ACL",
        "SETUSER",
        "some",
        "on",
        ">s3cret",
        "~*",
        "+@all",
        "-memory|usage",
        "-info",
    ]);
    let url = format!("redis://some:s3cret@127.0.0.1:{}", server.port());
    let report = json(&["inspect", &url]);
    let notes = report["about"]["notes"].to_string();
    assert_eq!(notes.matches("MEMORY USAGE").count(), 1, "{notes}");
    assert_eq!(notes.matches("INFO").count(), 1, "{notes}");
    assert!(report["about"]["server"].is_null());
    assert!(report["prefixes"].as_array().unwrap().iter().all(|of| of["memory_bytes"].is_null()));
    assert!(text(&["inspect", &url]).contains("Note: the server refuses MEMORY USAGE"));
    assert!(json(&["advise", &url])["now"]["measured_bytes"].is_null());

    server.call(&["ACL", "SETUSER", "some", "-scan"]);
    let told = failure(run(&mut command(&["inspect", &url])), 1);
    assert!(told.contains("NOPERM") && told.contains("lacks this right"), "{told}");
}

#[test]
fn a_node_of_a_cluster_is_said_to_be_one() {
    let server = cluster_node();
    server.call(&["SET", "user:1", "x"]);
    let shown = text(&["inspect", &server.tcp_url()]);
    assert!(shown.contains("Note: this is one node of a cluster"), "{shown}");
}

#[test]
fn long_values_are_not_fetched() {
    let server = RedisServer::start();
    server.call(&["SET", "big", &"x".repeat(3_000_000)]);
    server.call(&["HSET", "large", "field", &"x".repeat(3_000_000), "small", "1"]);
    server.call(&["CONFIG", "RESETSTAT"]);
    let report = json(&["inspect", &server.tcp_url()]);
    assert!(sent(&server) < 200_000, "{}", sent(&server));
    let entry = |key: &str| {
        let entries = report["entries"].as_array().unwrap();
        entries.iter().find(|entry| entry["key"] == key).unwrap().clone()
    };
    assert_eq!(entry("big")["stored_bytes"], 3_000_000);
    assert!(entry("big")["bytes"].as_str().unwrap().len() < 100);
    assert_eq!(entry("large")["field"], "small");
    assert!(report["about"]["notes"].to_string().contains("long values of hashes"));
}

/// The most that is asked for at once, of a server that counts what it has to send.
fn peak(server: &RedisServer) -> u64 {
    let info = server.call(&["INFO", "memory"]).text();
    let peak = info.lines().find_map(|line| line.strip_prefix("used_memory_peak:"));
    let now = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    peak.unwrap().parse::<u64>().unwrap() - now.unwrap().parse::<u64>().unwrap()
}

fn sent(server: &RedisServer) -> u64 {
    let info = server.call(&["INFO", "stats"]).text();
    let sent = info.lines().find_map(|line| line.strip_prefix("total_net_output_bytes:"));
    sent.unwrap().parse().unwrap()
}

/// As many bytes as there is room for, of many long values, and not all of them at once.
#[test]
fn long_values_are_fetched_a_few_at_a_time() {
    let server = RedisServer::start();
    let long = "x".repeat(4 << 20);
    for id in 0..20 {
        server.call(&["SET", &format!("big:{id}"), &long]);
        server.call(&["HSET", "large", &format!("field{id}"), &long]);
    }
    for pattern in ["big:*", "large"] {
        server.call(&["CONFIG", "RESETSTAT"]);
        json(&["inspect", &server.tcp_url(), pattern, "--max-value", "16777216"]);
        let (sent, peak) = (sent(&server), peak(&server));
        println!("{pattern}: {sent} sent, {peak} at once");
        assert!((16 << 20..=65 << 20).contains(&sent), "{pattern}: {sent}");
        assert!(peak < 20 << 20, "{pattern}: {peak}");
    }
}

/// Nobody's values become more recently used by being looked at.
#[test]
fn looking_is_no_use() {
    let server = RedisServer::start_program(
        newer("redis-8"),
        &["--maxmemory-policy", "allkeys-lfu", "--maxmemory", "1gb"],
    );
    server.call(&["SET", "user:1", "text"]);
    server.call(&["HSET", "hash", "field", "text"]);
    let used = || ["user:1", "hash"].map(|key| server.call(&["OBJECT", "FREQ", key]));
    let before = used();
    text(&["inspect", &server.tcp_url()]);
    text(&["advise", &server.tcp_url()]);
    assert_eq!(used(), before);
    server.call(&["GET", "user:1"]);
    assert_ne!(used(), before);
}

#[test]
fn a_walk_ends_where_it_is_told_to() {
    let server = RedisServer::start();
    let mut raw = server.raw();
    for id in 0..20_000 {
        let prefix = if id % 4 == 0 { "page" } else { "user" };
        raw.call(&["SET", &format!("{prefix}:{id}"), "x"]);
    }
    server.call(&["CONFIG", "RESETSTAT"]);
    let report = json(&["inspect", &server.tcp_url(), "--scan", "4000", "--sample", "400"]);
    let about = &report["about"];
    assert_eq!((&about["keys"], &about["complete"]), (&20_000.into(), &false.into()), "{about}");
    assert_eq!(about["sampled"], 400);
    let scans = ran(&server).iter().find(|(name, _)| name == "scan").unwrap().1;
    assert!(scans <= 20, "{scans}");
    let entries = |pattern: &str| {
        let prefixes = report["prefixes"].as_array().unwrap();
        prefixes.iter().find(|of| of["pattern"] == pattern).unwrap()["entries"].as_f64().unwrap()
    };
    // Eight times the standard deviation.
    assert!((entries("user:*") - 15_000.0).abs() < 3_500.0, "{report}");
    assert!((entries("page:*") - 5_000.0).abs() < 3_500.0, "{report}");

    let report = json(&["inspect", &server.tcp_url(), "page:*", "--scan", "4000"]);
    let entries = report["prefixes"][0]["entries"].as_f64().unwrap();
    assert!((entries - 5_000.0).abs() < 1_500.0, "{report}");
    assert_eq!(report["prefixes"].as_array().unwrap().len(), 1);
}

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let server = RedisServer::start();
    some_of_everything(&server);
    // More than a pipe holds, so that it is still written when nobody reads any more.
    let mut child = command(&["inspect", &server.tcp_url(), "--keys", "100000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("Redis "), "{line}");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
