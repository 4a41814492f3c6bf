//! What the server says about itself.

use std::collections::BTreeSet;

use redis::{Value, cmd};

use crate::{connection::Connection, failure::Failure, sample};

/// A server, as far as it makes a difference.
#[derive(Clone, Debug, Default)]
pub(crate) struct Server {
    /// `Redis 7.0.15`, `Valkey 8.1.1`, or nothing if it may not be asked.
    pub(crate) name: Option<String>,
    /// `jemalloc-5.3.0`, `libc`.
    pub(crate) allocator: Option<String>,
    /// Small numbers are shared by all keys that have them, unless values are evicted by their use.
    pub(crate) shares_numbers: bool,
    pub(crate) is_cluster: bool,
    /// The steps in which jemalloc counts: 8 bytes as Redis builds it, 16 as distributions do.
    pub(crate) quantum: Option<u64>,
}

impl Server {
    /// Asks; what the user may not know is noted. Only who weighs has to know how the allocator counts.
    pub(crate) async fn ask(
        connection: &mut Connection<'_>,
        weighs: bool,
        notes: &mut BTreeSet<String>,
    ) -> Result<Self, Failure> {
        let mut all = redis::Pipeline::new();
        for section in ["server", "memory", "cluster"] {
            all.add_command({
                let mut info = cmd("INFO");
                info.arg(section);
                info
            });
        }
        let mut info = String::new();
        for answer in connection.ask_all(&all).await? {
            match answer {
                Value::ServerError(error) if error.code() == "NOPERM" => {
                    notes.insert("the server refuses INFO (the ACL user lacks the right)".into());
                }
                Value::ServerError(error) => return Err(connection.target.refused(&error)),
                answer => {
                    let bytes = sample::bytes(answer).unwrap_or_default();
                    info.push_str(&String::from_utf8_lossy(&bytes));
                }
            }
        }
        let mut server = Self::read(&info);
        let mut allocator = redis::Pipeline::new();
        if weighs {
            // Half a millisecond, once.
            allocator.cmd("MEMORY").arg("MALLOC-STATS");
        }
        for answer in connection.ask_all(&allocator).await? {
            let stats = sample::bytes(answer).unwrap_or_default();
            server.quantum = quantum(&String::from_utf8_lossy(&stats));
        }
        if server.is_cluster {
            notes.insert("this is one node of a cluster: the figures are its own".into());
        }
        Ok(server)
    }

    fn read(info: &str) -> Self {
        let field = |name: &str| {
            info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
        };
        let version =
            |kind: &str, name: &str| field(name).map(|version| format!("{kind} {version}"));
        let evicts = field("maxmemory").is_some_and(|max| max != "0");
        let policy = field("maxmemory_policy").unwrap_or_default();
        Self {
            // Valkey tells a version of Redis, too.
            name: version("Valkey", "valkey_version").or(version("Redis", "redis_version")),
            allocator: field("mem_allocator").map(str::to_owned),
            shares_numbers: !(evicts && (policy.contains("lru") || policy.contains("lfu"))),
            is_cluster: field("cluster_enabled") == Some("1"),
            quantum: None,
        }
    }
}

fn quantum(stats: &str) -> Option<u64> {
    let quantum = stats.lines().find_map(|line| line.strip_prefix("Quantum size:"))?;
    quantum.trim().parse().ok().filter(|quantum| [8, 16].contains(quantum))
}
