//! Who takes part: a region, the same store and lock seen from another process, those who wait.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use larder::{Lock, ManualClock, Memo, Region, Timestamp};
use tokio::task::{JoinHandle, yield_now};

use crate::support::yielding::{Yielding, give_way};

pub(crate) type Slow = Arc<Yielding<Memo<u64>>>;
type Numbers<L> = Region<Slow, L>;

/// How many keys [`Scene::waiters`] ask for.
pub(crate) const KEYS_OF_WAITERS: usize = 2;

/// What is in the store when it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    Missing,
    Stale,
}

/// A creator that gives way, counts its calls, and knows how many of them are running.
#[derive(Clone, Default)]
pub(crate) struct Creator(Arc<State>);

#[derive(Default)]
struct State {
    begun: AtomicUsize,
    running: AtomicUsize,
    held: AtomicBool,
}

struct Run<'a>(&'a State);

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

impl Creator {
    /// How often it gives way.
    pub(crate) const POLLS: usize = 2;

    /// Makes the number of this call.
    pub(crate) async fn create(&self) -> u64 {
        let state = &*self.0;
        let number = state.begun.fetch_add(1, SeqCst) + 1;
        state.running.fetch_add(1, SeqCst);
        let _run = Run(state);
        for _ in 0..Self::POLLS {
            give_way().await;
        }
        while state.held.load(SeqCst) {
            yield_now().await;
        }
        u64::try_from(number).unwrap()
    }

    pub(crate) fn begun(&self) -> usize {
        self.0.begun.load(SeqCst)
    }

    /// Keeps creations from ending.
    pub(crate) fn hold(&self) {
        self.0.held.store(true, SeqCst);
    }

    pub(crate) fn let_go(&self) {
        self.0.held.store(false, SeqCst);
    }
}

pub(crate) struct Scene<L: Lock> {
    pub(crate) here: Numbers<L>,
    /// The same store and lock in another process, if they have a lock.
    elsewhere: Option<Numbers<L>>,
    pub(crate) creator: Creator,
    held: fn(&L) -> usize,
}

impl<L: Lock> Scene<L> {
    pub(crate) async fn new(lock: L, held: fn(&L) -> usize, before: Before) -> Self {
        let time = ManualClock::new(Timestamp::from_secs(1_000));
        let store = Arc::new(Yielding(Memo::new().with_clock(time.clock())));
        let region = || {
            Region::builder(Arc::clone(&store))
                .lock(lock.clone())
                .expire_after(Duration::from_secs(10))
                .keep_for(Duration::from_secs(100))
                .clock(time.clock())
                .build()
                .unwrap()
        };
        let here = region();
        let elsewhere = lock.is_shared().then(region);
        if before == Before::Stale {
            here.set_multi([("a", 0), ("b", 0), ("c", 0)]).await.unwrap();
            time.advance(Duration::from_secs(11));
        }
        Self { here, elsewhere, creator: Creator::default(), held }
    }

    fn regions(&self) -> impl Iterator<Item = &Numbers<L>> {
        [&self.here].into_iter().chain(&self.elsewhere)
    }

    /// A caller in a task of its own. It fails if it has to wait until its time is up.
    pub(crate) fn waiter(&self, region: &Numbers<L>, key: &'static str) -> JoinHandle<()> {
        let (region, creator) = (region.clone(), self.creator.clone());
        tokio::spawn(async move {
            assert!(region.get_or_create(key, || creator.create()).await.unwrap() < 100);
        })
    }

    /// Callers of `a` and `b`, two of each in every process.
    pub(crate) fn waiters(&self) -> Vec<JoinHandle<()>> {
        let keys = ["a", "b", "b", "a"];
        self.regions().flat_map(|region| keys.map(|key| self.waiter(region, key))).collect()
    }

    /// Waits until what was left to do is done: nothing in flight, no lock held, no creator running.
    pub(crate) async fn calm(&self) {
        let left = || {
            let in_flight: usize = self.regions().map(Numbers::in_flight).sum();
            (in_flight, (self.held)(self.here.lock()), self.creator.0.running.load(SeqCst))
        };
        for _ in 0..100 {
            if left() == (0, 0, 0) {
                return;
            }
            yield_now().await;
        }
        panic!("(in flight, locked, running): {:?}", left());
    }

    /// The next call is served, creates at most once, and what it gets stays.
    pub(crate) async fn works(&self) {
        let begun = self.creator.begun();
        let value = self.here.get_or_create("a", || self.creator.create()).await.unwrap();
        assert!(self.creator.begun() <= begun + 1);
        for region in self.regions() {
            assert_eq!(region.get("a").await.unwrap(), Some(value));
        }
        self.calm().await;
    }
}
