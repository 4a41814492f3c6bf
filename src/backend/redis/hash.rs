//! Keys in a space as fields of hashes.

use std::{
    borrow::Borrow,
    collections::{HashMap, hash_map},
    time::Duration,
};

use bytes::Bytes;
use redis::{Cmd, Pipeline, RedisWrite, Value};

use super::{
    Redis,
    by_slot::by_slot,
    command,
    failure::{self, Meaning},
    fenced::any_fenced,
    keys_command, millis, set_command,
    wire::Wire,
};
use crate::{Backend, Batch, HashBackend, HashExpiry, Key, Level, Put, Result, WriteOpts};

impl<W: Wire> HashBackend for Redis<W> {
    async fn hash_get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        let Some(space) = key.space() else {
            return self.get(key).await;
        };
        let get = field_command("HGET", space, key.name());
        let found = self.wire.read(&[key], &get).await.and_then(|answer| self.found(answer));
        found.map_err(|error| error.with_key(key))
    }

    async fn hash_set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
        expiry: HashExpiry,
    ) -> Result<()> {
        let Some(space) = key.space() else {
            return self.set(key, value, opts).await;
        };
        if opts.fence.is_some() {
            let puts = [Put::new(key, value, opts)];
            let set = Box::pin(self.set_fenced(&puts, Some(expiry))).await;
            return set.map_err(|error| error.with_key(key));
        }
        if expiry == HashExpiry::PerField {
            let puts = [Put::new(key, value, opts)];
            return Box::pin(self.set_fields(&puts)).await;
        }
        let set = hash_set_command(space, &[(key.name(), &value)]);
        let set = match expire_command(space, opts.keep_for, expiry) {
            None => {
                let answer = self.wire.send(&set).await;
                self.done(answer, failure::refusal)
            }
            Some(lifetime) => {
                let mut both = Pipeline::with_capacity(2);
                both.add_command(set).add_command(lifetime);
                self.wire.send_all(&both).await.and_then(|answers| {
                    let meanings = [failure::refusal, expire_refusal(expiry)];
                    let mut answers = answers.into_iter().zip(meanings);
                    answers.try_for_each(|(answer, meaning)| self.done(answer, meaning))
                })
            }
        };
        set.map_err(|error| error.with_key(key))
    }

    async fn hash_remove(&self, key: Key<'_>) -> Result<()> {
        let Some(space) = key.space() else {
            return self.remove(key).await;
        };
        let answer = self.wire.send(&field_command("HDEL", space, key.name())).await;
        self.done(answer, failure::refusal).map_err(|error| error.with_key(key))
    }

    /// One pipeline: an `MGET` of all plain keys, and an `HMGET` for each space. A space whose name
    /// holds something other than a hash fails its own entries only.
    async fn hash_get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        let groups = Groups::of::<W>(keys.iter().copied());
        if groups.spaces.is_empty() {
            return self.get_multi(keys).await;
        }
        let (pipeline, parts) = groups.pipeline::<W>("MGET", "HMGET", keys);
        let answers = self.wire.read_all(keys, &pipeline).await?;
        let mut found: Batch<Bytes> = keys.iter().map(|_| Ok(None)).collect();
        for (answer, positions) in answers.into_iter().zip(parts) {
            match self.found_many(answer, positions.len()) {
                Ok(values) => {
                    for (value, position) in values.into_iter().zip(positions) {
                        found[*position] = value.map_err(|error| error.with_key(keys[*position]));
                    }
                }
                Err(error) if error.is_unreadable() || W::HAS_SLOTS => {
                    for position in positions {
                        found[*position] = Err(error.clone().with_key(keys[*position]));
                    }
                }
                Err(error) => return Err(error.with_key(keys[positions[0]])),
            }
        }
        Ok(found)
    }

    /// One pipeline: the `SET`s of the plain keys, and for each space an `HSET` of all its fields
    /// and, where `expiry` asks for one, a `PEXPIRE` with the longest lifetime among them; or, with
    /// [`PerField`](HashExpiry::PerField), an `HSETEX` for each lifetime among them. With leases, a
    /// script that does the same.
    async fn hash_set_multi(&self, puts: &[Put<'_, Bytes>], expiry: HashExpiry) -> Result<()> {
        let groups = Groups::of::<W>(puts.iter().map(|put| put.key));
        if groups.spaces.is_empty() {
            return self.set_multi(puts).await;
        }
        if any_fenced(puts) {
            return Box::pin(self.set_fenced(puts, Some(expiry))).await;
        }
        if expiry == HashExpiry::PerField {
            return Box::pin(self.set_fields(puts)).await;
        }
        let mut writes = Writes::plain::<W>(puts, &groups);
        for (space, positions) in &groups.spaces {
            let first = positions[0];
            let fields: Vec<(&str, &[u8])> =
                positions.iter().map(|at| (puts[*at].key.name(), &*puts[*at].value)).collect();
            writes.add(hash_set_command(space, &fields), first, expiry);
            let keep_for = positions.iter().filter_map(|at| puts[*at].opts.keep_for).max();
            if let Some(expire) = expire_command(space, keep_for, expiry) {
                writes.add(expire, first, expiry);
            }
        }
        let answers = self.wire.send_all(writes.borrow()).await?;
        self.carried_out(puts, &writes, answers)
    }

    /// One pipeline: a `DEL` of all plain keys, and an `HDEL` for each space.
    async fn hash_remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        let groups = Groups::of::<W>(keys.iter().copied());
        if groups.spaces.is_empty() {
            return self.remove_multi(keys).await;
        }
        let (pipeline, parts) = groups.pipeline::<W>("DEL", "HDEL", keys);
        let answers = self.wire.send_all(&pipeline).await?;
        answers.into_iter().zip(parts).try_for_each(|(answer, positions)| {
            let done = self.done(answer, failure::refusal);
            done.map_err(|error| error.with_key(keys[positions[0]]))
        })
    }
}

/// A pipeline of writes: of each command, for which entry of the batch it stands and what its refusal
/// means.
pub(super) struct Writes {
    pipeline: Pipeline,
    each: Vec<(usize, Meaning)>,
}

impl Writes {
    /// The `SET`s of the plain keys among `puts`.
    pub(super) fn plain<W: Wire>(puts: &[Put<'_, Bytes>], groups: &Groups<'_>) -> Self {
        let capacity = puts.len() + groups.spaces.len();
        let mut writes = Self {
            pipeline: Pipeline::with_capacity(capacity),
            each: Vec::with_capacity(capacity),
        };
        for position in groups.plain.iter().flatten() {
            let put = &puts[*position];
            writes.pipeline.add_command(set_command(&W::name(put.key), &put.value, put.opts));
            writes.each.push((*position, failure::refusal));
        }
        writes
    }

    /// Adds a command that writes or dates fields of a hash.
    pub(super) fn add(&mut self, command: Cmd, position: usize, expiry: HashExpiry) {
        self.pipeline.add_command(command);
        self.each.push((position, expire_refusal(expiry)));
    }
}

impl Borrow<Pipeline> for Writes {
    fn borrow(&self) -> &Pipeline {
        &self.pipeline
    }
}

impl<W: Wire> Redis<W> {
    /// Whether all `writes` were carried out; the error is that of the first which was not.
    pub(super) fn carried_out(
        &self,
        puts: &[Put<'_, Bytes>],
        writes: &Writes,
        answers: Vec<Result<Value>>,
    ) -> Result<()> {
        answers.into_iter().zip(&writes.each).try_for_each(|(answer, (position, meaning))| {
            let done = self.done(answer, *meaning);
            done.map_err(|error| error.with_key(puts[*position].key))
        })
    }
}

/// The positions of a batch by where they lead, each in the caller's order.
pub(super) struct Groups<'k> {
    /// Those outside of hashes, where there are slots by them.
    plain: Vec<Vec<usize>>,
    pub(super) spaces: Vec<(&'k str, Vec<usize>)>,
}

impl<'k> Groups<'k> {
    pub(super) fn of<W: Wire>(keys: impl Iterator<Item = Key<'k>> + Clone) -> Self {
        let plain = keys.clone().enumerate().filter(|(_, key)| key.space().is_none());
        let mut groups = Self { plain: by_slot::<W>(plain), spaces: Vec::new() };
        let mut known: HashMap<&str, usize> = HashMap::new();
        for (position, key) in keys.enumerate() {
            let Some(space) = key.space() else { continue };
            match known.entry(space) {
                hash_map::Entry::Occupied(at) => groups.spaces[*at.get()].1.push(position),
                hash_map::Entry::Vacant(new) => {
                    new.insert(groups.spaces.len());
                    groups.spaces.push((space, vec![position]));
                }
            }
        }
        groups
    }

    /// One command for all plain keys of a slot and one for each space, and the positions each stands for.
    fn pipeline<W: Wire>(
        &self,
        plain: &str,
        space: &str,
        keys: &[Key<'_>],
    ) -> (Pipeline, Vec<&[usize]>) {
        let count = self.plain.len() + self.spaces.len();
        let mut pipeline = Pipeline::with_capacity(count);
        let mut parts: Vec<&[usize]> = Vec::with_capacity(count);
        for positions in &self.plain {
            pipeline.add_command(keys_command::<W>(plain, positions.iter().map(|at| keys[*at])));
            parts.push(positions);
        }
        for (hash, positions) in &self.spaces {
            let names = positions.iter().map(|at| keys[*at].name());
            let bytes: usize = names.clone().map(str::len).sum();
            let mut fields = command(space, 1 + positions.len(), hash.len() + bytes);
            fields.write_arg(hash.as_bytes());
            names.for_each(|name| fields.write_arg(name.as_bytes()));
            pipeline.add_command(fields);
            parts.push(positions);
        }
        (pipeline, parts)
    }
}

fn field_command(name: &str, space: &str, field: &str) -> Cmd {
    let mut command = command(name, 2, space.len() + field.len());
    command.write_arg(space.as_bytes());
    command.write_arg(field.as_bytes());
    command
}

/// `HSET space field value ..`.
pub(super) fn hash_set_command(space: &str, fields: &[(&str, &[u8])]) -> Cmd {
    let bytes: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    let mut set = command("HSET", 1 + 2 * fields.len(), space.len() + bytes);
    set.write_arg(space.as_bytes());
    for (name, value) in fields {
        set.write_arg(name.as_bytes());
        set.write_arg(value);
    }
    set
}

/// The command that follows an `HSET` in its pipeline, under a policy for whole hashes.
///
/// `NX` sets a TTL only where there is none, which is what "with its first field" means without
/// asking first. It also heals: a hash that lost its TTL (a writer died between the two commands,
/// somebody persisted it) gets one with the next write, instead of staying for ever.
fn expire_command(space: &str, keep_for: Option<Duration>, expiry: HashExpiry) -> Option<Cmd> {
    match expiry {
        HashExpiry::OnCreate => Some(pexpire_command(space, millis(keep_for?), "NX")),
        HashExpiry::Always => Some(pexpire_command(space, millis(keep_for?), "")),
        HashExpiry::Never | HashExpiry::PerField => None,
    }
}

/// `PEXPIRE space ms [option]`.
pub(super) fn pexpire_command(space: &str, ms: u64, option: &str) -> Cmd {
    let mut command = command("PEXPIRE", 3, space.len() + 22);
    command.write_arg(space.as_bytes());
    command.arg(ms);
    if !option.is_empty() {
        command.write_arg(option.as_bytes());
    }
    command
}

pub(super) fn expire_refusal(expiry: HashExpiry) -> Meaning {
    match expiry {
        HashExpiry::OnCreate | HashExpiry::PerField => failure::expire_nx_refusal,
        HashExpiry::Always | HashExpiry::Never => failure::refusal,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::wire::Direct, *};

    #[test]
    fn groups_keep_order_and_duplicates() {
        let keys = [
            Key::from("p"),
            Key::from(("b", "1")),
            Key::from(("a", "1")),
            Key::from("q"),
            Key::from(("b", "2")),
            Key::from(("b", "1")),
            Key::from("p"),
        ];
        let groups = Groups::of::<Direct>(keys.into_iter());
        assert_eq!(groups.plain, [[0, 3, 6]]);
        assert_eq!(groups.spaces, [("b", vec![1, 4, 5]), ("a", vec![2])]);
        let (pipeline, parts) = groups.pipeline::<Direct>("MGET", "HMGET", &keys);
        assert_eq!((pipeline.len(), parts.len()), (3, 3));
        let sent = String::from_utf8(pipeline.get_packed_pipeline()).unwrap();
        let words: Vec<&str> =
            sent.split("\r\n").filter(|word| !word.starts_with(['$', '*'])).collect();
        assert_eq!(words.join(" ").trim(), "MGET p q p HMGET b 1 2 1 HMGET a 1");
    }
}
