mod builder;
#[cfg(feature = "config")]
mod settings;

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;

pub use self::builder::MemcachedLockBuilder;
use super::{Domain, Lease, Lock};
use crate::{
    Key, KeyBuf, Memcached, Result,
    backend::memcached::{Reply, Requests, When, normal, refused, ttl},
};

/// How soon a wait looks again: at first, and at last.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// How often a lease is looked at that changes between the look and the change.
const TRIES: usize = 5;

/// One creator among all processes that use the same memcached servers.
///
/// A clone shares everything. Commands go over the connections of the [`Memcached`] it was made from.
///
/// ```no_run
/// # async fn run() -> larder::Result<()> {
/// use std::time::Duration;
/// use larder::{Lock, Memcached, MemcachedLock};
///
/// let memcached = Memcached::new("memcached://127.0.0.1")?;
/// let lock = MemcachedLock::new(&memcached);
/// let patient = MemcachedLock::builder(&memcached).lease(Duration::from_secs(30)).build()?;
/// let lease = lock.lease("user:15".into());
/// if lock.acquire(&[lease.clone()]).await? == [true] {
///     // Create and store.
///     lock.release(&[lease]).await?;
/// }
/// # let _ = patient;
/// # Ok(()) }
/// ```
///
/// # What it promises
///
/// While the servers answer and keep what they are told, at most one lease of a key is held, and one that
/// ends (5 s after its last renewal) can be taken by another. That saves work. It does not keep the store
/// right: memcached cannot look at a lease in the same step as it writes, so there is no *fence*, and a
/// process that was stopped for longer than its lease may overwrite what came later; the region looks at
/// its lease right before it writes, which leaves little time for that. A server that is full may evict a
/// lease like any entry. While a server is down, its locks are on the one that stands in for it, and two
/// processes that do not agree whether it is down may both hold a lease. For more than that there is
/// [`RedisLock`](crate::RedisLock).
///
/// # Commands
///
/// The lock of a key is an entry with the name `larder:lock:` and the key, made to obey the server's rules
/// as a whole: [`Normalized`](crate::Normalized). It holds the token of its owner. A lease is a whole
/// number of seconds, and one more for the server, whose clock ticks in seconds: none ends too early.
///
/// | call | commands | round trips |
/// |---|---|---|
/// | [`acquire`](Lock::acquire) | `ms name 32 T6 ME`, `mg name v`; a name that has this token is a success | 1 |
/// | [`renew`](Lock::renew) | `mg name v c`, and where the token is ours `ms name 32 T6 C<number>` | 2 |
/// | [`release`](Lock::release) | `mg name v c`, and where the token is ours `md name C<number>` | 2 |
/// | [`seize`](Lock::seize) | `ms name 32 T6` | 1 |
/// | [`is_locked`](Lock::is_locked) | `mg name` | 1 |
/// | [`released`](Lock::released) | `mg name v`, again and again | |
///
/// The number is that of the value that was read: nothing is renewed or removed that has changed since.
/// The round trips are those of any number of leases, to all servers at the same time.
///
/// # Waiting
///
/// memcached does not tell when something changes. So a wait looks again after 5 ms, then ever more
/// seldom, at last every 50 to 100 ms, by chance. It ends when the lock is free or has another owner, so
/// with the lease at the latest if its owner died.
///
/// # Failures
///
/// A server that is down, hangs or refuses gives the errors of [`Memcached`], from every call and as soon
/// as there; no call waits for a server to come back.
#[derive(Clone)]
pub struct MemcachedLock(Arc<Inner>);

struct Inner {
    memcached: Memcached,
    prefix: Box<str>,
    lease: Duration,
}

impl MemcachedLock {
    /// Locks beside the entries of `memcached`, with default settings. Does not connect yet.
    #[must_use]
    pub fn new(memcached: &Memcached) -> Self {
        MemcachedLockBuilder::new(memcached).lock()
    }

    /// Settings for locks beside the entries of `memcached`.
    pub fn builder(memcached: &Memcached) -> MemcachedLockBuilder {
        MemcachedLockBuilder::new(memcached)
    }

    fn name(&self, key: Key<'_>) -> KeyBuf {
        let begun = [&self.0.prefix, key.space().unwrap_or(key.name())].concat();
        let name = match key.space() {
            None => Key::from(&begun),
            Some(_) => Key::from((&begun, key.name())),
        };
        normal(name).key().to_buf()
    }

    /// A lease as the server keeps it: its clock ticks in seconds, and the first tick may come at once.
    fn ttl(&self) -> Option<u32> {
        ttl(Some(self.0.lease.saturating_add(Duration::from_secs(1))))
    }

    /// Sends one request for each of `leases`, or as many for each.
    async fn send(
        &self,
        leases: &[Lease],
        request: impl Fn(&mut Requests, &str, &Lease),
    ) -> Vec<Result<Reply>> {
        let mut requests = Requests::default();
        for lease in leases {
            request(&mut requests, self.name(lease.key()).as_key().name(), lease);
        }
        self.0.memcached.servers().send(requests).await
    }

    async fn send_one(&self, key: Key<'_>, request: impl Fn(&mut Requests, &str)) -> Result<Reply> {
        let mut requests = Requests::default();
        request(&mut requests, self.name(key).as_key().name());
        self.0.memcached.servers().send_one(requests).await.map_err(|error| error.with_key(key))
    }

    /// Who holds the lock of `key`.
    async fn owner(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        let reply = self.send_one(key, Requests::get).await?;
        owner(reply).map_err(|error| error.with_key(key))
    }

    /// Changes those of `leases` that are held, and says for each whether it was.
    async fn change(
        &self,
        leases: &[Lease],
        change: impl Fn(&mut Requests, &str, &Lease, u64),
    ) -> Result<Vec<bool>> {
        let mut changed = vec![false; leases.len()];
        let mut open: Vec<usize> = (0..leases.len()).collect();
        for _ in 0..TRIES {
            let asked: Vec<Lease> = open.iter().map(|at| leases[*at].clone()).collect();
            let seen = self.send(&asked, |requests, name, _| requests.get_numbered(name)).await;
            let (mut held, mut numbers) = (Vec::new(), Vec::new());
            for (at, reply) in open.iter().zip(seen) {
                match reply.map_err(|error| error.with_key(leases[*at].key()))? {
                    Reply::Value(token, number) if token[..] == *leases[*at].token().as_bytes() => {
                        held.push(*at);
                        numbers.push(number);
                    }
                    Reply::Value(..) | Reply::Missing => {}
                    other => return Err(refused(other).with_key(leases[*at].key())),
                }
            }
            let mut requests = Requests::default();
            for (at, number) in held.iter().zip(numbers) {
                let lease = &leases[*at];
                change(&mut requests, self.name(lease.key()).as_key().name(), lease, number);
            }
            open.clear();
            for (at, reply) in held.iter().zip(self.0.memcached.servers().send(requests).await) {
                match reply.map_err(|error| error.with_key(leases[*at].key()))? {
                    Reply::Done => changed[*at] = true,
                    Reply::Missing => {}
                    // It changed since, perhaps by another call with the same lease.
                    Reply::Declined => open.push(*at),
                    other => return Err(refused(other).with_key(leases[*at].key())),
                }
            }
            if open.is_empty() {
                break;
            }
        }
        Ok(changed)
    }
}

/// The reply to a look at a lock.
fn owner(reply: Reply) -> Result<Option<Bytes>> {
    match reply {
        Reply::Value(token, _) => Ok(Some(token)),
        Reply::Missing => Ok(None),
        other => Err(refused(other)),
    }
}

/// Whether a lease was taken just now, and whether it is the one that is held, from the replies to an
/// attempt to take it and a look after that.
fn taken(lease: &Lease, replies: &[Result<Reply>]) -> Result<(bool, bool)> {
    let [taken, seen] = replies else { return Ok((false, false)) };
    let is_new = match taken.clone()? {
        Reply::Done => true,
        Reply::Declined => false,
        other => return Err(refused(other)),
    };
    let is_mine = owner(seen.clone()?)?.is_some_and(|owner| owner[..] == *lease.token().as_bytes());
    Ok((is_new, is_mine))
}

/// Half of `pause`, and any part of the other half.
fn by_chance(pause: Duration) -> Duration {
    let half = pause / 2;
    let micros = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).max(1);
    half + Duration::from_micros(RandomState::new().build_hasher().finish() % micros)
}

impl fmt::Debug for MemcachedLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemcachedLock")
            .field("prefix", &self.0.prefix)
            .field("lease", &self.0.lease)
            .field("memcached", &self.0.memcached)
            .finish()
    }
}

impl Lock for MemcachedLock {
    fn lease(&self, key: Key<'_>) -> Lease {
        Lease::new(key, self.name(key).as_key().name().as_bytes())
    }

    async fn acquire(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        let ttl = self.ttl();
        let replies = self.send(leases, |requests, name, lease| {
            requests.set(name, lease.token().as_bytes(), ttl, When::Free);
            requests.get(name);
        });
        let replies: Vec<Result<Reply>> = replies.await;
        let (mut held, mut again) = (Vec::with_capacity(leases.len()), Vec::new());
        for (lease, replies) in leases.iter().zip(replies.chunks(2)) {
            let (is_new, is_mine) = taken(lease, replies).map_err(|e| e.with_key(lease.key()))?;
            if is_mine && !is_new {
                again.push(held.len());
            }
            held.push(is_mine);
        }
        // Sent twice: the time starts with the second one.
        let twice: Vec<Lease> = again.iter().map(|at| leases[*at].clone()).collect();
        for (at, is_held) in again.into_iter().zip(self.renew(&twice).await?) {
            held[at] = is_held;
        }
        Ok(held)
    }

    async fn seize(&self, leases: &[Lease]) -> Result<()> {
        let ttl = self.ttl();
        let replies = self.send(leases, |requests, name, lease| {
            requests.set(name, lease.token().as_bytes(), ttl, When::Always);
        });
        let seized = |(reply, lease): (Result<Reply>, &Lease)| match reply {
            Ok(Reply::Done) => Ok(()),
            Ok(other) => Err(refused(other).with_key(lease.key())),
            Err(error) => Err(error.with_key(lease.key())),
        };
        replies.await.into_iter().zip(leases).try_for_each(seized)
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        let ttl = self.ttl();
        let renew = |requests: &mut Requests, name: &str, lease: &Lease, number| {
            requests.set(name, lease.token().as_bytes(), ttl, When::Unchanged(number));
        };
        self.change(leases, renew).await
    }

    async fn release(&self, leases: &[Lease]) -> Result<()> {
        let release = |requests: &mut Requests, name: &str, _: &Lease, number| {
            requests.remove_unchanged(name, number);
        };
        self.change(leases, release).await.map(drop)
    }

    async fn released(&self, key: Key<'_>) -> Result<()> {
        let mut before = None;
        let mut pause = FIRST_PAUSE;
        while let Some(owner) = self.owner(key).await? {
            if *before.get_or_insert_with(|| owner.clone()) != owner {
                break;
            }
            tokio::time::sleep(by_chance(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    async fn is_locked(&self, key: Key<'_>) -> Result<bool> {
        match self.send_one(key, Requests::look).await? {
            Reply::Done => Ok(true),
            Reply::Missing => Ok(false),
            other => Err(refused(other).with_key(key)),
        }
    }

    fn lasts(&self) -> Duration {
        self.0.lease
    }

    /// None: no store can check these leases.
    fn domain(&self) -> Option<Domain> {
        None
    }
}
