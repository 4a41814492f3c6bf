//! How much is found where there is room for a part of the keys.

use std::collections::HashMap;

use larder::{LayerExt, Memo, Region};
use larder_benches::{Report, Trace, now};
use serde_json::{Value, json};

const KEYS: u32 = 100_000;
const LENGTH: u32 = 1_000_000;
/// Percent of the keys.
const SHARES: [u32; 6] = [1, 2, 5, 10, 20, 50];

/// Finds a key, or puts it in: whether it was there.
type Seek = Box<dyn FnMut(&str) -> bool>;
/// A cache with room for so many entries.
type Make = fn(usize) -> Seek;

pub fn measure(report: &mut Report) {
    let trace = Trace::zipf(KEYS, 0.99, LENGTH, 11);
    println!(
        "\nHits where there is room for a part of {KEYS} keys, by Zipf's law ({LENGTH} calls)"
    );
    print!("{:<44}", "room");
    SHARES.iter().for_each(|share| print!(" {:>14}", format!("{share} %")));
    println!();
    let best: Vec<f64> = SHARES.iter().map(|share| ideal(&trace, room(*share))).collect();
    row(report, "the best that is possible, knowing the law", &best, &best);
    let rows: [(&str, Make); 2] = [("Region<Memo<T>> (S3-FIFO)", memo), ("quick_cache", quick)];
    #[cfg(feature = "peers")]
    let rows = [rows.as_slice(), &peers::ROWS].concat();
    for (name, make) in rows {
        let ratios: Vec<f64> =
            SHARES.iter().map(|share| found(&trace, make(room(*share)))).collect();
        row(report, name, &ratios, &best);
    }
}

fn room(share: u32) -> usize {
    (KEYS * share / 100) as usize
}

/// Percent of the calls that found something.
fn found(trace: &Trace, mut seek: Seek) -> f64 {
    let hits = trace.turn(0, LENGTH).filter(|key| seek(key)).count();
    percent(hits)
}

/// Keeping those that are asked for most, from the first time on.
fn ideal(trace: &Trace, room: usize) -> f64 {
    let mut asked: HashMap<u32, usize> = HashMap::new();
    trace.indices().iter().for_each(|index| *asked.entry(*index).or_default() += 1);
    let mut counts: Vec<usize> = asked.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    percent(counts.iter().take(room).map(|count| count - 1).sum())
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn percent(hits: usize) -> f64 {
    100.0 * hits as f64 / f64::from(LENGTH)
}

fn row(report: &mut Report, name: &str, ratios: &[f64], best: &[f64]) {
    print!("{name:<44}");
    for (ratio, best) in ratios.iter().zip(best) {
        print!(" {:>14}", format!("{ratio:.1} ({:.2})", ratio / best));
    }
    println!();
    let shares = SHARES.iter().zip(ratios).zip(best);
    let shares = shares.map(|((share, hits), best)| {
        (format!("{share} %"), json!(format!("{hits:.1} ({:.2})", hits / best)))
    });
    let title = "Hits in percent, and as a share of the best choice, where there is room for some of the keys";
    report.row(title, name, &Value::Object(shares.collect()));
}

fn memo(room: usize) -> Seek {
    let region: Region<Memo<u64>> = Memo::with_capacity(room).region();
    Box::new(move |key| {
        let mut found = true;
        let create = async || {
            found = false;
            1
        };
        now(region.get_or_create(key, create)).expect("no error");
        found
    })
}

fn quick(room: usize) -> Seek {
    let cache = quick_cache::sync::Cache::<String, u64>::new(room);
    Box::new(move |key| {
        let found = cache.get(key).is_some();
        if !found {
            cache.insert(key.to_owned(), 1);
        }
        found
    })
}

#[cfg(feature = "peers")]
mod peers {
    use foyer::{Cache, CacheBuilder, EvictionConfig, LruConfig, S3FifoConfig};

    use super::{Make, Seek};

    pub const ROWS: [(&str, Make); 3] =
        [("moka (TinyLFU)", moka), ("foyer, S3-FIFO", foyer_s3_fifo), ("foyer, LRU", foyer_lru)];

    fn moka(room: usize) -> Seek {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let cache = moka::future::Cache::<String, u64>::new(room as u64);
        Box::new(move |key| {
            runtime.block_on(async {
                let found = cache.get(key).await.is_some();
                if !found {
                    cache.insert(key.to_owned(), 1).await;
                    // It decides later; here nothing else happens meanwhile.
                    cache.run_pending_tasks().await;
                }
                found
            })
        })
    }

    fn foyer_s3_fifo(room: usize) -> Seek {
        foyer(room, EvictionConfig::S3Fifo(S3FifoConfig::default()))
    }

    fn foyer_lru(room: usize) -> Seek {
        foyer(room, EvictionConfig::Lru(LruConfig::default()))
    }

    fn foyer(room: usize, eviction: EvictionConfig) -> Seek {
        let cache: Cache<String, u64> =
            CacheBuilder::new(room).with_eviction_config(eviction).build();
        Box::new(move |key| {
            let found = cache.get(key).is_some();
            if !found {
                cache.insert(key.to_owned(), 1);
            }
            found
        })
    }
}
