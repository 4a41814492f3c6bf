//! One tier's failure never fails the other.

use larder::{
    Backend, Bytes, ErrorKind, LayerExt, Put, ReadOpts,
    testing::{Calls, Fault},
};

use super::*;

fn down() -> Fault {
    Fault::Error(ErrorKind::Unavailable)
}

#[tokio::test]
async fn while_the_far_tier_is_down_the_near_one_goes_on() {
    let truth = truth();
    let (tiers, chaos) = tiers(&truth);
    put(&tiers, "k", "v").await;
    chaos.inject(down().on(Calls::All));
    assert_eq!(get(&tiers, "k").await.as_deref(), Some("v"));
    let read = Store::<String>::read(&tiers, "other".into()).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Unavailable);
    // What is written is told to have failed, and is there all the same.
    let written = tiers.write("other".into(), &entry("w"), WriteOpts::default()).await;
    assert_eq!(written.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(get(&tiers, "other").await.as_deref(), Some("w"));
    // Of a batch, what is here is found.
    let keys = ["k", "missing", "other"].map(Key::from);
    let found: larder::Batch<Entry<Option<String>>> = tiers.read_multi(&keys).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|found| found.map(|f| f.unwrap().value)).collect();
    assert_eq!(found[0].as_ref().unwrap().as_deref(), Some("v"));
    let error = found[1].as_ref().unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Unavailable, Some("missing".into())));
    assert_eq!(found[2].as_ref().unwrap().as_deref(), Some("w"));
    assert!(tiers.remove("k".into()).await.is_err());
    assert!(Store::<String>::read(&tiers, "k".into()).await.is_err(), "the copy is gone");
}

/// Each entry for itself, also past the copies and where all of them are damaged.
#[tokio::test]
async fn a_batch_of_damaged_entries_is_no_failure() {
    let truth = truth();
    let (tiers, _) = tiers(&truth);
    let keys = ["k", "m"].map(Key::from);
    for key in keys {
        truth.set(key, Bytes::from_static(b"garbage"), WriteOpts::default()).await.unwrap();
    }
    for opts in [ReadOpts::default(), ReadOpts::default().anew()] {
        let found = Store::<String>::read_multi_with(&tiers, &keys, opts).await.unwrap();
        let kinds: Vec<_> = found.into_iter().map(|found| found.unwrap_err().kind()).collect();
        assert_eq!(kinds, [ErrorKind::Decode; 2], "{opts:?}");
    }
}

#[tokio::test]
async fn a_region_goes_on_and_creates_once() {
    let truth = truth();
    let (tiers, chaos) = tiers(&truth);
    let region = tiers.region();
    chaos.inject(down().on(Calls::All));
    for _ in 0..3 {
        let value = region.get_or_create("k", async || "made".to_owned()).await.unwrap();
        assert_eq!(value, "made");
    }
    assert_eq!(region.stats().creations, 1, "the near tier keeps it");
}

#[tokio::test]
async fn a_value_that_the_far_tier_cannot_hold_is_not_held_here_alone() {
    let tiers = Tiered::new(Memo::<f64>::new(), Memory::new().json().int_time());
    let meta = Meta::new(Clock::default().now());
    tiers.write("k".into(), &Entry::new(Some(1.0), meta), WriteOpts::default()).await.unwrap();
    let nan = Entry::new(Some(f64::NAN), meta);
    let error = tiers.write("k".into(), &nan, WriteOpts::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode);
    let left: Option<Entry<Option<f64>>> = tiers.read("k".into()).await.unwrap();
    assert_eq!(left.unwrap().value, Some(1.0), "what is in the far tier");
}

#[tokio::test]
async fn a_near_tier_that_fails_is_done_without() {
    let truth = truth();
    let near = Chaos::new(Memo::<String>::new());
    let chaos = near.handle();
    let tiers = Tiered::new(near, far(&truth).0);
    put(&tiers, "k", "v").await;
    chaos.inject(down().on(Calls::All));
    assert_eq!(get(&tiers, "k").await.as_deref(), Some("v"));
    let keys = ["k", "none"].map(Key::from);
    let found: larder::Batch<Entry<Option<String>>> = tiers.read_multi(&keys).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().as_ref().unwrap().value.as_deref(), Some("v"));
    assert!(matches!(found[1], Ok(None)));
    // A write takes place, but the near tier may have something older.
    let puts = [("a", entry("1")), ("b", entry("2"))];
    let puts: Vec<_> = puts
        .iter()
        .map(|(key, entry)| Put::new((*key).into(), entry, WriteOpts::default()))
        .collect();
    assert!(tiers.write_multi(&puts).await.is_err());
    assert_eq!(get(tiers.l2(), "b").await.as_deref(), Some("2"));
    assert!(format!("{tiers:?}").contains("Tiered"));
}

#[tokio::test]
async fn a_copy_that_could_not_be_replaced_is_not_served() {
    let truth = truth();
    let near = Chaos::new(Memo::<String>::new());
    let chaos = near.handle();
    let tiers = Tiered::new(near, far(&truth).0);
    put(&tiers, "k", "old").await;
    chaos.inject(down().on(Calls::Writes).times(1));
    let written = tiers.write("k".into(), &entry("new"), WriteOpts::default()).await;
    assert!(written.is_err());
    assert_eq!(get(&tiers, "k").await.as_deref(), Some("new"));
}
