//! The flights of a region under a model checker: each scenario runs under thousands of schedules,
//! chosen at random and by priorities (PCT). A deadlock fails, too.
//!
//! ```text
//! RUSTFLAGS="--cfg shuttle" cargo test --test model --target-dir target/shuttle
//! ```
#![cfg(all(shuttle, feature = "backend-memory"))]
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

#[path = "support/yielding.rs"]
mod yielding;

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use larder::{Failure, Invalidation, ManualClock, Memo, Region, Timestamp};
use shuttle::{
    future::{JoinHandle, block_on, spawn},
    rand::{Rng, thread_rng},
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
};

use yielding::{Yielding, give_way};

/// Schedules of each kind for each scenario.
const SCHEDULES: usize = 1_000;

fn check<F: Future<Output = ()> + 'static>(scenario: fn(World) -> F) {
    let run = move || block_on(scenario(World::default()));
    shuttle::check_random(run, SCHEDULES);
    shuttle::check_pct(run, SCHEDULES, 3);
}

/// A region, and the source its values are created from. Time stands still, so that only the marks
/// of invalidations tell before from after.
#[derive(Clone)]
struct World {
    region: Region<Arc<Yielding<Memo<u64>>>>,
    source: Arc<AtomicU64>,
    begun: Arc<AtomicUsize>,
    running: Arc<AtomicUsize>,
}

impl Default for World {
    fn default() -> Self {
        let time = ManualClock::new(Timestamp::from_secs(1_000));
        let store = Yielding(Memo::new().with_clock(time.clock()));
        let region = Region::builder(Arc::new(store)).clock(time.clock()).build().unwrap();
        let source = Arc::new(AtomicU64::new(1));
        Self { region, source, begun: Arc::default(), running: Arc::default() }
    }
}

struct Run(Arc<AtomicUsize>);

impl Drop for Run {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl World {
    /// A creation: reads the source, and takes its time.
    async fn create(&self) -> u64 {
        self.begun.fetch_add(1, SeqCst);
        self.running.fetch_add(1, SeqCst);
        let _run = Run(Arc::clone(&self.running));
        let value = self.source.load(SeqCst);
        give_way().await;
        value
    }

    /// A creation that must be the only one.
    async fn create_alone(&self) -> u64 {
        assert_eq!(self.running.load(SeqCst), 0, "one at a time");
        self.create().await
    }

    async fn get_or_create(&self) -> u64 {
        self.region.get_or_create("k", || self.create()).await.unwrap()
    }

    fn spawn_get_or_create(&self) -> JoinHandle<u64> {
        let world = self.clone();
        spawn(
            async move { world.region.get_or_create("k", || world.create_alone()).await.unwrap() },
        )
    }

    fn begun(&self) -> usize {
        self.begun.load(SeqCst)
    }

    fn nothing_left(&self) {
        assert_eq!(self.region.in_flight(), 0);
        assert_eq!(self.running.load(SeqCst), 0);
    }
}

/// Polls `call` at most `times`, then drops it.
async fn dropped_after<F: Future>(call: F, times: usize) -> Option<F::Output> {
    let mut call = Box::pin(call);
    for _ in 0..times {
        if let Poll::Ready(output) =
            std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await
        {
            return Some(output);
        }
        give_way().await;
    }
    None
}

#[test]
fn one_creates_for_all() {
    check(|world| async move {
        let tasks: Vec<_> = (0..4).map(|_| world.spawn_get_or_create()).collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), 1);
        }
        assert_eq!(world.begun(), 1);
        world.nothing_left();
    });
}

#[test]
fn when_a_caller_is_dropped_one_other_takes_over() {
    check(|world| async move {
        let times = thread_rng().gen_range(0..12);
        let dropped = spawn({
            let world = world.clone();
            async move {
                let call = world.region.get_or_create("k", || world.create_alone());
                dropped_after(call, times).await;
            }
        });
        let tasks: Vec<_> = (0..3).map(|_| world.spawn_get_or_create()).collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), 1);
        }
        dropped.await.unwrap();
        assert!((1..=2).contains(&world.begun()), "{} creations", world.begun());
        world.nothing_left();
    });
}

#[test]
fn when_a_creator_panics_one_other_takes_over() {
    check(|world| async move {
        let panicking = spawn({
            let world = world.clone();
            async move {
                let create = async || -> u64 {
                    world.create_alone().await;
                    std::panic::resume_unwind(Box::new("on purpose"))
                };
                let mut call = pin!(world.region.get_or_create("k", create));
                let call = std::future::poll_fn(|cx| {
                    match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx))) {
                        Ok(poll) => poll.map(Some),
                        Err(_) => Poll::Ready(None),
                    }
                });
                call.await.is_none()
            }
        });
        let tasks: Vec<_> = (0..3).map(|_| world.spawn_get_or_create()).collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), 1);
        }
        let panicked = usize::from(panicking.await.unwrap());
        assert_eq!(world.begun(), 1 + panicked);
        world.nothing_left();
    });
}

#[test]
fn those_who_wait_share_the_error() {
    check(|world| async move {
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let world = world.clone();
                spawn(async move {
                    let create =
                        async || Err::<u64, _>((world.begun(), world.create_alone().await));
                    match world.region.try_get_or_create("k", create).await {
                        Err(Failure::Creator(error)) => error.0,
                        other => panic!("{other:?}"),
                    }
                })
            })
            .collect();
        let mut errors: HashMap<usize, u64> = HashMap::new();
        for task in tasks {
            *errors.entry(task.await.unwrap()).or_default() += 1;
        }
        // Each failure is one call, shared by those who waited for it.
        let stats = world.region.stats();
        assert_eq!(errors.len(), world.begun());
        assert_eq!(u64::try_from(world.begun()).unwrap(), stats.failures);
        assert_eq!(stats.failures + stats.shared, 3);
        world.nothing_left();
    });
}

/// What makes the values created before it invalid; only a `set` brings its own.
type Ending = fn(&World) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>>;

const ENDINGS: [Ending; 4] = [
    |world| {
        Box::pin(async {
            world.source.store(2, SeqCst);
            world.region.delete("k").await.unwrap();
        })
    },
    |world| {
        Box::pin(async {
            world.source.store(2, SeqCst);
            world.region.delete_multi(["other", "k"]).await.unwrap();
        })
    },
    |world| Box::pin(async { world.region.set("k", 2).await.unwrap() }),
    |world| {
        Box::pin(async {
            world.source.store(2, SeqCst);
            world.region.invalidate(Invalidation::Hard).await.unwrap();
        })
    },
];

/// The value becomes 2, while two callers create: singly or in a batch.
async fn creations_against(world: World, ending: Ending) {
    let caller = {
        let world = world.clone();
        spawn(async move { world.get_or_create().await })
    };
    let batch = {
        let world = world.clone();
        spawn(async move {
            let create = async |missing: Vec<&'static str>| {
                let value = world.create().await;
                missing.into_iter().map(|key| (key, value)).collect::<Vec<_>>()
            };
            world.region.get_or_create_multi(["other", "k"], create).await.unwrap()
        })
    };
    ending(&world).await;
    let after = world.region.get::<u64>("k").await.unwrap();
    assert!(matches!(after, None | Some(2)), "read after the end: {after:?}");
    assert_eq!(world.get_or_create().await, 2, "asked for after the end");
    assert!(matches!(caller.await.unwrap(), 1 | 2));
    assert!(matches!(batch.await.unwrap()[1], Some(1 | 2)));
    assert_eq!(world.region.get("k").await.unwrap(), Some(2), "what is left");
    world.nothing_left();
}

#[test]
fn what_was_created_before_a_delete_is_not_seen_after_it() {
    check(|world| creations_against(world, ENDINGS[0]));
    check(|world| creations_against(world, ENDINGS[1]));
}

#[test]
fn what_was_created_before_a_set_is_not_seen_after_it() {
    check(|world| creations_against(world, ENDINGS[2]));
}

#[test]
fn what_was_created_before_a_hard_invalidation_is_not_seen_after_it() {
    check(|world| creations_against(world, ENDINGS[3]));
}

#[test]
fn what_was_created_before_a_soft_invalidation_is_not_fresh_after_it() {
    check(|world| async move {
        let caller = {
            let world = world.clone();
            spawn(async move { world.get_or_create().await })
        };
        world.source.store(2, SeqCst);
        world.region.invalidate(Invalidation::Soft).await.unwrap();
        let after = world.region.get::<u64>("k").await.unwrap();
        assert!(matches!(after, None | Some(2)), "read after the end: {after:?}");
        assert!(matches!(caller.await.unwrap(), 1 | 2));
        assert_eq!(world.get_or_create().await, 2, "nobody else refreshes");
        world.nothing_left();
    });
}

#[test]
fn of_many_writes_the_last_one_stays() {
    check(|world| async move {
        // In opposite orders, so that each could wait for the other.
        let writes = [["a", "k"], ["k", "a"]].map(|keys| {
            let world = world.clone();
            let values = keys.map(|key| (key, 1));
            spawn(async move { world.region.set_multi(values).await.unwrap() })
        });
        let times = thread_rng().gen_range(0..8);
        let dropped = {
            let world = world.clone();
            spawn(async move {
                let write = world.region.set_multi([("k", 3), ("a", 3)]);
                dropped_after(write, times).await;
            })
        };
        let caller = world.spawn_get_or_create();
        for write in writes {
            write.await.unwrap();
        }
        dropped.await.unwrap();
        world.region.set_multi([("k", 2), ("a", 2)]).await.unwrap();
        assert!(matches!(caller.await.unwrap(), 1..=3));
        assert_eq!(world.region.get_multi(["k", "a"]).await.unwrap(), [Some(2), Some(2)]);
        world.nothing_left();
    });
}

#[test]
fn overlapping_batches_create_each_key_once() {
    const BATCHES: [&[&str]; 5] = [&["a", "b"], &["b", "c"], &["c", "a"], &["a"], &["c"]];
    check(|world| async move {
        let created = Arc::new(Mutex::new(HashMap::new()));
        let tasks = BATCHES.map(|keys| {
            let (world, created) = (world.clone(), Arc::clone(&created));
            spawn(async move {
                let count =
                    |key: &'static str| *created.lock().unwrap().entry(key).or_insert(0) += 1;
                if let [key] = keys {
                    let create = async || {
                        count(key);
                        world.create().await
                    };
                    return vec![Some(world.region.get_or_create(*key, create).await.unwrap())];
                }
                let create = async |missing: Vec<&'static str>| {
                    for key in &missing {
                        count(key);
                    }
                    let value = world.create().await;
                    missing.into_iter().map(|key| (key, value)).collect::<Vec<_>>()
                };
                world.region.get_or_create_multi(keys.to_vec(), create).await.unwrap()
            })
        });
        for task in tasks {
            assert!(task.await.unwrap().iter().all(|value| *value == Some(1)));
        }
        let created = created.lock().unwrap().clone();
        assert_eq!(created, HashMap::from([("a", 1), ("b", 1), ("c", 1)]));
        world.nothing_left();
    });
}

#[test]
fn when_a_batch_is_dropped_others_take_over() {
    check(|world| async move {
        let batch = |keys: [&'static str; 2], times| {
            let world = world.clone();
            spawn(async move {
                let create = async |missing: Vec<&'static str>| {
                    let value = world.create().await;
                    missing.into_iter().map(|key| (key, value)).collect::<Vec<_>>()
                };
                let call = world.region.get_or_create_multi(keys, create);
                match times {
                    Some(times) => dropped_after(call, times).await,
                    None => Some(call.await),
                }
            })
        };
        let times = thread_rng().gen_range(0..16);
        let dropped = batch(["k", "b"], Some(times));
        let others = [batch(["b", "c"], None), batch(["c", "k"], None)];
        let single = world.get_or_create().await;
        assert_eq!(single, 1);
        for other in others {
            assert_eq!(other.await.unwrap().unwrap().unwrap(), [Some(1), Some(1)]);
        }
        dropped.await.unwrap();
        world.nothing_left();
    });
}

#[test]
fn a_refresh_and_those_who_ask_share_creations() {
    check(|world| async move {
        let refreshing = [(); 2].map(|()| {
            let world = world.clone();
            spawn(async move { world.region.refresh("k", || world.create_alone()).await.unwrap() })
        });
        let asking = [world.spawn_get_or_create(), world.spawn_get_or_create()];
        for task in refreshing.into_iter().chain(asking) {
            assert_eq!(task.await.unwrap(), 1);
        }
        assert!((1..=3).contains(&world.begun()), "{} creations", world.begun());
        world.nothing_left();
    });
}
