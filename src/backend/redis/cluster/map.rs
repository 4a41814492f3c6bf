//! Which node serves which slots.

use std::{str::FromStr, sync::Arc};

use redis::{Cmd, ServerError, ServerErrorKind, Value};

use super::super::connection::Link;

/// Where a node is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) host: Box<str>,
    pub(super) port: u16,
}

/// `host:port`, where the host may be an IPv6 address, or missing: that of whoever says so.
impl FromStr for Address {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (host, port) = text.rsplit_once(':').ok_or(())?;
        Ok(Self { host: host.into(), port: port.parse().or(Err(()))? })
    }
}

/// A run of slots with one master.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: u16,
    pub(super) last: u16,
    /// The master, then its replicas.
    pub(super) nodes: Vec<Address>,
}

/// The question that [`runs`] reads the answer of. Every server knows it, `CLUSTER SHARDS` not.
pub(super) fn question() -> Cmd {
    let mut cluster = redis::cmd("CLUSTER");
    cluster.arg("SLOTS");
    cluster
}

/// The runs in an answer to `CLUSTER SLOTS`; a node without a host has the `host` of who answered.
pub(super) fn runs(answer: Value, host: &str) -> Option<Vec<Run>> {
    let Value::Array(runs) = answer else { return None };
    runs.into_iter().map(|one| run(one, host)).collect()
}

fn run(run: Value, host: &str) -> Option<Run> {
    let Value::Array(parts) = run else { return None };
    let mut parts = parts.into_iter();
    let mut slot = || match parts.next() {
        Some(Value::Int(slot)) => u16::try_from(slot).ok(),
        _ => None,
    };
    let (first, last) = (slot()?, slot()?);
    let nodes: Option<Vec<Address>> = parts.map(|one| node(one, host)).collect();
    Some(Run { first, last, nodes: nodes.filter(|nodes| !nodes.is_empty())? })
}

fn node(node: Value, host: &str) -> Option<Address> {
    let Value::Array(parts) = node else { return None };
    let own = match parts.first()? {
        Value::BulkString(own) => str::from_utf8(own).ok()?,
        Value::Nil => "",
        _ => return None,
    };
    let Value::Int(port) = parts.get(1)? else { return None };
    // "?" is what a server says that does not know its own name.
    let host = if matches!(own, "" | "?") { host } else { own };
    Some(Address { host: host.into(), port: u16::try_from(*port).ok()? })
}

/// Which links lead to which slots.
#[derive(Default)]
pub(super) struct Map {
    /// By their last slots.
    runs: Vec<(u16, u16, Arc<Link>)>,
    /// Everyone who can be asked for a newer map.
    pub(super) known: Vec<Address>,
}

impl Map {
    pub(super) fn new(mut runs: Vec<(u16, u16, Arc<Link>)>, known: Vec<Address>) -> Self {
        runs.sort_by_key(|(_, last, _)| *last);
        Self { runs, known }
    }

    /// Whether nothing is known.
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Who serves `slot`; where nobody does, or any will do, somebody.
    pub(super) fn link(&self, slot: Option<u16>) -> Option<&Arc<Link>> {
        let at = slot.map_or(0, |slot| self.runs.partition_point(|(_, last, _)| *last < slot));
        let served = self.runs.get(at).filter(|(first, ..)| slot.is_none_or(|slot| *first <= slot));
        served.or_else(|| self.runs.first()).map(|(_, _, link)| link)
    }

    /// Everyone who serves slots.
    pub(super) fn masters(&self) -> Vec<&Arc<Link>> {
        let mut masters: Vec<&Arc<Link>> = Vec::new();
        for (_, _, link) in &self.runs {
            if !masters.iter().any(|known| Arc::ptr_eq(known, link)) {
                masters.push(link);
            }
        }
        masters
    }
}

/// An answer that is none yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    /// Another node has the slot now.
    Moved(Address),
    /// The slot is on its way, and this key is there already.
    Ask(Address),
    /// The slot is on its way, and some keys of the command are there already.
    Later,
}

impl Redirect {
    pub(super) fn of(answer: &Value) -> Option<Self> {
        match answer {
            Value::ServerError(error) => Self::of_error(error),
            _ => None,
        }
    }

    fn of_error(error: &ServerError) -> Option<Self> {
        // The slot and the address.
        let address = || error.details()?.split(' ').nth(1)?.parse().ok();
        match error.kind()? {
            ServerErrorKind::Moved => address().map(Self::Moved),
            ServerErrorKind::Ask => address().map(Self::Ask),
            ServerErrorKind::TryAgain => Some(Self::Later),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn node(host: Value, port: i64) -> Value {
        Value::Array(vec![host, Value::Int(port), text("id"), Value::Array(vec![])])
    }

    fn address(host: &str, port: u16) -> Address {
        Address { host: host.into(), port }
    }

    #[test]
    fn reads_what_servers_say_of_slots() {
        let answer = Value::Array(vec![
            Value::Array(vec![
                Value::Int(0),
                Value::Int(99),
                node(text("10.0.0.1"), 7000),
                node(text(""), 7001),
            ]),
            Value::Array(vec![Value::Int(100), Value::Int(16383), node(Value::Nil, 7002)]),
        ]);
        let nodes = |nodes: &[(&str, u16)]| nodes.iter().map(|(h, p)| address(h, *p)).collect();
        assert_eq!(
            runs(answer, "me").unwrap(),
            [
                Run { first: 0, last: 99, nodes: nodes(&[("10.0.0.1", 7000), ("me", 7001)]) },
                Run { first: 100, last: 16383, nodes: nodes(&[("me", 7002)]) },
            ]
        );
        assert_eq!(runs(Value::Array(vec![]), "me"), Some(vec![]));
        for odd in [
            Value::Okay,
            Value::Array(vec![Value::Int(1)]),
            Value::Array(vec![Value::Array(vec![Value::Int(0), Value::Int(99)])]),
            Value::Array(vec![Value::Array(vec![Value::Int(0), Value::Int(70_000)])]),
        ] {
            assert_eq!(runs(odd, "me"), None);
        }
    }

    #[test]
    fn addresses_may_be_of_any_kind() {
        assert_eq!("10.0.0.1:7000".parse(), Ok(address("10.0.0.1", 7000)));
        assert_eq!("::1:7000".parse(), Ok(address("::1", 7000)));
        assert_eq!(":7000".parse(), Ok(address("", 7000)));
        assert_eq!("host".parse::<Address>(), Err(()));
        assert_eq!("host:99999".parse::<Address>(), Err(()));
    }
}
