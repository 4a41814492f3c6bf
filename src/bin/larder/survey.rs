//! The sample in groups: keys with the same beginning, and the stack that their values were written by.

use std::collections::BTreeMap;

use crate::{
    prefix,
    recognise::{Reading, Surety, decide, readings},
    sample::{Content, Sample, SampledKey, Stored},
    stack::{Codec, Stack},
    unread::Reason,
};

/// What stands for the prefixes of hardly any keys, and how few those are.
const OTHERS: &str = "(others)";
const FEW: usize = 2;
/// So many prefixes are told apart however few their keys are.
const FIRST: usize = 20;

/// Entries that one program wrote, as far as one can tell.
pub(crate) struct Group<'s> {
    /// The pattern of its keys, or `(others)`.
    pub(crate) prefix: String,
    /// `string`, `hash`, or what larder does not write; `mixed` for others.
    pub(crate) kind: &'s str,
    pub(crate) is_locks: bool,
    pub(crate) keys: Vec<&'s SampledKey>,
    pub(crate) entries: Vec<Entry<'s>>,
    /// How many keys a sampled one stands for.
    pub(crate) weight: f64,
}

/// A key with its value, or a field of a hash with its.
pub(crate) struct Entry<'s> {
    pub(crate) key: &'s SampledKey,
    pub(crate) field: Option<&'s [u8]>,
    pub(crate) stored: &'s Stored,
    /// How many entries it stands for.
    pub(crate) weight: f64,
    pub(crate) stack: Stack,
    pub(crate) surety: Surety,
    /// In seconds since 1970.
    pub(crate) created: Option<f64>,
    /// The entry's own lifetime, in milliseconds.
    pub(crate) own_ttl: Option<u64>,
    pub(crate) negative: bool,
}

impl Entry<'_> {
    /// What the stack reads in it. Values are not held, since they are many times their bytes.
    pub(crate) fn reading(&self, now: f64) -> Option<Reading> {
        let all = readings(&self.stored.bytes, self.stored.is_whole(), now);
        all.into_iter().find(|reading| reading.stack == self.stack)
    }

    /// Why the stack reads nothing in it, unless it does.
    pub(crate) fn unread(&self, now: f64) -> Option<Reason> {
        let reading = self.reading(now);
        if reading.as_ref().is_some_and(|reading| reading.negative || reading.value.is_some()) {
            return None;
        }
        if self.stack.codec == Codec::Other {
            return Some(Reason::Bare);
        }
        if !self.stored.is_whole() {
            return Some(Reason::TooLong);
        }
        let said = self.stack.codec.refusal(&self.stored.bytes[reading?.before..]);
        Some(said.map_or(Reason::Others, Reason::Refused))
    }

    /// As `MEMORY USAGE` says; a field has its share of the hash.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(crate) fn memory(&self) -> Option<f64> {
        let memory = self.key.memory? as f64;
        match &self.key.content {
            Content::Hash(len, _) => Some(memory / *len as f64),
            _ => Some(memory),
        }
    }
}

impl Group<'_> {
    /// Both as one, which is no prefix any more.
    fn with(mut self, mut other: Self) -> Self {
        if self.kind != other.kind {
            self.kind = "mixed";
        }
        self.keys.append(&mut other.keys);
        self.entries.append(&mut other.entries);
        Self { prefix: OTHERS.into(), ..self }
    }

    /// How many entries there are, in the whole database.
    pub(crate) fn estimated_entries(&self) -> f64 {
        self.entries.iter().map(|entry| entry.weight).sum()
    }

    /// How many keys there are.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(crate) fn estimated_keys(&self) -> f64 {
        self.keys.len() as f64 * self.weight
    }

    /// What all keys take, as `MEMORY USAGE` says, if it was said of any.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(crate) fn estimated_memory(&self) -> Option<f64> {
        let known: Vec<u64> = self.keys.iter().filter_map(|key| key.memory).collect();
        let sum = known.iter().sum::<u64>() as f64;
        (!known.is_empty()).then(|| sum / known.len() as f64 * self.estimated_keys())
    }
}

/// The groups, the largest first.
pub(crate) fn groups(sample: &Sample, now: f64) -> Vec<Group<'_>> {
    let mut keys: BTreeMap<(String, &str), Vec<&SampledKey>> = BTreeMap::new();
    for key in &sample.keys {
        keys.entry((prefix::of(&key.name), &key.kind)).or_default().push(key);
    }
    let mut groups: Vec<Group<'_>> = keys
        .into_iter()
        .map(|((prefix, kind), keys)| {
            let is_locks = kind == "string" && keys.iter().all(|key| prefix::is_lock(&key.name));
            let weight = sample.weight();
            let entries = if is_locks { Vec::new() } else { entries(&keys, weight, now) };
            Group { prefix, kind, is_locks, keys, entries, weight }
        })
        .collect();
    let size = |group: &Group<'_>| group.estimated_memory().unwrap_or(group.estimated_keys());
    groups.sort_by(|a, b| size(b).total_cmp(&size(a)));
    let few = |group: &Group<'_>| group.keys.len() <= FEW && !group.is_locks;
    let (small, groups): (Vec<_>, Vec<_>) =
        groups.into_iter().enumerate().partition(|(at, group)| *at >= FIRST && few(group));
    let small = small.into_iter().map(|(_, group)| group);
    let others = small.reduce(Group::with);
    let large = groups.into_iter().map(|(_, group)| group);
    let mut groups: Vec<_> = large.chain(others).collect();
    groups.sort_by(|a, b| size(b).total_cmp(&size(a)));
    groups
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn entries<'s>(keys: &[&'s SampledKey], weight: f64, now: f64) -> Vec<Entry<'s>> {
    let mut found = Vec::new();
    for key in keys {
        match &key.content {
            Content::Text(stored) => found.push((*key, None, stored, weight)),
            Content::Hash(len, fields) => {
                let weight = weight * *len as f64 / fields.len().max(1) as f64;
                let field = |(name, stored): &'s (Vec<u8>, Stored)| {
                    (*key, Some(name.as_slice()), stored, weight)
                };
                found.extend(fields.iter().map(field));
            }
            Content::Other => {}
        }
    }
    let readings: Vec<Vec<Reading>> = found
        .iter()
        .map(|(_, _, stored, _)| {
            let mut all = readings(&stored.bytes, stored.is_whole(), now);
            for reading in &mut all {
                reading.value = None;
            }
            all
        })
        .collect();
    let decided = decide(&readings);
    let entries = found.into_iter().zip(readings).zip(decided);
    entries
        .map(|(((key, field, stored, weight), readings), (stack, surety))| {
            let reading = readings.into_iter().find(|reading| reading.stack == stack);
            let (created, own_ttl, negative) = reading.map_or((None, None, false), |reading| {
                (reading.created, reading.own_ttl, reading.negative)
            });
            Entry { key, field, stored, weight, stack, surety, created, own_ttl, negative }
        })
        .collect()
}
