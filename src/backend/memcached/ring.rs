//! Which server a key belongs to: ketama, as libmemcached has it.

use md5::{Digest, Md5};

/// Points of a server of average weight.
const POINTS: f32 = 160.0;
/// Points that one digest gives.
const POINTS_PER_DIGEST: usize = 4;

/// The points of servers on a circle of all hashes. A key belongs to the server of the first point from
/// its own on, so that a server that comes or goes takes with it only the keys that are its own.
///
/// As `MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED`, to which pylibmc's `ketama_weighted` and the consistent
/// distribution of other clients lead: programs with the same list of servers find each other's keys.
#[derive(Debug)]
pub(super) struct Ring {
    /// Hashes in their order, and the number of the server.
    points: Vec<(u32, usize)>,
    servers: usize,
}

impl Ring {
    /// The ring of servers by their names, in their order, and weights.
    pub(super) fn new(servers: &[(String, u32)]) -> Self {
        let mut points = Vec::new();
        // A server alone has all keys.
        if servers.len() > 1 {
            for (number, (name, weight)) in servers.iter().enumerate() {
                for digest in 0..digests(*weight, servers) {
                    let digest = Md5::digest(format!("{name}-{digest}"));
                    let hashes = digest.chunks_exact(4).take(POINTS_PER_DIGEST);
                    points.extend(hashes.map(|hash| (first_four(hash), number)));
                }
            }
            points.sort_by_key(|(hash, _)| *hash);
        }
        Self { points, servers: servers.len() }
    }

    /// How many servers a key has: the first is its own, the others stand in for those before them.
    pub(super) fn servers(&self) -> usize {
        self.servers
    }

    /// The server of a key with this hash while `nth` servers before it are down.
    pub(super) fn server(&self, hash: u32, nth: usize) -> usize {
        let start = self.points.partition_point(|(point, _)| *point < hash);
        let (before, from) = self.points.split_at(start);
        let mut around = from.iter().chain(before).map(|(_, server)| *server);
        let mut passed: Vec<usize> = Vec::new();
        for _ in 0..nth {
            passed.extend(around.find(|server| !passed.contains(server)));
        }
        around.find(|server| !passed.contains(server)).unwrap_or(0)
    }
}

/// Where a key is on the ring.
pub(super) fn hash(name: &[u8]) -> u32 {
    first_four(&Md5::digest(name))
}

fn first_four(digest: &[u8]) -> u32 {
    digest.first_chunk().map_or(0, |four| u32::from_le_bytes(*four))
}

/// How many digests a server of this weight gets, in the floating point of libmemcached, whose
/// rounding counts.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what libmemcached does"
)]
fn digests(weight: u32, servers: &[(String, u32)]) -> u32 {
    let total: u32 = servers.iter().map(|(_, weight)| weight).sum();
    let share = weight as f32 / total as f32;
    let digests = share * POINTS / POINTS_PER_DIGEST as f32 * servers.len() as f32;
    // Unlike there, no server is without a point.
    ((f64::from(digests) + 0.000_000_000_1) as f32 as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Weighted<'a> = &'a [(&'a str, u32)];

    fn ring(servers: Weighted<'_>) -> Ring {
        let servers = servers.iter().map(|(name, weight)| ((*name).to_owned(), *weight));
        Ring::new(&servers.collect::<Vec<_>>())
    }

    /// `memcached_generate_hash` of libmemcached 1.1.4 with `MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED`, for the
    /// keys `key:0` to `key:39`, and how many of a hundred thousand each server has.
    #[test]
    fn keys_are_where_libmemcached_has_them() {
        #[rustfmt::skip]
        let known: [(Weighted<'_>, &str, &[usize]); 6] = [
            (&[("10.0.0.1", 1), ("10.0.0.2", 1), ("10.0.0.3", 1)],
                "1102100010111121200121002202001202002220", &[38176, 31228, 30596]),
            (&[("10.0.0.1", 1), ("10.0.0.2:11212", 1), ("cache.example.com:7000", 1)],
                "2222002111210202020011000220101111002110", &[35816, 32054, 32130]),
            (&[("10.0.0.1", 1), ("10.0.0.2", 2), ("10.0.0.3", 5)],
                "1122100112111221200121222202110222002222", &[15267, 26316, 58417]),
            (&[("a:1", 3), ("b:2", 7), ("c:3", 1), ("d:4", 1), ("e", 13)],
                "4414444140004444444144140241111414444040", &[13932, 28487, 3440, 2885, 51256]),
            (&[("/run/a.sock:0", 1), ("/run/b.sock:0", 1)],
                "1001110011111110111111101100110100110101", &[52449, 47551]),
            (&[("::1", 1), ("::2:22122", 1)],
                "1000111001101001011010101101101000010010", &[48587, 51413]),
        ];
        for (servers, first, counts) in known {
            let ring = ring(servers);
            let server = |key: usize| ring.server(hash(format!("key:{key}").as_bytes()), 0);
            let found: String = (0..40).map(|key| server(key).to_string()).collect();
            assert_eq!(found, first, "{servers:?}");
            let mut counted = vec![0; servers.len()];
            (0..100_000).for_each(|key| counted[server(key)] += 1);
            assert_eq!(counted, counts, "{servers:?}");
        }
    }

    #[test]
    fn every_server_stands_in_once() {
        let ring = ring(&[("a", 1), ("b", 1), ("c", 3), ("d", 1)]);
        assert_eq!(ring.servers(), 4);
        for key in 0..1000_u32 {
            let hash = hash(&key.to_le_bytes());
            let mut order: Vec<usize> = (0..4).map(|nth| ring.server(hash, nth)).collect();
            // Without the first one, its keys go where this ring says they go.
            assert_ne!(order[0], order[1]);
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2, 3]);
        }
        for end in [0, u32::MAX] {
            assert_eq!(ring.server(end, 0), ring.points[0].1);
        }
    }

    #[test]
    fn a_server_alone_has_all_keys() {
        let ring = ring(&[("a", 7)]);
        assert_eq!((ring.servers(), ring.server(0, 0), ring.server(u32::MAX, 0)), (1, 0, 0));
    }
}
