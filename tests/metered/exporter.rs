//! Exporters that come late, go, or see everything.

use larder::{BackendExt, Label, Memory, PayloadExt};

use super::{scrape::Scrape, *};

#[tokio::test]
async fn one_that_comes_late_counts_from_then_on() {
    let (region, _) = numbers();
    region.get_or_create("k", async || 1).await.unwrap();
    region.get("k").await.unwrap();
    let scrape = Scrape::new();
    region.get("k").await.unwrap();
    region.get("absent").await.unwrap();
    let counts = scrape.counts("numbers");
    assert_eq!((counts.fresh, counts.misses, counts.creations), (1, 1, 0));
}

#[tokio::test]
async fn a_region_keeps_the_one_it_found_first() {
    let first = Scrape::new();
    let (region, _) = numbers();
    let second = Scrape::new();
    region.get("absent").await.unwrap();
    assert_eq!(first.counts("numbers").misses, 1);
    assert_eq!(second.find("larder_misses_total{region=\"numbers\"}"), None);
}

#[tokio::test]
async fn no_key_and_no_value_is_ever_seen() {
    let scrape = Scrape::new();
    let memory = Memory::new().metered(Label::new("secrets").tier("bytes"));
    let region = memory.json().int_time().metered("secrets".to_owned()).region();
    let (space, name) = ("hidden-space", "hidden-name");
    region.get_or_create((space, name), async || "hidden-value".to_owned()).await.unwrap();
    region.get::<String>((space, name)).await.unwrap();
    region.get::<u8>((space, name)).await.unwrap();
    region.get_multi::<String>([name, "hidden-other"]).await.unwrap();
    assert!(
        region.try_get_or_create::<u8, _, _>(name, async || Err("hidden-error")).await.is_err()
    );
    region.delete(name).await.unwrap();
    let text = scrape.handle.render();
    assert!(text.contains("larder_undecodable_total{region=\"secrets\"} 1"), "{text}");
    assert!(!text.contains("hidden"), "{text}");
    let known = ["region", "state", "tier", "backend", "op", "le"];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((_, labels)) = line.split_once('{') else { continue };
        let labels = labels.split_once('}').unwrap().0;
        let unknown =
            labels.split(',').find(|label| !known.contains(&label.split_once('=').unwrap().0));
        assert_eq!(unknown, None, "{line}");
    }
}

#[cfg(feature = "config")]
#[tokio::test]
async fn a_configured_region_counts_by_its_name() {
    use larder::{Config, Region};

    let scrape = Scrape::new();
    let config = Config::from_pairs([("cache.users.max_entries", "10")]);
    let region: Region<Metered<Memo<u64>>> =
        Region::from_config(&config.region("users").unwrap()).unwrap();
    region.get("absent").await.unwrap();
    assert_eq!(scrape.counts("users").misses, 1);
    // And one that has no name.
    let region: Region<Metered<Memo<u64>>> = Region::default();
    region.get("absent").await.unwrap();
    assert_eq!(scrape.counts("unnamed").misses, 1);
}
