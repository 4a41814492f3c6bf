//! Writes that are carried out only while a lease is held.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use bytes::Bytes;
use redis::{Cmd, Pipeline, RedisWrite, Value};

use super::{
    Redis, command, failure,
    fields::{FieldTtl, field_millis, hash_millis},
    hash::expire_refusal,
    millis,
    wire::Wire,
};
use crate::{Error, ErrorKind, HashExpiry, Key, Lease, Put, Result};

/// Looks at each lease and writes under it, in one step, because the server runs a script alone.
///
/// For each put it takes two keys (that of the entry and the name of the lock) and, after how fields
/// get their lifetime (the option of a `PEXPIRE`, or `HSETEX` or `HPEXPIRE`), five arguments: the
/// token, `plain` or `hash`, the field, the value and the lifetime. Nothing stands for "none"; without a lease the entry's own key stands for the name, since
/// an ACL is asked about every key. It answers for each put what the write answered, or nothing where
/// the lease is lost. One write that fails does not stop the others.
///
/// Sent whole and not by its digest: these few hundred bytes are nothing beside a creation, and no
/// server can have forgotten them.
const SCRIPT: &str = include_str!("fenced.lua");

/// How much one script may have to do, while which the server does nothing else.
const MOST_PUTS: usize = 1000;
const MOST_BYTES: usize = 16 << 20;

impl<W: Wire> Redis<W> {
    /// Writes `puts`, those with a lease only while it is held, in one round trip. Keys in a space
    /// become fields of hashes where `hashes` is given.
    pub(super) async fn set_fenced(
        &self,
        puts: &[Put<'_, Bytes>],
        hashes: Option<HashExpiry>,
    ) -> Result<()> {
        let (chunks, mut lost) = chunks::<W>(puts, hashes);
        let scripts = |server: FieldTtl| {
            let lifetimes = FieldLifetimes::of(puts, hashes, server);
            let mut pipeline = Pipeline::with_capacity(chunks.len());
            for chunk in &chunks {
                pipeline.add_command(script_command::<W>(chunk, hashes, &lifetimes));
            }
            pipeline
        };
        let answers = match hashes {
            Some(HashExpiry::PerField) => self.wire.send_fitted(scripts).await?.1,
            _ => self.wire.send_all(&scripts(FieldTtl::Hash)).await?,
        };
        let meaning = hashes.map_or(failure::refusal as failure::Meaning, expire_refusal);
        for (chunk, answer) in chunks.iter().zip(answers) {
            let answers = match answer.map_err(|error| error.with_key(chunk[0].key))? {
                Value::Array(answers) if answers.len() == chunk.len() => answers,
                other => return Err(self.refused(other, meaning).with_key(chunk[0].key)),
            };
            for (put, answer) in chunk.iter().zip(answers) {
                match answer {
                    Value::Nil => lost.push(put.key),
                    other => {
                        self.done(Ok(other), meaning).map_err(|error| error.with_key(put.key))?;
                    }
                }
            }
        }
        let Some(first) = lost.first() else { return Ok(()) };
        let error = Error::new(ErrorKind::LeaseLost, failure::LAYER).with_key(*first);
        Err(if puts.len() == 1 {
            error
        } else {
            error.with_message(format!(
                "{} of {} values were not stored, because their leases were lost; here is the first",
                lost.len(),
                puts.len()
            ))
        })
    }
}

/// Whether one of `puts` is fenced.
pub(super) fn any_fenced(puts: &[Put<'_, Bytes>]) -> bool {
    puts.iter().any(|put| put.opts.fence.is_some())
}

/// Cuts a batch into what one script may do: it sees one slot. A lease whose name is in another slot
/// than the entry is of no lock of ours, so nobody holds it; the keys of those come second.
fn chunks<'a, 'k, W: Wire>(
    puts: &'a [Put<'k, Bytes>],
    hashes: Option<HashExpiry>,
) -> (Vec<Vec<&'a Put<'k, Bytes>>>, Vec<Key<'k>>) {
    let mut slots: BTreeMap<u16, Vec<&Put<'k, Bytes>>> = BTreeMap::new();
    let mut lost = Vec::new();
    for put in puts {
        let slot = W::slot(&entry_name::<W>(put.key, hashes));
        if put.opts.fence.is_some_and(|lease| W::slot(lease.name()) != slot) {
            lost.push(put.key);
        } else {
            slots.entry(slot).or_default().push(put);
        }
    }
    let mut chunks = Vec::with_capacity(slots.len());
    for puts in slots.into_values() {
        let mut puts = &puts[..];
        while !puts.is_empty() {
            let mut bytes = 0;
            let fits = puts.iter().take(MOST_PUTS).take_while(|put| {
                bytes += put.value.len();
                bytes <= MOST_BYTES
            });
            let (chunk, rest) = puts.split_at(fits.count().max(1));
            chunks.push(chunk.to_vec());
            puts = rest;
        }
    }
    (chunks, lost)
}

/// The name under which the server keeps an entry: a field is in the hash of its space.
fn entry_name<W: Wire>(key: Key<'_>, hashes: Option<HashExpiry>) -> Cow<'_, [u8]> {
    match key.space() {
        Some(space) if hashes.is_some() => space.as_bytes().into(),
        _ => W::name(key),
    }
}

/// The lifetimes of the fields in a batch.
enum FieldLifetimes<'k> {
    /// Those of their hashes, each the longest of its fields, as without leases.
    Hashes(&'static str, HashMap<&'k str, u64>),
    /// Their own.
    Fields(&'static str),
}

impl<'k> FieldLifetimes<'k> {
    fn of(puts: &[Put<'k, Bytes>], hashes: Option<HashExpiry>, server: FieldTtl) -> Self {
        let option = match (hashes, server) {
            (Some(HashExpiry::PerField), FieldTtl::Hsetex) => return Self::Fields("HSETEX"),
            (Some(HashExpiry::PerField), FieldTtl::Hpexpire) => return Self::Fields("HPEXPIRE"),
            (Some(HashExpiry::PerField), FieldTtl::Hash) => "GT",
            (Some(HashExpiry::OnCreate), _) => "NX",
            (None | Some(HashExpiry::Always | HashExpiry::Never), _) => "",
        };
        let mut longest = HashMap::new();
        for put in puts {
            let keep_for = put.opts.keep_for;
            let lifetime = match hashes {
                None | Some(HashExpiry::Never) => None,
                Some(HashExpiry::PerField) => Some(hash_millis(keep_for)),
                Some(HashExpiry::OnCreate | HashExpiry::Always) => keep_for.map(millis),
            };
            if let (Some(space), Some(lifetime)) = (put.key.space(), lifetime) {
                let ms = longest.entry(space).or_default();
                *ms = lifetime.max(*ms);
            }
        }
        Self::Hashes(option, longest)
    }

    /// How the script sets them.
    fn how(&self) -> &'static str {
        match self {
            Self::Hashes(how, _) | Self::Fields(how) => how,
        }
    }

    /// The lifetime that the field of `put` in `space` asks for.
    fn get(&self, space: &str, put: &Put<'_, Bytes>) -> Option<u64> {
        match self {
            Self::Hashes(_, longest) => longest.get(space).copied(),
            Self::Fields(_) => put.opts.keep_for.map(field_millis),
        }
    }
}

fn script_command<W: Wire>(
    puts: &[&Put<'_, Bytes>],
    hashes: Option<HashExpiry>,
    lifetimes: &FieldLifetimes<'_>,
) -> Cmd {
    let bytes = puts.iter().map(|put| put.value.len() + 256).sum::<usize>();
    let mut eval = command("EVAL", 3 + 7 * puts.len(), SCRIPT.len() + bytes);
    eval.write_arg(SCRIPT.as_bytes());
    eval.arg(2 * puts.len());
    for put in puts {
        let key = entry_name::<W>(put.key, hashes);
        eval.write_arg(&key);
        eval.write_arg(put.opts.fence.map_or(&key, Lease::name));
    }
    eval.write_arg(lifetimes.how().as_bytes());
    for put in puts {
        let token = put.opts.fence.map(Lease::token);
        eval.write_arg(token.as_ref().map_or(b"", |token| token.as_bytes()));
        let space = put.key.space().filter(|_| hashes.is_some());
        eval.write_arg(if space.is_some() { b"hash" } else { b"plain" });
        eval.write_arg(space.map_or("", |_| put.key.name()).as_bytes());
        eval.write_arg(&put.value);
        let ms = match space {
            Some(space) => lifetimes.get(space, put),
            None => put.opts.keep_for.map(millis),
        };
        match ms {
            Some(ms) => eval.arg(ms),
            None => eval.arg(""),
        };
    }
    eval
}

#[cfg(test)]
mod tests {
    use super::{super::wire::Direct, *};
    use crate::WriteOpts;

    #[test]
    fn a_batch_is_cut_by_number_and_by_size() {
        let batch = |sizes: &[usize]| -> Vec<usize> {
            let value = Bytes::from(vec![0; MOST_BYTES + 1]);
            let puts: Vec<_> = sizes
                .iter()
                .map(|size| Put::new("k".into(), value.slice(..*size), WriteOpts::default()))
                .collect();
            chunks::<Direct>(&puts, None).0.iter().map(Vec::len).collect()
        };
        assert_eq!(batch(&[]), [0; 0]);
        assert_eq!(batch(&[1; MOST_PUTS]), [MOST_PUTS]);
        assert_eq!(batch(&[1; 2 * MOST_PUTS + 1]), [MOST_PUTS, MOST_PUTS, 1]);
        let half = MOST_BYTES / 2;
        assert_eq!(batch(&[half, half, half, MOST_BYTES + 1, 1, half]), [2, 1, 1, 2]);
    }
}
