//! A cluster of a test's own.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{
    DEADLINE,
    redis_server::{RedisServer, Reply, free_port},
};

/// How soon a node that does not answer counts as lost, in milliseconds.
const NODE_TIMEOUT: &str = "1000";

/// Three masters on TCP ports of 127.0.0.1, with or without a replica each; killed when dropped. A
/// slot that nobody serves stops no other.
pub(crate) struct RedisCluster {
    /// The masters, then their replicas in the same order.
    pub(crate) nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Three masters.
    pub(crate) fn start(program: impl Into<PathBuf>) -> Self {
        Self::start_nodes(program, 3)
    }

    /// Three masters, a replica each.
    pub(crate) fn start_with_replicas() -> Self {
        Self::start_nodes("redis-server", 6)
    }

    fn start_nodes(program: impl Into<PathBuf>, count: usize) -> Self {
        let program = program.into();
        let node = || {
            let bus = free_port().to_string();
            #[rustfmt::skip]
            let args = [
                "--cluster-enabled", "yes", "--cluster-port", &bus,
                "--cluster-node-timeout", NODE_TIMEOUT, "--cluster-require-full-coverage", "no",
                "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0",
            ];
            RedisServer::start_program(program.clone(), &args)
        };
        let nodes: Vec<RedisServer> = std::thread::scope(|scope| {
            let starting: Vec<_> = (0..count).map(|_| scope.spawn(node)).collect();
            starting.into_iter().map(|node| node.join().expect("a node of a cluster")).collect()
        });
        let cluster = Self { nodes };
        let ok = Reply::Simple("OK".to_owned());
        for (at, slots) in [("0", "5460"), ("5461", "10922"), ("10923", "16383")].iter().enumerate()
        {
            let node = &cluster.nodes[at];
            assert_eq!(node.call(&["CLUSTER", "ADDSLOTSRANGE", slots.0, slots.1]), ok);
            let epoch = (at + 1).to_string();
            assert_eq!(node.call(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]), ok);
        }
        for (at, one) in cluster.nodes.iter().enumerate() {
            for other in &cluster.nodes[at + 1..] {
                let bus = other.call(&["CONFIG", "GET", "cluster-port"]);
                let Reply::Array(bus) = bus else { panic!("{bus:?}") };
                let port = other.port().to_string();
                let meet = ["CLUSTER", "MEET", "127.0.0.1", &port, &bus[1].text()];
                assert_eq!(one.call(&meet), ok);
            }
        }
        cluster.wait("everybody knows everybody", |node| {
            node.call(&["CLUSTER", "NODES"]).text().lines().count() == count
                && !node.call(&["CLUSTER", "NODES"]).text().contains("handshake")
        });
        for (at, replica) in cluster.nodes.iter().enumerate().skip(3) {
            let master = cluster.nodes[at - 3].call(&["CLUSTER", "MYID"]).text();
            assert_eq!(replica.call(&["CLUSTER", "REPLICATE", &master]), ok);
        }
        cluster.wait("the cluster serves all slots", |node| {
            let info = node.call(&["CLUSTER", "INFO"]).text();
            let replication = node.call(&["INFO", "replication"]).text();
            info.contains("cluster_state:ok")
                && info.contains("cluster_slots_ok:16384")
                && (count == 3
                    || replication.contains("master_link_status:up")
                    || replication.contains("state=online"))
        });
        cluster
    }

    /// Waits until `probe` holds for all nodes.
    pub(crate) fn wait(&self, what: &str, mut probe: impl FnMut(&RedisServer) -> bool) {
        let start = Instant::now();
        while !self.nodes.iter().all(&mut probe) {
            assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The URLs of all nodes.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::tcp_url).collect()
    }

    /// Removes everything.
    pub(crate) fn flush(&self) {
        for master in &self.nodes[..3] {
            assert_eq!(master.call(&["FLUSHALL"]), Reply::Simple("OK".to_owned()));
        }
    }

    /// Which of the masters served the slot of `name` at first.
    pub(crate) fn home(&self, name: &str) -> usize {
        match self.nodes[0].call(&["CLUSTER", "KEYSLOT", name]).int() {
            0..5461 => 0,
            5461..10923 => 1,
            _ => 2,
        }
    }
}
