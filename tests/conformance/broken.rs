//! Every promise of the suites for backends is missed by somebody.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use larder::testing;

use crate::{
    desk::{Desk, Slip},
    shelf::{Flaw, Shelf},
};

/// What a suite says; it has to fail.
pub(crate) fn verdict(suite: impl Future<Output = ()>) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let failed = catch_unwind(AssertUnwindSafe(|| runtime.block_on(suite)));
    *failed.expect_err("the suite found nothing").downcast::<String>().unwrap()
}

/// Whether one of the broken promises is this one.
fn names(verdict: &str, promise: &str) -> bool {
    verdict.lines().any(|line| line.starts_with(&format!("  - {promise}: ")))
}

pub(crate) fn assert_named(flaw: impl std::fmt::Debug, verdict: &str, promise: &str) {
    assert!(names(verdict, promise), "{flaw:?} was taken for something else: {verdict}");
}

const READ: &str = "what was set is read, and nothing before";
const REPLACED: &str = "a set replaces what was there";
const GLANCED: &str = "what is seen at a glance is what is read";
const FORGOTTEN: &str = "remove forgets a key, and no other";
const MISSING: &str = "forgetting a missing key is not an error";
const APART: &str = "no two different keys ever meet";
const LONG: &str = "long keys work, or are refused for good";
const TWINS: &str = "a space and a key of one name are not taken for each other";
const ORDER: &str = "a batch is answered in the order of its keys, duplicates included";
const BATCH: &str = "a batch writes everything";
const LAST: &str = "of two writes of a key in one batch the last wins";
const REMOVED: &str = "a batch removes the keys it names, and no other";
const EMPTY: &str = "an empty batch does nothing";
const LIFETIMES: &str = "every lifetime is accepted, and a long one kept";
const LEASES: &str = "a lease is checked where it says so, or else ignored";
const OWN: &str = "every task reads what it wrote";
const LATEST: &str = "a read sees the last write that returned before it, or a later one";
const WHOLE: &str = "a value is seen whole or not at all";
const DROPPED: &str = "a call that is dropped harms nobody";
const ANY: &str = "any bytes are kept, and none at all";
const BIG: &str = "a value of a megabyte is kept";

const FLAWS: [(Flaw, &str); 34] = [
    (Flaw::ForgetsWhatWasRead, READ),
    (Flaw::KeepsTheFirst, REPLACED),
    (Flaw::CutsShorter, REPLACED),
    (Flaw::GlancesBehind, GLANCED),
    (Flaw::IgnoresRemoval, FORGOTTEN),
    (Flaw::RemovesTheSpace, FORGOTTEN),
    (Flaw::RefusesToRemoveTheMissing, MISSING),
    (Flaw::Concatenates, APART),
    (Flaw::JoinsByColon, APART),
    (Flaw::IgnoresSpaces, APART),
    (Flaw::TrimsKeys, APART),
    (Flaw::LowersKeys, APART),
    (Flaw::CutsLongKeys, LONG),
    (Flaw::BusyForLongKeys, LONG),
    (Flaw::EmptySpaceIsNone, TWINS),
    (Flaw::SortsBatches, ORDER),
    (Flaw::LeavesOutMisses, ORDER),
    (Flaw::AnswersDuplicatesOnce, ORDER),
    (Flaw::WritesAHundred, BATCH),
    (Flaw::FirstOfABatchWins, LAST),
    (Flaw::RemovesTheFirst, REMOVED),
    (Flaw::EmptyBatchFails, EMPTY),
    (Flaw::OverflowsLifetimes, LIFETIMES),
    (Flaw::RefusesShortLives, LIFETIMES),
    (Flaw::WrapsLifetimes, LIFETIMES),
    (Flaw::ChecksAnyLease, LEASES),
    (Flaw::ClaimsToFence, LEASES),
    (Flaw::LosesUpdates, OWN),
    (Flaw::WritesLater, LATEST),
    (Flaw::TearsValues, WHOLE),
    (Flaw::StuckWhenDropped, DROPPED),
    (Flaw::TextOnly, ANY),
    (Flaw::EmptyIsMissing, ANY),
    (Flaw::CutsValues, BIG),
];

/// Those that the suite must not take for more than they are: one promise, and that is all.
const PRECISE: [Flaw; 11] = [
    Flaw::GlancesBehind,
    Flaw::BusyForLongKeys,
    Flaw::EmptySpaceIsNone,
    Flaw::LeavesOutMisses,
    Flaw::AnswersDuplicatesOnce,
    Flaw::FirstOfABatchWins,
    Flaw::EmptyBatchFails,
    Flaw::RefusesShortLives,
    Flaw::TearsValues,
    Flaw::EmptyIsMissing,
    Flaw::CutsValues,
];

#[test]
fn every_promise_of_a_backend_can_be_broken() {
    for (flaw, promise) in FLAWS {
        let verdict = verdict(testing::backend_suite(|| async move { Shelf::new(flaw) }));
        assert_named(flaw, &verdict, promise);
        if PRECISE.contains(&flaw) {
            assert!(verdict.starts_with("the backend breaks 1 of 21 promises:\n"), "{verdict}");
        }
    }
}

#[test]
fn all_broken_promises_are_told_at_once() {
    let verdict = verdict(testing::backend_suite(|| async { larder::Null }));
    for promise in [READ, REPLACED, APART, BATCH, LIFETIMES, OWN, WHOLE, ANY] {
        assert_named("Null", &verdict, promise);
    }
    assert!(!names(&verdict, MISSING), "that one it keeps: {verdict}");
    assert!(verdict.contains("got None instead of Some("), "{verdict}");
}

#[test]
#[should_panic(expected = "a batch is answered in the order of its keys")]
fn hashes_are_asked_for_the_same() {
    let suite = testing::hash_backend_suite(|| async { Shelf::new(Flaw::SortsBatches) });
    panic!("{}", verdict(suite));
}

#[test]
#[should_panic(expected = "a plain key is the same by the methods of every backend")]
fn plain_keys_are_no_hashes() {
    let suite = testing::hash_backend_suite(|| async { Shelf::new(Flaw::PlainKeysApart) });
    panic!("{}", verdict(suite));
}

#[test]
fn every_promise_about_time_can_be_broken() {
    let lives = "entries are kept as long as was said, and no longer";
    let each = "each entry of a batch has its own lifetime";
    for (flaw, promise) in [
        (Flaw::ClaimsNothing, "it says that it drops entries"),
        (Flaw::NeverExpires, lives),
        (Flaw::ExpiresEarly, lives),
        (Flaw::BatchesLiveForEver, lives),
        (Flaw::FirstLifetimeStays, "the last write sets the lifetime"),
        (Flaw::FirstLifetimeStays, "a key whose entry is gone starts anew"),
        (Flaw::BatchesShareALifetime, each),
        (Flaw::BackInTimeIsGone, "a clock that is set back makes entries younger, and that is all"),
    ] {
        let make = |clock| async move { Shelf::new(flaw).with_clock(clock) };
        assert_named(flaw, &verdict(testing::expiry_suite(make)), promise);
    }
}

#[test]
fn every_promise_about_fences_can_be_broken() {
    let refused = "a write without its lease is refused";
    for (flaw, promise) in [
        (Flaw::OtherDomain, "store and lock name the same domain"),
        (Flaw::ChecksAnyLease, "who holds the lease can write"),
        (Flaw::IgnoresLeases, refused),
        (Flaw::FencesForEver, refused),
        (Flaw::BatchesIgnoreLeases, "a batch writes nothing whose lease is lost"),
    ] {
        let make = || async move {
            let desk = Desk::new(Slip::None, Duration::from_secs(10));
            (Shelf::new(flaw).with_desk(desk.clone()), desk)
        };
        assert_named(flaw, &verdict(testing::fence_suite(make)), promise);
    }
}
