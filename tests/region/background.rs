//! Refreshing: on request, and behind everyone's back.

use larder::Invalidation;

use super::*;

#[tokio::test]
async fn a_refresh_makes_a_new_value_once_for_all_who_want_one() {
    let (region, _) = ten_seconds();
    region.set("k", 1).await.unwrap();
    let slow = Slow::default();
    let refreshes: Vec<_> = (0..10)
        .map(|_| {
            let (region, slow) = (region.clone(), slow.clone());
            tokio::spawn(async move { region.refresh("k", || slow.create(2)).await })
        })
        .collect();
    until(|| slow.calls() == 1).await;
    assert_eq!(region.get("k").await.unwrap(), Some(1), "the others get what is there");
    assert!(region.key_is_locked("k").await.unwrap());
    slow.go.notify_one();
    for refresh in refreshes {
        assert_eq!(refresh.await.unwrap().unwrap(), 2);
    }
    assert_eq!((slow.calls(), region.get("k").await.unwrap()), (1, Some(2)));
    assert!(!region.key_is_locked("k").await.unwrap());
    assert_eq!(region.refresh("new", async || 3).await.unwrap(), 3);
    assert_eq!(region.get("new").await.unwrap(), Some(3));
}

#[tokio::test]
async fn in_the_background_everyone_gets_the_stale_value() {
    let (region, time) = ten_seconds();
    let slow = Slow::default();
    let ask = || {
        let slow = slow.clone();
        region.get_or_create_in_background("k", move || async move { slow.create(2).await })
    };
    // Missing: nothing to serve meanwhile.
    slow.go.notify_one();
    assert_eq!(ask().await.unwrap(), 2);
    region.set("k", 1).await.unwrap();
    time.advance(secs(11));
    for _ in 0..5 {
        assert_eq!(ask().await.unwrap(), 1);
    }
    until(|| slow.calls() == 2).await;
    assert_eq!(ask().await.unwrap(), 1);
    assert_eq!((slow.calls(), region.in_flight()), (2, 1), "one task refreshes for all");
    slow.go.notify_one();
    until(|| region.in_flight() == 0).await;
    assert_eq!(region.get("k").await.unwrap(), Some(2));
    assert_eq!(region.stats().stale, 6);
}

#[tokio::test]
async fn a_failure_in_the_background_leaves_the_stale_value() {
    let (region, _) = ten_seconds();
    region.set("k", 1).await.unwrap();
    region.invalidate(Invalidation::Soft).await.unwrap();
    let value = region.try_get_or_create_in_background("k", || async { Err("down") }).await;
    assert_eq!(value.unwrap(), 1);
    until(|| region.stats().failures == 1 && region.in_flight() == 0).await;
    assert!(region.entry("k").await.unwrap().unwrap().is_stale());
    // A panic, too, stays where it is.
    let value = region.get_or_create_in_background("k", || async { panic!("for a test") }).await;
    assert_eq!(value.unwrap(), 1);
    until(|| region.in_flight() == 0).await;
    let value = region.get_or_create_in_background("k", || async { 2 }).await;
    assert_eq!(value.unwrap(), 1);
    until(|| region.in_flight() == 0).await;
    assert_eq!(region.get("k").await.unwrap(), Some(2));
}

#[test]
fn a_background_without_a_runtime_is_refused() {
    let (region, time) = ten_seconds();
    crate::storm::block_on(async {
        region.set("k", 1).await.unwrap();
        time.advance(secs(11));
        let asked = region.get_or_create_in_background("k", || async { 2 }).await;
        assert_eq!(asked.unwrap_err().kind(), ErrorKind::Config);
    });
}
