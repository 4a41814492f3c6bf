//! What one call wants otherwise than its region.

use larder::{Created, Options};

use super::*;

#[tokio::test]
async fn a_call_may_judge_by_another_lifetime() {
    let (region, time) = ten_seconds();
    region.set("k", 1).await.unwrap();
    time.advance(secs(5));
    let picky = region.with(Options::new().expire_after(secs(4)));
    assert_eq!(picky.get("k").await.unwrap(), None);
    assert_eq!(picky.get_multi(["k"]).await.unwrap(), [None]);
    assert!(picky.entry("k").await.unwrap().unwrap().is_stale());
    assert_eq!(region.get("k").await.unwrap(), Some(1), "the region judges as before");
    assert_eq!(picky.get_or_create("k", async || 2).await.unwrap(), 2);

    time.advance(secs(15));
    assert_eq!(region.get("k").await.unwrap(), None);
    let patient = region.with(Options::new().expire_after(secs(60)));
    assert_eq!(patient.get("k").await.unwrap(), Some(2));
    // What it writes lives as long as it needs.
    patient.set("long", 3).await.unwrap();
    time.advance(secs(55));
    assert_eq!(patient.get("long").await.unwrap(), Some(3));
    assert_eq!(region.get("long").await.unwrap(), None);
    // Zero: never content with what is there.
    region.set("k", 1).await.unwrap();
    time.advance(Duration::from_micros(1));
    let never = region.with(Options::new().expire_after(Duration::ZERO));
    assert_eq!(never.get_or_create("k", async || 9).await.unwrap(), 9);
}

#[tokio::test]
async fn expiration_may_be_ignored() {
    let (region, time) = ten_seconds();
    region.with_ttl(secs(1)).set("k", 1).await.unwrap();
    time.advance(secs(2));
    let any = region.with(Options::new().ignore_expiration(true));
    assert_eq!(any.get("k").await.unwrap(), Some(1));
    assert!(!any.entry("k").await.unwrap().unwrap().is_stale());
    assert_eq!(any.get_or_create("k", async || panic!("it is there")).await.unwrap(), 1);
    assert_eq!(any.get_or_create("other", async || 2).await.unwrap(), 2);
    assert_eq!(region.get("k").await.unwrap(), None);
}

#[tokio::test]
async fn not_every_value_is_worth_keeping() {
    let (region, _) = ten_seconds();
    let even = region.with(Options::new().should_cache(|n: &u64| n.is_multiple_of(2)));
    // Everyone who waits is served by one creation, stored or not.
    let slow = Slow::default();
    let tasks: Vec<_> = (0..10).map(|_| spawn_slow(&even, &slow, 7)).collect();
    until(|| slow.calls() == 1).await;
    slow.go.notify_one();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), 7);
    }
    assert_eq!(slow.calls(), 1);
    assert_eq!(region.get("k").await.unwrap(), None);
    assert_eq!(even.get_or_create("k", async || 8).await.unwrap(), 8);
    assert_eq!(region.get("k").await.unwrap(), Some(8));
    // A refresh that is not worth keeping leaves the old value.
    even.refresh("k", async || 9).await.unwrap();
    assert_eq!(region.get("k").await.unwrap(), Some(8));
    let made = even.get_or_create_multi(["a", "b"], async |_| [("a", 1), ("b", 2)]).await.unwrap();
    assert_eq!(made, [Some(1), Some(2)]);
    assert_eq!(region.get_multi(["a", "b"]).await.unwrap(), [None, Some(2)]);
    // A test for values of another type has no opinion.
    let odd = region.with(Options::new().should_cache(|_: &String| false));
    odd.get_or_create("c", async || 3).await.unwrap();
    assert_eq!(region.get("c").await.unwrap(), Some(3));
}

#[tokio::test]
async fn the_creator_decides_for_how_long() {
    let (region, time) = ten_seconds();
    let created = async |n, ttl| Created::new(n).ttl(secs(ttl));
    assert_eq!(region.get_or_create_with("k", || created(1, 2)).await.unwrap(), Some(1));
    assert_eq!(region.get_or_create_with("long", || created(2, 100)).await.unwrap(), Some(2));
    time.advance(secs(3));
    assert_eq!(region.get_multi(["k", "long"]).await.unwrap(), [None, Some(2)]);
    time.advance(secs(90));
    assert_eq!(region.get("long").await.unwrap(), Some(2));
    let secret = async || Created::new(5).not_stored();
    assert_eq!(region.get_or_create_with("x", secret).await.unwrap(), Some(5));
    assert_eq!(region.get("x").await.unwrap(), None);
    // The options' lifetime is for all, the creator's own wins.
    let brief = region.with_ttl(secs(1));
    brief.get_or_create("a", async || 1).await.unwrap();
    brief.get_or_create_with("b", || created(2, 50)).await.unwrap();
    brief.set_multi([("c", 3)]).await.unwrap();
    time.advance(secs(2));
    assert_eq!(region.get_multi(["a", "b", "c"]).await.unwrap(), [None, Some(2), None]);
}

#[tokio::test]
async fn nothing_is_worth_knowing_too() {
    let time = start();
    let stack = Memory::new().with_clock(time.clock()).json().framed();
    let region = Region::builder(stack)
        .expire_after(secs(100))
        .negative_ttl(secs(5))
        .clock(time.clock())
        .build()
        .unwrap()
        .typed::<u64>();
    let calls = AtomicUsize::new(0);
    let find = async || {
        calls.fetch_add(1, SeqCst);
        Created::nothing()
    };
    for _ in 0..3 {
        assert_eq!(region.get_or_create_with("k", find).await.unwrap(), None);
    }
    assert_eq!(calls.load(SeqCst), 1);
    assert_eq!(region.get("k").await.unwrap(), None);
    assert_eq!(region.get_multi(["k"]).await.unwrap(), [None]);
    assert_eq!(region.entry("k").await.unwrap(), None);
    time.advance(secs(6));
    assert_eq!(region.get_or_create_with("k", find).await.unwrap(), None);
    assert_eq!(calls.load(SeqCst), 2, "the negative entry has its own lifetime");
    // Who wants a value makes one.
    assert_eq!(region.get_or_create("k", async || 4).await.unwrap(), 4);
    assert_eq!(region.get_or_create_with("k", find).await.unwrap(), Some(4));

    // A batch keeps what it did not find, and single calls know it.
    let found = region.get_or_create_multi(["k", "p", "q"], async |missing| {
        assert_eq!(missing, ["p", "q"]);
        [("q", 6)]
    });
    assert_eq!(found.await.unwrap(), [Some(4), None, Some(6)]);
    assert_eq!(region.get_or_create_with("p", find).await.unwrap(), None);
    assert_eq!(calls.load(SeqCst), 2);
    let again =
        region.get_or_create_multi(["p"], async |_| -> [(&str, u64); 1] { panic!("it is known") });
    assert_eq!(again.await.unwrap(), [None]);
    region.set("p", 7).await.unwrap();
    assert_eq!(region.get("p").await.unwrap(), Some(7));
}

#[tokio::test]
async fn a_failing_refresh_serves_the_stale_value() {
    let (region, time) = ten_seconds();
    region.set("k", 1).await.unwrap();
    time.advance(secs(11));
    for _ in 0..2 {
        let served = region.try_get_or_create("k", async || Err("down")).await.unwrap();
        assert_eq!(served, 1);
    }
    let batch = region
        .try_get_or_create_multi(["k", "new"], async |_| Err::<Vec<(&str, u64)>, _>("down"))
        .await;
    assert_eq!(batch[0].as_ref().unwrap(), &Some(1));
    assert!(matches!(&batch[1], Err(Failure::Creator(error)) if **error == "down"));
    assert_eq!(region.stats().failures, 3);
    let strict = region.with(Options::new().stale_on_error(false));
    let error = strict.try_get_or_create("k", async || Err("down")).await.unwrap_err();
    assert_eq!(error.creator(), Some(&"down"));
    // Who asks for a new value wants to know.
    let error = region.try_refresh("k", async || Err("down")).await.unwrap_err();
    assert_eq!(error.creator(), Some(&"down"));
    assert_eq!(region.try_get_or_create("k", async || Ok::<_, &str>(2)).await.unwrap(), 2);
}
