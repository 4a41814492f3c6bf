//! What the server runs.

use std::collections::BTreeMap;

use redis::{Cmd, Pipeline, RedisWrite};

use crate::{
    Lease,
    backend::redis::{Wire, command},
    lock::VERSION_AT,
};

/// How many leases one script takes.
const MOST_LEASES: usize = 1000;

// Each script takes the names of locks as keys, and as arguments the lease length in milliseconds and
// the token of each. It answers 1 or 0 for each. They are sent whole and not by their digests: a few
// hundred bytes are nothing beside a creation, and no server can have forgotten them. `pcall`, because
// under the name of a lock there may be anything.

/// Takes what is free. Its own token counts, since a request may be sent twice.
pub(super) const ACQUIRE: &str = "\
local held = {}
for i, name in ipairs(KEYS) do
  local token = ARGV[i + 1]
  held[i] = 0
  if redis.call('SET', name, token, 'NX', 'PX', ARGV[1]) then
    held[i] = 1
  elseif redis.pcall('GET', name) == token then
    held[i] = redis.call('PEXPIRE', name, ARGV[1])
  end
end
return held
";

/// Takes everything.
pub(super) const SEIZE: &str = "\
local held = {}
for i, name in ipairs(KEYS) do
  redis.call('SET', name, ARGV[i + 1], 'PX', ARGV[1])
  held[i] = 1
end
return held
";

/// Takes what is free or held by larder, which the version in the token tells.
pub(super) const SEIZE_OURS: &str = "\
local held = {}
for i, name in ipairs(KEYS) do
  local token, before = ARGV[i + 1], redis.pcall('GET', name)
  held[i] = 0
  if not before or type(before) == 'string' and before:sub(13, 13) == token:sub(13, 13) then
    redis.call('SET', name, token, 'PX', ARGV[1])
    held[i] = 1
  end
end
return held
";
const _: () = assert!(VERSION_AT + 1 == 13, "Lua counts from one");

/// Starts the time of what is held anew.
pub(super) const RENEW: &str = "\
local held = {}
for i, name in ipairs(KEYS) do
  held[i] = 0
  if redis.pcall('GET', name) == ARGV[i + 1] then
    held[i] = redis.call('PEXPIRE', name, ARGV[1])
  end
end
return held
";

/// Gives back what is held.
pub(super) const RELEASE: &str = "\
local done = {}
for i, name in ipairs(KEYS) do
  done[i] = 0
  if redis.pcall('GET', name) == ARGV[i + 1] then
    done[i] = redis.call('DEL', name)
  end
end
return done
";

/// A command for every [`MOST_LEASES`] in each slot, and which of the leases each command is about.
pub(super) fn pipeline<W: Wire>(
    script: &str,
    leases: &[Lease],
    ms: u64,
) -> (Pipeline, Vec<Vec<usize>>) {
    let mut slots: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for (position, lease) in leases.iter().enumerate() {
        slots.entry(W::slot(lease.name())).or_default().push(position);
    }
    let chunks = slots.values().flat_map(|positions| positions.chunks(MOST_LEASES));
    let parts: Vec<Vec<usize>> = chunks.map(<[usize]>::to_vec).collect();
    let mut pipeline = Pipeline::with_capacity(parts.len());
    for positions in &parts {
        pipeline.add_command(eval(script, positions.iter().map(|at| &leases[*at]), ms));
    }
    (pipeline, parts)
}

fn eval<'a>(
    script: &str,
    leases: impl ExactSizeIterator<Item = &'a Lease> + Clone,
    ms: u64,
) -> Cmd {
    let bytes: usize = leases.clone().map(|lease| lease.name().len() + 32).sum();
    let mut eval = command("EVAL", 3 + 2 * leases.len(), script.len() + bytes + 32);
    eval.write_arg(script.as_bytes());
    eval.arg(leases.len());
    for lease in leases.clone() {
        eval.write_arg(lease.name());
    }
    eval.arg(ms);
    for lease in leases {
        eval.write_arg(lease.token().as_bytes());
    }
    eval
}
