//! What lives as long as one request, and where it is in force.

use std::{
    sync::{Arc, Barrier},
    thread,
};

use larder::{RequestScope, testing::Calls};

use crate::{World, support::yielding::give_way, text};

fn current() -> Option<String> {
    RequestScope::current().map(|scope| scope.name().to_owned())
}

#[tokio::test]
async fn it_is_in_force_inside_and_nowhere_else() {
    assert_eq!(current(), None);
    let scope = RequestScope::new("one");
    scope
        .run(async {
            assert_eq!(current().as_deref(), Some("one"));
            give_way().await;
            assert_eq!(RequestScope::current().unwrap().id(), scope.id());
            let inner = RequestScope::new("inner");
            inner.run(async { assert_eq!(current().as_deref(), Some("inner")) }).await;
            assert_eq!(scope.run_blocking(current).as_deref(), Some("one"));
            assert_eq!(current().as_deref(), Some("one"));
        })
        .await;
    assert_eq!(current(), None);
    let (other, elapsed) = (RequestScope::new("other"), scope.elapsed());
    assert!(other.id() > scope.id() && other.started_at() >= scope.started_at());
    assert!(scope.elapsed() >= elapsed);
}

#[tokio::test]
async fn two_requests_on_one_thread_never_mix() {
    let work = |name: &'static str| {
        RequestScope::new(name).run(async move {
            for _ in 0..3 {
                assert_eq!(current().as_deref(), Some(name));
                give_way().await;
            }
        })
    };
    tokio::join!(work("one"), work("other"), async { assert_eq!(current(), None) });
    assert_eq!(current(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_carried_into_tasks_and_threads() {
    let world = World::new();
    let scope = RequestScope::new("one");
    scope.run(world.region.set("k", "v".to_owned())).await.unwrap();

    let region = world.region.clone();
    let task = tokio::spawn(scope.run(async move { region.get::<String>("k").await.unwrap() }));
    assert_eq!(task.await.unwrap(), text("v"));

    let (region, carried) = (world.region.blocking(), scope.clone());
    let read = move || carried.run_blocking(|| region.get::<String>("k").unwrap());
    assert_eq!(tokio::task::spawn_blocking(read.clone()).await.unwrap(), text("v"));
    assert_eq!(thread::spawn(read).join().unwrap(), text("v"));
    assert_eq!(world.reads(), 0);

    // What is not carried is outside.
    let region = world.region.clone();
    let task = tokio::spawn(async move { (current(), region.get::<String>("k").await.unwrap()) });
    assert_eq!(task.await.unwrap(), (None, text("v")));
    assert_eq!(world.reads(), 1);
}

#[tokio::test]
async fn many_tasks_of_one_request_have_one_store() {
    let world = World::new();
    let scope = RequestScope::new("one");
    let barrier = Arc::new(Barrier::new(4));
    let threads = (0..4).map(|n| {
        let (region, scope) = (world.region.blocking(), scope.clone());
        let barrier = Arc::clone(&barrier);
        thread::spawn(move || {
            scope.run_blocking(|| {
                barrier.wait();
                for round in 0..200 {
                    let key = format!("{}", round % 7);
                    match (n + round) % 5 {
                        0 => region.delete(&key).unwrap(),
                        1 => region.set(&key, key.clone()).unwrap(),
                        2 => assert_eq!(region.get_or_create(&key, || key.clone()).unwrap(), key),
                        _ => assert!(
                            region.get::<String>(&key).unwrap().is_none_or(|value| value == key)
                        ),
                    }
                }
            });
        })
    });
    threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
    // Afterwards it agrees with the stack.
    for key in 0..7 {
        let key = key.to_string();
        let noted = scope.run(world.region.get::<String>(&key)).await.unwrap();
        assert_eq!(noted, world.others.get(&key).await.unwrap(), "{key}");
    }
    assert!(world.chaos.asked(Calls::All) > 0);
}

#[tokio::test]
async fn what_it_keeps_goes_with_it() {
    let scope = RequestScope::new("one");
    let (kept, other) = (Arc::new(1_u8), Arc::new(2_u8));
    scope.stash().put("kept", Arc::clone(&kept));
    let region = larder::LayerExt::request_scoped(larder::Memo::<Arc<u8>>::with_capacity(1));
    let region = larder::LayerExt::region(region);
    scope.run(region.set("k", Arc::clone(&other))).await.unwrap();
    region.delete("k").await.unwrap();
    assert_eq!((Arc::strong_count(&kept), Arc::strong_count(&other)), (2, 2));
    drop(scope);
    assert_eq!((Arc::strong_count(&kept), Arc::strong_count(&other)), (1, 1));
}

/// What cannot be cloned.
struct Once;

#[test]
fn the_stash_goes_by_type_and_name() {
    let scope = RequestScope::new("one");
    let stash = scope.stash();
    assert_eq!(stash.put("a", 1_u8), None);
    assert_eq!(stash.put("a", "text"), None);
    assert_eq!(stash.put("b", 2_u8), None);
    assert_eq!(
        (stash.get::<u8>("a"), stash.get("a"), stash.get::<u16>("a")),
        (Some(1), Some("text"), None)
    );
    assert_eq!(stash.put("a", 3_u8), Some(1));
    assert_eq!(stash.take::<u8>("a"), Some(3));
    assert_eq!((stash.take::<u8>("a"), stash.get::<u8>("b")), (None, Some(2)));
    // What makes a value may ask the stash.
    let made = stash.get_or_insert_with("c", || stash.get_or_insert_with("b", || 9_u8) + 1);
    assert_eq!((made, stash.get_or_insert_with("c", || 0_u8)), (3, 3));
    // What cannot be cloned is put and taken.
    stash.put("once", Once);
    assert!(stash.take::<Once>("once").is_some());
}

#[test]
fn what_is_kept_is_not_shown() {
    let scope = RequestScope::new("GET /");
    scope.stash().put("token", "s3cret");
    let shown = format!("{scope:?}");
    assert!(shown.contains("GET /") && !shown.contains("s3cret"), "{shown}");
}
