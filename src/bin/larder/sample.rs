//! A uniform sample of the keys, and what the server says about each of them.
//!
//! What is held in memory depends on the options alone, not on what is in the server: names and values
//! longer than their limits are cut by the server before they are sent. (`SCAN` and `HRANDFIELD` send whole
//! names, which nothing can prevent.)

use std::collections::{BTreeSet, HashSet};

use redis::{Cmd, Pipeline, Value, cmd};

use crate::{
    connection::Connection,
    escape,
    failure::Failure,
    options::{Options, What},
    server::Server,
    walk::{LONGEST_NAME, Walk},
};

/// How many keys are asked about in one go.
const BATCH: usize = 50;
/// How many bytes of values are held, all together. Of what comes after that, the first bytes only.
const ROOM: usize = 64 << 20;
/// How many bytes these are.
const HEAD: usize = 256;
/// How many bytes of values are asked for in one go, unless one has more.
const AT_ONCE: usize = 1 << 20;

/// Keys that stand for all of them.
pub(crate) struct Sample {
    pub(crate) server: Server,
    /// How many keys the database has.
    pub(crate) database_keys: u64,
    /// How many keys were walked over, and how many of them the pattern matched.
    pub(crate) scanned: u64,
    pub(crate) matched: u64,
    /// Whether these were all keys.
    pub(crate) complete: bool,
    pub(crate) keys: Vec<SampledKey>,
    /// What was not to be had, once each.
    pub(crate) notes: BTreeSet<String>,
}

impl Sample {
    /// How many keys match, in the whole database.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(crate) fn estimated_keys(&self) -> f64 {
        if self.complete || self.scanned == 0 {
            return self.matched as f64;
        }
        self.database_keys as f64 * self.matched as f64 / self.scanned as f64
    }

    /// How many keys each sampled one stands for.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(crate) fn weight(&self) -> f64 {
        self.estimated_keys() / self.keys.len().max(1) as f64
    }
}

impl Sample {
    /// Why there is nothing to report.
    pub(crate) fn nothing(&self, options: &Options) -> Failure {
        let Options { target, pattern, .. } = options;
        let database = target.database;
        if self.database_keys == 0 {
            return Failure::new(format!(
                "database {database} of {target} is empty; another one is chosen with /1 at the end of the URL"
            ));
        }
        match pattern {
            Some(pattern) if self.matched == 0 && self.complete => Failure::new(format!(
                "none of the {} keys in database {database} of {target} is like {}",
                self.database_keys,
                escape::text(pattern)
            )),
            Some(pattern) if self.matched == 0 => Failure::new(format!(
                "none of {} keys is like {}; more are walked over with --scan",
                self.scanned,
                escape::text(pattern)
            )),
            _ => Failure::new("the sampled keys were gone before they were read; try again"),
        }
    }
}

/// A key, as it was for a moment.
pub(crate) struct SampledKey {
    pub(crate) name: Vec<u8>,
    /// `string`, `hash` and so on.
    pub(crate) kind: String,
    pub(crate) encoding: Option<String>,
    /// In milliseconds.
    pub(crate) ttl: Option<u64>,
    /// In bytes, as `MEMORY USAGE` says.
    pub(crate) memory: Option<u64>,
    pub(crate) content: Content,
}

pub(crate) enum Content {
    Text(Stored),
    /// How many fields there are, and some of them.
    Hash(u64, Vec<(Vec<u8>, Stored)>),
    /// Nothing that larder writes.
    Other,
}

/// A value, or how it begins.
pub(crate) struct Stored {
    pub(crate) bytes: Vec<u8>,
    pub(crate) len: u64,
}

impl Stored {
    pub(crate) fn is_whole(&self) -> bool {
        self.bytes.len() as u64 == self.len
    }
}

pub(crate) async fn take(
    connection: &mut Connection<'_>,
    options: &Options,
) -> Result<Sample, Failure> {
    let mut notes = BTreeSet::new();
    // First and on its own, since it shows whether anything can be had, and from whom.
    let database_keys = number(&connection.ask(&cmd("DBSIZE")).await?).unwrap_or_default();
    let weighs = options.what == What::Advise;
    let server = Server::ask(connection, weighs, &mut notes).await?;
    let mut walk = Walk::new(options.sample);
    let complete = walk.go(connection, options, database_keys).await?;
    let mut looked = Look { options, room: ROOM, notes, keys: Vec::new() };
    // A name can come up twice while the server moves its table.
    let names: HashSet<Vec<u8>> = walk.chosen.into_iter().collect();
    let mut names: Vec<Vec<u8>> = names.into_iter().collect();
    names.sort_unstable();
    for batch in names.chunks(BATCH) {
        looked.at(connection, batch).await?;
    }
    if walk.too_long > 0 {
        looked.notes.insert(format!(
            "{} keys have names over {LONGEST_NAME} bytes and were not looked at",
            walk.too_long
        ));
    }
    Ok(Sample {
        server,
        database_keys,
        scanned: if complete { database_keys } else { walk.scanned.min(database_keys) },
        matched: walk.matched,
        complete,
        keys: looked.keys,
        notes: looked.notes,
    })
}

/// What is asked about the chosen keys.
struct Look<'o> {
    options: &'o Options,
    room: usize,
    notes: BTreeSet<String>,
    keys: Vec<SampledKey>,
}

impl Look<'_> {
    async fn at(
        &mut self,
        connection: &mut Connection<'_>,
        names: &[Vec<u8>],
    ) -> Result<(), Failure> {
        let mut about = Pipeline::new();
        for name in names {
            about.cmd("TYPE").arg(name);
            about.cmd("PTTL").arg(name);
            about.cmd("OBJECT").arg("ENCODING").arg(name);
            about.cmd("MEMORY").arg("USAGE").arg(name);
        }
        let mut answers = connection.ask_all(&about).await?.into_iter();
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            let (Some(kind), Some(ttl), Some(encoding), Some(memory)) =
                (answers.next(), answers.next(), answers.next(), answers.next())
            else {
                break;
            };
            // What is gone by now was sampled in vain.
            let Some(kind) = self.noted("TYPE", kind).and_then(word).filter(|word| word != "none")
            else {
                continue;
            };
            let ttl = self.noted("PTTL", ttl).as_ref().and_then(number);
            let encoding = self.noted("OBJECT ENCODING", encoding).and_then(word);
            let memory = self.noted("MEMORY USAGE", memory).as_ref().and_then(number);
            let (name, content) = (name.clone(), Content::Other);
            found.push(SampledKey { name, kind, encoding, ttl, memory, content });
        }
        self.strings(connection, &mut found).await?;
        for key in found.iter_mut().filter(|key| key.kind == "hash") {
            if let Some(content) = self.hash(connection, &key.name).await? {
                key.content = content;
            }
        }
        // The others are gone by now.
        found.retain(|key| !(is_known(&key.kind) && matches!(key.content, Content::Other)));
        self.keys.append(&mut found);
        Ok(())
    }

    /// Reads the values of all strings.
    async fn strings(
        &mut self,
        connection: &mut Connection<'_>,
        keys: &mut [SampledKey],
    ) -> Result<(), Failure> {
        let strings: Vec<_> = keys.iter_mut().filter(|key| key.kind == "string").collect();
        let mut about = Pipeline::new();
        for key in &strings {
            about.cmd("STRLEN").arg(&key.name);
        }
        let mut wanted = Vec::with_capacity(2 * strings.len());
        for (key, len) in strings.iter().zip(connection.ask_all(&about).await?) {
            let len = self.noted("STRLEN", len).as_ref().and_then(number).unwrap_or_default();
            let len = self.reserve(len);
            let mut range = cmd("GETRANGE");
            range.arg(&key.name).arg(0).arg(len.max(1) - 1);
            // Once more, since it may be another value by now.
            let mut again = cmd("STRLEN");
            again.arg(&key.name);
            wanted.extend([(range, len), (again, 0)]);
        }
        let mut answers = in_parts(connection, wanted).await?.into_iter();
        for key in strings {
            let (Some(value), Some(len)) = (answers.next(), answers.next()) else { break };
            let value = self.noted("GETRANGE", value).and_then(bytes);
            let len = self.noted("STRLEN", len).as_ref().and_then(number);
            if let (Some(bytes), Some(len)) = (value, len) {
                key.content = Content::Text(Stored { bytes, len });
            }
        }
        Ok(())
    }

    /// Some fields at random. Not `HSCAN`, which sends values however long they are, and always the same.
    async fn hash(
        &mut self,
        connection: &mut Connection<'_>,
        name: &[u8],
    ) -> Result<Option<Content>, Failure> {
        let mut about = Pipeline::new();
        about.cmd("HLEN").arg(name);
        about.cmd("HRANDFIELD").arg(name).arg(self.options.fields);
        let mut answers = connection.ask_all(&about).await?.into_iter();
        let (Some(len), Some(fields)) = (answers.next(), answers.next()) else { return Ok(None) };
        let Some(count) = self.noted("HLEN", len).as_ref().and_then(number) else {
            return Ok(None);
        };
        let fields: Vec<Vec<u8>> = match self.noted("HRANDFIELD", fields) {
            Some(Value::Array(fields)) => fields.into_iter().filter_map(bytes).collect(),
            _ => Vec::new(),
        };
        let fields: Vec<_> =
            fields.into_iter().filter(|field| field.len() <= LONGEST_NAME).collect();
        let mut lens = Pipeline::new();
        for field in &fields {
            lens.cmd("HSTRLEN").arg(name).arg(field);
        }
        // There is no range of a field: those that are too long are not read.
        let (mut short, mut wanted) = (Vec::new(), Vec::new());
        for (field, len) in fields.into_iter().zip(connection.ask_all(&lens).await?) {
            let Some(len) = self.noted("HSTRLEN", len).as_ref().and_then(number) else { continue };
            if len > self.limit() as u64 {
                self.notes.insert("long values of hashes were not read".into());
                continue;
            }
            let mut get = cmd("HGET");
            get.arg(name).arg(&field);
            wanted.push((get, self.reserve(len)));
            short.push(field);
        }
        let mut read = Vec::with_capacity(short.len());
        for (field, value) in short.into_iter().zip(in_parts(connection, wanted).await?) {
            if let Some(bytes) = self.noted("HGET", value).and_then(bytes) {
                let len = bytes.len() as u64;
                read.push((field, Stored { bytes, len }));
            }
        }
        Ok((count > 0).then_some(Content::Hash(count, read)))
    }

    /// How many bytes of the next value may be read.
    fn limit(&self) -> usize {
        self.options.max_value.min(self.room).max(HEAD)
    }

    /// Room for as much as may be read of a value of `len` bytes.
    fn reserve(&mut self, len: u64) -> usize {
        let read = usize::try_from(len).unwrap_or(usize::MAX).min(self.limit());
        self.room = self.room.saturating_sub(read);
        read
    }

    /// The answer, unless it is a refusal, which is told once.
    fn noted(&mut self, command: &str, answer: Value) -> Option<Value> {
        match answer {
            // A key that is another type by now is one that is gone.
            Value::ServerError(error) if error.code() == "WRONGTYPE" => None,
            Value::ServerError(error) => {
                let why = if error.code() == "NOPERM" {
                    "the ACL user lacks the right"
                } else {
                    error.code()
                };
                self.notes.insert(format!("the server refuses {command} ({why})"));
                None
            }
            Value::Nil => None,
            answer => Some(answer),
        }
    }
}

/// Whether this type is looked into.
fn is_known(kind: &str) -> bool {
    ["string", "hash"].contains(&kind)
}

/// The answers to commands of which each is for so many bytes: not for too many at once.
async fn in_parts(
    connection: &mut Connection<'_>,
    commands: Vec<(Cmd, usize)>,
) -> Result<Vec<Value>, Failure> {
    let (mut answers, mut part, mut bytes) = (Vec::new(), Pipeline::new(), 0);
    for (command, len) in commands {
        if bytes > 0 && bytes + len > AT_ONCE {
            answers.append(&mut connection.ask_all(&part).await?);
            part.clear();
            bytes = 0;
        }
        part.add_command(command);
        bytes += len;
    }
    answers.append(&mut connection.ask_all(&part).await?);
    Ok(answers)
}

pub(crate) fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}

fn word(value: Value) -> Option<String> {
    String::from_utf8(bytes(value)?).ok()
}

fn number(value: &Value) -> Option<u64> {
    match value {
        // A TTL of -1 is none.
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}
