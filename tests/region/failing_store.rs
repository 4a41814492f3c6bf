use super::*;

#[tokio::test]
async fn a_store_that_is_down_does_not_take_the_application_down() {
    let (region, store) = flaky(false);
    store.down.store(true, SeqCst);
    assert_eq!(region.get_or_create("k", async || 1).await.unwrap(), 1);
    assert_eq!(region.get_or_create("k", async || 2).await.unwrap(), 2, "nothing could be kept");
    assert_eq!(region.stats().bypassed, 4, "two reads, two writes");
    // Plain reads and writes say so.
    assert_eq!(region.get::<u8>("k").await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(region.set("k", 3).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(region.delete("k").await.unwrap_err().kind(), ErrorKind::Unavailable);
    store.down.store(false, SeqCst);
    assert_eq!(region.get_or_create("k", async || 4).await.unwrap(), 4);
    assert_eq!(region.get_or_create("k", async || 5).await.unwrap(), 4);
}

#[tokio::test]
async fn one_creates_for_all_also_while_the_store_is_down() {
    let (region, store) = flaky(false);
    store.down.store(true, SeqCst);
    let slow = Slow::default();
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (region, slow) = (region.clone(), slow.clone());
            tokio::spawn(async move { region.get_or_create("k", || slow.create(6)).await })
        })
        .collect();
    until(|| slow.calls() == 1 && store.asked.load(SeqCst) == 20).await;
    for _ in 0..30 {
        yield_now().await;
    }
    slow.go.notify_one();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), 6);
    }
    assert_eq!(slow.calls(), 1);
}

#[tokio::test]
async fn a_strict_region_reports_the_store() {
    let (region, store) = flaky(true);
    store.down.store(true, SeqCst);
    let error = region.get_or_create("k", async || 1_u8).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    store.down.store(false, SeqCst);
    store.garbled.store(true, SeqCst);
    let error = region.get_or_create("k", async || 1_u8).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.key(), Some("k".into()));
    assert_eq!(region.get::<u8>("k").await.unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(region.in_flight(), 0);
}

#[tokio::test]
async fn bytes_that_do_not_decode_are_a_counted_miss() {
    let (region, store) = flaky(false);
    store.garbled.store(true, SeqCst);
    assert_eq!(region.get::<u8>("k").await.unwrap(), None);
    assert_eq!(region.entry::<u8>("k").await.unwrap(), None);
    assert_eq!(region.get_multi::<u8>(["k", "l"]).await.unwrap(), [None, None]);
    assert_eq!(region.get_or_create("k", async || 1_u8).await.unwrap(), 1);
    assert_eq!(region.stats().unreadable, 5);
    store.garbled.store(false, SeqCst);
    assert_eq!(region.get("k").await.unwrap(), Some(1_u8), "the good value replaced it");
    // One bad entry leaves the rest of a batch alone.
    store.memory.set("bad".into(), Bytes::from_static(b"?"), WriteOpts::default()).await.unwrap();
    assert_eq!(region.get_multi::<u8>(["bad", "k"]).await.unwrap(), [None, Some(1)]);
}

#[tokio::test]
async fn a_value_that_cannot_be_encoded_is_returned_and_not_stored() {
    // JSON has no form for it.
    let region = Memory::new().json().int_time().region();
    let value = region.get_or_create("k", async || f64::INFINITY).await.unwrap();
    assert!(value.is_infinite());
    assert_eq!(region.get::<f64>("k").await.unwrap(), None);
    assert_eq!(region.stats().bypassed, 1);
    assert_eq!(region.set("k", f64::NAN).await.unwrap_err().kind(), ErrorKind::Encode);
    let error = region.set_multi([("a", 1.0), ("b", f64::NAN)]).await.unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Encode, Some("b".into())));
    assert_eq!(region.get::<f64>("a").await.unwrap(), None, "nothing is sent unless all can be");
}

#[tokio::test]
async fn another_value_version_is_a_plain_miss() {
    let memory = Arc::new(Memory::new());
    let old = larder::FullDict::<_, 1>::new(Arc::clone(&memory).json()).region();
    let new = larder::FullDict::<_, 2>::new(memory.json()).region();
    old.set("k", 1_u8).await.unwrap();
    assert_eq!(new.get::<u8>("k").await.unwrap(), None);
    assert_eq!(new.get_or_create("k", async || 2_u8).await.unwrap(), 2);
    assert_eq!(new.get::<u8>("k").await.unwrap(), Some(2));
    assert_eq!(new.stats().unreadable, 0);
}

#[tokio::test]
async fn values_that_look_like_nothing_are_values() {
    let region = Memory::new().json().int_time().region();
    assert_eq!(region.get_or_create("none", async || None::<u8>).await.unwrap(), None);
    region.set("unit", ()).await.unwrap();
    region.set("empty", String::new()).await.unwrap();
    assert_eq!(region.get::<Option<u8>>("none").await.unwrap(), Some(None));
    assert_eq!(region.get::<()>("unit").await.unwrap(), Some(()));
    assert_eq!(region.get::<String>("empty").await.unwrap(), Some(String::new()));
    assert_eq!(region.get::<()>("absent").await.unwrap(), None);
    let again = region.get_or_create("none", async || Some(1_u8)).await.unwrap();
    assert_eq!(again, None, "a cached `None` is a hit");
}

/// A lock that answers for nobody.
#[derive(Clone)]
struct Mute;

impl Lock for Mute {
    fn lease(&self, key: Key<'_>) -> Lease {
        Lease::new(key, key.flat().into_owned())
    }

    async fn acquire(&self, _: &[Lease]) -> Result<Vec<bool>> {
        Ok(Vec::new())
    }

    async fn seize(&self, _: &[Lease]) -> Result<()> {
        Ok(())
    }

    async fn renew(&self, _: &[Lease]) -> Result<Vec<bool>> {
        Ok(vec![true; 99])
    }

    async fn release(&self, _: &[Lease]) -> Result<()> {
        Ok(())
    }

    async fn released(&self, _: Key<'_>, _: &mut Seen) -> Result<()> {
        Ok(())
    }

    async fn is_locked(&self, _: Key<'_>) -> Result<bool> {
        Ok(false)
    }

    fn lasts(&self) -> Duration {
        secs(1)
    }

    fn domain(&self) -> Option<larder::Domain> {
        None
    }
}

#[tokio::test]
async fn a_lock_that_makes_no_sense_is_done_without() {
    let region = Region::builder(Memo::new()).lock(Mute).build().unwrap();
    assert_eq!(region.get_or_create("k", async || 1).await.unwrap(), 1);
    let made = region.get_or_create_multi(["k", "l"], async |_| [("l", 2)]).await.unwrap();
    assert_eq!(made, [Some(1), Some(2)]);
    assert_eq!((region.stats().bypassed, region.in_flight()), (2, 0));
    let strict = Region::builder(Memo::<u64>::new()).lock(Mute).strict(true).build().unwrap();
    let error = strict.get_or_create("k", async || 1).await.unwrap_err();
    assert!(error.to_string().contains("0 answers for 1"), "{error}");
}
