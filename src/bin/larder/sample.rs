//! A uniform sample of the keys, and what the server says about each of them.
//!
//! What is held in memory depends on the options alone, not on what is in the server: names and values
//! longer than their limits are cut by the server before they are sent. (`SCAN` and `HRANDFIELD` send whole
//! names, which nothing can prevent.)

use std::{
    collections::{BTreeSet, HashSet},
    hash::{BuildHasher, RandomState},
};

use redis::{Cmd, Pipeline, Value, cmd};

use crate::{
    connection::Connection,
    escape,
    failure::Failure,
    options::{Options, What},
    server::Server,
};

/// How many keys one `SCAN` walks over: well below a millisecond of the server's time.
const STEP: u64 = 200;
/// How many keys are asked about in one go.
const BATCH: usize = 50;
/// Longer names are counted, and not looked at.
const LONGEST_NAME: usize = 1024;
/// How many bytes of values are held, all together. Of what comes after that, the first bytes only.
const ROOM: usize = 64 << 20;
/// How many bytes these are.
const HEAD: usize = 256;

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
                escape::bytes(pattern)
            )),
            Some(pattern) if self.matched == 0 => Failure::new(format!(
                "none of {} keys is like {}; more are walked over with --scan",
                self.scanned,
                escape::bytes(pattern)
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

/// A walk over all keys that keeps some of them: each with the same chance, however many there are.
struct Walk {
    wanted: usize,
    chosen: Vec<Vec<u8>>,
    scanned: u64,
    matched: u64,
    too_long: u64,
    dice: (RandomState, u64),
}

impl Walk {
    fn new(wanted: usize) -> Self {
        let dice = (RandomState::new(), 0);
        Self { wanted, chosen: Vec::new(), scanned: 0, matched: 0, too_long: 0, dice }
    }

    /// Whether it came to the end.
    async fn go(
        &mut self,
        connection: &mut Connection<'_>,
        options: &Options,
        database_keys: u64,
    ) -> Result<bool, Failure> {
        let mut cursor = b"0".to_vec();
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(&cursor);
            if let Some(pattern) = &options.pattern {
                scan.arg("MATCH").arg(pattern);
            }
            scan.arg("COUNT").arg(STEP);
            let Value::Array(answer) = connection.ask(&scan).await? else { return Ok(true) };
            let mut answer = answer.into_iter();
            let (Some(next), Some(Value::Array(names))) = (answer.next(), answer.next()) else {
                return Err(Failure::new(format!("{} answers no SCAN", connection.target)));
            };
            cursor = bytes(next).unwrap_or_default();
            self.scanned += STEP.max(names.len() as u64);
            names.into_iter().filter_map(bytes).for_each(|name| self.meet(name));
            if cursor == b"0" || cursor.is_empty() {
                return Ok(true);
            }
            if self.scanned >= options.scan {
                // The last step may just not have been noticed to be the last.
                return Ok(self.scanned >= database_keys.saturating_mul(2));
            }
        }
    }

    fn meet(&mut self, name: Vec<u8>) {
        self.matched += 1;
        if name.len() > LONGEST_NAME {
            self.too_long += 1;
        } else if self.chosen.len() < self.wanted {
            self.chosen.push(name);
        } else if let Some(place) = self.roll(self.matched) {
            self.chosen[place] = name;
        }
    }

    /// A place among the chosen for the one that comes as number `count`, if it is to have one.
    fn roll(&mut self, count: u64) -> Option<usize> {
        self.dice.1 += 1;
        let rolled = self.dice.0.hash_one(self.dice.1) % count;
        usize::try_from(rolled).ok().filter(|place| *place < self.wanted)
    }
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
        let answers = connection.ask_all(&about).await?;
        let mut found = Vec::with_capacity(names.len());
        for (name, answers) in names.iter().zip(answers.chunks(4)) {
            let [kind, ttl, encoding, memory] = answers else { continue };
            // What is gone by now was sampled in vain.
            let Some(kind) = self.noted("TYPE", kind).and_then(word).filter(|word| word != "none")
            else {
                continue;
            };
            let ttl = self.noted("PTTL", ttl).and_then(number);
            let encoding = self.noted("OBJECT ENCODING", encoding).and_then(word);
            let memory = self.noted("MEMORY USAGE", memory).and_then(number);
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

    /// Reads the values of all strings in one go.
    async fn strings(
        &mut self,
        connection: &mut Connection<'_>,
        keys: &mut [SampledKey],
    ) -> Result<(), Failure> {
        let strings = || |key: &&mut SampledKey| key.kind == "string";
        let last = self.limit() - 1;
        let mut about = Pipeline::new();
        for key in keys.iter_mut().filter(strings()) {
            about.cmd("STRLEN").arg(&key.name);
            about.cmd("GETRANGE").arg(&key.name).arg(0).arg(last);
        }
        let answers = connection.ask_all(&about).await?;
        for (key, answers) in keys.iter_mut().filter(strings()).zip(answers.chunks(2)) {
            let [len, value] = answers else { continue };
            let len = self.noted("STRLEN", len).and_then(number);
            let value = self.noted("GETRANGE", value).cloned().and_then(bytes);
            if let (Some(len), Some(value)) = (len, value) {
                key.content = Content::Text(self.stored(value, len));
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
        let Some(len) = self.noted("HLEN", &len).and_then(number) else { return Ok(None) };
        let fields = match self.noted("HRANDFIELD", &fields) {
            Some(Value::Array(fields)) => fields.iter().cloned().filter_map(bytes).collect(),
            _ => Vec::new(),
        };
        let fields: Vec<Vec<u8>> =
            fields.into_iter().filter(|field: &Vec<u8>| field.len() <= LONGEST_NAME).collect();
        let lens = connection.ask_all(&of_fields("HSTRLEN", name, &fields)).await?;
        // There is no range of a field: those that are too long are not read.
        let mut short = Vec::with_capacity(fields.len());
        for (field, len) in fields.into_iter().zip(&lens) {
            let len = self.noted("HSTRLEN", len).and_then(number).unwrap_or(u64::MAX);
            if usize::try_from(len).is_ok_and(|len| len <= self.limit()) {
                short.push(field);
            } else if len != u64::MAX {
                self.notes.insert("long values of hashes were not read".into());
            }
        }
        let values = connection.ask_all(&of_fields("HGET", name, &short)).await?;
        let mut read = Vec::with_capacity(short.len());
        for (field, value) in short.into_iter().zip(values) {
            if let Some(value) = self.noted("HGET", &value).cloned().and_then(bytes) {
                let len = value.len() as u64;
                read.push((field, self.stored(value, len)));
            }
        }
        Ok((len > 0).then_some(Content::Hash(len, read)))
    }

    fn limit(&self) -> usize {
        self.options.max_value.min(self.room).max(HEAD)
    }

    fn stored(&mut self, bytes: Vec<u8>, len: u64) -> Stored {
        self.room = self.room.saturating_sub(bytes.len());
        Stored { bytes, len }
    }

    /// The answer, unless it is a refusal, which is told once.
    fn noted<'v>(&mut self, command: &str, answer: &'v Value) -> Option<&'v Value> {
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

fn of_fields(command: &str, name: &[u8], fields: &[Vec<u8>]) -> Pipeline {
    let mut all = Pipeline::new();
    for field in fields {
        let mut one = Cmd::new();
        one.arg(command).arg(name).arg(field);
        all.add_command(one);
    }
    all
}

pub(crate) fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}

fn word(value: &Value) -> Option<String> {
    bytes(value.clone()).and_then(|bytes| String::from_utf8(bytes).ok())
}

fn number(value: &Value) -> Option<u64> {
    match value {
        // A TTL of -1 is none.
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}
