//! Where entries could live: under keys of their own, or in small hashes.

use std::collections::BTreeMap;

use crate::{
    sample::Content,
    survey::{Entry, Group},
};

/// The buckets that stay small under all settings in use: `hash-max-listpack-entries` is 128 or 512.
const BUCKET: u32 = 127;
/// Hashes of fewer fields are not worth it; those of more are no longer small.
const FEWEST: f64 = 2.0;
const MOST: f64 = 512.0;
/// At what keys could be split.
const MARKS: [char; 5] = [':', '|', '/', '#', '~'];

/// Small hashes that hold the entries of a group.
pub(crate) struct Packing {
    kind: Kind,
    /// How many fields each of them has.
    pub(crate) fields: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// They are fields already.
    Hashes,
    Buckets,
    Split(char),
}

impl Packing {
    /// The best one there is.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(crate) fn of(group: &Group<'_>, entries: &[&Entry<'_>]) -> Option<Self> {
        if entries.iter().all(|entry| entry.field.is_some()) {
            let fields = group.keys.iter().filter_map(|key| match &key.content {
                Content::Hash(len, _) => Some(*len as f64),
                _ => None,
            });
            let (sum, count) =
                fields.fold((0.0, 0.0), |(sum, count), len| (sum + len, count + 1.0));
            return Some(Self { kind: Kind::Hashes, fields: sum / count });
        }
        let names: Option<Vec<&str>> =
            entries.iter().map(|entry| std::str::from_utf8(&entry.key.name).ok()).collect();
        let names = names?;
        let buckets = buckets(&names, group.weight)
            .map(|fields| Self { kind: Kind::Buckets, fields })
            .filter(Self::pays);
        let split = |mark| {
            let fields = split(&names, mark, group.weight)?;
            Some(Self { kind: Kind::Split(mark), fields }).filter(Self::pays)
        };
        let split = MARKS.into_iter().find_map(split);
        // Hashes that the keys name already are kept, unless buckets are much fuller.
        let fuller =
            |split: &Self| buckets.as_ref().is_none_or(|of| of.fields < 1.5 * split.fields);
        split.filter(fuller).or(buckets)
    }

    fn pays(&self) -> bool {
        (FEWEST..=MOST).contains(&self.fields)
    }

    /// The name of the hash, and of the field in it.
    pub(crate) fn place(&self, entry: &Entry<'_>) -> (usize, Vec<u8>) {
        let name = &entry.key.name;
        let text = || std::str::from_utf8(name).unwrap_or_default();
        match (self.kind, entry.field) {
            (Kind::Hashes, Some(field)) => (name.len(), field.to_vec()),
            (Kind::Buckets, _) => {
                let (before, number) = numbered(text()).unwrap_or((text(), 0));
                let bucket = (number / u64::from(BUCKET)).to_string();
                let field = (number % u64::from(BUCKET)).to_string();
                (before.len() + bucket.len(), field.into_bytes())
            }
            (Kind::Split(mark), _) => {
                let (space, field) = text().split_once(mark).unwrap_or((text(), ""));
                (space.len(), field.as_bytes().to_vec())
            }
            (Kind::Hashes, None) => (name.len(), Vec::new()),
        }
    }

    /// Whether the entries are in hashes already.
    pub(crate) fn is_as_now(&self) -> bool {
        self.kind == Kind::Hashes
    }

    /// The type that makes these hashes.
    pub(crate) fn backend(&self) -> String {
        match self.kind {
            Kind::Hashes => "Hstore<Redis>".into(),
            Kind::Buckets => format!("Bucketed<Hstore<Redis>, {BUCKET}>"),
            Kind::Split(mark) => format!("SplitAt<Hstore<Redis>, {mark:?}>"),
        }
    }
}

/// The number at the end of a name, and what is before it, as `Bucketed` sees them.
fn numbered(name: &str) -> Option<(&str, u64)> {
    let before = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &name[before.len()..];
    let zeros = digits.len() - digits.trim_start_matches('0').len();
    let zeros = zeros.min(digits.len().checked_sub(1)?);
    Some((&name[..before.len() + zeros], digits[zeros..].parse().ok()?))
}

/// How many fields a bucket would have, if all names end with numbers.
///
/// By how dense the numbers are: as many as there are, over the range that they are in.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn buckets(names: &[&str], weight: f64) -> Option<f64> {
    let mut runs: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for name in names {
        let (before, number) = numbered(name)?;
        runs.entry(before).or_default().push(number);
    }
    let fields = |numbers: &Vec<u64>| {
        let (least, most) = (numbers.iter().min(), numbers.iter().max());
        let seen = numbers.len() as f64;
        let (Some(least), Some(most), true) = (least, most, seen > 1.0) else { return 1.0 };
        // The range goes on beyond the sampled ones by as much as is between two of them.
        let range = (most - least) as f64 * (seen + 1.0) / (seen - 1.0) + 1.0;
        let fill = (seen * weight / range.max(seen)).min(1.0);
        let size = f64::from(BUCKET).min(range);
        // Those buckets that have a field at all.
        let filled = (size * fill / (1.0 - (1.0 - fill).powf(size))).max(1.0);
        filled.min(seen * weight)
    };
    let all: f64 = runs.values().map(|numbers| numbers.len() as f64 * fields(numbers)).sum();
    Some(all / names.len().max(1) as f64)
}

/// How many fields a hash would have, if all names are split at `mark`.
///
/// By how often two sampled ones would meet in a hash.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn split(names: &[&str], mark: char, weight: f64) -> Option<f64> {
    let mut spaces: BTreeMap<&str, f64> = BTreeMap::new();
    for name in names {
        *spaces.entry(name.split_once(mark)?.0).or_default() += 1.0;
    }
    // One hash would be as large as the prefix, and it is small only for today.
    if spaces.len() < 2 {
        return None;
    }
    let count = names.len() as f64;
    let meetings: f64 = spaces.values().map(|seen| seen * (seen - 1.0)).sum();
    if meetings == 0.0 || count < 2.0 {
        return None;
    }
    // Of `n` names, one meets each other with the chance of one in as many hashes as there are.
    Some((count * weight) * meetings / (count * (count - 1.0)))
}
