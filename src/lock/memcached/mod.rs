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
use super::{Domain, Lease, Lock, Seen, VERSION, VERSION_AT};
use crate::{
    Key, KeyBuf, Memcached, Result,
    backend::memcached::{Reply, Requests, When, normal, obeys, refused, ttl},
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
/// | [`seize`](Lock::seize) | `ms name 32 T6`; in dogpile's form as `renew`, or `ms name 32 T6 ME` | 1, or 2 |
/// | [`is_locked`](Lock::is_locked) | `mg name` | 1 |
/// | [`released`](Lock::released) | `mg name v c`, again and again | |
///
/// The number is that of the value that was read: nothing is renewed or removed that has changed since.
/// The round trips are those of any number of leases, to all servers at the same time.
///
/// # Together with Python
///
/// [`dogpile()`](MemcachedLockBuilder::dogpile) gives locks the form of dogpile.cache with
/// `distributed_lock`, whatever its client is: an entry with the name `_lock` and the key. Both sides take it
/// with a command that succeeds only where there is none, so they exclude each other, and each sees by
/// `key_is_locked` what the other holds. Python has the number 1 there, without an owner; larder its token,
/// as bytes without flags, which all clients can read.
///
/// * What Python holds, larder never touches: not when it renews or releases, nor when it
///   [seizes](Lock::seize), which in this form takes two round trips and leaves the locks of others alone.
/// * Python deletes the lock when it is done, whoever holds it by then. So one whose `lock_timeout` was
///   shorter than its creation takes the lock from larder, or from another Python, and two may create. The
///   lease is found lost by the next renewal or, at the latest, before the value is written: it is handed to
///   those who wait, and not stored. Give `lock_timeout` more than any creation takes.
/// * The default `lock_timeout` is 0: a lock without an end. A Python process that dies leaves it there until
///   somebody deletes it or the server starts anew. Python hangs then; calls here wait as long as
///   [`wait_timeout`](crate::Options::wait_timeout) says and then fail, or create without storing
///   ([`OnTimeout`](crate::OnTimeout)).
/// * Python looks again after 0.4 to 0.8 s, and then after twice as long each time. So it comes late for what
///   larder created; larder comes 100 ms late at most.
/// * Names of locks are those that clients of Python send, `%` included, up to 245 bytes of key; with
///   [`exact_keys`](crate::MemcachedBuilder::exact_keys) entries have the same names, too. Keys that those
///   clients cannot send (longer ones, with spaces or control characters, in a space) have locks that only
///   larder knows, and two of them may share one.
/// * dogpile's clients choose among several servers by rules of their own; only `pylibmc` with the behavior
///   `ketama_weighted` does as [`Memcached`] does. Share one server, or use that.
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
    dogpile: bool,
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
            // Others escape no `%`.
            None if self.0.dogpile && obeys(&begun) => return Key::from(&begun).to_buf(),
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

    /// Who holds the lock of `key`: a token, which renewals do not change, or the number of what Python wrote,
    /// which is another one with each owner.
    async fn owner(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        match self.send_one(key, Requests::get_numbered).await? {
            Reply::Value(token, _) if is_token(&token) => Ok(Some(token)),
            Reply::Value(_, number) => Ok(Some(number.to_be_bytes().to_vec().into())),
            Reply::Missing => Ok(None),
            other => Err(refused(other).with_key(key)),
        }
    }

    /// Changes those of `leases` whose locks are `ours` to change, going by what is there, and says for
    /// each whether it was.
    async fn change(
        &self,
        leases: &[Lease],
        ours: impl Fn(&Lease, Option<&[u8]>) -> bool,
        change: impl Fn(&mut Requests, &str, &Lease, Option<u64>),
    ) -> Result<Vec<bool>> {
        let mut changed = vec![false; leases.len()];
        let mut open: Vec<usize> = (0..leases.len()).collect();
        for _ in 0..TRIES {
            let asked: Vec<Lease> = open.iter().map(|at| leases[*at].clone()).collect();
            let seen = self.send(&asked, |requests, name, _| requests.get_numbered(name)).await;
            let (mut changing, mut requests) = (Vec::new(), Requests::default());
            for (at, reply) in open.iter().zip(seen) {
                let lease = &leases[*at];
                let (there, number) = match reply.map_err(|error| error.with_key(lease.key()))? {
                    Reply::Value(there, number) => (Some(there), Some(number)),
                    Reply::Missing => (None, None),
                    other => return Err(refused(other).with_key(lease.key())),
                };
                if ours(lease, there.as_deref()) {
                    changing.push(*at);
                    change(&mut requests, self.name(lease.key()).as_key().name(), lease, number);
                }
            }
            open.clear();
            for (at, reply) in changing.iter().zip(self.0.memcached.servers().send(requests).await)
            {
                match reply.map_err(|error| error.with_key(leases[*at].key()))? {
                    Reply::Done => changed[*at] = true,
                    // It changed since, perhaps by another call with the same lease.
                    Reply::Missing | Reply::Declined => open.push(*at),
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

/// Whether what is there is this lease.
fn is_held(lease: &Lease, there: Option<&[u8]>) -> bool {
    there == Some(lease.token().as_bytes())
}

/// Whether nothing is there, or a lease of larder: Python has a number there.
fn is_takeable(_: &Lease, there: Option<&[u8]>) -> bool {
    there.is_none_or(is_token)
}

/// Whether it is the token of a lease of larder.
fn is_token(there: &[u8]) -> bool {
    there.len() == 32 && there[VERSION_AT] == VERSION
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
    match seen.clone()? {
        Reply::Value(owner, _) => Ok((is_new, is_held(lease, Some(&owner)))),
        Reply::Missing => Ok((is_new, false)),
        other => Err(refused(other)),
    }
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
            .field("dogpile", &self.0.dogpile)
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
        if self.0.dogpile {
            let seize = |requests: &mut Requests, name: &str, lease: &Lease, number| {
                requests.set(name, lease.token().as_bytes(), ttl, When::seen(number));
            };
            return self.change(leases, is_takeable, seize).await.map(drop);
        }
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
            requests.set(name, lease.token().as_bytes(), ttl, When::seen(number));
        };
        self.change(leases, is_held, renew).await
    }

    async fn release(&self, leases: &[Lease]) -> Result<()> {
        let release = |requests: &mut Requests, name: &str, _: &Lease, number: Option<u64>| {
            // What is held was read; no value has the number 0.
            requests.remove_unchanged(name, number.unwrap_or_default());
        };
        self.change(leases, is_held, release).await.map(drop)
    }

    async fn released(&self, key: Key<'_>, seen: &mut Seen) -> Result<()> {
        let mut pause = FIRST_PAUSE;
        while let Some(owner) = self.owner(key).await? {
            if seen.owner(&owner) {
                return Ok(());
            }
            tokio::time::sleep(by_chance(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        seen.free();
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
