//! `Redis` when things break: servers that are away, hang, restart, refuse, or are something else.
#![cfg(all(unix, feature = "backend-redis"))]

#[cfg(test)]
mod support;

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Waker},
    time::{Duration, Instant},
};

use larder::{
    Backend, Bytes, Error, ErrorKind, HashBackend, HashExpiry, Key, Level, Put, Redis,
    RedisBuilder, WriteOpts,
};
use support::{
    DEADLINE,
    redis_server::{RawClient, RedisServer, free_port},
    until,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};

const SECRET: &str = "s3cret";
const FOREVER: WriteOpts = WriteOpts::keep_for(None);

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// Settings for a busy machine.
fn patient(url: String) -> RedisBuilder {
    Redis::builder(url).connect_timeout(DEADLINE).response_timeout(DEADLINE)
}

fn client(server: &RedisServer) -> Redis {
    patient(server.unix_url()).build().expect("a good URL")
}

/// Everything an error says, its causes included.
fn whole(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let causes: Vec<String> = causes.map(|cause| format!("{cause} {cause:?}")).collect();
    let text = format!("{error} {error:?} {}", causes.join(" "));
    assert!(!text.contains(SECRET), "a secret in {text}");
    text
}

/// Makes every kind of call; gives the error and the duration of each.
async fn failing_calls(redis: &Redis) -> Vec<(Error, Duration)> {
    let key = Key::from("k");
    let field = Key::from(("h", "f"));
    let value = bytes("v");
    let puts = [Put::new(key, value.clone(), FOREVER), Put::new(field, value.clone(), FOREVER)];
    let mut failed = Vec::new();
    macro_rules! fails {
        ($($call:expr),* $(,)?) => {$(
            let start = Instant::now();
            let error = $call.await.map(drop).expect_err(stringify!($call));
            failed.push((error, start.elapsed()));
        )*};
    }
    fails!(
        redis.get(key),
        redis.set(key, value.clone(), FOREVER),
        redis.remove(key),
        redis.get_multi(&[key, field]),
        redis.set_multi(&puts),
        redis.remove_multi(&[key, field]),
        redis.hash_get(field),
        redis.hash_set(field, value, FOREVER, HashExpiry::Always),
        redis.hash_remove(field),
        redis.hash_get_multi(&[key, field]),
        redis.hash_set_multi(&puts, HashExpiry::OnCreate),
        redis.hash_remove_multi(&[key, field]),
        redis.ping(),
    );
    failed
}

/// What a call costs while there is no server: less than 50 ms, give or take the scheduler.
fn assert_cheap(mut failed: Vec<(Error, Duration)>) {
    failed.sort_by_key(|(_, took)| *took);
    let (typical, longest) = (failed[failed.len() / 2].1, failed[failed.len() - 1].1);
    assert!(typical < Duration::from_millis(50) && longest < Duration::from_secs(1), "{failed:?}");
}

#[tokio::test]
async fn a_server_that_never_was_costs_milliseconds() {
    let urls = [format!("redis://127.0.0.1:{}", free_port()), "unix:///nowhere/redis.sock".into()];
    for url in urls {
        let redis = Redis::new(url).unwrap();
        for _ in 0..5 {
            let failed = failing_calls(&redis).await;
            for (error, _) in &failed {
                assert_eq!((error.kind(), error.layer()), (ErrorKind::Unavailable, "redis"));
                assert!(error.is_transient());
                assert!(whole(error).contains("no connection to"), "{error}");
            }
            assert_cheap(failed);
        }
        let error = redis.get("k".into()).await.unwrap_err();
        assert_eq!(error.key(), Some("k".into()));
    }
}

#[tokio::test]
async fn a_server_that_died_costs_milliseconds() {
    let mut server = RedisServer::start();
    for url in [server.tcp_url(), server.unix_url()] {
        let redis = patient(url).build().unwrap();
        redis.ping().await.unwrap();
        server.kill();
        for _ in 0..5 {
            let failed = failing_calls(&redis).await;
            for (error, _) in &failed {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            }
            assert_cheap(failed);
        }
        server.restart();
        until("the recovery", || async { redis.ping().await.ok() }).await;
        redis.set("k".into(), bytes("v"), FOREVER).await.unwrap();
    }
}

#[tokio::test]
async fn an_address_that_swallows_everything_costs_the_connect_timeout_once() {
    // A full backlog: the kernel drops what else arrives, as a firewall would.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(Duration::from_millis(50), TcpStream::connect(address)).await
    {
        waiting.push(stream.unwrap());
    }
    let limit = Duration::from_millis(200);
    let redis =
        Redis::builder(format!("redis://{address}")).connect_timeout(limit).build().unwrap();
    let start = Instant::now();
    let calls: Vec<_> = (0..50)
        .map(|_| redis.clone())
        .map(|redis| tokio::spawn(async move { redis.get("k".into()).await.unwrap_err() }))
        .collect();
    for call in calls {
        let error = call.await.unwrap();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    let took = start.elapsed();
    assert!(took >= limit && took < limit * 5, "50 calls at once took {took:?}");
    let failed = failing_calls(&redis).await;
    assert!(failed.iter().all(|(error, _)| error.kind() == ErrorKind::Unavailable));
    assert_cheap(failed);
}

#[tokio::test]
async fn a_server_that_hangs_is_a_timeout_and_comes_back() {
    let server = RedisServer::start();
    let limit = Duration::from_millis(100);
    let redis = Redis::builder(server.tcp_url()).response_timeout(limit).build().unwrap();
    until("the first answer", || async { redis.ping().await.ok() }).await;
    server.hang();
    for (error, took) in failing_calls(&redis).await {
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.to_string().contains("100ms"), "{error}");
        assert!(took >= limit && took < limit * 10, "{took:?}");
    }
    let fresh = Redis::builder(server.tcp_url()).connect_timeout(limit).build().unwrap();
    let (error, took) = failing_calls(&fresh).await.swap_remove(0);
    assert!(error.is_transient() && took < limit * 10, "{error} {took:?}");

    server.resume();
    let other = Key::from("other");
    until("the recovery", || async { redis.set(other, bytes("w"), FOREVER).await.ok() }).await;
    let found = until("the value", || async { redis.get(other).await.ok() }).await;
    assert_eq!(found, Some(bytes("w")));
    until("the recovery", || async { fresh.ping().await.ok() }).await;
}

/// The value that task `name` writes in round `round`.
fn value(name: &str, round: usize) -> Bytes {
    Bytes::from(format!("{name}:{round}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traffic_survives_a_restart_without_a_wrong_answer() {
    let mut server = RedisServer::start();
    let redis = Redis::new(server.tcp_url()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..32)
        .map(|number| {
            let (redis, stop, done) = (redis.clone(), Arc::clone(&stop), Arc::clone(&done));
            tokio::spawn(async move {
                let name = format!("task{number}");
                let (mut failed, mut round) = (0_usize, 0);
                while !stop.load(Ordering::SeqCst) {
                    round += 1;
                    let wrote = redis.set((&name).into(), value(&name, round), FOREVER).await;
                    match redis.get((&name).into()).await {
                        // Nothing, when the server lost it or never got it; else no other value
                        // than this task's own, and none that was overwritten.
                        Ok(Some(found)) if wrote.is_ok() => assert_eq!(found, value(&name, round)),
                        Ok(Some(found)) => {
                            assert!(found.starts_with(format!("{name}:").as_bytes()));
                        }
                        Ok(None) => {}
                        Err(error) => {
                            assert!(error.is_transient(), "{error}");
                            failed += 1;
                        }
                    }
                    match wrote {
                        Ok(()) => {
                            done.fetch_add(1, Ordering::SeqCst);
                        }
                        // No busy loop while the server is away.
                        Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                    }
                }
                failed
            })
        })
        .collect();
    let more = |count: usize| {
        let target = done.load(Ordering::SeqCst) + count;
        let done = Arc::clone(&done);
        until("traffic", move || {
            let reached = done.load(Ordering::SeqCst) >= target;
            async move { reached.then_some(()) }
        })
    };
    more(500).await;
    for _ in 0..3 {
        tokio::task::block_in_place(|| server.kill());
        tokio::time::sleep(Duration::from_millis(30)).await;
        tokio::task::block_in_place(|| server.restart());
        more(500).await;
    }
    stop.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_calls_give_nobody_a_wrong_answer() {
    let server = RedisServer::start();
    let redis = client(&server);
    let names: Vec<String> = (0..50).map(|number| format!("key{number}")).collect();
    for name in &names {
        redis.set(name.into(), value(name, 0), FOREVER).await.unwrap();
    }
    let tasks: Vec<_> = (0..2000)
        .map(|number| {
            let (redis, name) = (redis.clone(), names[number % 50].clone());
            tokio::spawn(async move {
                let limit = Duration::from_micros((number as u64 * 37) % 700);
                let get = redis.get((&name).into());
                if let Ok(found) = tokio::time::timeout(limit, get).await {
                    assert_eq!(found.unwrap(), Some(value(&name, 0)));
                }
                let keys = [("hash", "nothing").into(), Key::from(&name), "nothing".into()];
                let get = redis.hash_get_multi(&keys);
                if let Ok(found) = tokio::time::timeout(limit * 2, get).await {
                    assert_eq!(found.unwrap()[1].as_ref().unwrap(), &Some(value(&name, 0)));
                }
                // Sent together with calls that were given up.
                let found = redis.hash_get_multi(&keys).await.unwrap();
                let expected = [None, Some(value(&name, 0)), None];
                assert!(found.into_iter().map(Result::unwrap).eq(expected));
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// How many connections the server of `raw` took so far.
fn connections(raw: &mut RawClient) -> usize {
    let info = raw.call(&["INFO", "stats"]).text();
    let (_, rest) = info.split_once("total_connections_received:").unwrap_or_default();
    let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).expect("the number of connections")
}

#[tokio::test]
async fn a_first_caller_that_gives_up_leaves_the_connection_to_others() {
    let server = RedisServer::start();
    let mut raw = server.raw();
    let before = connections(&mut raw);
    let redis = client(&server);
    {
        let mut call = pin!(redis.ping());
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    redis.ping().await.unwrap();
    assert_eq!(connections(&mut raw), before + 1, "one connection, for all");
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_costs_no_error() {
    let server = RedisServer::start();
    let redis = client(&server);
    redis.set("k".into(), bytes("v"), FOREVER).await.unwrap();
    for _ in 0..20 {
        assert!(server.call(&["CLIENT", "KILL", "TYPE", "normal"]).int() >= 1);
        assert_eq!(redis.get("k".into()).await.unwrap(), Some(bytes("v")));
    }
}

#[test]
fn a_runtime_that_ended_costs_no_error() {
    let server = RedisServer::start();
    let redis = client(&server);
    for round in 0..5 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            redis.set("k".into(), value("k", round), FOREVER).await.unwrap();
            assert_eq!(redis.get("k".into()).await.unwrap(), Some(value("k", round)));
        });
    }
    let unconnected = client(&server);
    let mut call = pin!(unconnected.ping());
    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        std::task::Poll::Ready(Err(error)) => assert_eq!(error.kind(), ErrorKind::Config),
        other => panic!("outside of a runtime: {other:?}"),
    }
}

#[tokio::test]
async fn refusals_are_in_the_servers_words_and_keep_secrets() {
    let server = RedisServer::start_with(&["--requirepass", SECRET]);
    let refused = async |builder: RedisBuilder, words: &[&str]| {
        let error = builder.build().unwrap().get("k".into()).await.unwrap_err();
        assert_eq!((error.kind(), error.layer()), (ErrorKind::Backend, "redis"), "{error}");
        let text = whole(&error);
        for word in words {
            assert!(text.contains(word), "{word} in {text}");
        }
    };
    let url = server.unix_url();
    refused(patient(url.clone()), &["NOAUTH", ".password(..)"]).await;
    refused(patient(url.clone()).password("s3cret2"), &["WRONGPASS", "check user name"]).await;
    let stranger = patient(url.clone()).username("nobody").password(SECRET);
    refused(stranger, &["WRONGPASS"]).await;
    let right = patient(url).password(SECRET);
    refused(right.clone().database(99), &["DB index", "no database of this number"]).await;

    let redis = right.build().unwrap();
    redis.ping().await.unwrap();
    assert!(!format!("{redis:?}").contains(SECRET), "{redis:?}");
    for url in [
        format!("redis://:{SECRET}@127.0.0.1:{}/3", server.port()),
        format!("redis://default:{SECRET}@127.0.0.1:{}/3", server.port()),
        format!("{}?db=3&user=default&pass={SECRET}", server.unix_url()),
    ] {
        let third = patient(url).build().unwrap();
        third.set("k".into(), bytes("v"), FOREVER).await.unwrap();
        assert_eq!(redis.get("k".into()).await.unwrap(), None);
        third.remove("k".into()).await.unwrap();
    }
    let open = RedisServer::start();
    let words = ["without any password", "leave it away"];
    refused(patient(open.unix_url()).password(SECRET), &words).await;
}

#[tokio::test]
async fn a_refused_login_is_not_kept() {
    let server = RedisServer::start_with(&["--requirepass", "other"]);
    let redis = patient(server.unix_url()).password(SECRET).build().unwrap();
    redis.ping().await.unwrap_err();
    let mut raw = server.raw();
    raw.call(&["AUTH", "other"]);
    raw.call(&["CONFIG", "SET", "requirepass", SECRET]);
    until("the login", || async { redis.ping().await.ok() }).await;
}

#[tokio::test]
async fn a_full_server_and_a_replica_refuse_with_a_hint() {
    let server = RedisServer::start();
    let redis = client(&server);
    let set = async || redis.set("k".into(), bytes("v"), FOREVER).await;
    set().await.unwrap();
    server.call(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = set().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend);
    assert!(whole(&error).contains("OOM") && whole(&error).contains("maxmemory-policy"), "{error}");
    server.call(&["CONFIG", "SET", "maxmemory", "0"]);

    server.call(&["REPLICAOF", "127.0.0.1", &free_port().to_string()]);
    let error = set().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend);
    assert!(whole(&error).contains("READONLY") && whole(&error).contains("master"), "{error}");
    assert_eq!(redis.get("k".into()).await.unwrap(), Some(bytes("v")));
    // The address may lead to the new master by now, so it is asked again, though not all the time.
    let mut raw = server.raw();
    let before = connections(&mut raw);
    let (mut tries, mut seen) = (0, before);
    while seen == before {
        set().await.unwrap_err();
        tries += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
        seen = connections(&mut raw);
    }
    assert!(tries > 3 && seen == before + 1, "{tries} writes, {} connections", seen - before);
    server.call(&["REPLICAOF", "NO", "ONE"]);
    set().await.unwrap();
}

/// Something that answers what it is sent with what `answer` makes of it.
async fn impostor(answer: impl Fn(&str) -> String + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("redis://{}", listener.local_addr().expect("its address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    let answer = answer(&String::from_utf8_lossy(&buffer[..count]));
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn something_else_than_a_redis_server_is_told_apart() {
    for (answer, kind, words) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", ErrorKind::Backend, "does not speak"),
        ("-LOADING Redis is loading the dataset\r\n", ErrorKind::Unavailable, "LOADING"),
        ("-BUSY a script runs\r\n", ErrorKind::Unavailable, "BUSY"),
        ("-ERR max number of clients reached\r\n", ErrorKind::Unavailable, "max number"),
        ("-ERR unknown command 'GET'\r\n", ErrorKind::Backend, "unknown command"),
        (":1\r\n", ErrorKind::Backend, "unexpected form"),
        ("*1\r\n+OK\r\n", ErrorKind::Backend, "unexpected form"),
    ] {
        let redis = patient(impostor(|_| answer.to_owned()).await).build().unwrap();
        let error = redis.get("k".into()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(whole(&error).contains(words), "{error}");
    }
    // Servers that lack a command repeat what it was given.
    let url = impostor(|_| {
        format!("-ERR unknown command `AUTH`, with args beginning with: `{SECRET}`\r\n")
    })
    .await;
    let error = patient(url).password(SECRET).build().unwrap().ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend);
    assert!(whole(&error).contains("refused the login"), "{error}");
}

/// A server whose first answers to `GET`, so many, end in the middle.
async fn cutting(mut cuts: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("redis://{}", listener.local_addr().expect("its address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                let gets = buffer[..count].windows(3).any(|word| word == b"GET");
                let answer = match (gets, cuts) {
                    (false, _) => "+OK\r\n",
                    (true, 0) => "$5\r\nwhole\r\n",
                    (true, _) => "$5\r\nwho",
                };
                let _ = stream.write_all(answer.as_bytes()).await;
                if gets && cuts > 0 {
                    cuts -= 1;
                    break;
                }
            }
        }
    });
    url
}

#[tokio::test]
async fn an_answer_that_ends_in_the_middle_is_a_lost_connection() {
    let redis = patient(cutting(1).await).build().unwrap();
    assert_eq!(redis.get("k".into()).await.unwrap(), Some(bytes("whole")), "it is asked again");
    let redis = patient(cutting(2).await).build().unwrap();
    let error = redis.get("k".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(whole(&error).contains("in the middle of an answer"), "{error}");
    assert_eq!(redis.get("k".into()).await.unwrap(), Some(bytes("whole")));
}

#[tokio::test]
async fn an_old_server_without_nx_is_explained() {
    let url = impostor(|sent| {
        let nx = "-ERR wrong number of arguments for 'pexpire' command\r\n";
        if sent.contains("PEXPIRE") { format!(":1\r\n{nx}") } else { "+OK\r\n".to_owned() }
    });
    let redis = patient(url.await).build().unwrap();
    let opts = WriteOpts::keep_for(Some(Duration::from_secs(1)));
    let key = Key::from(("h", "f"));
    let error = redis.hash_set(key, bytes("v"), opts, HashExpiry::OnCreate).await.unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Backend, Some(key)));
    assert!(whole(&error).contains("needs Redis 7.0"), "{error}");
    let puts = [Put::new(key, bytes("v"), opts)];
    let error = redis.hash_set_multi(&puts, HashExpiry::OnCreate).await.unwrap_err();
    assert!(whole(&error).contains("needs Redis 7.0"), "{error}");
}

#[cfg(feature = "backend-redis-tls")]
#[tokio::test]
async fn tls_is_verified_and_works() {
    let folder = support::redis_server::certificates();
    let authority = std::fs::read(folder.path().join("ca.pem")).unwrap();
    let other = std::fs::read(support::redis_server::certificates().path().join("ca.pem")).unwrap();
    let server = RedisServer::start_tls(folder);
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("rediss://{host}:{}/2", server.port());
        let redis = patient(url.clone()).ca_certificate(authority.clone()).build().unwrap();
        let big = Bytes::from(vec![7; 1_000_000]);
        redis.set("k".into(), big.clone(), FOREVER).await.unwrap();
        assert!(redis.get("k".into()).await.unwrap() == Some(big));
        for untrusting in [patient(url.clone()), patient(url).ca_certificate(other.clone())] {
            let error = untrusting.build().unwrap().ping().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(whole(&error).contains("certificate"), "{error}");
        }
    }
    // The name in the certificate counts.
    let url = format!("rediss://127.0.0.2:{}", server.port());
    let stranger = patient(url).ca_certificate(authority).build().unwrap();
    assert!(stranger.ping().await.is_err());
    // TLS and plain text do not mix.
    let url = format!("redis://127.0.0.1:{}", server.port());
    assert!(patient(url).build().unwrap().ping().await.is_err());
}
