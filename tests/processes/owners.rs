//! Processes that hold a lease and die, or stand still for too long.

use std::time::{Duration, Instant};

use crate::process::Site;

/// In milliseconds. Longer than a busy machine keeps a process from renewing.
const LEASE: u32 = 1000;

#[test]
fn when_the_creator_is_killed_another_takes_over_within_the_lease() {
    for site in Site::both() {
        let (mut one, mut other) = (site.process(LEASE), site.process(LEASE));
        one.ask("ask key first 10", "creating");
        other.ask("ask key second 50", "asked");
        one.kill();
        let killed = Instant::now();
        other.hear("creating");
        let took = killed.elapsed();
        // It is left with a machine that may be busy.
        assert!(took < Duration::from_millis(u64::from(LEASE) + 2000), "{took:?}");
        other.tell("go");
        assert_eq!(other.hear("got"), "key second");
        assert_eq!(other.made().into_iter().collect::<Vec<_>>(), [("key".to_owned(), 1)]);
        assert_eq!(site.process(LEASE).get("key"), "second");
        other.finish();
        assert!(site.is_unlocked());
    }
}

#[test]
fn a_creator_that_was_stopped_for_too_long_overwrites_nothing_and_fails_nobody() {
    for site in Site::both() {
        let (mut one, mut other) = (site.process(LEASE), site.process(LEASE));
        one.ask("ask key late 1", "creating");
        one.stop();
        other.ask("ask key second 10", "creating");
        // Already the lock of the other one is not touched, long before it stores.
        one.tell("go");
        one.resume();
        assert_eq!(one.hear("got"), "key late", "its caller gets what was created");
        assert_eq!(one.ask("voided", "voided"), "1");
        assert_eq!(one.get("key"), "nothing");
        assert_eq!(one.ask("locked key", "locked"), "true");
        other.tell("go");
        assert_eq!(other.hear("got"), "key second");
        for process in [&mut one, &mut other] {
            assert_eq!(process.get("key"), "second");
        }
        one.finish();
        other.finish();
        assert!(site.is_unlocked());
    }
}

#[test]
fn a_creator_that_stores_after_all_is_over_is_refused_too() {
    for site in Site::both() {
        let (mut one, mut other) = (site.process(LEASE), site.process(LEASE));
        one.ask("ask key late 1", "creating");
        one.stop();
        other.tell("go");
        other.ask("ask key second 1", "creating");
        assert_eq!(other.hear("got"), "key second");
        other.ask("delete key", "done");
        one.tell("go");
        one.resume();
        assert_eq!(one.hear("got"), "key late");
        assert_eq!(other.get("key"), "nothing", "what was deleted does not come back");
        one.finish();
        other.finish();
        assert!(site.is_unlocked());
    }
}
