//! Batches where the keys of one command must be in one slot.

use std::collections::BTreeMap;

use bytes::Bytes;
use redis::Pipeline;

use super::{Redis, Wire, failure, keys_command};
use crate::{Batch, Key, Result};

/// The positions of keys outside of hashes, those of one slot together, each in the caller's order.
pub(super) fn by_slot<'k, W: Wire>(
    keys: impl Iterator<Item = (usize, Key<'k>)>,
) -> Vec<Vec<usize>> {
    let mut slots: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for (position, key) in keys {
        slots.entry(W::slot(&W::name(key))).or_default().push(position);
    }
    slots.into_values().collect()
}

impl<W: Wire> Redis<W> {
    /// An `MGET` for each slot. What cannot be read fails its own keys only.
    pub(super) async fn get_by_slot(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        let (gets, parts) = commands::<W>("MGET", keys);
        let answers = self.wire.read_all(keys, &gets).await?;
        let mut found: Batch<Bytes> = keys.iter().map(|_| Ok(None)).collect();
        for (answer, positions) in answers.into_iter().zip(parts) {
            match self.found_many(answer, positions.len()) {
                Ok(values) => {
                    for (position, value) in positions.into_iter().zip(values) {
                        found[position] = value;
                    }
                }
                Err(error) => {
                    for position in positions {
                        found[position] = Err(error.clone().with_key(keys[position]));
                    }
                }
            }
        }
        Ok(found)
    }

    /// A `DEL` for each slot. All of them are tried; the error is the first.
    pub(super) async fn remove_by_slot(&self, keys: &[Key<'_>]) -> Result<()> {
        let (dels, parts) = commands::<W>("DEL", keys);
        let answers = self.wire.send_all(&dels).await?;
        answers.into_iter().zip(parts).try_for_each(|(answer, positions)| {
            let done = self.done(answer, failure::refusal);
            done.map_err(|error| error.with_key(keys[positions[0]]))
        })
    }
}

/// The command `name` for each slot, and the positions each stands for.
fn commands<W: Wire>(name: &str, keys: &[Key<'_>]) -> (Pipeline, Vec<Vec<usize>>) {
    let parts = by_slot::<W>(keys.iter().copied().enumerate());
    let mut pipeline = Pipeline::with_capacity(parts.len());
    for positions in &parts {
        let keys = positions.iter().map(|position| keys[*position]);
        pipeline.add_command(keys_command::<W>(name, keys));
    }
    (pipeline, parts)
}
