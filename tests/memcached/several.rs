//! Several servers, some of which are down.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use larder::{
    Backend, BackendExt, Bytes, ErrorKind, Key, LayerExt, Level, Memcached, MemcachedBuilder,
    PayloadExt, Put,
};
use tokio::task::JoinSet;

use crate::{
    common::{FOREVER, bytes},
    failures::assert_cheap,
    support::{DEADLINE, memcached_server::MemcachedServer, redis_server::free_port, until},
};

fn three() -> [MemcachedServer; 3] {
    [(); 3].map(|()| MemcachedServer::start())
}

fn builder(servers: &[MemcachedServer]) -> MemcachedBuilder {
    let urls = servers.iter().map(MemcachedServer::url);
    Memcached::builder(urls).connect_timeout(DEADLINE).response_timeout(DEADLINE)
}

fn client(servers: &[MemcachedServer]) -> Memcached {
    builder(servers).build().unwrap()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("key:{n}")).collect()
}

fn keys(names: &[String]) -> Vec<Key<'_>> {
    names.iter().map(Key::from).collect()
}

async fn store(memcached: &Memcached, keys: &[Key<'_>]) {
    let puts = keys.iter().map(|key| Put::new(*key, value(*key), FOREVER));
    memcached.set_multi(&puts.collect::<Vec<_>>()).await.unwrap();
}

fn value(key: Key<'_>) -> Bytes {
    bytes(&format!("value of {key}"))
}

/// Which server holds `name`, alone.
fn home(servers: &[MemcachedServer], name: &str) -> usize {
    let homes: Vec<usize> = (0..servers.len()).filter(|at| servers[*at].has(name)).collect();
    assert_eq!(homes.len(), 1, "{name} is on {homes:?}");
    homes[0]
}

#[tokio::test]
async fn each_key_has_one_home() {
    let servers = three();
    let (memcached, names) = (client(&servers), names(60));
    let keys = keys(&names);
    store(&memcached, &keys).await;
    let mut counts = [0; 3];
    for name in &names {
        counts[home(&servers, name)] += 1;
    }
    assert!(counts.iter().all(|count| *count > 5), "{counts:?}");
    for key in &keys {
        assert_eq!(memcached.get(*key).await.unwrap(), Some(value(*key)));
    }
    // Whatever the order in which they are told.
    let urls = [2, 0, 1].map(|at| servers[at].url());
    let other = Memcached::builder(urls).build().unwrap();
    for found in other.get_multi(&keys).await.unwrap() {
        assert!(found.unwrap().is_some());
    }
}

#[tokio::test]
async fn weights_count() {
    let servers = three();
    let urls: Vec<String> = servers.iter().map(MemcachedServer::url).collect();
    let urls = [format!("{}?weight=8", urls[0]), urls[1].clone(), urls[2].clone()];
    let (memcached, names) = (Memcached::builder(urls).build().unwrap(), names(500));
    store(&memcached, &keys(&names)).await;
    let items: Vec<u64> = servers.iter().map(|server| server.stat("curr_items")).collect();
    assert!(items[0] > 300 && items[1] > 0 && items[2] > 0, "{items:?}");
}

/// Calls that many tasks make until they are told to stop.
struct Traffic {
    tasks: JoinSet<()>,
    calls: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Traffic {
    /// Any error and any wrong value ends the test.
    fn start<F: Future<Output = ()> + Send + 'static>(
        call: impl Fn(u64) -> F + Clone + Send + 'static,
    ) -> Self {
        let (calls, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let mut tasks = JoinSet::new();
        for task in 0..16_u64 {
            let (calls, stop, call) = (Arc::clone(&calls), Arc::clone(&stop), call.clone());
            tasks.spawn(async move {
                for n in task.. {
                    if stop.load(Relaxed) {
                        break;
                    }
                    call(n).await;
                    calls.fetch_add(1, Relaxed);
                }
            });
        }
        Self { tasks, calls, stop }
    }

    /// Lets so many more calls be made.
    async fn goes_on(&mut self, count: u64) {
        let target = self.calls.load(Relaxed) + count;
        let start = Instant::now();
        while self.calls.load(Relaxed) < target {
            if let Some(ended) = self.tasks.try_join_next() {
                ended.unwrap();
            }
            assert!(start.elapsed() < DEADLINE, "traffic stands still");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn stop(mut self) {
        self.stop.store(true, Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }
}

/// Plain reads and writes, one by one and in batches.
fn plain_traffic(memcached: &Memcached) -> Traffic {
    let memcached = memcached.clone();
    Traffic::start(move |n| {
        let memcached = memcached.clone();
        async move {
            let names = [n % 97, n % 89, n % 83].map(|n| format!("key:{n}"));
            let keys = names.each_ref().map(Key::from);
            if n % 3 == 0 {
                memcached.set(keys[0], value(keys[0]), FOREVER).await.unwrap();
                let puts = keys.map(|key| Put::new(key, value(key), FOREVER));
                memcached.set_multi(&puts).await.unwrap();
                if n % 30 == 0 {
                    memcached.remove(keys[1]).await.unwrap();
                }
            }
            let found = memcached.get(keys[0]).await.unwrap();
            assert!(found.is_none_or(|found| found == value(keys[0])));
            for (key, found) in keys.iter().zip(memcached.get_multi(&keys).await.unwrap()) {
                assert!(found.unwrap().is_none_or(|found| found == value(*key)));
            }
        }
    })
}

/// Waits until keys of `server` are written to it again.
async fn returns(server: &MemcachedServer) {
    until("its keys to return", || async { (server.stat("curr_items") > 5).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_one_of_three_loses_no_request() {
    let mut servers = three();
    let memcached = client(&servers);
    let mut traffic = plain_traffic(&memcached);
    for victim in &mut servers {
        traffic.goes_on(300).await;
        victim.kill();
        traffic.goes_on(300).await;
        victim.restart();
        returns(victim).await;
    }
    // Two at once, too.
    servers[0].kill();
    servers[1].kill();
    traffic.goes_on(300).await;
    servers[0].restart();
    returns(&servers[0]).await;
    traffic.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_notices_nothing_but_misses() {
    let mut servers = three();
    let region = client(&servers).json().int_time().region();
    let reader = region.clone();
    let mut traffic = Traffic::start(move |n| {
        let region = reader.clone();
        async move {
            let names = [n % 31, n % 37].map(|n| format!("key:{n}"));
            let wanted = names[0].clone();
            let got = region.get_or_create(&names[0], async || wanted.clone()).await;
            assert_eq!(got.unwrap(), wanted);
            let make = async |keys: Vec<String>| keys.into_iter().map(|key| (key.clone(), key));
            let got = region.get_or_create_multi(names.clone(), make).await.unwrap();
            assert_eq!(got, names.map(Some));
        }
    });
    for victim in &mut servers {
        traffic.goes_on(300).await;
        victim.kill();
        traffic.goes_on(300).await;
        victim.restart();
        returns(victim).await;
    }
    traffic.stop().await;
    assert_eq!(region.stats().bypassed, 0, "the store was there all the time");
}

/// It costs callers the response timeout once, and then nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_three_that_hangs_loses_no_request() {
    let servers = three();
    let limit = Duration::from_millis(500);
    let builder = builder(&servers).response_timeout(limit).connect_timeout(limit);
    let memcached = builder.build().unwrap();
    let mut traffic = plain_traffic(&memcached);
    traffic.goes_on(300).await;
    servers[1].hang();
    traffic.goes_on(600).await;
    let mut took = Vec::new();
    for n in 0..50 {
        let start = Instant::now();
        memcached.get((&format!("other:{n}")).into()).await.unwrap();
        took.push(start.elapsed());
    }
    assert_cheap(took);
    servers[1].resume();
    let before = servers[1].stat("cmd_get");
    until("its keys to return", || async {
        (servers[1].stat("cmd_get") > before + 50).then_some(())
    })
    .await;
    traffic.stop().await;
}

#[tokio::test]
async fn what_stands_in_has_it_until_the_other_is_back() {
    let mut servers = three();
    let (memcached, names) = (client(&servers), names(60));
    let keys = keys(&names);
    store(&memcached, &keys).await;
    let homes: Vec<usize> = names.iter().map(|name| home(&servers, name)).collect();
    servers[2].kill();
    for (found, home) in memcached.get_multi(&keys).await.unwrap().into_iter().zip(&homes) {
        assert_eq!(found.unwrap().is_none(), *home == 2, "misses for its keys only");
    }
    store(&memcached, &keys).await;
    for key in &keys {
        assert_eq!(memcached.get(*key).await.unwrap(), Some(value(*key)));
    }
    // Both that are left stand in for a part.
    let moved: Vec<_> = names.iter().zip(&homes).filter(|(_, home)| **home == 2).collect();
    for at in [0, 1] {
        assert!(moved.iter().any(|(name, _)| servers[at].has(name)), "nothing went to {at}");
    }
    servers[2].restart();
    let first = Key::from(moved[0].0);
    until("its return", || async { memcached.get(first).await.unwrap().is_none().then_some(()) })
        .await;
    store(&memcached, &keys).await;
    assert!(moved.iter().all(|(name, _)| servers[2].has(name)));
}

#[tokio::test]
async fn without_failover_keys_of_a_dead_server_are_errors() {
    let mut servers = three();
    let memcached = builder(&servers).failover(false).build().unwrap();
    let names = names(60);
    let keys = keys(&names);
    store(&memcached, &keys).await;
    let homes: Vec<usize> = names.iter().map(|name| home(&servers, name)).collect();
    servers[1].kill();
    let dead = |home: &usize| *home == 1;
    for _ in 0..3 {
        let found = memcached.get_multi(&keys).await.unwrap();
        for ((key, home), found) in keys.iter().zip(&homes).zip(found) {
            let alone = memcached.get(*key).await;
            for found in [found, alone] {
                match found {
                    Ok(found) => assert!(!dead(home) && found == Some(value(*key))),
                    Err(error) => {
                        assert!(dead(home));
                        assert_eq!(error.kind(), ErrorKind::Unavailable);
                        assert_eq!(error.key(), Some(*key));
                    }
                }
            }
        }
    }
    // What can be written is.
    let others: Vec<_> = keys.iter().zip(&homes).filter(|(_, home)| !dead(home)).collect();
    memcached.remove_multi(&others.iter().map(|(key, _)| **key).collect::<Vec<_>>()).await.unwrap();
    let puts: Vec<_> = keys.iter().map(|key| Put::new(*key, value(*key), FOREVER)).collect();
    let error = memcached.set_multi(&puts).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    for (key, _) in others {
        assert_eq!(memcached.get(*key).await.unwrap(), Some(value(*key)));
    }
    // A region creates without it.
    let region = memcached.clone().json().int_time().region();
    for name in &names {
        assert_eq!(region.get_or_create(name, async || name.len()).await.unwrap(), name.len());
    }
    servers[1].restart();
    until("the recovery", || async { memcached.get_multi(&keys).await.ok() }).await;
    until("all of it", || async { memcached.set_multi(&puts).await.ok() }).await;
}

#[tokio::test]
async fn nobody_waits_long_for_servers_that_are_all_down() {
    let mut servers = three();
    let memcached = client(&servers);
    memcached.ping().await.unwrap();
    servers.iter_mut().for_each(MemcachedServer::kill);
    let mut took = Vec::new();
    for n in 0..30 {
        let start = Instant::now();
        let name = format!("key:{n}");
        let error = memcached.get((&name).into()).await.unwrap_err();
        took.push(start.elapsed());
        assert_eq!((error.kind(), error.key()), (ErrorKind::Unavailable, Some((&name).into())));
        assert!(error.to_string().contains("none of 3 servers"), "{error}");
    }
    assert_cheap(took);
    let error = memcached.get_multi(&["a".into(), "b".into(), "c".into()]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    servers.iter_mut().for_each(MemcachedServer::restart);
    until("the recovery", || async { memcached.ping().await.ok() }).await;
    store(&memcached, &keys(&names(60))).await;
}

/// One that never was, and one that is something else, among those that are there.
#[tokio::test]
async fn strangers_on_the_list_are_passed_by() {
    let server = MemcachedServer::start();
    let stranger = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let strange_url = format!("memcached://{}", stranger.local_addr().unwrap());
    let greets = tokio::spawn(async move {
        while let Ok((mut stream, _)) = stranger.accept().await {
            let greeting = b"220 mail.example.com ESMTP\r\n";
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, greeting).await;
        }
    });
    let never = format!("memcached://127.0.0.1:{}", free_port());
    let memcached = Memcached::builder([server.url(), strange_url, never]).build().unwrap();
    let names = names(60);
    let keys = keys(&names);
    store(&memcached, &keys).await;
    for key in &keys {
        assert_eq!(memcached.get(*key).await.unwrap(), Some(value(*key)));
    }
    assert_eq!(server.stat("curr_items"), 60);
    greets.abort();
}
