//! What a request has read or written, it does not ask for again.

use std::{
    future::Future,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use larder::{
    BackendExt, ErrorKind, Invalidation, LayerExt, ManualClock, Memo, Memory, Options, PayloadExt,
    Region, RequestScope, Tiers, Timestamp,
    testing::{Calls, Chaos, Fault},
};

use tokio::sync::Notify;

use crate::{
    World, parts, request,
    support::yielding::{Yielding, give_way},
    text,
};

#[tokio::test]
async fn a_value_is_asked_for_once() {
    let world = World::new();
    world.others.set("k", "v".to_owned()).await.unwrap();
    request(async {
        let region = &world.region;
        for _ in 0..2 {
            assert_eq!(region.get::<String>("k").await.unwrap(), text("v"));
            assert_eq!(region.entry::<String>("k").await.unwrap().unwrap().value, "v");
            assert_eq!(
                region.get_multi::<String>(["k", "k"]).await.unwrap(),
                [text("v"), text("v")]
            );
            let created = region.get_or_create("k", async || "new".to_owned()).await.unwrap();
            assert_eq!(created, "v");
        }
    })
    .await;
    assert_eq!(world.asked.take(), [["k"]]);
    request(async { world.region.get::<String>("k").await.unwrap() }).await;
    assert_eq!(world.asked.take(), [["k"]], "another request asks for itself");
}

#[tokio::test]
async fn a_batch_asks_for_the_rest_and_for_nothing_twice() {
    let world = World::new();
    for key in ["a", "b", "c"] {
        world.others.set(key, key.to_owned()).await.unwrap();
    }
    request(async {
        let region = &world.region;
        assert_eq!(region.get::<String>("b").await.unwrap(), text("b"));
        let found = region.get_multi::<String>(["c", "b", "?", "a", "c", "?"]).await.unwrap();
        assert_eq!(found, [text("c"), text("b"), None, text("a"), text("c"), None]);
        for key in ["a", "b", "c", "?"] {
            let alone = region.get::<String>(key).await.unwrap();
            assert_eq!(alone, text(key).filter(|key| key != "?"));
        }
        region.get_multi::<String>(["a", "?"]).await.unwrap();
    })
    .await;
    assert_eq!(world.asked.take(), [vec!["b"], vec!["c", "?", "a"]]);
}

#[tokio::test]
async fn outside_of_a_request_everything_passes_through() {
    let world = World::new();
    world.region.set("k", "v".to_owned()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(world.region.get::<String>("k").await.unwrap(), text("v"));
        assert_eq!(world.region.get_multi::<String>(["k", "?"]).await.unwrap(), [text("v"), None]);
    }
    assert_eq!(world.asked.take(), [vec!["k"], vec!["k", "?"], vec!["k"], vec!["k", "?"]]);
    world.region.get_or_create("new", async || "v".to_owned()).await.unwrap();
    assert_eq!(
        world.asked.take(),
        [["new"]],
        "nothing was remembered that had to be looked at again"
    );
}

#[tokio::test]
async fn requests_on_one_thread_never_mix() {
    let world = World::new();
    let (one, other) = (RequestScope::new("one"), RequestScope::new("other"));
    for round in 0..3 {
        for (scope, value) in [(&one, "1"), (&other, "2")] {
            if round == 0 {
                world.others.set("k", value.to_owned()).await.unwrap();
            }
            assert_eq!(scope.run(world.region.get::<String>("k")).await.unwrap(), text(value));
        }
    }
    // Also while they wait.
    let read = |scope: &RequestScope| {
        scope.run(async {
            give_way().await;
            world.region.get::<String>("k").await.unwrap()
        })
    };
    let found = tokio::join!(read(&one), read(&other), read(&one));
    assert_eq!(found, (text("1"), text("2"), text("1")));
    assert_eq!(world.reads(), 2);
}

#[tokio::test]
async fn regions_never_mix() {
    let (one, other) = (World::new(), World::new());
    request(async {
        one.region.set("k", "1".to_owned()).await.unwrap();
        assert_eq!(other.region.get::<String>("k").await.unwrap(), None);
        other.region.set("k", "2".to_owned()).await.unwrap();
        assert_eq!(one.region.get::<String>("k").await.unwrap(), text("1"));
        one.region.delete("k").await.unwrap();
        assert_eq!(other.region.get::<String>("k").await.unwrap(), text("2"));
    })
    .await;
}

#[tokio::test]
async fn keys_in_spaces_and_plain_ones_are_kept_apart() {
    let world = World::new();
    request(async {
        world.region.set(("a", "b"), "pair".to_owned()).await.unwrap();
        world.region.set("ab", "plain".to_owned()).await.unwrap();
        assert_eq!(world.region.get::<String>(("a", "b")).await.unwrap(), text("pair"));
        assert_eq!(world.region.get::<String>("ab").await.unwrap(), text("plain"));
        assert_eq!(world.region.get::<String>(("", "ab")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn another_type_is_asked_for() {
    let chaos = Chaos::new(Memory::new());
    let handle = chaos.handle();
    let region = chaos.postcard().framed().request_scoped().region();
    request(async {
        region.set("k", 7_u32).await.unwrap();
        assert_eq!(region.get::<u32>("k").await.unwrap(), Some(7));
        assert_eq!(handle.asked(Calls::Reads), 0);
        assert_eq!(region.get::<u64>("k").await.unwrap(), Some(7), "postcard writes them alike");
        assert_eq!(handle.asked(Calls::Reads), 1);
        // And what one type wrote or removed, no other goes on to have.
        region.set("k", 8_u32).await.unwrap();
        assert_eq!(region.get::<u64>("k").await.unwrap(), Some(8));
        region.delete("k").await.unwrap();
        assert_eq!(region.get::<u64>("k").await.unwrap(), None);
        assert_eq!(region.get::<u32>("k").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn what_was_written_is_known_and_what_was_removed_is_not() {
    let world = World::new();
    let region = &world.region;
    request(async {
        assert_eq!(region.get::<String>("a").await.unwrap(), None);
        region.set("a", "1".to_owned()).await.unwrap();
        region.set_multi([("b", "2".to_owned()), ("c", "3".to_owned())]).await.unwrap();
        let found = region.get_multi::<String>(["a", "b", "c"]).await.unwrap();
        assert_eq!(found, [text("1"), text("2"), text("3")]);
        assert_eq!(world.reads(), 1);
        region.delete("a").await.unwrap();
        region.delete_multi(["b"]).await.unwrap();
        let found = region.get_multi::<String>(["a", "b", "c"]).await.unwrap();
        assert_eq!(found, [None, None, text("3")]);
    })
    .await;
    assert_eq!(world.asked.take(), [vec!["a"], vec!["a", "b"]]);
    let found = world.others.get_multi::<String>(["a", "b", "c"]).await.unwrap();
    assert_eq!(found, [None, None, text("3")]);
}

#[tokio::test]
async fn of_two_writes_in_a_batch_the_later_one_is_known() {
    let world = World::new();
    request(async {
        let both = [("k", "1".to_owned()), ("k", "2".to_owned())];
        world.region.set_multi(both).await.unwrap();
        assert_eq!(world.region.get::<String>("k").await.unwrap(), text("2"));
    })
    .await;
    assert_eq!((world.reads(), world.others.get("k").await.unwrap()), (0, text("2")));
}

#[tokio::test]
async fn while_the_stack_is_down_the_request_goes_on_with_what_it_has() {
    let world = World::new();
    let region = &world.region;
    world.chaos.inject(Fault::Error(ErrorKind::Unavailable).on(Calls::All));
    request(async {
        let mut queries = 0;
        for _ in 0..3 {
            let create = async || {
                queries += 1;
                "v".to_owned()
            };
            assert_eq!(region.get_or_create("k", create).await.unwrap(), "v");
        }
        assert_eq!(queries, 1);
        let failed = region.set("k", "w".to_owned()).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Unavailable);
        assert_eq!(region.get::<String>("k").await.unwrap(), text("w"));
        region.set_multi([("k", "x".to_owned())]).await.unwrap_err();
        assert_eq!(region.get::<String>("k").await.unwrap(), text("x"));
        // A removal that fails is one all the same.
        region.delete("k").await.unwrap_err();
        region.get::<String>("k").await.unwrap_err();
    })
    .await;
    assert_eq!((world.reads(), world.writes()), (2, 3));
}

#[tokio::test]
async fn what_the_stack_refuses_is_forgotten() {
    let world = World::new();
    let region = &world.region;
    request(async {
        region.set("k", "old".to_owned()).await.unwrap();
        for kind in [ErrorKind::Encode, ErrorKind::LeaseLost, ErrorKind::Backend] {
            world.chaos.inject(Fault::Error(kind).on(Calls::Writes).times(2));
            region.set("k", "new".to_owned()).await.unwrap_err();
            assert_eq!(region.get::<String>("k").await.unwrap(), text("old"));
            region.set_multi([("k", "new".to_owned())]).await.unwrap_err();
            assert_eq!(region.get::<String>("k").await.unwrap(), text("old"));
        }
    })
    .await;
    assert_eq!(world.reads(), 6);
}

#[tokio::test]
async fn a_read_that_fails_is_not_noted() {
    let world = World::new();
    world.others.set("k", "v".to_owned()).await.unwrap();
    request(async {
        for fault in
            [Fault::Error(ErrorKind::Timeout), Fault::Corrupt(larder::testing::Damage::Flip)]
        {
            world.chaos.inject(fault.on(Calls::Reads).times(2));
            let _ = world.region.get::<String>("k").await;
            let _ = world.region.get_multi::<String>(["k"]).await;
        }
        assert_eq!(world.region.get::<String>("k").await.unwrap(), text("v"));
    })
    .await;
    assert_eq!(world.reads(), 5);
}

#[tokio::test]
async fn a_batch_that_fails_gives_what_the_request_has() {
    let world = World::new();
    request(async {
        world.region.set("a", "1".to_owned()).await.unwrap();
        world.chaos.inject(Fault::Error(ErrorKind::Unavailable).on(Calls::Reads));
        let create = async |missing: Vec<&'static str>| {
            assert_eq!(missing, ["b"]);
            [("b", "2".to_owned())]
        };
        let found = world.region.get_or_create_multi(["a", "b"], create).await.unwrap();
        assert_eq!(found, [text("1"), text("2")]);
    })
    .await;
}

#[tokio::test]
async fn a_read_from_before_a_change_is_not_noted() {
    for in_batch in [false, true] {
        let world = World::new();
        let region = &world.region;
        world.others.set("k", "old".to_owned()).await.unwrap();
        request(async {
            let hold = world.chaos.hold_answer(Calls::Reads);
            let read = async {
                if in_batch {
                    region.get_multi::<String>(["k"]).await.unwrap().remove(0)
                } else {
                    region.get::<String>("k").await.unwrap()
                }
            };
            let change = async {
                hold.reached().await;
                region.set("k", "new".to_owned()).await.unwrap();
                hold.release();
            };
            assert_eq!(tokio::join!(read, change).0, text("old"));
            assert_eq!(region.get::<String>("k").await.unwrap(), text("new"));

            region.delete("k").await.unwrap();
            world.others.set("k", "old".to_owned()).await.unwrap();
            let hold = world.chaos.hold_answer(Calls::Reads);
            let read = region.get::<String>("k");
            let change = async {
                hold.reached().await;
                region.delete_multi(["k"]).await.unwrap();
                hold.release();
            };
            assert_eq!(tokio::join!(read, change).0.unwrap(), text("old"));
            assert_eq!(region.get::<String>("k").await.unwrap(), None);
        })
        .await;
    }
}

#[tokio::test]
async fn a_read_that_begins_during_a_change_does_not_outlive_it() {
    for (removes, ends_later) in [(false, false), (false, true), (true, false), (true, true)] {
        let world = World::new();
        let region = &world.region;
        world.others.set("k", "old".to_owned()).await.unwrap();
        request(async {
            region.get::<String>("k").await.unwrap();
            let changing = world.chaos.hold(if removes { Calls::Removals } else { Calls::Writes });
            let changed = Notify::new();
            let change = async {
                if removes {
                    region.delete("k").await.unwrap();
                } else {
                    region.set("k", "new".to_owned()).await.unwrap();
                }
                changed.notify_one();
            };
            let read = async {
                changing.reached().await;
                let reading = world.chaos.hold_answer(Calls::Reads);
                let read = async {
                    let found = region.get::<String>("k").await.unwrap();
                    assert_eq!(found, text("old"), "it is not changed yet");
                };
                let let_go = async {
                    reading.reached().await;
                    if ends_later {
                        changing.release();
                        changed.notified().await;
                        reading.release();
                    } else {
                        reading.release();
                        give_way().await;
                        changing.release();
                    }
                };
                tokio::join!(read, let_go);
            };
            tokio::join!(change, read);
            let wanted = text("new").filter(|_| !removes);
            assert_eq!(region.get::<String>("k").await.unwrap(), wanted);
        })
        .await;
    }
}

#[tokio::test]
async fn a_change_that_is_dropped_leaves_nothing_known() {
    for removes in [false, true] {
        let world = World::new();
        let region = &world.region;
        request(async {
            region.set("k", "old".to_owned()).await.unwrap();
            let hold = world.chaos.hold_answer(Calls::All);
            let change = async {
                if removes {
                    region.delete("k").await.unwrap();
                } else {
                    region.set_multi([("k", "new".to_owned())]).await.unwrap();
                }
            };
            tokio::select! {
                () = change => panic!("it is held"),
                () = hold.reached() => {}
            }
            // It took place, and nobody said so.
            let wanted = text("new").filter(|_| !removes);
            assert_eq!(region.get::<String>("k").await.unwrap(), wanted);
            drop(hold);
        })
        .await;
    }
}

#[tokio::test]
async fn what_was_read_during_a_change_that_is_dropped_is_not_known() {
    for removes in [false, true] {
        let truth = Arc::new(Memo::<String>::new());
        let region = Yielding(Arc::clone(&truth)).request_scoped().region();
        let others = truth.region();
        others.set("k", "old".to_owned()).await.unwrap();
        request(async {
            let mut change = Box::pin(async {
                if removes {
                    region.delete("k").await
                } else {
                    region.set("k", "new".to_owned()).await
                }
            });
            let waker = &mut Context::from_waker(Waker::noop());
            assert!(change.as_mut().poll(waker).is_pending());
            assert_eq!(region.get::<String>("k").await.unwrap(), text("old"));
            assert!(change.as_mut().poll(waker).is_pending());
            drop(change);
            let wanted = text("new").filter(|_| !removes);
            assert_eq!(others.get("k").await.unwrap(), wanted, "it took place");
            assert_eq!(region.get::<String>("k").await.unwrap(), wanted);
        })
        .await;
    }
}

#[tokio::test]
async fn a_read_that_is_dropped_leaves_nothing_behind() {
    let world = World::with(|stack| stack.max_entries(1));
    request(async {
        let hold = world.chaos.hold(Calls::Reads);
        tokio::select! {
            _ = world.region.get::<String>("dropped") => panic!("it is held"),
            () = hold.reached() => {}
        }
        drop(hold);
        // There is room for another one.
        world.region.get::<String>("k").await.unwrap();
        world.region.get::<String>("k").await.unwrap();
    })
    .await;
    assert_eq!(world.reads(), 2);
}

#[tokio::test]
async fn where_two_writers_met_the_stack_is_asked() {
    let (stack, others, asked, chaos) = parts();
    let stack = Arc::new(stack);
    let (one, other) = (Arc::clone(&stack).region(), stack.region());
    request(async {
        let hold = chaos.hold(Calls::Writes);
        let late = one.set("k", "late".to_owned());
        let early = async {
            hold.reached().await;
            other.set("k", "early".to_owned()).await.unwrap();
            hold.release();
        };
        tokio::join!(late, early).0.unwrap();
        assert_eq!(one.get::<String>("k").await.unwrap(), others.get("k").await.unwrap());
    })
    .await;
    assert_eq!(asked.take(), [["k"]]);
}

#[tokio::test]
async fn what_grows_stale_in_a_request_is_refreshed() {
    let (stack, _, _, chaos) = parts();
    let hand = ManualClock::new(Timestamp::from_secs(1_000_000));
    let clock = hand.clock();
    let minute = Duration::from_secs(60);
    let region = Region::builder(stack).expire_after(minute).clock(clock).build().unwrap();
    request(async {
        assert_eq!(region.get_or_create("k", async || "1".to_owned()).await.unwrap(), "1");
        hand.advance(minute * 2);
        assert_eq!(region.get::<String>("k").await.unwrap(), None);
        assert_eq!(region.get_or_create("k", async || "2".to_owned()).await.unwrap(), "2");
        let reads = chaos.asked(Calls::Reads);
        assert_eq!(region.get_or_create("k", async || "3".to_owned()).await.unwrap(), "2");
        assert_eq!(chaos.asked(Calls::Reads), reads);
        region.invalidate(Invalidation::Hard).await.unwrap();
        assert_eq!(region.get::<String>("k").await.unwrap(), None);
        assert_eq!(region.get_or_create("k", async || "4".to_owned()).await.unwrap(), "4");
    })
    .await;
    assert_eq!(region.stats().creations, 3);
}

#[tokio::test]
async fn what_others_have_refreshed_is_not_created_again() {
    let (stack, truth, _, chaos) = parts();
    let hand = ManualClock::new(Timestamp::from_secs(1_000_000));
    let clock = hand.clock();
    let minute = Duration::from_secs(60);
    let truth = Arc::clone(truth.stack());
    let build = |stack| Region::builder(stack).expire_after(minute).clock(clock.clone());
    let region = build(stack).build().unwrap();
    let others = Region::builder(truth).expire_after(minute).clock(clock.clone()).build().unwrap();
    request(async {
        region.set("k", "1".to_owned()).await.unwrap();
        hand.advance(minute * 2);
        others.set("k", "2".to_owned()).await.unwrap();
        assert_eq!(region.get_or_create("k", async || "3".to_owned()).await.unwrap(), "2");
        hand.advance(minute * 2);
        others.set("k", "4".to_owned()).await.unwrap();
        assert_eq!(region.get::<String>("k").await.unwrap(), text("4"));
        // What they removed is gone, however one looks.
        others.set("gone", "5".to_owned()).await.unwrap();
        assert_eq!(region.get::<String>("gone").await.unwrap(), text("5"));
        hand.advance(minute * 2);
        others.delete("gone").await.unwrap();
        assert_eq!(region.get::<String>("gone").await.unwrap(), None);
        let lax = region.with(Options::new().ignore_expiration(true));
        assert_eq!(lax.get::<String>("gone").await.unwrap(), None);
        // If the stack is down, what is stale is served as ever.
        hand.advance(minute * 2);
        chaos.inject(Fault::Error(ErrorKind::Unavailable).on(Calls::All));
        let failing = async || Err::<String, _>("no database");
        assert_eq!(region.try_get_or_create("k", failing).await.unwrap(), "4");
    })
    .await;
    assert_eq!(region.stats().creations, 0);
}

#[tokio::test]
async fn a_request_keeps_no_more_than_it_may() {
    let world = World::with(|stack| stack.max_entries(2));
    let region = &world.region;
    request(async {
        region.set("a", "1".to_owned()).await.unwrap();
        assert_eq!(region.get::<String>("b").await.unwrap(), None);
        for key in ["c", "d"] {
            region.set(key, key.to_owned()).await.unwrap();
            assert_eq!(region.get::<String>(key).await.unwrap(), text(key));
            assert_eq!(region.get::<String>(key).await.unwrap(), text(key));
        }
        let found = region.get_multi::<String>(["a", "b", "c", "?"]).await.unwrap();
        assert_eq!(found, [text("1"), None, text("c"), None]);
        let keys = world.asked.take();
        assert_eq!(keys, [vec!["b"], vec!["c"], vec!["c"], vec!["d"], vec!["d"], vec!["c", "?"]]);
        // What it has may change, and makes room when it goes.
        region.set("a", "2".to_owned()).await.unwrap();
        assert_eq!(region.get::<String>("a").await.unwrap(), text("2"));
        region.delete("a").await.unwrap();
        region.get::<String>("c").await.unwrap();
        region.get::<String>("c").await.unwrap();
        assert_eq!(world.asked.take(), [["c"]]);
    })
    .await;
}

#[tokio::test]
async fn a_call_may_name_its_tiers() {
    let world = World::new();
    let region = &world.region;
    let past = region.with(Options::new().tiers(Tiers::ALL.without(1)));
    let here = region.with(Options::new().tiers(Tiers::only(1)));
    request(async {
        assert_eq!(here.get::<String>("k").await.unwrap(), None);
        region.set("k", "1".to_owned()).await.unwrap();
        world.others.set("k", "2".to_owned()).await.unwrap();
        assert_eq!(here.get::<String>("k").await.unwrap(), text("1"));
        assert_eq!(past.get::<String>("k").await.unwrap(), text("2"));
        assert_eq!(past.get_multi::<String>(["k"]).await.unwrap(), [text("2")]);
        assert_eq!(here.get_multi::<String>(["k", "?"]).await.unwrap(), [text("1"), None]);
        here.set("k", "3".to_owned()).await.unwrap();
        here.set_multi([("l", "3".to_owned())]).await.unwrap();
        assert_eq!(region.get_multi::<String>(["k", "l"]).await.unwrap(), [text("3"), text("3")]);
        assert_eq!(world.others.get_multi::<String>(["k", "l"]).await.unwrap(), [text("2"), None]);
        // What it skips must not go on to say something else.
        past.set("k", "4".to_owned()).await.unwrap();
        assert_eq!(region.get::<String>("k").await.unwrap(), text("4"));
        assert_eq!(here.get_or_create("new", async || "5".to_owned()).await.unwrap(), "5");
        assert_eq!(past.get_or_create("new", async || "6".to_owned()).await.unwrap(), "6");
    })
    .await;
    assert_eq!(here.get::<String>("k").await.unwrap(), None, "there is no such tier outside");
    assert_eq!(past.get::<String>("k").await.unwrap(), text("4"));
}

#[test]
fn synchronous_code_has_it_too() {
    let world = World::new();
    let region = world.region.blocking();
    let scope = RequestScope::new("GET /");
    scope.run_blocking(|| {
        assert_eq!(region.get::<String>("k").unwrap(), None);
        assert_eq!(region.get::<String>("k").unwrap(), None);
        assert_eq!(region.get_or_create("k", || "v".to_owned()).unwrap(), "v");
        assert_eq!(region.get_multi::<String>(["k", "k"]).unwrap(), [text("v"), text("v")]);
        region.delete("k").unwrap();
    });
    // Served from memory, then asked for again before it was created.
    assert_eq!(world.asked.take(), [["k"], ["k"]]);
}
