//! What is sent, and how often.

use std::time::Duration;

use larder::{
    Backend, Batch, Bytes, Expires, Key, Level, Lock, MemcachedLock, Put, Seen, WriteOpts,
};

use crate::{
    common::{FOREVER, bytes, client, patient},
    stub::Stub,
    support::{DEADLINE, memcached_server::MemcachedServer, proxy::CountingProxy},
};

const FOR_A_MINUTE: WriteOpts = WriteOpts::keep_for(Some(Duration::from_secs(60)));

#[tokio::test]
async fn commands_are_exact() {
    let stub = Stub::start("EN\r\n").await;
    let memcached = client(stub.url());
    let key = Key::from("k");
    assert_eq!(memcached.get(key).await.unwrap(), None);
    memcached.set(key, bytes("1"), FOREVER).await.unwrap();
    memcached.set(("s", "two words").into(), bytes("22"), FOR_A_MINUTE).await.unwrap();
    memcached.remove(key).await.unwrap();
    assert_eq!(stub.told(), ["mg k v", "ms k 1 1", "ms s%.two%20words 2 T60 22", "md k"]);

    memcached.get_multi(&[key, "b".into(), key]).await.unwrap();
    let puts = [
        Put::new(key, bytes(""), FOREVER),
        Put::new("b".into(), bytes("x"), WriteOpts::keep_for(Some(Duration::from_millis(1)))),
    ];
    memcached.set_multi(&puts).await.unwrap();
    memcached.remove_multi(&[key, "b".into()]).await.unwrap();
    assert_eq!(
        stub.told(),
        ["mg k v", "mg b v", "mg k v", "ms k 0 ", "ms b 1 T1 x", "md k", "md b"]
    );
    memcached.get_multi(&[]).await.unwrap();
    memcached.set_multi(&[]).await.unwrap();
    memcached.remove_multi(&[]).await.unwrap();
    assert!(stub.told().is_empty());
    assert_eq!(memcached.capabilities().expires, Expires::Always);
    assert_eq!(memcached.capabilities().fence, None);
}

#[tokio::test]
async fn commands_of_locks_are_exact() {
    let stub = Stub::start("EN\r\n").await;
    let lock = MemcachedLock::new(&client(stub.url()));
    let lease = lock.lease("k".into());
    let token = lease.token();
    let one = std::slice::from_ref(&lease);
    lock.acquire(one).await.unwrap();
    lock.seize(one).await.unwrap();
    assert!(!lock.is_locked("k".into()).await.unwrap());
    lock.renew(one).await.unwrap();
    lock.release(one).await.unwrap();
    lock.released("k".into(), &mut Seen::default()).await.unwrap();
    #[rustfmt::skip]
    assert_eq!(stub.told(), [
        format!("ms larder:lock:k 32 T6 ME {token:?}"),
        "mg larder:lock:k v".to_owned(),
        format!("ms larder:lock:k 32 T6 {token:?}"),
        "mg larder:lock:k".to_owned(),
        "mg larder:lock:k v c".to_owned(),
        "mg larder:lock:k v c".to_owned(),
        "mg larder:lock:k v c".to_owned(),
    ]);
}

#[tokio::test]
async fn batches_are_one_round_trip_to_each_server() {
    let servers = [(); 3].map(|()| MemcachedServer::start());
    let mut proxies = Vec::new();
    for server in &servers {
        proxies.push(CountingProxy::start(server.port()).await);
    }
    let turns = || proxies.iter().map(CountingProxy::take).collect::<Vec<_>>();
    for count in [1, 3] {
        let urls = proxies[..count].iter().map(CountingProxy::memcached_url);
        let builder = larder::Memcached::builder(urls).connect_timeout(DEADLINE);
        let memcached = builder.response_timeout(DEADLINE).build().unwrap();
        memcached.ping().await.unwrap();
        turns();
        let wanted: Vec<usize> = (0..3).map(|at| usize::from(at < count)).collect();

        let names: Vec<String> = (0..1000).map(|n| format!("key:{count}:{n}")).collect();
        let keys: Vec<Key<'_>> = names.iter().map(Key::from).collect();
        let puts: Vec<_> = keys.iter().map(|key| Put::new(*key, value(*key), FOREVER)).collect();
        memcached.set_multi(&puts).await.unwrap();
        assert_eq!(turns(), wanted);
        let found: Batch<Bytes> = memcached.get_multi(&keys).await.unwrap();
        assert_eq!(turns(), wanted);
        for (key, found) in keys.iter().zip(found) {
            assert_eq!(found.unwrap(), Some(value(*key)));
        }
        memcached.remove_multi(&keys).await.unwrap();
        assert_eq!(turns(), wanted);
        let found = memcached.get_multi(&keys).await.unwrap();
        assert!(found.into_iter().all(|found| found.unwrap().is_none()));

        turns();
        let lock = MemcachedLock::new(&memcached);
        let leases: Vec<_> = keys.iter().map(|key| lock.lease(*key)).collect();
        assert!(lock.acquire(&leases).await.unwrap().into_iter().all(|taken| taken));
        assert_eq!(turns(), wanted);
        assert!(lock.renew(&leases).await.unwrap().into_iter().all(|held| held));
        assert_eq!(turns().iter().max(), Some(&2));
    }
}

fn value(key: Key<'_>) -> Bytes {
    Bytes::from(format!("value of {key}"))
}

/// Replies reach who asked, also when others stopped waiting at any point.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_calls_leave_no_reply_behind() {
    let server = MemcachedServer::start();
    let memcached = patient(server.url()).build().unwrap();
    let names: Vec<String> = (0..64).map(|n| format!("key:{n}")).collect();
    for name in &names {
        let key = Key::from(name);
        memcached.set(key, value(key), FOREVER).await.unwrap();
    }
    let tasks = names.iter().cloned().map(|name| {
        let memcached = memcached.clone();
        tokio::spawn(async move {
            for round in 0..50_u64 {
                let key = Key::from(&name);
                let many = [key, Key::from("nothing"), key];
                let dropped = memcached.get_multi(&many);
                let limit = Duration::from_micros(round * 10);
                let _ = tokio::time::timeout(limit, dropped).await;
                assert_eq!(memcached.get(key).await.unwrap(), Some(value(key)));
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

/// Many tasks leave in few packets: fewer turns of the connection than calls.
#[tokio::test]
async fn many_callers_share_a_round_trip() {
    let server = MemcachedServer::start();
    let proxy = CountingProxy::start(server.port()).await;
    let memcached = client(proxy.memcached_url());
    memcached.ping().await.unwrap();
    proxy.take();
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let memcached = memcached.clone();
            tokio::spawn(async move { memcached.get((&format!("key:{n}")).into()).await.unwrap() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), None);
    }
    let turns = proxy.take();
    assert!(turns <= 10, "{turns} round trips for 100 callers");
}
