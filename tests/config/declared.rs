//! Regions that are named first and configured later.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use larder::{Config, Declared, Memo, Region, RegionSource, config::Loaded};
use static_assertions::assert_impl_all;

use crate::types::why;

type Numbers = Region<Memo<u32>>;

assert_impl_all!(Declared<Numbers>: Send, Sync);
assert_impl_all!(Loaded<Numbers>: Send, Sync);

#[test]
fn is_an_error_before_it_is_configured_and_a_region_after() {
    static NUMBERS: Declared<Numbers> = Declared::new("numbers");
    let unset = "region `numbers` is used before it is configured: call `configure_from(&config)` or \
                 `configure(region)` first";
    assert_eq!(why(NUMBERS.get()), unset);
    assert_eq!(why(NUMBERS.load()), unset);
    assert_eq!(why(NUMBERS.region().map(|_| ())), unset);
    assert!(!NUMBERS.is_configured());

    let config = Config::from_pairs([("cache.numbers.max_entries", "7")]);
    NUMBERS.configure_from(&config).unwrap();
    assert!(NUMBERS.is_configured());
    assert!(format!("{:?}", *NUMBERS.load().unwrap()).contains("max_weight: 7,"));
    assert_eq!(
        why(NUMBERS.configure_from(&config)),
        "region `numbers` is configured already; call `replace` for another one"
    );

    let old = NUMBERS.load().unwrap();
    NUMBERS.replace(Memo::with_capacity(8).region_of());
    assert!(format!("{:?}", *old).contains("max_weight: 7,"), "who has it keeps it");
    assert!(format!("{:?}", *NUMBERS.region().unwrap()).contains("max_weight: 8,"));
    assert_eq!(NUMBERS.name(), "numbers");
}

trait RegionOf {
    fn region_of(self) -> Numbers;
}

impl RegionOf for Memo<u32> {
    fn region_of(self) -> Numbers {
        larder::LayerExt::region(self)
    }
}

#[test]
fn may_be_replaced_before_it_is_configured() {
    let declared = Declared::new("x");
    declared.replace(Memo::with_capacity(8).region_of());
    assert!(declared.is_configured() && declared.get().is_ok());
}

#[test]
fn of_many_threads_one_configures() {
    let declared: Declared<Numbers> = Declared::new("x");
    let done = AtomicBool::new(false);
    let won: usize = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = false;
            while !done.load(Ordering::Relaxed) {
                let there = declared.load().is_ok();
                assert!(there || !seen, "it never goes away");
                seen = there;
            }
        });
        let writers: Vec<_> = (1..=4)
            .map(|n| {
                let declared = &declared;
                scope.spawn(move || {
                    let won = declared.configure(Memo::with_capacity(n).region_of()).is_ok();
                    for _ in 0..100 {
                        declared.replace(Memo::with_capacity(n).region_of());
                    }
                    usize::from(won)
                })
            })
            .collect();
        let won = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
        won
    });
    // `replace` of a quick thread may come before the others' `configure`, but not before its own.
    assert_eq!(won, 1);
}

/// A task may hold it while it waits, and go on in another thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_tasks() {
    static NUMBERS: Declared<Numbers> = Declared::new("numbers");
    NUMBERS.configure(Memo::new().region_of()).unwrap();
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            tokio::spawn(async {
                let region = NUMBERS.region().unwrap();
                region.get_or_create("k", async || 5_u32).await.unwrap()
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 5);
    }
    assert_eq!(NUMBERS.get().unwrap().stats().creations, 1);
}
