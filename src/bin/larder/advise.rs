//! `larder advise`: what the same values would take in other stacks.

use std::collections::BTreeMap;

use larder::{PyValue, Timestamp};
use serde::Serialize;

use crate::{
    inspect::About,
    layout::Packing,
    memory::{Field, Model},
    offer::{Codec, Format, Offer, offers},
    options::Options,
    sample::{Content, Sample, Stored},
    schema::Schema,
    survey::{Entry, Group},
    unread::{Unread, unread},
};

/// In milliseconds.
const HOUR: u64 = 3_600_000;

/// The document that `--json` prints. All bytes are those of an entry, in the memory of the server.
#[derive(Debug, Serialize)]
pub(crate) struct Advice {
    pub(crate) about: About,
    /// How many entries there are, and how many of them could be read, which is what everything is about.
    pub(crate) entries: f64,
    pub(crate) read: f64,
    /// Why the others could not.
    pub(crate) unread: Vec<Unread>,
    pub(crate) now: Now,
    /// Stacks that take all of these values, the smallest first.
    pub(crate) stacks: Vec<Row>,
    pub(crate) prefixes: Vec<ForPrefix>,
}

/// The entries as they are.
#[derive(Debug, Serialize)]
pub(crate) struct Now {
    /// What wrote them, most of them first.
    pub(crate) stacks: Vec<String>,
    /// By the same model as everything else.
    pub(crate) bytes: f64,
    /// By `MEMORY USAGE`, with what that leaves out: the places in the tables of keys and of TTLs. Not for
    /// Valkey 8, whose `MEMORY USAGE` leaves out some keys, too.
    pub(crate) measured_bytes: Option<f64>,
}

/// What a stack would take.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) stack: String,
    /// How exactly it knows when an entry was created.
    pub(crate) created: Option<&'static str>,
    /// Under keys of their own that have a TTL, and that have none.
    pub(crate) with_ttl: f64,
    pub(crate) without_ttl: f64,
    /// In small hashes where the keys allow it, and else as now.
    pub(crate) in_hashes: f64,
}

/// What to do with the keys of a prefix.
#[derive(Debug, Serialize)]
pub(crate) struct ForPrefix {
    pub(crate) pattern: String,
    pub(crate) kind: String,
    pub(crate) entries: f64,
    pub(crate) now: Now,
    /// Whether most of the keys have a TTL.
    pub(crate) ttl: bool,
    pub(crate) fields_per_hash: Option<f64>,
    pub(crate) picks: Vec<Pick>,
}

/// The smallest stack of a kind.
#[derive(Debug, Serialize)]
pub(crate) struct Pick {
    pub(crate) what: &'static str,
    /// The type in larder.
    pub(crate) stack: String,
    pub(crate) bytes: f64,
    pub(crate) gives_up: Vec<&'static str>,
}

/// A group, weighed.
struct Weighed<'g> {
    group: &'g Group<'g>,
    read: f64,
    now: f64,
    measured: Option<f64>,
    ttl: bool,
    has_names: bool,
    packing: Option<Packing>,
    costs: Vec<(Offer, Cost)>,
}

/// Bytes of an entry.
#[derive(Clone, Copy)]
struct Cost {
    with_ttl: f64,
    without_ttl: f64,
    packed: Option<f64>,
    /// Of the value alone.
    len: f64,
}

impl Cost {
    fn plain(self, ttl: bool) -> f64 {
        if ttl { self.with_ttl } else { self.without_ttl }
    }

    /// The fewest, and whether that is in hashes.
    fn least(self, ttl: bool) -> (f64, bool) {
        let plain = self.plain(ttl);
        match self.packed {
            Some(packed) if packed <= plain => (packed, true),
            _ => (plain, false),
        }
    }
}

/// The advice, unless there is nothing that it could be about.
pub(crate) fn advice(
    sample: &Sample,
    groups: &[Group<'_>],
    options: &Options,
    now: f64,
) -> Option<Advice> {
    let model = Model::of(sample);
    let weighed: Vec<_> = groups.iter().filter_map(|group| weigh(group, &model, now)).collect();
    let read: f64 = weighed.iter().map(|group| group.read).sum();
    if weighed.is_empty() {
        return None;
    }
    let mean = |part: &dyn Fn(&Weighed<'_>) -> f64| {
        weighed.iter().map(|group| group.read * part(group)).sum::<f64>() / read
    };
    let mut stacks: Vec<Row> = offers()
        .filter_map(|offer| {
            let cost = |group: &Weighed<'_>| {
                group.costs.iter().find(|(of, _)| *of == offer).map(|(_, cost)| *cost)
            };
            weighed.iter().all(|group| cost(group).is_some()).then(|| {
                let all = |part: fn(Cost, bool) -> f64| {
                    mean(&|group| cost(group).map_or(0.0, |cost| part(cost, group.ttl)))
                };
                Row {
                    stack: offer.to_string(),
                    created: offer.precision(),
                    with_ttl: all(|cost, _| cost.plain(true)),
                    without_ttl: all(|cost, _| cost.plain(false)),
                    in_hashes: all(|cost, ttl| cost.least(ttl).0),
                }
            })
        })
        .collect();
    stacks.sort_by(|a, b| a.in_hashes.total_cmp(&b.in_hashes));
    let measured: Option<f64> =
        weighed.iter().map(|group| Some(group.read * group.measured?)).sum();
    Some(Advice {
        about: About::new(sample, options),
        entries: groups.iter().map(Group::estimated_entries).sum(),
        read,
        unread: unread(groups.iter().flat_map(|group| &group.entries), now),
        now: Now {
            stacks: names(weighed.iter().flat_map(|group| &group.group.entries)),
            bytes: mean(&|group| group.now),
            measured_bytes: measured.map(|bytes| bytes / read),
        },
        stacks,
        prefixes: weighed.iter().map(Weighed::advice).collect(),
    })
}

/// The stacks that wrote `entries`, most of them first.
fn names<'g>(entries: impl Iterator<Item = &'g Entry<'g>>) -> Vec<String> {
    let mut weights: BTreeMap<String, f64> = BTreeMap::new();
    for entry in entries {
        *weights.entry(entry.stack.to_string()).or_default() += entry.weight;
    }
    let mut names: Vec<_> = weights.into_iter().collect();
    names.sort_by(|a, b| b.1.total_cmp(&a.1));
    names.into_iter().map(|(name, _)| name).collect()
}

fn weigh<'g>(group: &'g Group<'g>, model: &Model, now: f64) -> Option<Weighed<'g>> {
    // Twice over the entries, so that only one value is held at a time.
    let mut schema = Schema::NEVER;
    let entries: Vec<&Entry<'_>> = group
        .entries
        .iter()
        .filter(|entry| match value(entry, now) {
            Some(value) => {
                let before = std::mem::replace(&mut schema, Schema::NEVER);
                schema = before.join(Schema::of(&value));
                true
            }
            None => false,
        })
        .collect();
    let read: f64 = entries.iter().map(|entry| entry.weight).sum();
    if entries.is_empty() {
        return None;
    }
    let with_ttl = group.keys.iter().filter(|key| key.ttl.is_some()).count();
    let ttl = 2 * with_ttl > group.keys.len();
    let packing = Packing::of(group, &entries);
    let mut tallies: Vec<_> = offers().map(|offer| (offer, Some(Tally::default()))).collect();
    for entry in &entries {
        let Some(value) = value(entry, now) else { continue };
        let created = timestamp(entry.created.unwrap_or(now));
        for (offer, tally) in &mut tallies {
            // What has refused one value is out, and is not asked again.
            *tally = tally.take().and_then(|tally| {
                let bytes = offer.bytes(&value, &schema, created)?;
                Some(tally.with(entry, &bytes, packing.as_ref(), model))
            });
        }
    }
    let cost = |tally: Tally| tally.cost(read, packing.as_ref(), ttl, model);
    let costs =
        tallies.into_iter().filter_map(|(offer, tally)| Some((offer, cost(tally?)))).collect();
    let mean = |part: &dyn Fn(&Entry<'_>) -> Option<f64>| {
        entries.iter().map(|entry| Some(entry.weight * part(entry)?)).sum::<Option<f64>>()
    };
    Some(Weighed {
        group,
        read,
        now: mean(&|entry| Some(as_is(entry, model)))? / read,
        measured: mean(&|entry| measured(entry, model)).map(|bytes| bytes / read),
        ttl,
        has_names: schema.has_names(),
        packing,
        costs,
    })
}

fn value(entry: &Entry<'_>, now: f64) -> Option<PyValue> {
    entry.reading(now)?.value
}

#[expect(clippy::cast_possible_truncation, reason = "a time of this century")]
fn timestamp(seconds: f64) -> Timestamp {
    Timestamp::from_micros((seconds * 1e6) as i64)
}

/// What an entry takes now, by the model.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn as_is(entry: &Entry<'_>, model: &Model) -> f64 {
    let (name, ttl) = (entry.key.name.len(), entry.key.ttl.is_some());
    match &entry.key.content {
        Content::Hash(len, fields) => {
            let field = |(name, stored): &(Vec<u8>, Stored)| model.field(name, &stored.bytes);
            let fields: Vec<Field> = fields.iter().map(field).collect();
            let count = *len as f64;
            let bytes = match &entry.key.encoding {
                Some(kind) => model.hash_as(kind != "hashtable", name, &fields, count, ttl),
                None => model.hash(name, &fields, count, ttl),
            };
            bytes / count
        }
        _ => model.plain(name, &entry.stored.bytes, ttl),
    }
}

/// What it takes by what the server says.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn measured(entry: &Entry<'_>, model: &Model) -> Option<f64> {
    let fields = match &entry.key.content {
        Content::Hash(len, _) => *len as f64,
        _ => 1.0,
    };
    Some(entry.memory()? + model.unsaid(entry.key.ttl.is_some())? / fields)
}

/// What the entries of a group take in one stack.
#[derive(Default)]
struct Tally {
    with_ttl: f64,
    without_ttl: f64,
    len: f64,
    fields: Vec<Field>,
    names: usize,
}

impl Tally {
    #[expect(clippy::cast_precision_loss, reason = "a size")]
    fn with(
        mut self,
        entry: &Entry<'_>,
        bytes: &[u8],
        packing: Option<&Packing>,
        model: &Model,
    ) -> Self {
        // A pair under a key of its own is written with a byte between its parts.
        let name = entry.key.name.len() + entry.field.map_or(0, |field| field.len() + 1);
        self.len += entry.weight * bytes.len() as f64;
        self.with_ttl += entry.weight * model.plain(name, bytes, true);
        self.without_ttl += entry.weight * model.plain(name, bytes, false);
        if let Some(packing) = packing {
            let (name, field) = packing.place(entry);
            self.names += name;
            self.fields.push(model.field(&field, bytes));
        }
        self
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred")]
    fn cost(self, read: f64, packing: Option<&Packing>, ttl: bool, model: &Model) -> Cost {
        let packed = packing.map(|Packing { fields: count, .. }| {
            let name = self.names / self.fields.len();
            // Each hash has some of the fields: one with a long value costs its neighbours, too.
            let hashes = self.fields.chunks((*count as usize).max(1));
            let number = hashes.len() as f64;
            let bytes = hashes.map(|fields| model.hash(name, fields, *count, ttl));
            bytes.sum::<f64>() / number / count
        });
        Cost {
            with_ttl: self.with_ttl / read,
            without_ttl: self.without_ttl / read,
            packed,
            len: self.len / read,
        }
    }
}

impl Weighed<'_> {
    fn advice(&self) -> ForPrefix {
        let timed = |offer: Offer| {
            let coarse = offer.format == Format::Coarse;
            offer.precision().is_some() && (!coarse || self.lives_long())
        };
        let portable = |offer: Offer| timed(offer) && offer.is_portable();
        let (least, plain) =
            (|cost: Cost| cost.least(self.ttl), |cost: Cost| (cost.with_ttl, false));
        let in_hashes = self.packing.is_some();
        let picks = [
            self.pick("smallest that knows its age", timed, least),
            self.pick("and every language reads", portable, least),
            // Where hashes are, entries have no TTL of their own.
            self.pick("and has a TTL of its own", timed, plain).filter(|_| in_hashes && self.ttl),
            self.pick("smallest without an age", |offer| offer.precision().is_none(), least),
        ];
        ForPrefix {
            pattern: self.group.prefix.clone(),
            kind: self.group.kind.to_owned(),
            entries: self.group.estimated_entries(),
            now: Now {
                stacks: names(self.group.entries.iter()),
                bytes: self.now,
                measured_bytes: self.measured,
            },
            ttl: self.ttl,
            fields_per_hash: self.packing.as_ref().map(|packing| packing.fields),
            picks: picks.into_iter().flatten().collect(),
        }
    }

    /// Whether a minute does not matter to these entries.
    fn lives_long(&self) -> bool {
        let ttls = self.group.keys.iter().filter_map(|key| key.ttl);
        ttls.max().is_none_or(|longest| longest >= HOUR)
    }

    /// The one that takes the fewest bytes of those that fit.
    fn pick(
        &self,
        what: &'static str,
        fits: impl Fn(Offer) -> bool,
        bytes: impl Fn(Cost) -> (f64, bool),
    ) -> Option<Pick> {
        // Without names to write, there is nothing to it but `Msgpack`.
        let is_own = |offer: Offer| self.has_names || offer.codec != Codec::MsgpackNamed;
        let fitting = self.costs.iter().filter(|(offer, _)| fits(*offer) && is_own(*offer));
        // What the allocator makes equal, the shorter value decides.
        let size = |cost: Cost| ((bytes(cost).0 * 10.0).round(), cost.len);
        let least = |a: Cost, b: Cost| {
            let (a, b) = (size(a), size(b));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
        };
        let (offer, cost) = fitting.min_by(|a, b| least(a.1, b.1))?;
        let (bytes, is_packed) = bytes(*cost);
        let mut gives_up = offer.gives_up(self.has_names);
        let packing = self.packing.as_ref().filter(|_| is_packed);
        if packing.is_some_and(|packing| !packing.is_as_now()) {
            gives_up.push(
                "one TTL for all entries of a hash, from the first of them on (`PerField` gives each its \
                 own, for 12 bytes more on Redis 8)",
            );
        } else if !is_packed && !self.ttl {
            gives_up.push("no TTL: keys stay until the server evicts them (`maxmemory-policy`)");
        }
        let backend = packing.map_or("Redis".into(), Packing::backend);
        Some(Pick { what, stack: offer.over(&backend), bytes, gives_up })
    }
}
