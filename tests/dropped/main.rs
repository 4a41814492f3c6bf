//! Calls that are dropped after n polls, for every n, and creators that panic at every poll: nobody
//! else is harmed, nothing is left behind.
#![cfg(feature = "backend-memory")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

mod desk;
#[cfg(all(
    feature = "backend-file",
    feature = "codec-postcard",
    unix,
    target_pointer_width = "64"
))]
mod file;
mod scene;
#[path = "../support/mod.rs"]
mod support;

use std::{pin::Pin, task::Poll};

use larder::{Created, EntryTtl, Local, Lock, Region, Store};
use tokio::task::{JoinHandle, yield_now};

use desk::Desk;
use scene::{Before, Creator, KEYS_OF_WAITERS, Scene, Slow};

type Running<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
type Call<S, L> = for<'a> fn(&'a Region<S, L>, &'a Creator) -> Running<'a>;

/// Everything that takes a seat, on the keys `a` to `c`.
fn calls<S: Store<u64> + EntryTtl + 'static, L: Lock>() -> [(&'static str, Call<S, L>); 10] {
    [
        ("get_or_create", |region, creator| {
            Box::pin(async {
                assert!(region.get_or_create("a", || creator.create()).await.unwrap() < 100);
            })
        }),
        ("try_get_or_create", |region, creator| {
            Box::pin(async {
                let create = async || Err::<u64, _>(creator.create().await);
                drop(region.try_get_or_create("a", create).await);
            })
        }),
        ("try_get_or_create_with", |region, creator| {
            Box::pin(async {
                let create = async || {
                    creator.create().await;
                    Ok::<_, u8>(Created::<u64>::nothing())
                };
                assert_ne!(region.try_get_or_create_with("a", create).await.unwrap(), Some(100));
            })
        }),
        ("get_or_create_multi", |region, creator| {
            Box::pin(async {
                let create = async |missing: Vec<&'static str>| {
                    let value = creator.create().await;
                    missing.into_iter().map(|key| (key, value)).collect::<Vec<_>>()
                };
                let values = region.get_or_create_multi(["c", "a", "b", "a"], create).await;
                assert_eq!(values.unwrap().iter().flatten().count(), 4);
            })
        }),
        ("refresh", |region, creator| {
            Box::pin(async {
                assert!(region.refresh("a", || creator.create()).await.unwrap() < 100);
            })
        }),
        ("get_or_create_in_background", |region, creator| {
            Box::pin(async {
                let creator = creator.clone();
                let create = move || async move { creator.create().await };
                assert!(region.get_or_create_in_background("a", create).await.unwrap() < 100);
            })
        }),
        ("set", |region, _| Box::pin(async { region.set("a", 7).await.unwrap() })),
        ("set_multi", |region, _| {
            Box::pin(async { region.set_multi([("b", 7), ("a", 7)]).await.unwrap() })
        }),
        ("delete", |region, _| Box::pin(async { region.delete("a").await.unwrap() })),
        ("delete_multi", |region, _| {
            Box::pin(async { region.delete_multi(["c", "a", "b"]).await.unwrap() })
        }),
    ]
}

/// Polls `call` so many times, and says whether it has ended by then. Others run in between.
async fn polls(call: &mut Running<'_>, times: usize) -> bool {
    for _ in 0..times {
        if std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await.is_ready() {
            return true;
        }
        yield_now().await;
    }
    false
}

async fn yields(times: usize) {
    for _ in 0..times {
        yield_now().await;
    }
}

/// How far those who ask for the same keys have come when the call is dropped.
const WAITED: [usize; 6] = [0, 1, 2, 4, 7, 40];

/// Drops `call` after `n` polls. Returns whether it had ended.
async fn drop_after<L: Lock>(
    scene: &Scene<L>,
    call: Call<Slow, L>,
    n: usize,
    waited: usize,
) -> bool {
    let mut running = call(&scene.here, &scene.creator);
    let ended = polls(&mut running, n).await;
    let begun = scene.creator.begun();
    let waiters = scene.waiters();
    yields(waited).await;
    drop(running);
    for waiter in waiters {
        waiter.await.unwrap();
    }
    scene.calm().await;
    let after = scene.creator.begun();
    assert!(after <= begun + KEYS_OF_WAITERS, "{after} creations, {begun} before");
    scene.works().await;
    ended
}

async fn dropped_anywhere<L: Lock>(lock: impl Fn() -> L, held: fn(&L) -> usize) {
    for (name, call) in calls() {
        for before in [Before::Missing, Before::Stale] {
            let mut ended = false;
            for n in 0.. {
                if ended {
                    assert!(n > 3, "{name} gives way");
                    break;
                }
                for waited in WAITED {
                    println!("{name}, {before:?}, {n} polls, {waited} by the others");
                    let scene = Scene::new(lock(), held, before).await;
                    ended |= drop_after(&scene, call, n, waited).await;
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_anywhere_leaves_nothing_behind() {
    dropped_anywhere(|| Local, |_| 0).await;
}

#[tokio::test(start_paused = true)]
async fn with_a_lock_between_processes_too() {
    dropped_anywhere(Desk::default, Desk::held).await;
}

/// One creates and is held up, one of those who wait is dropped after `n` polls.
async fn waiter_dropped_anywhere<L: Lock>(lock: impl Fn() -> L, held: fn(&L) -> usize) {
    for (name, call) in calls() {
        for n in 0..40 {
            println!("{name} waits, {n} polls");
            let scene = Scene::new(lock(), held, Before::Missing).await;
            scene.creator.hold();
            let leader = scene.waiter(&scene.here, "a");
            yields(20).await;
            assert_eq!(scene.creator.begun(), 1);
            let mut running = call(&scene.here, &scene.creator);
            polls(&mut running, n).await;
            let waiter = scene.waiter(&scene.here, "a");
            yields(20).await;
            drop(running);
            scene.creator.let_go();
            for served in [leader, waiter] {
                served.await.unwrap();
            }
            scene.calm().await;
            scene.works().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_is_dropped_anywhere_harms_nobody() {
    waiter_dropped_anywhere(|| Local, |_| 0).await;
}

#[tokio::test(start_paused = true)]
async fn with_a_lock_between_processes_neither() {
    waiter_dropped_anywhere(Desk::default, Desk::held).await;
}

/// A creator panics at its `n`th poll, in a single call and in a batch.
async fn panics_anywhere<L: Lock>(lock: impl Fn() -> L, held: fn(&L) -> usize) {
    for n in 0..=Creator::POLLS {
        for waited in WAITED {
            for batch in [false, true] {
                println!("a panic after {n} polls, {waited} by the others, batch: {batch}");
                let scene = Scene::new(lock(), held, Before::Missing).await;
                let leader = panicking(&scene, n, batch);
                yields(waited).await;
                let waiters = scene.waiters();
                assert!(leader.await.is_err_and(|error| error.is_panic()));
                for waiter in waiters {
                    waiter.await.unwrap();
                }
                scene.calm().await;
                assert_eq!(scene.creator.begun(), KEYS_OF_WAITERS);
                scene.works().await;
            }
        }
    }
}

fn panicking<L: Lock>(scene: &Scene<L>, after: usize, batch: bool) -> JoinHandle<()> {
    let region = scene.here.clone();
    tokio::spawn(async move {
        let panic = async move || -> u64 {
            yields(after).await;
            panic!("on purpose")
        };
        if batch {
            let create = async |_| vec![("b", panic().await)];
            drop(region.get_or_create_multi(["b", "a", "c"], create).await);
        } else {
            drop(region.get_or_create("a", panic).await);
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_creator_that_panics_anywhere_harms_nobody() {
    panics_anywhere(|| Local, |_| 0).await;
    panics_anywhere(Desk::default, Desk::held).await;
}
