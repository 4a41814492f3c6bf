//! That there is nothing is remembered, and is no reason to create.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use larder::{Created, LayerExt, Op, Region, RequestScope, testing::Calls};

use crate::{
    World, request,
    support::{region::Slow, yielding::give_way},
    text,
};

#[tokio::test]
async fn a_cold_creation_is_one_read_and_one_write() {
    let world = World::new();
    request(async {
        let created = world.region.get_or_create("k", async || "v".to_owned()).await.unwrap();
        assert_eq!(created, "v");
        assert_eq!((world.reads(), world.writes()), (1, 1));
        assert_eq!(world.region.get::<String>("k").await.unwrap(), text("v"));
        let keys = ["k", "l", "m"];
        let create = async |missing: Vec<&'static str>| {
            missing.into_iter().map(|key| (key, key.to_owned())).collect::<Vec<_>>()
        };
        world.region.get_or_create_multi(keys, create).await.unwrap();
        assert_eq!((world.reads(), world.writes()), (2, 2));
        world.region.get_multi::<String>(keys).await.unwrap();
    })
    .await;
    assert_eq!((world.reads(), world.writes()), (2, 2));
}

#[tokio::test]
async fn absence_is_asked_for_once() {
    let world = World::new();
    request(async {
        for _ in 0..3 {
            assert_eq!(world.region.get::<String>("k").await.unwrap(), None);
            assert!(world.region.entry::<String>("k").await.unwrap().is_none());
            assert_eq!(world.region.get_multi::<String>(["k", "k"]).await.unwrap(), [None, None]);
        }
    })
    .await;
    assert_eq!(world.asked.take(), [["k"]]);
}

#[tokio::test]
async fn what_somebody_else_has_created_meanwhile_is_found() {
    let world = World::new();
    let region = &world.region;
    request(async {
        // The one was told by the stack, the other from memory.
        for times in [1, 2] {
            let key = times.to_string();
            for _ in 0..times {
                assert_eq!(region.get::<String>(&key).await.unwrap(), None);
            }
            world.others.set(&key, "theirs".to_owned()).await.unwrap();
            let found = region.get_or_create(&key, async || "ours".to_owned()).await.unwrap();
            assert_eq!(found, "theirs");
            assert_eq!(region.get::<String>(&key).await.unwrap(), text("theirs"));
        }
        assert_eq!(world.reads(), 4);
        // In batches.
        let keys = ["a", "b", "c"];
        assert_eq!(region.get_multi::<String>(["a", "b"]).await.unwrap(), [None, None]);
        world.others.set("a", "theirs".to_owned()).await.unwrap();
        let create = async |missing: Vec<&'static str>| {
            assert_eq!(missing, ["b", "c"]);
            [("b", "ours".to_owned())]
        };
        let found = region.get_or_create_multi(keys, create).await.unwrap();
        assert_eq!(found, [text("theirs"), text("ours"), None]);
    })
    .await;
    let asked = world.asked.take();
    assert_eq!(asked[4..], [vec!["a", "b"], vec!["c"], vec!["a", "b"]], "doubtful ones once more");
    assert_eq!(region.stats().creations, 1);
}

#[tokio::test]
async fn in_blocking_code_too() {
    let world = World::new();
    let region = world.region.blocking();
    let scope = RequestScope::new("GET /");
    for in_batch in [false, true] {
        let key = if in_batch { "batch" } else { "one" };
        scope.run_blocking(|| assert_eq!(region.get::<String>(key).unwrap(), None));
        world.others.set(key, "theirs".to_owned()).await.unwrap();
        scope.run_blocking(|| {
            if in_batch {
                let create = |_| -> Vec<(&str, String)> { panic!("it is there") };
                let found = region.get_or_create_multi([key], create).unwrap();
                assert_eq!(found, [text("theirs")]);
            } else {
                assert_eq!(region.get_or_create(key, || panic!("it is there")).unwrap(), "theirs");
            }
        });
    }
}

#[tokio::test]
async fn who_waited_for_another_one_is_not_told_that_there_is_nothing() {
    for in_batch in [false, true] {
        let world = World::new();
        let (region, slow) = (&world.region, Slow::new());
        let theirs = request(region.get_or_create("k", || slow.create("theirs".to_owned())));
        let ours = request(async {
            slow.called(1).await;
            assert_eq!(region.get::<String>("k").await.unwrap(), None);
            assert_eq!(region.get::<String>("k").await.unwrap(), None);
            let wait = async {
                if in_batch {
                    let create = async |_| -> Vec<(&str, String)> { panic!("they create") };
                    region.get_or_create_multi(["k"], create).await.unwrap().remove(0)
                } else {
                    Some(region.get_or_create("k", async || panic!("they create")).await.unwrap())
                }
            };
            // One more look while it waits, which is not to be remembered either.
            let look = async {
                assert_eq!(region.get::<String>("k").await.unwrap(), None);
                slow.go();
            };
            assert_eq!(tokio::join!(biased; wait, look).0, text("theirs"));
            assert_eq!(region.get::<String>("k").await.unwrap(), text("theirs"));
        });
        tokio::join!(theirs, ours).0.unwrap();
        assert_eq!(region.stats().creations, 1);
    }
}

#[tokio::test]
async fn who_waited_for_another_one_does_not_ask_for_it_again() {
    for in_batch in [false, true] {
        let world = World::new();
        let (region, slow) = (&world.region, Slow::new());
        let theirs = request(region.get_or_create("k", || slow.create("theirs".to_owned())));
        let ours = request(async {
            slow.called(1).await;
            let wait = async {
                if in_batch {
                    let create = async |_| -> Vec<(&str, String)> { panic!("they create") };
                    region.get_or_create_multi(["k"], create).await.unwrap().remove(0)
                } else {
                    Some(region.get_or_create("k", async || panic!("they create")).await.unwrap())
                }
            };
            assert_eq!(tokio::join!(biased; wait, async { slow.go() }).0, text("theirs"));
            // Also when the stack is gone meanwhile, with what it had.
            world.others.delete("k").await.unwrap();
            let reads = world.reads();
            for _ in 0..3 {
                assert_eq!(region.get("k").await.unwrap(), text("theirs"));
                let again = region.get_or_create("k", async || panic!("it is there")).await;
                assert_eq!(again.unwrap(), "theirs");
                assert_eq!(region.get_multi(["k"]).await.unwrap(), [text("theirs")]);
            }
            assert_eq!(world.reads(), reads);
            region.delete("k").await.unwrap();
            assert_eq!(region.get::<String>("k").await.unwrap(), None);
        });
        tokio::join!(theirs, ours).0.unwrap();
        assert_eq!(region.stats().creations, 1);
    }
}

#[tokio::test]
async fn a_creation_that_failed_is_tried_again_with_one_read_each() {
    let world = World::new();
    request(async {
        for times in 1..4 {
            let failing = async || Err::<String, _>("no database");
            world.region.try_get_or_create("k", failing).await.unwrap_err();
            assert_eq!(world.reads(), times);
        }
    })
    .await;
}

#[tokio::test]
async fn a_negative_entry_is_an_answer_until_somebody_wants_a_value() {
    let world = World::new();
    let region = &world.region;
    let calls = AtomicUsize::new(0);
    let nothing = async || {
        calls.fetch_add(1, SeqCst);
        Created::<String>::nothing()
    };
    request(async {
        for _ in 0..3 {
            assert_eq!(region.get_or_create_with("k", nothing).await.unwrap(), None);
            assert_eq!(region.get::<String>("k").await.unwrap(), None);
        }
        assert_eq!((calls.load(SeqCst), world.reads()), (1, 1));
        world.others.set("k", "theirs".to_owned()).await.unwrap();
        assert_eq!(region.get_or_create("k", async || "ours".to_owned()).await.unwrap(), "theirs");
    })
    .await;
}

#[tokio::test]
async fn an_answer_from_before_the_doubt_does_not_settle_it() {
    let world = World::new();
    let region = &world.region;
    request(async {
        // This one has asked, and keeps its answer for a while.
        let hold = world.chaos.hold_answer(Calls::Only(Op::Get));
        let early = region.get::<String>("k");
        let rest = async {
            hold.reached().await;
            assert_eq!(region.get::<String>("k").await.unwrap(), None);
            // For this one "k" is answered from memory, and "l" by the stack.
            let waits = world.chaos.hold_answer(Calls::Only(Op::GetMulti));
            let create = async |missing: Vec<&'static str>| {
                assert_eq!(missing, ["l"]);
                [("l", "ours".to_owned())]
            };
            let batch = region.get_or_create_multi(["k", "l"], create);
            let meanwhile = async {
                waits.reached().await;
                world.others.set("k", "theirs".to_owned()).await.unwrap();
                hold.release();
                give_way().await;
                give_way().await;
                waits.release();
            };
            let found = tokio::join!(batch, meanwhile).0.unwrap();
            assert_eq!(found, [text("theirs"), text("ours")]);
        };
        assert_eq!(tokio::join!(rest, early).1.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn in_the_background_too() {
    let world = World::new();
    request(async {
        assert_eq!(world.region.get::<String>("k").await.unwrap(), None);
        world.others.set("k", "theirs".to_owned()).await.unwrap();
        let create = || async { "ours".to_owned() };
        let found = world.region.get_or_create_in_background("k", create).await.unwrap();
        assert_eq!(found, "theirs");
    })
    .await;
}

#[tokio::test]
async fn under_another_first_tier_too() {
    let (stack, others, ..) = crate::parts();
    let near = larder::Memo::<String>::new();
    let region: Region<_> = stack.behind(near).region();
    request(async {
        assert_eq!(region.get::<String>("k").await.unwrap(), None);
        others.set("k", "theirs".to_owned()).await.unwrap();
        assert_eq!(region.get_or_create("k", async || "ours".to_owned()).await.unwrap(), "theirs");
    })
    .await;
}
