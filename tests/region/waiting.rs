use super::*;

#[tokio::test(start_paused = true)]
async fn a_wait_has_an_end() {
    let region: Numbers = Region::builder(Memo::new()).wait_timeout(secs(5)).build().unwrap();
    let hanging = tokio::spawn({
        let region = region.clone();
        async move { region.get_or_create("k", pending::<u64>).await }
    });
    until(|| region.in_flight() == 1).await;
    let before = tokio::time::Instant::now();
    let error = region.get_or_create("k", async || 1).await.unwrap_err();
    assert_eq!((error.kind(), before.elapsed()), (ErrorKind::Timeout, secs(5)));
    assert!(error.is_transient() && error.to_string().contains("wait_timeout"), "{error}");
    hanging.abort();
    drop(hanging.await);
    assert_eq!(region.get_or_create("k", async || 1).await.unwrap(), 1);
}

/// A region whose callers wait for 5 s, and one who hangs in it.
async fn hanging(then: OnTimeout) -> (Numbers, Slow, JoinHandle<Result<u64>>) {
    let region: Numbers =
        Region::builder(Memo::new()).wait_timeout(secs(5)).on_timeout(then).build().unwrap();
    let slow = Slow::default();
    let leader = spawn_slow(&region, &slow, 1);
    until(|| slow.calls() == 1).await;
    (region, slow, leader)
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_long_enough_takes_over() {
    let (region, slow, leader) = hanging(OnTimeout::Create).await;
    let second = Slow::default();
    let waiters: Vec<_> = (0..10).map(|_| spawn_slow(&region, &second, 2)).collect();
    // The time is paused: this takes none.
    tokio::time::sleep(Duration::from_millis(4_999)).await;
    assert_eq!(second.calls(), 0);
    tokio::time::sleep(Duration::from_millis(2)).await;
    until(|| second.calls() == 1).await;
    second.go.notify_one();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), 2);
    }
    assert_eq!(second.calls(), 1, "one takes over for all");
    assert_eq!(region.get("k").await.unwrap(), Some(2));
    // The one that was too slow gets its own value, and nobody else does.
    slow.go.notify_one();
    assert_eq!(leader.await.unwrap().unwrap(), 1);
    assert_eq!(region.get("k").await.unwrap(), Some(2));
    assert_eq!((region.stats().voided, region.in_flight()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_batch_takes_over_too() {
    let (region, _slow, _leader) = hanging(OnTimeout::Create).await;
    let made = region
        .get_or_create_multi(["j", "k"], async |missing| {
            missing.into_iter().map(|key| (key, 5)).collect::<Vec<_>>()
        })
        .await
        .unwrap();
    assert_eq!(made, [Some(5), Some(5)]);
    assert_eq!(region.get_multi(["j", "k"]).await.unwrap(), [Some(5), Some(5)]);
}

#[tokio::test(start_paused = true)]
async fn or_takes_what_there_still_is() {
    let (region, _slow, leader) = hanging(OnTimeout::Stale).await;
    let error = region.get_or_create("k", async || 2).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "there is nothing");
    let batch = region.try_get_or_create_multi(["j", "k"], async |_| Ok::<_, ()>([("j", 1)])).await;
    assert!(
        matches!(&batch[..], [Ok(Some(1)), Err(Failure::Cache(error))]
        if error.kind() == ErrorKind::Timeout),
        "{batch:?}"
    );
    leader.abort();
    drop(leader.await);

    region.set("k", 7).await.unwrap();
    region.invalidate(larder::Invalidation::Hard).await.unwrap();
    let slow = Slow::default();
    let _leader = spawn_slow(&region, &slow, 1);
    until(|| slow.calls() == 1).await;
    assert_eq!(region.get_or_create("k", async || 2).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_call_may_have_less_patience() {
    let (region, _slow, _leader) = hanging(OnTimeout::Fail).await;
    let before = tokio::time::Instant::now();
    let hasty = region.with(Options::new().wait_timeout(secs(1)).on_timeout(OnTimeout::Create));
    assert_eq!(hasty.get_or_create("k", async || 3).await.unwrap(), 3);
    assert_eq!(before.elapsed(), secs(1));
}
