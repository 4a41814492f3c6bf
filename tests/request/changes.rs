//! Writes, removals and failures, and reads that meet them.

use std::{
    future::Future,
    sync::Arc,
    task::{Context, Waker},
};

use larder::{
    ErrorKind, LayerExt, Memo,
    testing::{Calls, Damage, Fault},
};
use tokio::sync::Notify;

use crate::{
    World, parts, request,
    support::yielding::{Yielding, give_way},
    text,
};

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
        for fault in [Fault::Error(ErrorKind::Timeout), Fault::Corrupt(Damage::Flip)] {
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
