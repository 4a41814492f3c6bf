//! Keys as traffic asks for them.

use std::hint::black_box;

/// The keys of a stretch of traffic, one after the other in memory, as they would come from the network:
/// the table that is asked has to find its own copy.
#[derive(Clone, Debug)]
pub struct Trace {
    text: String,
    ends: Vec<usize>,
    indices: Vec<u32>,
}

impl Trace {
    /// `length` keys out of `keys`, drawn by Zipf's law with exponent `skew`: the n-th most popular is
    /// asked for 1/n^skew as often as the first. The same `seed` gives the same trace.
    pub fn zipf(keys: u32, skew: f64, length: u32, seed: u64) -> Self {
        let mut sum = 0.0;
        let cumulated: Vec<f64> = (1..=keys)
            .map(|rank| {
                sum += f64::from(rank).powf(-skew);
                sum
            })
            .collect();
        let mut dice = Dice(seed);
        Self::of((0..length).map(|_| {
            let drawn = dice.unit() * sum;
            let rank = cumulated.partition_point(|sum| *sum < drawn).min(cumulated.len() - 1);
            scattered(u32::try_from(rank).expect("a rank of a key"), keys)
        }))
    }

    fn of(indices: impl Iterator<Item = u32>) -> Self {
        let mut trace = Self { text: String::new(), ends: vec![0], indices: indices.collect() };
        for &index in &trace.indices {
            trace.text += &Self::key(index);
            trace.ends.push(trace.text.len());
        }
        trace
    }

    /// The key of `index`, of 11 bytes up to a million.
    pub fn key(index: u32) -> String {
        format!("user:{index:06}")
    }

    pub fn len(&self) -> usize {
        self.indices.len()
    }

    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    pub fn get(&self, n: usize) -> &str {
        black_box(&self.text[self.ends[n]..self.ends[n + 1]])
    }

    /// `calls` keys from `start` on, and from the beginning again after the last.
    pub fn turn(&self, start: usize, calls: u32) -> impl Iterator<Item = &str> {
        (start..start + calls as usize).map(|n| self.get(n % self.len()))
    }
}

/// So that popular keys are no neighbours in any table. A prime that divides no size in use.
fn scattered(rank: u32, keys: u32) -> u32 {
    let spread = u64::from(rank) * 2_654_435_761 % u64::from(keys);
    u32::try_from(spread).expect("below the number of keys")
}

/// SplitMix64, of Steele, Lea and Flood (2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a float has")]
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rank_has_a_key() {
        let mut keys: Vec<u32> = (0..100_000).map(|rank| scattered(rank, 100_000)).collect();
        keys.sort_unstable();
        assert!(keys.into_iter().eq(0..100_000));
    }

    #[test]
    fn the_first_is_asked_for_most() {
        let trace = Trace::zipf(1_000, 0.99, 100_000, 7);
        let count = |rank| {
            let key = scattered(rank, 1_000);
            trace.indices().iter().filter(|index| **index == key).count()
        };
        let (first, tenth) = (count(0), count(9));
        assert!((8 * tenth..12 * tenth).contains(&first), "{first} and {tenth}");
        assert_eq!(trace.get(5), Trace::key(trace.indices()[5]));
    }
}
