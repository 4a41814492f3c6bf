use super::*;

#[tokio::test]
async fn a_fresh_value_is_returned_until_and_including_its_last_moment() {
    let (region, time) = ten_seconds();
    region.set("k", 1).await.unwrap();
    time.advance(secs(10));
    assert_eq!(region.get("k").await.unwrap(), Some(1));
    assert_eq!(region.get_or_create("k", async || 2).await.unwrap(), 1);
    time.advance(Duration::from_micros(1));
    assert_eq!(region.get::<u64>("k").await.unwrap(), None);
    assert_eq!(region.get_or_create("k", async || 2).await.unwrap(), 2);
    assert_eq!(region.get("k").await.unwrap(), Some(2));
}

#[tokio::test]
async fn an_entry_tells_its_age_and_staleness_until_the_store_drops_it() {
    let (region, time) = ten_seconds();
    region.set("k", 1).await.unwrap();
    time.advance(secs(3));
    let found = region.entry::<u64>("k").await.unwrap().unwrap();
    assert_eq!((found.value, found.age(), found.is_stale()), (1, Some(secs(3)), false));
    assert_eq!(found.created_at(), Some(Timestamp::from_secs(1_000_000)));
    time.advance(secs(17));
    assert!(region.entry::<u64>("k").await.unwrap().unwrap().is_stale());
    time.advance(Duration::from_micros(1));
    assert_eq!(region.entry::<u64>("k").await.unwrap(), None, "kept for twice its lifetime");
}

#[tokio::test]
async fn one_creates_for_all_who_ask_at_once() {
    let (region, _) = ten_seconds();
    let slow = Slow::default();
    let tasks: Vec<_> = (0..100).map(|_| spawn_slow(&region, &slow, 7)).collect();
    until(|| slow.calls() == 1 && region.in_flight() == 1).await;
    for _ in 0..100 {
        yield_now().await;
    }
    slow.go.notify_one();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), 7);
    }
    assert_eq!(slow.calls(), 1);
    assert_eq!(region.in_flight(), 0, "the flight table empties itself");
    let stats = region.stats();
    assert_eq!((stats.creations, stats.shared), (1, 99));
}

#[tokio::test]
async fn stale_is_served_at_once_while_one_refreshes() {
    let (region, time) = ten_seconds();
    region.set("k", 1).await.unwrap();
    time.advance(secs(11));
    let slow = Slow::default();
    let refresher = spawn_slow(&region, &slow, 2);
    until(|| slow.calls() == 1).await;
    for _ in 0..10 {
        let value = region.get_or_create("k", async || unreachable!()).await.unwrap();
        assert_eq!(value, 1, "nobody waits for the refresh");
    }
    slow.go.notify_one();
    assert_eq!(refresher.await.unwrap().unwrap(), 2, "who refreshes gets the new value");
    assert_eq!(region.get_or_create("k", async || unreachable!()).await.unwrap(), 2);
    assert_eq!(region.stats().stale, 10);
}

#[tokio::test]
async fn the_winner_reads_again_before_it_creates() {
    // Both read the stale value; the second comes to the table when the first has landed.
    for stale in [true, false] {
        let (time, store) = (start(), Arc::new(Rigged::default()));
        let region = Region::builder(Arc::clone(&store).json().int_time())
            .expire_after(secs(10))
            .clock(time.clock())
            .build()
            .unwrap();
        if stale {
            region.set("k", 1).await.unwrap();
            time.advance(secs(11));
        }
        store.hold_read.store(true, SeqCst);
        let second = tokio::spawn({
            let region = region.clone();
            async move { region.get_or_create("k", async || 3).await }
        });
        store.held.notified().await;
        assert_eq!(region.get_or_create("k", async || 2).await.unwrap(), 2);
        store.go.notify_one();
        assert_eq!(second.await.unwrap().unwrap(), 2, "stale: {stale}");
        assert_eq!(region.stats().creations, 1);
    }
}

#[tokio::test]
async fn waiters_share_the_error_of_a_failing_creator() {
    let (region, _) = ten_seconds();
    let (calls, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (region, calls, go) = (region.clone(), Arc::clone(&calls), Arc::clone(&go));
            tokio::spawn(async move {
                let create = async || {
                    calls.fetch_add(1, SeqCst);
                    go.notified().await;
                    Err::<u64, _>("the database is down".to_owned())
                };
                region.try_get_or_create("k", create).await
            })
        })
        .collect();
    until(|| calls.load(SeqCst) == 1).await;
    for _ in 0..100 {
        yield_now().await;
    }
    go.notify_one();
    for task in tasks {
        match task.await.unwrap() {
            Err(Failure::Creator(error)) => assert_eq!(*error, "the database is down"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(calls.load(SeqCst), 1, "100 callers of a failing creator cost one call");
    assert_eq!((region.in_flight(), region.stats().failures), (0, 1));
    // The next one tries again.
    let value = region.try_get_or_create("k", async || Ok::<u64, String>(5)).await.unwrap();
    assert_eq!(value, 5);
}

#[tokio::test]
async fn waiters_with_other_types_help_themselves() {
    let region = Memory::new().json().int_time().region();
    let slow = Slow::default();
    let leader = tokio::spawn({
        let (region, slow) = (region.clone(), slow.clone());
        async move { region.get_or_create("k", || slow.create(7)).await }
    });
    until(|| slow.calls() == 1).await;
    let waiter = tokio::spawn({
        let region = region.clone();
        // The JSON of a `u64` reads as `f64`.
        async move { region.get_or_create("k", async || 0.5_f64).await }
    });
    yield_now().await;
    slow.go.notify_one();
    assert_eq!(leader.await.unwrap().unwrap(), 7);
    assert!((waiter.await.unwrap().unwrap() - 7.0).abs() < f64::EPSILON);

    // An error of another type cannot be shared: the waiter creates.
    let go = Arc::new(Notify::new());
    let leader = tokio::spawn({
        let (region, go) = (region.clone(), Arc::clone(&go));
        async move {
            let create = async || {
                go.notified().await;
                Err::<u64, _>(1_u8)
            };
            region.try_get_or_create("e", create).await
        }
    });
    until(|| region.in_flight() == 1).await;
    let waiter = tokio::spawn({
        let region = region.clone();
        async move { region.try_get_or_create("e", async || Ok::<u64, String>(2)).await }
    });
    yield_now().await;
    go.notify_one();
    assert_eq!(leader.await.unwrap().unwrap_err().creator(), Some(&1));
    assert_eq!(waiter.await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn when_the_leader_is_dropped_a_waiter_takes_over() {
    let (region, _) = ten_seconds();
    let slow = Slow::default();
    let leader = tokio::spawn({
        let (region, slow) = (region.clone(), slow.clone());
        async move {
            let create = async || {
                slow.calls.fetch_add(1, SeqCst);
                pending::<u64>().await
            };
            region.get_or_create("k", create).await
        }
    });
    until(|| slow.calls() == 1).await;
    let waiters: Vec<_> = (0..50).map(|_| spawn_slow(&region, &slow, 9)).collect();
    for _ in 0..60 {
        yield_now().await;
    }
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    until(|| slow.calls() == 2).await;
    slow.go.notify_one();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), 9);
    }
    assert_eq!((slow.calls(), region.in_flight()), (2, 0));
}

#[tokio::test]
async fn when_the_leader_panics_only_the_leader_panics() {
    let (region, _) = ten_seconds();
    let go = Arc::new(Notify::new());
    let leader = tokio::spawn({
        let (region, go) = (region.clone(), Arc::clone(&go));
        async move {
            let create = async || -> u64 {
                go.notified().await;
                panic!("on purpose")
            };
            region.get_or_create("k", create).await
        }
    });
    until(|| region.in_flight() == 1).await;
    let waiters: Vec<_> = (0..20)
        .map(|_| {
            let region = region.clone();
            tokio::spawn(async move { region.get_or_create("k", async || 4).await })
        })
        .collect();
    for _ in 0..30 {
        yield_now().await;
    }
    go.notify_one();
    assert!(leader.await.unwrap_err().is_panic());
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), 4);
    }
    assert_eq!((region.stats().creations, region.in_flight()), (1, 0));
    // The panicking creator left no trace: the same task may ask again.
    assert_eq!(region.get_or_create("k", async || 5).await.unwrap(), 4);
}

#[tokio::test]
async fn a_value_that_panics_when_it_is_handed_over_leaves_nobody_waiting() {
    #[derive(serde::Serialize, serde::Deserialize, Debug)]
    struct Fragile(bool);
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            assert!(!self.0, "on purpose");
            Self(self.0)
        }
    }

    let region = Null.json().int_time().region();
    let go = Arc::new(Notify::new());
    let leader = tokio::spawn({
        let (region, go) = (region.clone(), Arc::clone(&go));
        async move {
            let create = async || {
                go.notified().await;
                Fragile(true)
            };
            region.get_or_create("k", create).await
        }
    });
    until(|| region.in_flight() == 1).await;
    let waiter = tokio::spawn({
        let region = region.clone();
        async move { region.get_or_create("k", async || Fragile(false)).await }
    });
    yield_now().await;
    go.notify_one();
    assert!(leader.await.unwrap_err().is_panic());
    assert!(!waiter.await.unwrap().unwrap().0);
    assert_eq!(region.in_flight(), 0);
}

#[tokio::test]
async fn a_waiter_that_gives_up_harms_nobody() {
    let (region, _) = ten_seconds();
    let slow = Slow::default();
    let leader = spawn_slow(&region, &slow, 3);
    until(|| slow.calls() == 1).await;
    let (quitter, waiter) = (spawn_slow(&region, &slow, 8), spawn_slow(&region, &slow, 8));
    yield_now().await;
    quitter.abort();
    slow.go.notify_one();
    assert_eq!(leader.await.unwrap().unwrap(), 3);
    assert_eq!(waiter.await.unwrap().unwrap(), 3);
    assert_eq!(slow.calls(), 1);
}

#[tokio::test]
async fn a_write_during_a_creation_wins() {
    let (region, _) = ten_seconds();
    for delete in [false, true] {
        region.delete("k").await.unwrap();
        let slow = Slow::default();
        let (leader, waiter) = (spawn_slow(&region, &slow, 1), spawn_slow(&region, &slow, 1));
        until(|| slow.calls() == 1).await;
        yield_now().await;
        if delete {
            region.delete_multi(["k", "other", "k"]).await.unwrap();
        } else {
            region.set_multi([("other", 0), ("k", 2)]).await.unwrap();
        }
        // Who comes after the write does not get the older value.
        let value = region.get_or_create("k", async || 3).await.unwrap();
        assert_eq!(value, if delete { 3 } else { 2 });
        slow.go.notify_one();
        assert_eq!(leader.await.unwrap().unwrap(), 1, "who waited gets what was created");
        assert_eq!(waiter.await.unwrap().unwrap(), 1);
        assert_eq!(region.get("k").await.unwrap(), Some(value), "and it is not stored");
        assert_eq!(region.in_flight(), 0);
    }
    assert_eq!(region.stats().voided, 2);
}

#[tokio::test]
async fn a_write_waits_for_a_value_on_its_way_to_the_store() {
    let store = Arc::new(Rigged { hold_write: true.into(), ..Rigged::default() });
    let region = Arc::clone(&store).json().int_time().region();
    let leader = tokio::spawn({
        let region = region.clone();
        async move { region.get_or_create("k", async || 1).await }
    });
    store.held.notified().await;
    let deletion = tokio::spawn({
        let region = region.clone();
        async move { region.delete("k").await }
    });
    for _ in 0..20 {
        yield_now().await;
    }
    assert!(!deletion.is_finished(), "it would be overtaken by the write");
    store.go.notify_one();
    assert_eq!(leader.await.unwrap().unwrap(), 1);
    deletion.await.unwrap().unwrap();
    assert_eq!(region.get::<u8>("k").await.unwrap(), None);
    assert_eq!(region.in_flight(), 0);
}

#[tokio::test]
async fn the_same_key_inside_its_own_creator_is_an_error() {
    let (region, time) = ten_seconds();
    let inner = region.clone();
    let recursive = region
        .try_get_or_create("k", || async {
            // Another key is fine, also in between.
            assert_eq!(inner.get_or_create("other", async || 1).await.unwrap(), 1);
            inner.get_or_create("k", async || 2).await
        })
        .await;
    let error = recursive.unwrap_err().into_inner();
    assert_eq!(error.kind(), ErrorKind::Recursion);
    assert!(error.to_string().contains("(key k)"), "{error}");
    assert_eq!(region.in_flight(), 0);

    // Two keys that need each other.
    let error = region
        .try_get_or_create("a", || async {
            inner.try_get_or_create("b", || inner.get_or_create("a", async || 1)).await
        })
        .await
        .unwrap_err();
    let Failure::Creator(error) = error else { panic!("{error:?}") };
    let Failure::Creator(error) = &*error else { panic!("{error:?}") };
    assert_eq!(error.kind(), ErrorKind::Recursion);

    // The same with a stale value at hand.
    region.set("k", 1).await.unwrap();
    time.advance(secs(11));
    let error = region
        .with(Options::new().stale_on_error(false))
        .try_get_or_create("k", || inner.get_or_create("k", async || 2))
        .await
        .unwrap_err()
        .into_inner();
    assert_eq!(error.kind(), ErrorKind::Recursion);

    // The same key in another region is another key.
    let (other, _) = ten_seconds();
    let value =
        region.get_or_create("x", || async { other.get_or_create("x", async || 6).await.unwrap() });
    assert_eq!(value.await.unwrap(), 6);
}
