//! Fields with a lifetime of their own, where the server has such.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, HashMap},
    fmt,
    time::Duration,
};

use bytes::Bytes;
use redis::{Cmd, Pipeline, RedisResult, RedisWrite, Value, aio::MultiplexedConnection};
use tokio::sync::OnceCell;

use super::{
    LONGEST_MS, Redis, command,
    connection::Request,
    failure,
    hash::{Groups, Writes, hash_set_command, pexpire_command},
    millis,
    wire::Wire,
};
use crate::{HashExpiry, Put, Result};

/// The longest lifetime of a field: 1,100 years. Redis takes no later end than the year 4199.
const LONGEST_FIELD_MS: u64 = 1 << 45;

/// What a server can do about the lifetime of a field, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldTtl {
    /// It writes fields and their lifetime in one step: Redis 8, Valkey 9.
    Hsetex,
    /// It gives a lifetime to fields that are there: Redis 7.4.
    Hpexpire,
    /// Nothing: fields live as long as their hash.
    Hash,
}

impl fmt::Display for FieldTtl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hsetex => "HSETEX",
            Self::Hpexpire => "HPEXPIRE",
            Self::Hash => "that of the hash",
        })
    }
}

/// What the server of one connection can do; asked when it is first needed.
#[derive(Default)]
pub(crate) struct Abilities(OnceCell<FieldTtl>);

impl Abilities {
    pub(super) fn known(&self) -> Option<FieldTtl> {
        self.0.get().copied()
    }

    async fn field_ttl(&self, connection: &mut MultiplexedConnection) -> RedisResult<FieldTtl> {
        self.0.get_or_try_init(|| ask(connection)).await.copied()
    }
}

/// By name and not by version: those of Redis and Valkey differ, and commands may be disabled. One who
/// has no right to ask is served as by an old server.
async fn ask(connection: &mut MultiplexedConnection) -> RedisResult<FieldTtl> {
    let names = ["HSETEX", "HPEXPIRE"];
    let mut info = command("COMMAND", 1 + names.len(), 24);
    info.write_arg(b"INFO");
    for name in names {
        info.write_arg(name.as_bytes());
    }
    Ok(match connection.send_packed_command(&info).await? {
        Value::Array(known) => match known.iter().map(is_there).collect::<Vec<_>>()[..] {
            [true, _] => FieldTtl::Hsetex,
            [false, true] => FieldTtl::Hpexpire,
            _ => FieldTtl::Hash,
        },
        // It may answer later, as may the write.
        Value::ServerError(error) if failure::refusal(&error).is_transient() => {
            return Err(error.into());
        }
        _ => FieldTtl::Hash,
    })
}

/// Whether `COMMAND INFO` tells something about a command.
fn is_there(info: &Value) -> bool {
    matches!(info, Value::Array(about) if !about.is_empty())
}

/// A request that depends on what the server can do, so made anew when it is sent again to another.
pub(super) struct Fitted<F>(pub(super) F);

impl<F, R> Request for Fitted<F>
where
    F: Fn(FieldTtl) -> R + Sync,
    R: Borrow<Pipeline> + Send + Sync,
{
    /// With the request that was made.
    type Answer = (R, Vec<Value>);

    async fn send(
        &self,
        connection: &mut MultiplexedConnection,
        abilities: &Abilities,
    ) -> RedisResult<Self::Answer> {
        let request = (self.0)(abilities.field_ttl(connection).await?);
        let answer = request.borrow().send(connection, abilities).await?;
        Ok((request, answer))
    }
}

/// What a server can do; an exchange only where it was not asked yet.
pub(super) struct Ability;

impl Request for Ability {
    type Answer = FieldTtl;

    fn send(
        &self,
        connection: &mut MultiplexedConnection,
        abilities: &Abilities,
    ) -> impl Future<Output = RedisResult<FieldTtl>> + Send {
        abilities.field_ttl(connection)
    }
}

impl<W: Wire> Redis<W> {
    /// Writes `puts`, each field with its own lifetime, in one pipeline.
    pub(super) async fn set_fields(&self, puts: &[Put<'_, Bytes>]) -> Result<()> {
        let groups = Groups::of::<W>(puts.iter().map(|put| put.key));
        let fitted = |server: FieldTtl| {
            let mut writes = Writes::plain::<W>(puts, &groups);
            for (space, positions) in &groups.spaces {
                for command in server.commands(space, &last_of_each(puts, positions)) {
                    writes.add(command, positions[0], HashExpiry::PerField);
                }
            }
            writes
        };
        let (writes, answers) = self.wire.send_fitted(fitted).await?;
        self.carried_out(puts, &writes, answers)
    }
}

/// What fields of one hash are to be; of two writes of a field the later one, since lifetimes, and
/// not the order of the batch, decide which command writes what.
fn last_of_each<'a>(puts: &'a [Put<'_, Bytes>], positions: &[usize]) -> Vec<&'a Put<'a, Bytes>> {
    let names = positions.iter().map(|at| (puts[*at].key.name(), *at));
    let last: HashMap<&str, usize> = names.clone().collect();
    names.filter(|(name, at)| last[name] == *at).map(|(_, at)| &puts[at]).collect()
}

impl FieldTtl {
    /// The commands that write fields of the hash `space`.
    fn commands(self, space: &str, puts: &[&Put<'_, Bytes>]) -> Vec<Cmd> {
        let mut by_lifetime: BTreeMap<Option<u64>, Vec<(&str, &[u8])>> = BTreeMap::new();
        for put in puts {
            let field = (put.key.name(), &*put.value);
            by_lifetime.entry(put.opts.keep_for.map(field_millis)).or_default().push(field);
        }
        let set_all = || {
            let all: Vec<_> = puts.iter().map(|put| (put.key.name(), &*put.value)).collect();
            hash_set_command(space, &all)
        };
        match self {
            Self::Hsetex => by_lifetime
                .into_iter()
                .map(|(lifetime, fields)| match lifetime {
                    Some(ms) => hsetex_command(space, ms, &fields),
                    // Takes away the lifetime that a field had.
                    None => hash_set_command(space, &fields),
                })
                .collect(),
            Self::Hpexpire => {
                let timed = by_lifetime.into_iter().filter_map(|(ms, fields)| Some((ms?, fields)));
                let expire = timed.map(|(ms, fields)| hpexpire_command(space, ms, &fields));
                [set_all()].into_iter().chain(expire).collect()
            }
            Self::Hash => {
                let longest = puts.iter().map(|put| hash_millis(put.opts.keep_for)).max();
                let expire = |option| Some(pexpire_command(space, longest?, option));
                [Some(set_all()), expire("NX"), expire("GT")].into_iter().flatten().collect()
            }
        }
    }
}

/// The lifetime of a field as the server takes it.
pub(super) fn field_millis(keep_for: Duration) -> u64 {
    millis(keep_for).min(LONGEST_FIELD_MS)
}

/// How long a hash has to live for a field. The longest lifetime stands for none: a hash without a TTL
/// could not be told from a new one.
pub(super) fn hash_millis(keep_for: Option<Duration>) -> u64 {
    keep_for.map_or(LONGEST_MS, millis)
}

/// `HSETEX space PX ms FIELDS count field value ..`.
fn hsetex_command(space: &str, ms: u64, fields: &[(&str, &[u8])]) -> Cmd {
    let bytes: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    let mut set = command("HSETEX", 5 + 2 * fields.len(), space.len() + bytes + 50);
    set.write_arg(space.as_bytes());
    set.write_arg(b"PX");
    set.arg(ms).arg("FIELDS").arg(fields.len());
    for (name, value) in fields {
        set.write_arg(name.as_bytes());
        set.write_arg(value);
    }
    set
}

/// `HPEXPIRE space ms FIELDS count field ..`.
fn hpexpire_command(space: &str, ms: u64, fields: &[(&str, &[u8])]) -> Cmd {
    let bytes: usize = fields.iter().map(|(name, _)| name.len()).sum();
    let mut expire = command("HPEXPIRE", 4 + fields.len(), space.len() + bytes + 50);
    expire.write_arg(space.as_bytes());
    expire.arg(ms).arg("FIELDS").arg(fields.len());
    for (name, _) in fields {
        expire.write_arg(name.as_bytes());
    }
    expire
}
