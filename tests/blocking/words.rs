//! Every word does what it does in asynchronous code.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use larder::{Blocking, Created, EntryTtl, ErrorKind, Failure, Invalidation, Lock, Options, Store};

use crate::{Calls, until};

/// What a stack must be for these checks.
pub(crate) trait Stack: Store<u64> + EntryTtl + 'static {}
impl<S: Store<u64> + EntryTtl + 'static> Stack for S {}

/// All words, under keys that begin with `at`.
pub(crate) fn all<S: Stack, L: Lock>(region: &Blocking<S, L>, at: &str) {
    single(region, &|key| format!("{at}:{key}"));
    through(region, &|key| format!("{at}:{key}"));
    multi(region, &|key| format!("{at}:{key}"));
    nested(region, at);
    panics(region, &format!("{at}:panics"));
    background(region, &format!("{at}:background"));
    until("nothing is under way", || region.region().in_flight() == 0);
}

fn single<S: Stack, L: Lock>(region: &Blocking<S, L>, key: &dyn Fn(&str) -> String) {
    let (a, b) = (&key("a"), &key("b"));
    assert_eq!(region.get(a).unwrap(), None);
    region.set(a, 1).unwrap();
    assert_eq!(region.get(a).unwrap(), Some(1));
    let entry = region.entry(a).unwrap().unwrap();
    assert_eq!((entry.value, entry.is_stale()), (1, false));
    region.set_multi([(a, 2), (b, 3)]).unwrap();
    assert_eq!(region.get_multi([b, a, &key("absent")]).unwrap(), [Some(3), Some(2), None]);
    assert!(!region.key_is_locked(a).unwrap());
    region.delete(a).unwrap();
    region.delete_multi([b]).unwrap();
    assert_eq!(region.get_multi([a, b]).unwrap(), [None, None]);
    region.with_ttl(Duration::from_secs(60)).set(a, 4).unwrap();
    let any = region.with(Options::new().ignore_expiration(true));
    assert_eq!(any.get(a).unwrap(), Some(4));
}

fn through<S: Stack, L: Lock>(region: &Blocking<S, L>, key: &dyn Fn(&str) -> String) {
    let (c, d, e) = (&key("c"), &key("d"), &key("e"));
    let locked = || {
        assert!(region.key_is_locked(c).unwrap());
        5
    };
    assert_eq!(region.get_or_create(c, locked).unwrap(), 5);
    assert_eq!(region.get_or_create(c, || panic!("it is there")).unwrap(), 5);
    assert_eq!(region.refresh(c, || 6).unwrap(), 6);
    assert_eq!(region.get(c).unwrap(), Some(6));
    let refreshed = region.try_refresh(c, || Err("down"));
    assert!(matches!(refreshed, Err(Failure::Creator(error)) if *error == "down"));

    let failed = region.try_get_or_create(d, || Err("down"));
    assert!(matches!(failed, Err(Failure::Creator(error)) if *error == "down"));
    assert_eq!(region.try_get_or_create(d, || Ok::<_, ()>(7)).unwrap(), 7);
    let recursion = region.get_or_create(e, || region.get_or_create(e, || 0).map_or(1, |_| 2));
    assert_eq!(recursion.unwrap(), 1, "the creator's own call is refused");

    let nothing = || Created::nothing().ttl(Duration::from_secs(60));
    let f = &key("f");
    assert_eq!(region.get_or_create_with(f, nothing).unwrap(), None);
    assert_eq!(region.get_or_create_with(f, || panic!("it is known")).unwrap(), None);
    let known = region.try_get_or_create_with(f, || -> Result<_, ()> { panic!("it is known") });
    assert_eq!(known.unwrap(), None);
}

fn multi<S: Stack, L: Lock>(region: &Blocking<S, L>, key: &dyn Fn(&str) -> String) {
    let keys = ["m1", "m2", "m3", "m1"].map(key);
    region.set(&keys[0], 1).unwrap();
    let made = region.get_or_create_multi(keys.clone(), |missing| {
        assert_eq!(missing, keys[1..3]);
        vec![(missing[0].clone(), 2)]
    });
    assert_eq!(made.unwrap(), [Some(1), Some(2), None, Some(1)]);
    let answers = region.try_get_or_create_multi(keys.clone(), |missing| {
        assert_eq!(missing, keys[2..3]);
        Err::<Vec<(String, u64)>, _>("down")
    });
    assert_eq!(answers[1].as_ref().unwrap(), &Some(2));
    assert!(matches!(&answers[2], Err(Failure::Creator(error)) if **error == "down"));
    let made = region.get_or_create_multi_with(keys.clone(), |missing| {
        vec![(missing[0].clone(), Created::new(3).ttl(Duration::from_secs(60)))]
    });
    assert_eq!(made.unwrap()[2], Some(3));
    let hits = region.try_get_or_create_multi_with(keys, |_| -> Result<Vec<(String, _)>, ()> {
        panic!("all of them are there")
    });
    assert!(hits.iter().all(|answer| answer.as_ref().unwrap().is_some()));
}

/// Creators that wait themselves, three deep, and a batch at the bottom.
fn nested<S: Stack, L: Lock>(region: &Blocking<S, L>, at: &str) {
    let key = |n: u8| format!("{at}:nested:{n}");
    let value = region.get_or_create(&key(1), || {
        let two = region.get_or_create(&key(2), || {
            let three = region.get_or_create_multi([key(3)], |missing| {
                region.set(&key(4), 1).unwrap();
                missing.into_iter().map(|key| (key, 2)).collect::<Vec<_>>()
            });
            three.unwrap()[0].unwrap() + region.get(&key(4)).unwrap().unwrap()
        });
        two.unwrap() + 10
    });
    assert_eq!(value.unwrap(), 13);
    assert_eq!(region.get(&key(2)).unwrap(), Some(3));
}

/// A panic goes through, and the key is free at once.
fn panics<S: Stack, L: Lock>(region: &Blocking<S, L>, key: &str) {
    let call = || region.get_or_create(key, || std::panic::resume_unwind(Box::new("creator")));
    let panic = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"creator"));
    let call = || {
        region.get_or_create_multi([key], |_| -> Vec<(&str, u64)> {
            std::panic::resume_unwind(Box::new("creator"))
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    assert_eq!(region.region().in_flight(), 0);
    until("the lease is given back", || !region.key_is_locked(key).unwrap());
    assert_eq!(region.get_or_create(key, || 1).unwrap(), 1);
}

/// A stale value is returned at once, and a new one made on another thread.
fn background<S: Stack, L: Lock>(region: &Blocking<S, L>, key: &str) {
    let caller = std::thread::current().id();
    let here = move || {
        assert_eq!(std::thread::current().id(), caller);
        1
    };
    assert_eq!(region.get_or_create_in_background(key, here).unwrap(), 1);

    // Entries are made in the whole second they were asked for, so all of them are older than this.
    region.invalidate(Invalidation::Soft).unwrap();
    let stays = |create: fn(&Blocking<S, L>, &str) -> u64| {
        let (inner, name) = (region.clone(), key.to_owned());
        let failures = Calls::default();
        let calls = failures.clone();
        let create = move || {
            calls.add();
            create(&inner, &name)
        };
        assert_eq!(region.get_or_create_in_background(key, create).unwrap(), 1);
        until("the refresh has begun", || failures.count() == 1);
        until("the refresh is over", || !region.key_is_locked(key).unwrap());
    };
    stays(|_, _| std::panic::resume_unwind(Box::new("creator")));
    let failed = region.try_get_or_create_in_background(key, || Err("down"));
    assert_eq!(failed.unwrap(), 1);
    until("the refresh is over", || !region.key_is_locked(key).unwrap());

    let (inner, name) = (region.clone(), Arc::<str>::from(key));
    let refresh = move || {
        assert_ne!(std::thread::current().id(), caller);
        let own = inner.get_or_create(&*name, || 0).unwrap_err();
        assert_eq!(own.kind(), ErrorKind::Recursion);
        let other = format!("{name}:other");
        inner.get_or_create(&other, || 20).unwrap() + 1
    };
    assert_eq!(region.get_or_create_in_background(key, refresh).unwrap(), 1);
    until("the refresh is stored", || region.get(key).unwrap() == Some(21));
}
