//! `larder inspect`: what is in a server.

use std::{collections::BTreeMap, fmt};

use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use crate::{
    escape,
    options::Options,
    recognise::Surety,
    sample::Sample,
    stack::Stack,
    survey::{Entry, Group},
    unread::{Unread, unread},
    value::shown,
};

/// How many of the sampled values are shown at most, in characters of JSON.
const SHOWN_BYTES: usize = 64;

/// What was looked at.
#[derive(Debug, Serialize)]
pub(crate) struct About {
    /// `Redis 7.0.15`
    pub(crate) server: Option<String>,
    pub(crate) database: i64,
    /// How many keys it has.
    pub(crate) keys: u64,
    pub(crate) pattern: Option<String>,
    /// How many keys were walked over, how many of them matched, and how many were looked at.
    pub(crate) scanned: u64,
    pub(crate) matched: u64,
    pub(crate) sampled: usize,
    /// Whether all keys were walked over. Otherwise numbers of keys are estimated.
    pub(crate) complete: bool,
    /// What was not to be had.
    pub(crate) notes: Vec<String>,
}

/// The document that `--json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) about: About,
    pub(crate) prefixes: Vec<Prefix>,
    pub(crate) entries: Vec<Shown>,
}

/// All keys with the same beginning. Numbers are estimates for the whole database.
#[derive(Debug, Serialize)]
pub(crate) struct Prefix {
    pub(crate) pattern: String,
    /// `string`, `hash`, `lock`, or another type of Redis.
    pub(crate) kind: String,
    pub(crate) keys: f64,
    /// As keys, but each field of a hash counts.
    pub(crate) entries: f64,
    pub(crate) value_bytes_per_entry: Option<f64>,
    /// As `MEMORY USAGE` says.
    pub(crate) memory_bytes: Option<f64>,
    /// Of the memory of all prefixes, or else of the keys.
    pub(crate) share: f64,
    /// How many of the keys have a TTL.
    pub(crate) ttl_share: f64,
    pub(crate) age_seconds: Option<Ages>,
    pub(crate) stacks: Vec<Seen>,
    /// How many of the values cannot be read, and why.
    pub(crate) unread: Vec<Unread>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Ages {
    pub(crate) newest: f64,
    pub(crate) median: f64,
    pub(crate) oldest: f64,
}

/// A stack that wrote some of the values.
#[derive(Debug, Serialize)]
pub(crate) struct Seen {
    pub(crate) stack: String,
    pub(crate) share: f64,
    pub(crate) surety: Surety,
}

/// One entry.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    pub(crate) key: Name,
    pub(crate) field: Option<Name>,
    pub(crate) kind: String,
    pub(crate) encoding: Option<String>,
    pub(crate) stack: Option<String>,
    pub(crate) surety: Option<Surety>,
    /// In seconds since 1970.
    pub(crate) created: Option<f64>,
    pub(crate) age_seconds: Option<f64>,
    /// Of the key.
    pub(crate) ttl_seconds: Option<f64>,
    /// That is in the entry itself.
    pub(crate) own_ttl_seconds: Option<f64>,
    pub(crate) stored_bytes: Option<u64>,
    pub(crate) memory_bytes: Option<f64>,
    /// The value, shortened.
    pub(crate) value: Option<Json>,
    /// How the bytes begin, where no value is in them.
    pub(crate) bytes: Option<String>,
}

/// The name of a key or a field, whole. In JSON a text, or else the bytes: `{"hex": "fffe"}`.
#[derive(Debug)]
pub(crate) struct Name(Vec<u8>);

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Ok(text) = std::str::from_utf8(&self.0) {
            return serializer.serialize_str(text);
        }
        serializer.collect_map([("hex", escape::hex(&self.0))])
    }
}

/// Escaped where it is not legible.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape::bytes(&self.0).fmt(f)
    }
}

impl About {
    pub(crate) fn new(sample: &Sample, options: &Options) -> Self {
        Self {
            server: sample.server.name.clone(),
            database: options.target.database,
            keys: sample.database_keys,
            pattern: options.pattern.clone(),
            scanned: sample.scanned,
            matched: sample.matched,
            sampled: sample.keys.len(),
            complete: sample.complete,
            notes: sample.notes.iter().cloned().collect(),
        }
    }
}

pub(crate) fn report(sample: &Sample, groups: &[Group<'_>], options: &Options, now: f64) -> Report {
    let memory: Option<f64> = groups.iter().map(Group::estimated_memory).sum();
    let keys: f64 = groups.iter().map(Group::estimated_keys).sum();
    let prefixes = groups.iter().map(|group| prefix(group, (memory, keys), now)).collect();
    let about = About::new(sample, options);
    Report { about, prefixes, entries: some(groups, options.keys, now) }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn prefix(group: &Group<'_>, (all_memory, all_keys): (Option<f64>, f64), now: f64) -> Prefix {
    let (keys, entries) = (group.estimated_keys(), group.estimated_entries());
    let memory = group.estimated_memory();
    let share = match (memory, all_memory) {
        (Some(memory), Some(all)) => memory / all,
        _ => keys / all_keys,
    };
    let with_ttl = group.keys.iter().filter(|key| key.ttl.is_some()).count();
    let stored = |entry: &Entry<'_>| entry.stored.len as f64 * entry.weight;
    let bytes = group.entries.iter().map(stored).sum::<f64>() / entries;
    let mut stacks: BTreeMap<Stack, (f64, Surety)> = BTreeMap::new();
    for entry in &group.entries {
        let (share, surety) = stacks.entry(entry.stack).or_insert((0.0, entry.surety));
        *share += entry.weight / entries;
        *surety = (*surety).min(entry.surety);
    }
    let seen =
        |(stack, (share, surety)): (Stack, _)| Seen { stack: stack.to_string(), share, surety };
    let mut stacks: Vec<Seen> = stacks.into_iter().map(seen).collect();
    stacks.sort_by(|a, b| b.share.total_cmp(&a.share));
    Prefix {
        pattern: group.prefix.clone(),
        kind: if group.is_locks { "lock".into() } else { group.kind.into() },
        keys,
        entries: if group.entries.is_empty() { keys } else { entries },
        value_bytes_per_entry: bytes.is_finite().then_some(bytes),
        memory_bytes: memory,
        share,
        ttl_share: with_ttl as f64 / group.keys.len() as f64,
        age_seconds: ages(group, now),
        stacks,
        unread: unread(group.entries.iter(), now),
    }
}

fn ages(group: &Group<'_>, now: f64) -> Option<Ages> {
    let age = |entry: &Entry<'_>| entry.created.map(|created| (now - created).max(0.0));
    let mut ages: Vec<f64> = group.entries.iter().filter_map(age).collect();
    ages.sort_by(f64::total_cmp);
    let (newest, oldest) = (*ages.first()?, *ages.last()?);
    Some(Ages { newest, median: ages[ages.len() / 2], oldest })
}

/// Some of all groups: the first of each, then the second of each.
fn some(groups: &[Group<'_>], count: usize, now: f64) -> Vec<Shown> {
    let longest = groups.iter().map(|group| group.entries.len().max(1)).max().unwrap_or_default();
    let all =
        (0..longest).flat_map(|row| groups.iter().filter_map(move |group| one(group, row, now)));
    all.take(count).collect()
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn one(group: &Group<'_>, row: usize, now: f64) -> Option<Shown> {
    let entry = group.entries.get(row);
    let key = match entry {
        Some(entry) => entry.key,
        // Nothing in it can be read, or all of it is a lock.
        None if group.entries.is_empty() => group.keys.get(row)?,
        None => return None,
    };
    let seconds = |millis: u64| millis as f64 / 1000.0;
    let value = entry.and_then(|entry| entry.reading(now)?.value);
    let stored = entry.map(|entry| entry.stored);
    let head = stored.filter(|_| value.is_none()).map(|stored| {
        let head = &stored.bytes[..stored.bytes.len().min(SHOWN_BYTES)];
        escape::bytes(head) + if head.len() as u64 == stored.len { "" } else { "…" }
    });
    let created = entry.and_then(|entry| entry.created);
    Some(Shown {
        key: Name(key.name.clone()),
        field: entry.and_then(|entry| entry.field).map(|field| Name(field.to_vec())),
        kind: if group.is_locks { "lock".into() } else { key.kind.clone() },
        encoding: key.encoding.clone(),
        stack: entry.map(|entry| entry.stack.to_string()),
        surety: entry.map(|entry| entry.surety),
        created,
        age_seconds: created.map(|created| (now - created).max(0.0)),
        ttl_seconds: key.ttl.map(seconds),
        own_ttl_seconds: entry.and_then(|entry| entry.own_ttl).map(seconds),
        stored_bytes: stored.map(|stored| stored.len),
        memory_bytes: match entry {
            Some(entry) => entry.memory(),
            None => key.memory.map(|memory| memory as f64),
        },
        value: value.as_ref().map(shown),
        bytes: head.filter(|_| entry.is_some_and(|entry| !entry.negative)),
    })
}
