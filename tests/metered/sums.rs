//! Cached functions and tiers, by the same sums.

use larder::{BackendExt, Label, Memory, PayloadExt, Tiered};

use super::{
    scrape::{Counts, Scrape},
    *,
};

#[cfg(feature = "macros")]
#[tokio::test]
async fn functions() {
    use std::sync::LazyLock;

    static REGION: LazyLock<Numbers> = LazyLock::new(|| Memo::new().metered("functions").region());

    #[larder::cached(region = REGION, key = "square:{n}")]
    async fn square(n: u64) -> Result<u64, larder::SharedError> {
        let asked = std::future::ready(n).await;
        if asked == 0 { Err(std::io::Error::other("no square").into()) } else { Ok(n * n) }
    }

    #[larder::cached(region = REGION, key = "cube:{n}")]
    fn cube(n: u64) -> u64 {
        n * n * n
    }

    let scrape = Scrape::new();
    square(2).await.unwrap(); // miss, created
    square(2).await.unwrap(); // fresh
    assert!(square(0).await.is_err()); // miss, failed
    cube(2); // miss, created
    cube(2); // fresh
    square::cache().refresh(2).await.unwrap(); // created
    let now = Counts { fresh: 2, misses: 3, creations: 3, failures: 1, ..Counts::default() };
    assert_eq!(scrape.counts("functions"), now);
}

#[tokio::test]
async fn tiers() {
    let scrape = Scrape::new();
    let memory = Memory::new();
    let far = memory.json().int_time().metered(Label::new("tiers").tier("far"));
    let near = Memo::<u64>::new().metered(Label::new("tiers").tier("near"));
    let region = Tiered::new(near, far).metered("tiers").region();
    region.get_or_create("k", async || 1).await.unwrap(); // miss, created
    for _ in 0..3 {
        region.get_or_create("k", async || 2).await.unwrap(); // fresh, in the near tier
    }
    let far_only = region.with(larder::Options::new().tiers(larder::Tiers::ALL.without(1)));
    assert_eq!(far_only.get("k").await.unwrap(), Some(1)); // fresh, though the first look is into all tiers
    let now = Counts { fresh: 4, misses: 1, creations: 1, ..Counts::default() };
    assert_eq!(scrape.counts("tiers"), now);
    assert_eq!(now.lookups(), 5);
    let tier = |tier: &str, backend: &str| {
        let labels = format!("{{region=\"tiers\",tier=\"{tier}\",backend=\"{backend}\"}}");
        ["hits", "misses"].map(|what| scrape.value(&format!("larder_tier_{what}_total{labels}")))
    };
    assert_eq!((tier("near", "memo"), tier("far", "memory")), ([3, 1], [1, 1]));
}
