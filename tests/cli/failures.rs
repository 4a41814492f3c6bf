//! What cannot be done is told in one line, without secrets.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use super::{
    command, failure, json, run,
    support::redis_server::{RedisServer, certificates, free_port},
};

#[test]
fn wrong_usage_is_told_from_failures() {
    for (words, told) in [
        (&[][..], "say `inspect` or `advise`"),
        (&["look"], "the first word is `inspect` or `advise`"),
        (&["inspect"], "say where"),
        (&["inspect", "redis://h", "a*", "b*"], "one PATTERN is enough"),
        (&["inspect", "redis://h", "--sample", "0"], "--sample takes a number from 1"),
        (&["inspect", "redis://h", "--scan", "many"], "--scan takes a number from 1"),
        (&["inspect", "redis://h", "--sample"], "--sample"),
        (&["inspect", "redis://h", "--nonsense"], "--nonsense"),
        (&["advise", "redis://h", "--keys", "3"], "--keys"),
    ] {
        let told_so = failure(run(&mut command(words)), 2);
        assert!(told_so.contains(told) && told_so.contains("--help"), "{words:?}: {told_so}");
    }
}

#[test]
fn help_and_version_are_printed() {
    for (words, shown) in [
        (&["--help"][..], "Usage: larder inspect URL"),
        (&["-h"], "REDIS_PASSWORD"),
        (&["inspect", "--help"], "--keys N"),
        (&["advise", "redis://nowhere", "--help"], "Nothing is written"),
        (&["advise", "--help"], "--max-value N"),
        (&["--version"], concat!("larder ", env!("CARGO_PKG_VERSION"), "\n")),
    ] {
        let ran = run(&mut command(words));
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{words:?}");
        assert!(ran.out.contains(shown), "{words:?}: {}", ran.out);
    }
}

#[test]
fn wrong_urls_are_told_without_their_secrets() {
    for url in [
        "localhost",
        "http://u:s3cret@localhost",
        "redis://u:s3cret@localhost:port",
        "redis://u:s3cret@localhost/seven",
        "redis://u:s3cret/2@localhost",
        "redis://s3cret@localhost",
        "unix:///path?pass=s3cret&nonsense=1",
    ] {
        let told = failure(run(&mut command(&["inspect", url])), 1);
        assert!(told.contains("redis"), "{told}");
    }
    let ran = run(&mut command(&["inspect", "rediss://h", "--ca", "/nowhere.pem"]));
    assert!(failure(ran, 1).contains("/nowhere.pem"));
}

/// Nor are URLs repeated that stand where something else is meant to.
#[test]
fn urls_in_the_wrong_place_are_not_repeated() {
    let url = "redis://:s3cret@localhost";
    for words in [
        &["inspect", "--json=redis://:s3cret@localhost"][..],
        &["inspect", "--redis://:s3cret@localhost"],
        &["inspect", "--redis://:s3cret=3@localhost"],
        &["inspect", "-redis://:s3cret@localhost"],
        &["inspect", "redis://nowhere", url],
        &["inspect", "redis://nowhere", "--sample", url],
        &["inspect", "redis://nowhere", "--ca", url],
        &["inspect", "redis://nowhere", "user:*", url],
        &[url, "inspect"],
    ] {
        let told = failure(run(&mut command(words)), 2);
        assert!(!told.contains("localhost"), "{words:?}: {told}");
    }
}

#[test]
fn servers_that_cannot_be_reached_are_named() {
    let port = free_port();
    let url = format!("redis://u:s3cret@127.0.0.1:{port}");
    let told = failure(run(&mut command(&["inspect", &url])), 1);
    assert!(told.contains(&format!("127.0.0.1:{port}")) && told.contains("refused"), "{told}");
    let told = failure(run(&mut command(&["advise", "unix:///nowhere/redis.sock"])), 1);
    assert!(told.contains("/nowhere/redis.sock"), "{told}");
}

#[test]
fn other_protocols_are_told() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let web = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let read = stream.read(&mut [0; 1024]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        read
    });
    let told = failure(run(&mut command(&["inspect", &url])), 1);
    assert!(told.contains("does not speak Redis's protocol"), "{told}");
    assert!(web.join().unwrap() > 0);
}

#[test]
fn passwords_are_taken_from_the_url_or_the_environment() {
    let server = RedisServer::start_with(&["--requirepass", "s3cret"]);
    let mut raw = server.raw();
    raw.call(&["AUTH", "s3cret"]);
    raw.call(&["ACL", "SETUSER", "ann", "on", ">annas-s3cret", "~*", "+@all"]);
    raw.call(&["SET", "user:1", "x"]);
    let address = format!("127.0.0.1:{}", server.port());
    let plain = format!("redis://{address}");

    let told = failure(run(&mut command(&["inspect", &plain])), 1);
    assert!(told.contains("NOAUTH") && told.contains("REDIS_PASSWORD"), "{told}");
    let wrong = format!("redis://:not-s3cret@{address}");
    let told = failure(run(&mut command(&["inspect", &wrong])), 1);
    assert!(told.contains("WRONGPASS") && told.contains("check user name"), "{told}");
    let told = failure(run(command(&["inspect", &plain]).env("REDIS_PASSWORD", "not-s3cret")), 1);
    assert!(told.contains("WRONGPASS"), "{told}");

    let sampled = |url: &str| json(&["inspect", url])["about"]["sampled"].clone();
    assert_eq!(sampled(&format!("redis://:s3cret@{address}")), 1);
    assert_eq!(sampled(&format!("redis://ann:annas-s3cret@{address}")), 1);
    for (url, password) in [(plain, "s3cret"), (format!("redis://ann@{address}"), "annas-s3cret")] {
        let ran = run(command(&["inspect", &url]).env("REDIS_PASSWORD", password));
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(!ran.out.contains("s3cret"));
    }
}

#[test]
fn a_password_for_a_server_without_is_told() {
    let server = RedisServer::start();
    let url = format!("redis://:s3cret@127.0.0.1:{}", server.port());
    let told = failure(run(&mut command(&["inspect", &url])), 1);
    assert!(told.contains("wants no password"), "{told}");
}

#[test]
fn nothing_to_look_at_is_told() {
    let server = RedisServer::start();
    let url = server.tcp_url();
    let told = failure(run(&mut command(&["inspect", &url])), 1);
    assert!(told.contains("database 0") && told.contains("is empty"), "{told}");
    server.call(&["SET", "user:1", "x"]);
    let told = failure(run(&mut command(&["inspect", &url, "page\x1b:*"])), 1);
    assert!(told.contains("none of the 1 keys") && told.contains("page\\u{1b}:*"), "{told}");
    let told = failure(run(&mut command(&["advise", &format!("{url}/3")])), 1);
    assert!(told.contains("database 3") && told.contains("is empty"), "{told}");
    let told = failure(run(&mut command(&["advise", &format!("{url}/99")])), 1);
    assert!(told.contains("no database of this number"), "{told}");
    server.call(&["DEL", "user:1"]);
    server.call(&["RPUSH", "list", "x"]);
    let told = failure(run(&mut command(&["advise", &url])), 1);
    assert!(told.contains("none of the sampled values can be read"), "{told}");
}

/// Takes ten seconds: Redis waits for the rest of what it takes for a command.
#[test]
fn tls_to_a_plain_port_is_told() {
    let server = RedisServer::start();
    let url = format!("rediss://127.0.0.1:{}", server.port());
    let told = failure(run(&mut command(&["inspect", &url])), 1);
    assert!(told.contains("TLS") && told.contains("redis://"), "{told}");
}

#[test]
fn tls_is_spoken_and_verified() {
    let folder = certificates();
    let ca = folder.path().join("ca.pem").to_string_lossy().into_owned();
    let server = RedisServer::start_tls(folder);
    server.call(&["SET", "user:1", "x"]);
    let url = format!("rediss://localhost:{}", server.port());
    assert_eq!(json(&["inspect", &url, "--ca", &ca])["about"]["keys"], 1);
    let told = failure(run(&mut command(&["inspect", &url])), 1);
    assert!(told.contains("no TLS with localhost") && told.contains("--ca"), "{told}");
    let told = failure(run(&mut command(&["inspect", &server.tcp_url()])), 1);
    assert!(told.contains("rediss://"), "{told}");
}
