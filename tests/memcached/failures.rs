//! One server that is away, hangs, restarts, or is something else.

use std::time::{Duration, Instant};

use larder::{
    Backend, BackendExt, Error, ErrorKind, Key, LayerExt, Level, Memcached, PayloadExt, Put,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    common::{FOREVER, bytes, client, patient, whole},
    support::{DEADLINE, memcached_server::MemcachedServer, redis_server::free_port, until},
};

/// Makes every kind of call about keys; gives the error and the duration of each.
async fn failing_calls(memcached: &Memcached) -> Vec<(Error, Duration)> {
    let key = Key::from("k");
    let puts = [Put::new(key, bytes("v"), FOREVER), Put::new("l".into(), bytes("v"), FOREVER)];
    let mut failed = Vec::new();
    macro_rules! fails {
        ($($call:expr),* $(,)?) => {$(
            let start = Instant::now();
            let error = $call.await.map(drop).expect_err(stringify!($call));
            failed.push((error, start.elapsed()));
        )*};
    }
    fails!(
        memcached.get(key),
        memcached.set(key, bytes("v"), FOREVER),
        memcached.remove(key),
        memcached.get_multi(&[key, "l".into()]),
        memcached.set_multi(&puts),
        memcached.remove_multi(&[key, "l".into()]),
    );
    failed
}

/// What a call costs while there is no server: less than 50 ms, give or take the scheduler.
pub(crate) fn assert_cheap(mut took: Vec<Duration>) {
    took.sort_unstable();
    let (typical, longest) = (took[took.len() / 2], took[took.len() - 1]);
    assert!(typical < Duration::from_millis(50) && longest < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_server_that_is_away_costs_milliseconds() {
    let mut server = MemcachedServer::start();
    let gone = client(server.url());
    gone.ping().await.unwrap();
    server.kill();
    let never = format!("memcached://127.0.0.1:{}", free_port());
    for memcached in [gone, client(never), client("memcached+unix:///nowhere/memcached.sock")] {
        for _ in 0..5 {
            let failed = failing_calls(&memcached).await;
            for (error, _) in &failed {
                assert_eq!((error.kind(), error.layer()), (ErrorKind::Unavailable, "memcached"));
                assert!(whole(error).contains("no connection to"), "{error}");
            }
            assert_cheap(failed.into_iter().map(|(_, took)| took).collect());
        }
        let error = memcached.get("k".into()).await.unwrap_err();
        assert_eq!(error.key(), Some("k".into()));
        assert_eq!(memcached.ping().await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
}

/// Whoever is connected notices nothing but that everything is gone.
#[tokio::test]
async fn a_restart_between_calls_is_no_error() {
    let mut server = MemcachedServer::start();
    let memcached = client(server.url());
    for _ in 0..3 {
        memcached.set("k".into(), bytes("v"), FOREVER).await.unwrap();
        server.restart();
        assert_eq!(memcached.get("k".into()).await.unwrap(), None);
    }
    server.kill();
    assert!(memcached.get("k".into()).await.unwrap_err().is_transient());
    server.restart();
    until("the recovery", || async { memcached.get("k".into()).await.ok() }).await;
}

#[tokio::test]
async fn a_server_that_hangs_costs_the_response_timeout_once() {
    let server = MemcachedServer::start();
    let limit = Duration::from_millis(300);
    let memcached = patient(server.url()).response_timeout(limit).build().unwrap();
    memcached.set("k".into(), bytes("v"), FOREVER).await.unwrap();
    server.hang();
    let start = Instant::now();
    let error = memcached.get("k".into()).await.unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Timeout, Some("k".into())));
    assert!(whole(&error).contains("no answer from 127.0.0.1"), "{error}");
    assert!(start.elapsed() >= limit, "{:?}", start.elapsed());
    let mut took = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        assert!(memcached.get("k".into()).await.unwrap_err().is_transient());
        took.push(start.elapsed());
    }
    assert_cheap(took);
    server.resume();
    let back = until("the recovery", || async { memcached.get("k".into()).await.ok() }).await;
    assert_eq!(back, Some(bytes("v")));
}

/// Answers `mn` as a server would, and then `garbage`.
async fn garbled(garbage: &'static [u8]) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("memcached://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    let is_hello = &buffer[..count] == b"mn\r\n";
                    let answer = if is_hello { b"MN\r\n" } else { garbage };
                    if stream.write_all(answer).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    (url, task)
}

#[tokio::test]
async fn garbage_is_a_clear_error_and_no_value() {
    for garbage in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"VA 3\r\nabcdef\r\n",
        b"VA 99999999999\r\n",
        b"\x80\x81\0\0\xff\n",
        b"-ERR unknown command\r\n",
    ] {
        let (url, _task) = garbled(garbage).await;
        let memcached = client(url);
        for (error, _) in failing_calls(&memcached).await {
            assert_eq!((error.kind(), error.layer()), (ErrorKind::Backend, "memcached"));
            assert!(whole(&error).contains("does not speak memcached's protocol"), "{error}");
        }
    }
    // A promise that is never kept, and more than was asked for.
    let (url, _task) = garbled(b"VA 1000000000\r\nabc").await;
    let hurried = patient(url).response_timeout(Duration::from_millis(50)).build().unwrap();
    assert_eq!(hurried.get("k".into()).await.unwrap_err().kind(), ErrorKind::Timeout);
    let (url, _task) = garbled(b"EN\r\nEN\r\n").await;
    let twice = client(url);
    for _ in 0..10 {
        // The reply that nobody waits for ends the connection; it never becomes the next one's value.
        assert!(matches!(twice.get("k".into()).await, Ok(None) | Err(_)));
    }
}

#[tokio::test]
async fn other_servers_say_what_they_are() {
    for (answer, said) in [
        ("ERROR\r\n", "memcached 1.6"),
        ("HTTP/1.1 400 Bad Request\r\n", "does not speak"),
        ("ERROR Too many open connections\r\n", "`-c`"),
        ("SERVER_ERROR out of order\r\n", "out of order"),
        ("", "closed the connection at once"),
    ] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("memcached://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 100]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let error = client(url).get("k".into()).await.unwrap_err();
        assert!(whole(&error).contains(said), "{answer}: {error}");
        task.abort();
    }
}

/// A server that lets everybody in and leaves at once: many callers wait for connections that are gone
/// before they get them. None of them waits for ever.
#[tokio::test]
async fn connections_that_are_lost_at_once_keep_nobody() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("memcached://{}", listener.local_addr().unwrap());
    let leaves = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 100]).await;
            let _ = stream.write_all(b"MN\r\n").await;
        }
    });
    let memcached = client(url);
    let calls = (0..64).map(|_| {
        let memcached = memcached.clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                assert!(memcached.get("k".into()).await.unwrap_err().is_transient());
                tokio::task::yield_now().await;
            }
        })
    });
    for call in calls.collect::<Vec<_>>() {
        tokio::time::timeout(DEADLINE, call).await.expect("an end of the wait").unwrap();
    }
    leaves.abort();
}

/// Words of a server that is full or refuses, over a connection that stays.
#[tokio::test]
async fn refusals_are_told_with_their_words() {
    let (url, _task) = garbled(b"SERVER_ERROR out of memory storing object\r\n").await;
    let memcached = client(url);
    let error = memcached.set("k".into(), bytes("v"), FOREVER).await.unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Backend, Some("k".into())));
    assert!(whole(&error).contains("`-m`"), "{error}");
}

#[test]
fn a_runtime_that_ends_takes_no_backend_with_it() {
    let server = MemcachedServer::start();
    let memcached = client(server.url());
    for round in 0..3 {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let value = bytes(&round.to_string());
        runtime.block_on(async {
            memcached.set("k".into(), value.clone(), FOREVER).await.unwrap();
            assert_eq!(memcached.get("k".into()).await.unwrap(), Some(value));
        });
    }
}

#[tokio::test]
async fn a_region_goes_on_without_its_server() {
    let mut server = MemcachedServer::start();
    let region = client(server.url()).json().int_time().region();
    let make = async || "made".to_owned();
    assert_eq!(region.get_or_create("k", make).await.unwrap(), "made");
    server.kill();
    let start = Instant::now();
    for _ in 0..5 {
        assert_eq!(region.get_or_create("k", make).await.unwrap(), "made");
    }
    assert!(start.elapsed() < DEADLINE);
    assert_eq!(region.stats().creations, 6);
    server.restart();
    until("a hit", || async {
        let before = region.stats().creations;
        region.get_or_create("k", make).await.unwrap();
        (region.stats().creations == before).then_some(())
    })
    .await;
}
