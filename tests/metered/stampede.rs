//! The sums hold whatever happens at the same time.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
};

use larder::{
    BackendExt, Memory, Options, PayloadExt,
    testing::{Calls, Chaos, Fault},
};

use super::{
    scrape::{Counts, Scrape},
    *,
};

/// Of little worth but for tests: the same numbers in each run.
fn dice(seed: &AtomicU64) -> u64 {
    let n = seed.fetch_add(0x9e37_79b9_7f4a_7c15, std::sync::atomic::Ordering::Relaxed);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n ^ (n >> 27)
}

#[test]
fn two_hundred_tasks_on_few_keys() {
    const KEYS: [&str; 4] = ["a", "b", "c", "d"];
    // The meter finds this thread's exporter when the stack is built; the tasks run on others.
    let scrape = Scrape::new();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let store = Chaos::new(Memory::new());
    let chaos = store.handle();
    let time = ManualClock::new(Timestamp::from_secs(1_000_000));
    let region = Region::builder(store.json().int_time().metered("storm"))
        .expire_after(secs(1))
        .clock(time.clock())
        .wait_timeout(Duration::from_millis(3))
        .build()
        .unwrap();
    chaos.inject(Fault::Error(ErrorKind::Unavailable).on(Calls::All).chance(0.1));
    chaos.inject(Fault::Corrupt(larder::testing::Damage::Truncate).on(Calls::Reads).chance(0.1));
    let (seed, looked_up) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicUsize::new(0)));
    runtime.block_on(async {
        let tasks: Vec<_> = (0..200)
            .map(|_| {
                let (region, seed) = (region.clone(), Arc::clone(&seed));
                let (looked_up, time) = (Arc::clone(&looked_up), time.clone());
                tokio::spawn(async move {
                    for _ in 0..20 {
                        let throw = dice(&seed);
                        let key = KEYS[(throw % 4) as usize];
                        let (pause, fails) = (throw >> 8 & 7, (throw >> 12).is_multiple_of(4));
                        let create = async move || {
                            tokio::time::sleep(Duration::from_millis(pause)).await;
                            if fails { Err("bad luck") } else { Ok(throw) }
                        };
                        let then = match throw >> 16 & 3 {
                            0 => larder::OnTimeout::Fail,
                            1 => larder::OnTimeout::Stale,
                            _ => larder::OnTimeout::Create,
                        };
                        let region = region.with(Options::new().on_timeout(then));
                        let lookups = match throw >> 20 & 7 {
                            0 => {
                                drop(region.get::<u64>(key).await);
                                1
                            }
                            1 => {
                                drop(region.get_multi::<u64>(KEYS).await);
                                4
                            }
                            2 => {
                                drop(region.try_refresh(key, create).await);
                                0
                            }
                            3 => {
                                drop(region.try_get_or_create_in_background(key, create).await);
                                1
                            }
                            4 => {
                                let create = async |keys: Vec<&'static str>| {
                                    let value = create().await?;
                                    Ok::<_, &str>(keys.into_iter().map(move |key| (key, value)))
                                };
                                drop(region.try_get_or_create_multi(KEYS, create).await);
                                4
                            }
                            5 => {
                                time.advance(Duration::from_millis(700));
                                drop(region.delete(key).await);
                                0
                            }
                            _ => {
                                drop(region.try_get_or_create(key, create).await);
                                1
                            }
                        };
                        looked_up.fetch_add(lookups, SeqCst);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        // Also of those behind that somebody took over from, which are not in flight any more.
        let metrics = tokio::runtime::Handle::current().metrics();
        support::until("the end of all tasks", async || {
            (metrics.num_alive_tasks() == 0).then_some(())
        })
        .await;
    });
    let counts = scrape.counts("storm");
    assert_eq!(counts.lookups(), looked_up.load(SeqCst) as u64, "{counts:?}");
    let stats = region.stats();
    assert_eq!(
        [counts.stale, counts.creations, counts.failures, counts.waits],
        [stats.stale, stats.creations, stats.failures, stats.shared]
    );
    assert_eq!(
        [counts.voided, counts.undecodable, counts.bypassed],
        [stats.voided, stats.unreadable, stats.bypassed]
    );
    // Each of them did happen.
    let Counts { fresh, stale, misses, creations, failures, waits, voided, undecodable, bypassed } =
        counts;
    let all = [fresh, stale, misses, creations, failures, waits, voided, undecodable, bypassed];
    assert!(all.iter().all(|count| *count > 0), "{counts:?}");
}
