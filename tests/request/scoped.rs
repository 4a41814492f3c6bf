//! What a request has read or written, it does not ask for again.

use std::{sync::Arc, time::Duration};

use larder::{
    BackendExt, ErrorKind, Invalidation, LayerExt, ManualClock, Memory, Options, PayloadExt,
    Region, RequestScope, Tiers, Timestamp,
    testing::{Calls, Chaos, Fault},
};

use crate::{World, parts, request, support::yielding::give_way, text};

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
