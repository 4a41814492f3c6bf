//! A region on a real Redis: what its callers notice when the server dies and comes back.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]
#![cfg(all(unix, feature = "backend-redis", feature = "codec-msgpack"))]

#[cfg(test)]
mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use larder::{BackendExt, Hstore, IntTime, LayerExt, Logging, Msgpack, PayloadExt, Redis, Region};
use support::{redis_server::RedisServer, until};

type Users = Region<Logging<IntTime<Msgpack<Hstore<Redis>>>>>;

fn users(url: String) -> Users {
    // Patient, because the machine may be busy.
    let redis = Redis::builder(url).response_timeout(Duration::from_secs(10)).build().unwrap();
    let stack = redis.hstore().msgpack().int_time().logging();
    Region::builder(stack).expire_after(Duration::from_secs(600)).build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traffic_goes_on_while_the_server_is_killed_and_comes_back() {
    const TASKS: u64 = 16;
    let mut server = RedisServer::start();
    let users = users(server.unix_url());
    let (calls, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let traffic: Vec<_> = (0..TASKS)
        .map(|task| {
            let (users, calls, stop) = (users.clone(), Arc::clone(&calls), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut longest = Duration::ZERO;
                for n in task.. {
                    if stop.load(SeqCst) {
                        break;
                    }
                    let (space, name) = ((n % 7).to_string(), (n % 31).to_string());
                    let wanted = format!("{space}/{name}");
                    let start = Instant::now();
                    let got = users.get_or_create((&space, &name), async || wanted.clone()).await;
                    longest = longest.max(start.elapsed());
                    assert_eq!(got.unwrap(), wanted, "no error reaches a caller, no wrong value");
                    calls.fetch_add(1, SeqCst);
                    tokio::task::yield_now().await;
                }
                longest
            })
        })
        .collect();
    let more_calls = async |so_many: u64| {
        let target = calls.load(SeqCst) + so_many;
        until("traffic", async || (calls.load(SeqCst) >= target).then_some(())).await;
    };

    more_calls(2_000).await;
    let before = users.stats();
    assert_eq!(before.bypassed, 0);
    server.kill();
    more_calls(2_000).await;
    assert!(users.stats().bypassed > before.bypassed, "it went on without the server");
    server.restart();
    until("the server is used again", async || {
        (users.get::<String>(("0", "0")).await.is_ok()).then_some(())
    })
    .await;
    more_calls(2_000).await;
    stop.store(true, SeqCst);
    for task in traffic {
        let longest = task.await.unwrap();
        assert!(longest < Duration::from_secs(10), "a call took {longest:?}");
    }
    // What was created after the restart is there.
    let again = users.get_or_create(("3", "3"), async || "3/3".to_owned()).await.unwrap();
    assert_eq!(again, "3/3");
    assert_eq!(users.get::<String>(("3", "3")).await.unwrap().as_deref(), Some("3/3"));
    assert_eq!(users.in_flight(), 0);
}

#[tokio::test]
async fn regions_of_two_processes_share_what_was_created() {
    let server = RedisServer::start();
    let (one, other) = (users(server.unix_url()), users(server.tcp_url()));
    one.get_or_create("k", async || 1_u8).await.unwrap();
    assert_eq!(other.get_or_create("k", async || 2_u8).await.unwrap(), 1);
    let found = other.entry::<u8>("k").await.unwrap().unwrap();
    assert!(!found.is_stale() && found.age().unwrap() < Duration::from_secs(60));
    // Twice `expire_after`, so that there is something stale to serve.
    let ttl = server.call(&["PTTL", "k"]).int();
    assert!((1_100_000..=1_200_000).contains(&ttl), "{ttl}");
    other.delete("k").await.unwrap();
    assert_eq!(one.get::<u8>("k").await.unwrap(), None);
}
