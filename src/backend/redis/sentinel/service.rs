//! Who is the master now.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use redis::{Cmd, Value};
use tokio::time::sleep;

use super::super::{
    config::Target,
    connection::{Link, Live},
    failure::{self, LAYER},
    tracking::Listener,
};
use crate::{Error, ErrorKind, Result};

/// How soon the sentinels are asked again when they named a server that has another role by now.
const AGAIN: Duration = Duration::from_millis(20);

/// Servers that sentinels watch, of which each connection leads to one.
pub(in super::super) struct Service {
    pub(super) name: String,
    pub(super) sentinels: Arc<[Arc<Link>]>,
    pub(super) role: Role,
    pub(super) is_tls: bool,
    /// Who is asked first.
    first: AtomicUsize,
}

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Role {
    Master,
    Replica,
}

impl Service {
    pub(super) fn new(name: String, sentinels: Arc<[Arc<Link>]>, role: Role, is_tls: bool) -> Self {
        Self { name, sentinels, role, is_tls, first: AtomicUsize::new(0) }
    }

    pub(in super::super) const fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// A connection to a server that has the role. `access` says how to enter it.
    // Boxed and typed, because a server is dialed by what calls this.
    pub(in super::super) fn dial<'a>(
        &'a self,
        access: &'a Target,
        listener: Option<&'a Listener>,
    ) -> Pin<Box<dyn Future<Output = Result<Arc<Live>>> + Send + 'a>> {
        Box::pin(async move {
            loop {
                let (host, port) = self.find().await?;
                let live = access.at(&host, port)?.dial(listener).await?;
                // Sentinels learn of a failover one by one, and the last one names the old master.
                let said = live.ask(&redis::cmd("ROLE"), access.response_timeout).await?;
                if role(&said)? == self.role {
                    return Ok(live);
                }
                sleep(AGAIN).await;
            }
        })
    }

    /// Asks one sentinel after the other.
    async fn find(&self) -> Result<(String, u16)> {
        // Who does not answer is not asked first again, even if this call ends while it waits.
        let first = self.first.fetch_add(1, Ordering::Relaxed);
        let mut failure = None;
        for turn in 0..self.sentinels.len() {
            let at = (first + turn) % self.sentinels.len();
            match self.ask(&self.sentinels[at]).await {
                Ok(found) => {
                    self.first.store(at, Ordering::Relaxed);
                    return Ok(found);
                }
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| failure::unexpected("there are no sentinels")))
    }

    async fn ask(&self, sentinel: &Arc<Link>) -> Result<(String, u16)> {
        let found = match sentinel.send(&self.question()).await? {
            Value::ServerError(error) => return Err(failure::refusal(&error)),
            answer if self.role == Role::Master => master(answer),
            answer => replicas(answer).and_then(|all| {
                let count = self.first.load(Ordering::Relaxed) % all.len().max(1);
                all.into_iter().nth(count)
            }),
        };
        found.ok_or_else(|| {
            let (address, name) = (&sentinel.target().address, &self.name);
            let kind = ErrorKind::Unavailable;
            Error::new(kind, LAYER).with_message(match self.role {
                Role::Master => format!("the sentinel at {address} knows no master `{name}`"),
                Role::Replica => format!("the sentinel at {address} knows no replica of `{name}`"),
            })
        })
    }

    fn question(&self) -> Cmd {
        let mut sentinel = redis::cmd("SENTINEL");
        sentinel.arg(match self.role {
            Role::Master => "GET-MASTER-ADDR-BY-NAME",
            Role::Replica => "REPLICAS",
        });
        sentinel.arg(&self.name);
        sentinel
    }
}

/// Says what is looked for and who is asked.
impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Master => "the master",
            Role::Replica => "a replica",
        };
        write!(f, "{role} of `{}`, by the sentinels", self.name)?;
        for (at, sentinel) in self.sentinels.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma} {}", sentinel.target().address)?;
        }
        Ok(())
    }
}

/// The role in an answer to `ROLE`.
fn role(answer: &Value) -> Result<Role> {
    let role = match answer {
        Value::ServerError(error) => return Err(failure::refusal(error)),
        Value::Array(parts) => parts.first().and_then(text),
        _ => None,
    };
    match role {
        Some("master") => Ok(Role::Master),
        Some("slave" | "replica") => Ok(Role::Replica),
        _ => Err(failure::unexpected("what answers does not say whether it is a master")),
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

/// The host and port in an answer to `SENTINEL GET-MASTER-ADDR-BY-NAME`.
fn master(answer: Value) -> Option<(String, u16)> {
    let Value::Array(parts) = answer else { return None };
    let [host, port] = &parts[..] else { return None };
    Some((text(host)?.to_owned(), text(port)?.parse().ok()?))
}

/// Those in an answer to `SENTINEL REPLICAS` that are up and follow their master.
fn replicas(answer: Value) -> Option<Vec<(String, u16)>> {
    let Value::Array(all) = answer else { return None };
    Some(all.iter().filter_map(replica).collect())
}

fn replica(about: &Value) -> Option<(String, u16)> {
    let Value::Array(parts) = about else { return None };
    let field = |name| {
        let mut pairs = parts.chunks_exact(2);
        pairs.find(|pair| text(&pair[0]) == Some(name)).and_then(|pair| text(&pair[1]))
    };
    let mut flags = field("flags")?.split(',');
    let is_down = flags.any(|flag| matches!(flag, "s_down" | "o_down" | "disconnected"));
    if is_down || field("master-link-status") == Some("err") {
        return None;
    }
    Some((field("ip")?.to_owned(), field("port")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Value {
        Value::Array(texts.iter().map(|text| Value::BulkString(text.as_bytes().into())).collect())
    }

    #[test]
    fn reads_what_sentinels_and_servers_say() {
        assert_eq!(master(texts(&["10.0.0.1", "7000"])), Some(("10.0.0.1".to_owned(), 7000)));
        assert_eq!(master(Value::Nil), None);
        assert_eq!(master(texts(&["10.0.0.1", "x"])), None);
        let about = |port, flags, link| {
            let about = ["ip", "h", "port", port, "flags", flags, "master-link-status", link];
            texts(&about)
        };
        let all = Value::Array(vec![
            about("1", "slave", "ok"),
            about("2", "s_down,slave,disconnected", "ok"),
            about("3", "slave", "err"),
            about("4", "slave", "ok"),
        ]);
        assert_eq!(replicas(all), Some(vec![("h".to_owned(), 1), ("h".to_owned(), 4)]));
        let said = Value::Array(vec![Value::BulkString(b"slave".into()), Value::Int(1)]);
        assert_eq!(role(&said).unwrap(), Role::Replica);
        assert_eq!(role(&texts(&["master"])).unwrap(), Role::Master);
        assert_eq!(role(&texts(&["sentinel"])).unwrap_err().kind(), ErrorKind::Backend);
    }
}
