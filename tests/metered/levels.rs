//! What is counted of the levels below.

use larder::{
    BackendExt, Label, Level, Memory, PayloadExt,
    testing::{Calls, Chaos, Fault},
};

use super::{remote::Remote, scrape::Scrape, *};

#[tokio::test]
async fn bytes_where_they_are_seen() {
    let scrape = Scrape::new();
    let memory = Memory::new().metered(Label::new("bytes").tier("bytes"));
    let region = memory.json().int_time().metered("bytes").region();
    region
        .set_multi([("a", "12345"), ("b", "12345")].map(|(k, v)| (k, v.to_owned())))
        .await
        .unwrap();
    region.get::<String>("a").await.unwrap();
    region.get::<String>("absent").await.unwrap();
    region.get_multi::<String>(["a", "b", "absent"]).await.unwrap();
    let labels = "{region=\"bytes\",tier=\"bytes\",backend=\"memory\"}";
    let written = scrape.value(&format!("larder_written_bytes_total{labels}"));
    assert!(written >= 2 * "[\"12345\",1]".len() as u64);
    assert_eq!(2 * scrape.value(&format!("larder_read_bytes_total{labels}")), 3 * written);
    assert_eq!(scrape.value(&format!("larder_tier_hits_total{labels}")), 3);
    assert_eq!(scrape.value(&format!("larder_tier_misses_total{labels}")), 2);
    // Entries have no bytes, and a region as a whole is no tier.
    let whole = "{region=\"bytes\",backend=\"memory\"}";
    for metric in ["written_bytes", "read_bytes", "tier_hits"] {
        assert_eq!(scrape.find(&format!("larder_{metric}_total{whole}")), None);
    }
    assert_eq!(scrape.counts("bytes").lookups(), 5, "counted once, in spite of two meters");
}

#[tokio::test]
async fn times_of_what_may_wait_by_operation() {
    let scrape = Scrape::new();
    let store = Chaos::new(Remote(Memory::new()));
    let chaos = store.handle();
    let region = store.json().int_time().metered("timed").region();
    region.set("a", 1).await.unwrap();
    region.get::<u8>("a").await.unwrap();
    region.get::<u8>("b").await.unwrap();
    region.delete_multi(["a", "b"]).await.unwrap();
    chaos.inject(Fault::Error(ErrorKind::Timeout).on(Calls::Reads).times(1));
    assert!(region.get::<u8>("a").await.is_err());
    // An entry that cannot be read says nothing against the store.
    region.set("c", "text".to_owned()).await.unwrap();
    assert_eq!(region.get::<u8>("c").await.unwrap(), None);
    let count = |op: &str| {
        scrape.find(&format!(
            "larder_backend_seconds_count{{region=\"timed\",backend=\"remote\",op=\"{op}\"}}"
        ))
    };
    assert_eq!(["get", "set", "remove_multi"].map(count), [Some(4), Some(2), Some(1)]);
    assert_eq!(count("set_multi"), None);
    assert_eq!(scrape.value("larder_backend_errors_total{region=\"timed\",backend=\"remote\"}"), 1);
}

#[tokio::test]
async fn no_times_inside_the_process() {
    let scrape = Scrape::new();
    let (region, _) = numbers();
    region.get_or_create("k", async || 1).await.unwrap();
    region.get("k").await.unwrap();
    let text = scrape.handle.render();
    assert!(!text.contains("larder_backend_seconds"), "{text}");
    assert!(text.contains("larder_creator_seconds_count{region=\"numbers\"} 1"), "{text}");
}

#[tokio::test]
async fn evictions_of_two_stores_under_one_label_add_up() {
    let scrape = Scrape::new();
    let small = || Memo::<u64>::with_capacity(8).metered("small").region();
    let regions = [small(), small()];
    for n in 0..200 {
        regions[n % 2].set(&format!("{n}"), 1).await.unwrap();
        let evicted: u64 = regions.iter().map(|region| Level::evicted(region.stack())).sum();
        let counted = scrape.value("larder_evictions_total{region=\"small\",backend=\"memo\"}");
        assert_eq!(counted, evicted);
    }
    assert!(scrape.value("larder_evictions_total{region=\"small\",backend=\"memo\"}") > 150);
}

#[tokio::test]
async fn evictions_before_there_was_an_exporter_are_not_lost() {
    let region = Memo::<u64>::with_capacity(8).metered("small").region();
    for n in 0..100 {
        region.set(&format!("{n}"), 1).await.unwrap();
    }
    let scrape = Scrape::new();
    region.set("0", 1).await.unwrap();
    let counted = scrape.value("larder_evictions_total{region=\"small\",backend=\"memo\"}");
    assert_eq!(counted, Level::evicted(region.stack()));
    assert!(counted > 80);
}
