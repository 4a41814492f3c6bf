//! Many tasks that read through one region.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use larder::{BackendExt, FullDict, Hstore, Json, PayloadExt, Redis, RedisLock, Region, Wire};
use tokio::task::JoinSet;

use crate::support::until;

pub(crate) type Users<W> = Region<FullDict<Json<Hstore<Redis<W>>>>, RedisLock<W>>;

/// How many tasks ask.
const TASKS: usize = 16;
/// How many different keys they ask for.
const KEYS: usize = 400;

pub(crate) fn users<W: Wire>(redis: &Redis<W>) -> Users<W> {
    // Short leases, because one that is lost with its server is waited for.
    let lock = RedisLock::builder(redis).lease(Duration::from_millis(500)).build().unwrap();
    Region::builder(redis.clone().hstore().json().full_dict())
        .lock(lock)
        .expire_after(Duration::from_secs(3600))
        .build()
        .unwrap()
}

/// The key and value number `n`: plain keys, fields of hashes, those of many slots.
fn entry(n: usize) -> ((Option<String>, String), String) {
    let space = n.is_multiple_of(2).then(|| format!("space {}", n % 64));
    ((space, format!("key {n}")), format!("value {n}"))
}

async fn ask<W: Wire>(users: &Users<W>, n: usize) {
    let ((space, name), value) = entry(n);
    let created = value.clone();
    let create = async move || created;
    let found = match &space {
        Some(space) => users.get_or_create((space, &name), create).await,
        None => users.get_or_create(&name, create).await,
    };
    assert_eq!(found.unwrap(), value, "no call fails, whatever happens to the servers");
}

async fn ask_many<W: Wire>(users: &Users<W>, from: usize) {
    let names: Vec<String> = (from..from + 50).map(|n| format!("many {}", n % KEYS)).collect();
    let create = async |missing: Vec<String>| missing.into_iter().map(|name| (name.clone(), name));
    let found = users.get_or_create_multi(names.clone(), create).await.unwrap();
    assert_eq!(found, names.into_iter().map(Some).collect::<Vec<_>>());
}

/// Tasks that ask until they are told to stop.
pub(crate) struct Traffic<W: Wire> {
    pub(crate) users: Users<W>,
    pub(crate) calls: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    tasks: JoinSet<Duration>,
}

impl<W: Wire> Traffic<W> {
    pub(crate) fn start(redis: &Redis<W>) -> Self {
        let (calls, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (users, mut tasks) = (users(redis), JoinSet::new());
        for task in 0..TASKS {
            let (users, calls, stop) = (users.clone(), Arc::clone(&calls), Arc::clone(&stop));
            tasks.spawn(async move {
                let mut longest = Duration::ZERO;
                let mut n = task * 31;
                while !stop.load(SeqCst) {
                    let start = Instant::now();
                    n += 1;
                    if n.is_multiple_of(16) {
                        ask_many(&users, n).await;
                    } else {
                        ask(&users, n % KEYS).await;
                    }
                    longest = longest.max(start.elapsed());
                    calls.fetch_add(1, SeqCst);
                    // Removals, so that there is something to create all the time.
                    if n.is_multiple_of(7) {
                        let ((space, name), _) = entry(n * 3 % KEYS);
                        let _ = match &space {
                            Some(space) => users.delete((space, &name)).await,
                            None => users.delete(&name).await,
                        };
                    }
                }
                longest
            });
        }
        Self { users, calls, stop, tasks }
    }

    /// Waits until `count` more calls were answered.
    pub(crate) async fn more(&self, count: usize) {
        let enough = self.calls.load(SeqCst) + count;
        until("more calls", async || (self.calls.load(SeqCst) >= enough).then_some(())).await;
    }

    /// Waits until calls go by without a failure of the store.
    pub(crate) async fn well(&self) {
        until("a store without failures", async || {
            let before = self.users.stats().bypassed;
            self.more(200).await;
            (self.users.stats().bypassed == before).then_some(())
        })
        .await;
    }

    /// Ends it; how long the longest call took.
    pub(crate) async fn stop(self) -> Duration {
        self.stop.store(true, SeqCst);
        let longest = self.tasks.join_all().await.into_iter().max().unwrap();
        assert_eq!(self.users.in_flight(), 0);
        longest
    }
}
