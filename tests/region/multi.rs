//! Reading many keys through.

use std::collections::HashMap;

use super::*;

#[tokio::test]
async fn one_call_for_all_that_is_missing_in_the_callers_order() {
    let (region, _) = ten_seconds();
    region.set_multi([("b", 20), ("d", 40)]).await.unwrap();
    let calls = AtomicUsize::new(0);
    let found = region
        .get_or_create_multi(["e", "b", "a", "e", "d", "c"], async |missing| {
            calls.fetch_add(1, SeqCst);
            assert_eq!(missing, ["e", "a", "c"]);
            // In another order, too few, and more than was asked for.
            HashMap::from([("a".to_owned(), 1), ("e".to_owned(), 5), ("z".to_owned(), 26)])
        })
        .await
        .unwrap();
    assert_eq!(found, [Some(5), Some(20), Some(1), Some(5), Some(40), None]);
    assert_eq!(calls.load(SeqCst), 1);
    assert_eq!(
        region.get_multi(["a", "c", "e", "z"]).await.unwrap(),
        [Some(1), None, Some(5), None]
    );
    assert_eq!(region.stats().creations, 2);
    assert_eq!(region.in_flight(), 0);
    let none: [&str; 0] = [];
    let nothing =
        region.get_or_create_multi(none, async |_| -> Vec<(&str, u64)> { panic!() }).await;
    assert_eq!(nothing.unwrap(), []);
}

#[tokio::test]
async fn keys_of_every_form_are_taken() {
    let region: Numbers = Memo::new().region();
    let owned = vec!["a".to_owned(), "b".to_owned()];
    let made =
        region.get_or_create_multi(&owned, async |m| m.into_iter().zip(1..).collect::<Vec<_>>());
    assert_eq!(made.await.unwrap(), [Some(1), Some(2)]);
    let made = region.get_or_create_multi(owned.clone(), async |_| [("", 0)]).await.unwrap();
    assert_eq!(made, [Some(1), Some(2)]);
    let pairs = [("s", "a"), ("s", "b")];
    let made =
        region.get_or_create_multi(pairs, async |m| m.into_iter().zip(5..).collect::<Vec<_>>());
    assert_eq!(made.await.unwrap(), [Some(5), Some(6)]);
    let keys = [Key::from(("s", "b")), Key::from("a")];
    let made = region.get_or_create_multi(keys, async |_| [(Key::from("x"), 0)]).await.unwrap();
    assert_eq!(made, [Some(6), Some(1)]);
    assert_eq!(region.get(("s", "a")).await.unwrap(), Some(5));
}

#[tokio::test]
async fn overlapping_batches_and_single_calls_create_each_key_once() {
    let (region, _) = ten_seconds();
    let created: Arc<[AtomicUsize; 12]> = Arc::default();
    let mut tasks = Vec::new();
    for n in 0..12_usize {
        let (region, created) = (region.clone(), Arc::clone(&created));
        tasks.push(tokio::spawn(async move {
            let keys: Vec<String> = (0..8).map(|k| ((n + k * 5) % 12).to_string()).collect();
            let found = region
                .get_or_create_multi(&keys, async |missing| {
                    let mut made = Vec::new();
                    for key in missing {
                        let k: usize = key.parse().unwrap();
                        created[k].fetch_add(1, SeqCst);
                        yield_now().await;
                        made.push((key, k as u64));
                    }
                    made
                })
                .await
                .unwrap();
            for (key, found) in keys.iter().zip(found) {
                assert_eq!(found, Some(key.parse().unwrap()));
            }
            let single = async || {
                created[n].fetch_add(1, SeqCst);
                n as u64
            };
            assert_eq!(region.get_or_create(&n.to_string(), single).await.unwrap(), n as u64);
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert!(created.iter().all(|calls| calls.load(SeqCst) == 1), "{created:?}");
    assert_eq!(region.in_flight(), 0);
}

#[tokio::test]
async fn stale_values_are_refreshed_by_one_batch_and_served_to_the_other() {
    let (region, time) = ten_seconds();
    region.set_multi([("a", 1), ("b", 2)]).await.unwrap();
    time.advance(secs(11));
    let slow = Slow::default();
    let refresh = tokio::spawn({
        let (region, slow) = (region.clone(), slow.clone());
        async move {
            let create = async |missing: Vec<&'static str>| {
                assert_eq!(missing, ["a", "b"]);
                let n = slow.create(10).await;
                [("a", n), ("b", n + 1)]
            };
            region.get_or_create_multi(["a", "b"], create).await
        }
    });
    until(|| slow.calls() == 1).await;
    let served = region
        .get_or_create_multi(["b", "c", "a"], async |missing| {
            assert_eq!(missing, ["c"]);
            [("c", 3)]
        })
        .await
        .unwrap();
    assert_eq!(served, [Some(2), Some(3), Some(1)]);
    slow.go.notify_one();
    assert_eq!(refresh.await.unwrap().unwrap(), [Some(10), Some(11)]);
}

#[tokio::test]
async fn a_batch_that_is_dropped_or_fails_leaves_its_keys_to_others() {
    let (region, _) = ten_seconds();
    let slow = Slow::default();
    let first = tokio::spawn({
        let (region, slow) = (region.clone(), slow.clone());
        async move {
            region.get_or_create_multi(["a", "b"], async |_| [("a", slow.create(1).await)]).await
        }
    });
    until(|| slow.calls() == 1).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let second = tokio::spawn({
        let (region, calls) = (region.clone(), Arc::clone(&calls));
        async move {
            let create = async |missing: Vec<&'static str>| {
                calls.fetch_add(1, SeqCst);
                missing.into_iter().zip(10..).collect::<Vec<_>>()
            };
            region.get_or_create_multi(["b", "c", "a"], create).await
        }
    });
    until(|| calls.load(SeqCst) == 1).await;
    assert_eq!(region.get("c").await.unwrap(), Some(10), "its own keys do not wait");
    first.abort();
    drop(first.await);
    // The rest in a second call.
    assert_eq!(second.await.unwrap().unwrap(), [Some(10), Some(10), Some(11)]);
    assert_eq!(calls.load(SeqCst), 2);
    assert_eq!(region.in_flight(), 0);

    let failed =
        region.try_get_or_create_multi(["x", "a"], async |_| Err::<Vec<(&str, u64)>, _>("no"));
    let failed = failed.await;
    assert!(matches!(&failed[0], Err(Failure::Creator(error)) if **error == "no"), "{failed:?}");
    assert!(matches!(&failed[1], Ok(Some(11))), "what was there is not lost: {failed:?}");
    assert_eq!(region.get_or_create("x", async || 5).await.unwrap(), 5);
}

#[tokio::test]
async fn a_key_of_the_batch_inside_its_creator_is_an_error() {
    let (region, _) = ten_seconds();
    let inner = region.clone();
    let made = region
        .try_get_or_create_multi(["a", "b"], async |_| {
            inner.get_or_create_multi(["b"], async |_| [("b", 1)]).await?;
            Ok::<_, Error>([("a", 1)])
        })
        .await;
    for answer in made {
        let Err(Failure::Creator(error)) = answer else { panic!("{answer:?}") };
        assert_eq!(error.kind(), ErrorKind::Recursion);
    }
    let other = async |_| [("a", inner.get_or_create("c", async || 3).await.unwrap())];
    assert_eq!(region.get_or_create_multi(["a"], other).await.unwrap(), [Some(3)]);
}

#[tokio::test]
async fn futures_of_batches_are_send() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let (region, _) = ten_seconds();
    let own = vec![1_u64, 2];
    let batch = region.get_or_create_multi(["a", "b"], async |missing| {
        yield_now().await;
        missing.into_iter().zip(own.clone()).collect::<Vec<_>>()
    });
    assert_eq!(send(batch).await.unwrap(), [Some(1), Some(2)]);
    let old_style = region.get_or_create_multi(["c"], |missing: Vec<&'static str>| async move {
        missing.into_iter().map(|key| (key, 9)).collect::<Vec<_>>()
    });
    assert_eq!(send(old_style).await.unwrap(), [Some(9)]);
}

#[tokio::test]
async fn while_the_store_is_down_batches_are_created_all_the_same() {
    let (region, store) = flaky(false);
    store.down.store(true, SeqCst);
    let made = region
        .get_or_create_multi(["a", "b"], async |m| m.into_iter().zip(1_u8..).collect::<Vec<_>>());
    assert_eq!(made.await.unwrap(), [Some(1), Some(2)]);
    let (region, store) = flaky(true);
    store.down.store(true, SeqCst);
    let made = region.get_or_create_multi(["a"], async |_| [("a", 1_u8)]);
    assert_eq!(made.await.unwrap_err().kind(), ErrorKind::Unavailable);
}
