//! What is counted when a wait takes too long.

use larder::OnTimeout;

use super::{
    scrape::{Counts, Scrape},
    *,
};

/// A creation that does not end, and a region whose callers wait for it for a second.
fn stuck(then: OnTimeout) -> (Numbers, ManualClock, tokio::task::JoinHandle<()>) {
    let (builder, time) = builder();
    let region = builder.wait_timeout(secs(1)).on_timeout(then).build().unwrap();
    let leader = region.clone();
    let leader = tokio::spawn(async move {
        let all = async |_: Vec<&str>| std::future::pending::<Vec<(&str, u64)>>().await;
        leader.get_or_create_multi(["a", "b"], all).await.unwrap();
    });
    (region, time, leader)
}

#[tokio::test(start_paused = true)]
async fn those_who_fail() {
    let scrape = Scrape::new();
    let (region, _, _leader) = stuck(OnTimeout::Fail);
    until(|| region.in_flight() == 2).await;
    assert!(region.get_or_create("a", async || 1).await.is_err());
    assert!(region.get_or_create_multi(["a", "b"], ones).await.is_err());
    assert!(region.refresh("a", async || 1).await.is_err());
    // The one who creates has not come back: what was looked up is known when it was answered.
    assert_eq!(scrape.counts("numbers"), Counts { misses: 3, ..Counts::default() });
}

#[tokio::test(start_paused = true)]
async fn those_who_take_over() {
    let scrape = Scrape::new();
    let (region, _, _leader) = stuck(OnTimeout::Create);
    until(|| region.in_flight() == 2).await;
    assert_eq!(region.get_or_create("a", async || 1).await.unwrap(), 1); // miss, created
    assert_eq!(region.get_or_create_multi(["a", "b"], ones).await.unwrap(), [Some(1); 2]); // fresh, miss, created
    let now = Counts { fresh: 1, misses: 2, creations: 2, ..Counts::default() };
    assert_eq!(scrape.counts("numbers"), now);
}

#[tokio::test(start_paused = true)]
async fn those_who_take_what_is_there() {
    let scrape = Scrape::new();
    let (builder, _) = builder();
    let region = builder.wait_timeout(secs(1)).on_timeout(OnTimeout::Stale).build().unwrap();
    region.set("a", 1).await.unwrap();
    region.invalidate(larder::Invalidation::Hard).await.unwrap();
    let leader = region.clone();
    let _leader = tokio::spawn(async move {
        leader
            .get_or_create_multi(["a", "b"], async |_| {
                std::future::pending::<Vec<(&str, u64)>>().await
            })
            .await
    });
    until(|| region.in_flight() == 2).await;
    assert_eq!(region.get_or_create("a", async || 2).await.unwrap(), 1); // stale
    assert!(region.get_or_create("b", async || 2).await.is_err()); // miss
    let answers: Vec<_> = region
        .try_get_or_create_multi(["a", "b"], async |keys| Ok::<_, ()>(made(keys)))
        .await
        .iter()
        .map(Result::is_ok)
        .collect();
    assert_eq!(answers, [true, false]); // stale, miss
    // Gets what is there, too, and looks nothing up.
    assert_eq!(region.refresh("a", async || 2).await.unwrap(), 1);
    assert_eq!(scrape.counts("numbers"), Counts { stale: 2, misses: 2, ..Counts::default() });
}
