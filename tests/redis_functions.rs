//! Cached functions and batches on a real Redis, in two processes.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]
#![cfg(all(unix, feature = "backend-redis", feature = "codec-json", feature = "macros"))]

#[cfg(test)]
mod support;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use larder::{BackendExt, PayloadExt, RedisLock, Region, SharedError, cached};
use support::{
    proxy::CountingProxy,
    redis_server::RedisServer,
    region::{Shared, patient, process},
    until,
};
use tokio::sync::Semaphore;

/// What both processes load from.
struct Database {
    calls: AtomicUsize,
    asked: Mutex<Vec<Vec<u64>>>,
    /// How many calls may end.
    gate: Semaphore,
}

impl Database {
    fn new(open: usize) -> Arc<Self> {
        let gate = Semaphore::new(open);
        Arc::new(Self { calls: AtomicUsize::new(0), asked: Mutex::default(), gate })
    }

    /// A call, from its begin until it may end.
    async fn query(&self) -> usize {
        let call = self.calls.fetch_add(1, SeqCst) + 1;
        self.gate.acquire().await.unwrap().forget();
        call
    }

    async fn asked_for(&self, calls: usize) {
        until("a query", async || (self.calls.load(SeqCst) >= calls).then_some(())).await;
    }
}

/// A process, with connections, lock and flights of its own.
struct Process {
    users: Shared,
    database: Arc<Database>,
}

#[cached(region = self.users)]
impl Process {
    #[cached(key = "user:{id}")]
    async fn load(&self, id: u64) -> Result<String, SharedError> {
        let call = self.database.query().await;
        Ok(format!("user {id} of call {call}"))
    }

    #[cached_multi(of = load)]
    async fn load_all(&self, ids: &[u64]) -> Result<HashMap<u64, String>, SharedError> {
        self.database.asked.lock().unwrap().push(ids.to_vec());
        let call = self.database.query().await;
        Ok(ids.iter().map(|id| (*id, format!("user {id} of call {call}"))).collect())
    }
}

fn two(server: &RedisServer, open: usize) -> (Arc<Process>, Arc<Process>, Arc<Database>) {
    let database = Database::new(open);
    let one = || Arc::new(Process { users: process(server), database: Arc::clone(&database) });
    (one(), one(), database)
}

#[tokio::test]
async fn one_call_for_all_processes() {
    let server = RedisServer::start();
    let (first, second, database) = two(&server, 0);
    let calls: Vec<_> = (0..20)
        .map(|n| {
            let process = Arc::clone(if n % 2 == 0 { &first } else { &second });
            tokio::spawn(async move { process.load(7).await.unwrap() })
        })
        .collect();
    database.asked_for(1).await;
    database.gate.add_permits(20);
    for call in calls {
        assert_eq!(call.await.unwrap(), "user 7 of call 1");
    }
    assert_eq!(database.calls.load(SeqCst), 1);
    first.load_cache().set("ann".to_owned(), &7).await.unwrap();
    assert_eq!(second.load(7).await.unwrap(), "ann");
    second.load_cache().invalidate(&7).await.unwrap();
    assert_eq!(first.load_cache().get(&7).await.unwrap(), None);
}

#[tokio::test]
async fn batches_of_two_processes_share_their_work() {
    let server = RedisServer::start();
    let (first, second, database) = two(&server, 0);
    let one = tokio::spawn({
        let first = Arc::clone(&first);
        async move { first.load_all(&[1, 2, 3]).await.unwrap() }
    });
    database.asked_for(1).await;
    let other = tokio::spawn({
        let second = Arc::clone(&second);
        async move { second.load_all(&[2, 3, 4]).await.unwrap() }
    });
    database.asked_for(2).await;
    database.gate.add_permits(2);
    let (one, other) = (one.await.unwrap(), other.await.unwrap());
    assert_eq!(*database.asked.lock().unwrap(), [vec![1, 2, 3], vec![4]]);
    assert_eq!((&one[&2], &one[&3]), (&other[&2], &other[&3]));
    assert_eq!(first.load(4).await.unwrap(), other[&4]); // the single form finds it
    assert_eq!(database.calls.load(SeqCst), 2);
}

#[tokio::test]
async fn a_batch_is_one_read_and_one_call() {
    let server = RedisServer::start();
    let proxy = CountingProxy::start(server.port()).await;
    let redis = patient(proxy.url());
    redis.ping().await.unwrap();
    let lock = RedisLock::new(&redis);
    let users = Region::builder(redis.json().full_dict()).lock(lock).build().unwrap();
    let process = Process { users, database: Database::new(10) };
    proxy.take();
    let ids: Vec<u64> = (0..100).collect();
    assert_eq!(process.load_all(&ids).await.unwrap().len(), 100);
    assert_eq!(process.database.calls.load(SeqCst), 1);
    assert!(proxy.take() <= 6);
    assert_eq!(process.load_all(&ids).await.unwrap().len(), 100);
    assert_eq!(proxy.take(), 1);
    process.load_all_cache().get(&ids).await.unwrap();
    assert_eq!(proxy.take(), 1);
    assert_eq!(process.database.calls.load(SeqCst), 1);
}

#[tokio::test]
async fn who_refreshes_a_batch_at_the_same_time_shares_the_call() {
    let server = RedisServer::start();
    let (first, _, database) = two(&server, 1);
    first.load_all(&[1, 2]).await.unwrap();
    let refreshes: Vec<_> = (0..5)
        .map(|_| {
            let first = Arc::clone(&first);
            tokio::spawn(async move { first.load_all_cache().refresh(&[1, 2]).await.unwrap() })
        })
        .collect();
    database.asked_for(2).await;
    // Meanwhile the old values are served.
    assert_eq!(first.load(1).await.unwrap(), "user 1 of call 1");
    database.gate.add_permits(10);
    for refresh in refreshes {
        assert_eq!(refresh.await.unwrap()[&2], "user 2 of call 2");
    }
    assert_eq!(database.calls.load(SeqCst), 2);
    assert_eq!(first.load(1).await.unwrap(), "user 1 of call 2");
}
