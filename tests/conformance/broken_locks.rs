//! Every promise of the suites for locks is missed by somebody.

use std::time::Duration;

use larder::testing;

use crate::{
    broken::{assert_named, verdict},
    desk::{Desk, Slip},
};

#[test]
fn every_promise_of_a_lock_can_be_broken() {
    let own = "different keys have different locks";
    let batch = "a batch takes what is free and leaves the rest";
    for (slip, promise) in [
        (Slip::OneToken, "each lease has its key and a token of its own"),
        (Slip::LeavesOutAnswers, "a batch is answered for each of its leases"),
        (Slip::EverybodyHolds, "one owner excludes the others until it releases"),
        (Slip::RefusesItsOwner, "one owner excludes the others until it releases"),
        (Slip::RenewsWhatIsFree, "one owner excludes the others until it releases"),
        (Slip::OneLockForAll, own),
        (Slip::IgnoresSpaces, own),
        (Slip::AnyoneReleases, "nobody but the owner can release"),
        (Slip::SeizesNothing, "seize takes a lease from whoever holds it"),
        (Slip::AllOrNothing, batch),
        (Slip::TwinsHold, batch),
        (Slip::LooksThenTakes, "one of many who ask at once gets it"),
        (Slip::WakesNobody, "those who wait are woken by a release"),
        (Slip::DroppedWaitsStay, "a call that is dropped harms nobody"),
    ] {
        let make = || async move { Desk::new(slip, Duration::from_secs(60)) };
        assert_named(slip, &verdict(testing::lock_suite(make)), promise);
    }
}

#[test]
fn every_promise_of_a_lease_can_be_broken() {
    let ends = "a lease ends by itself when its time is over, and not before";
    for (slip, promise) in [
        (Slip::NeverEnds, ends),
        (Slip::EndsEarly, ends),
        (Slip::RenewsNothing, "a lease that is renewed does not end"),
    ] {
        let make = || async move { Desk::new(slip, Duration::from_millis(200)) };
        assert_named(slip, &verdict(testing::lease_suite(make)), promise);
    }
    let long = || async { Desk::new(Slip::None, Duration::from_secs(60)) };
    assert!(verdict(testing::lease_suite(long)).contains("give it short ones"));
}
