//! What others change, told by themselves: publish and subscribe.

use std::{
    fmt, mem,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use redis::{Cmd, PushInfo, PushKind, RedisWrite, Value};

use super::{Direct, Redis, Wire, command, failure, followers::Followers, tracking::Listener};
use crate::{Changes, Clock, Copies, Key, Name, Result, lock::Token, seldom::Seldom};

/// What a message begins with, before the token of its sender.
const VERSION: u8 = b'1';
/// How long the token is.
const TOKEN: usize = 32;
/// About how long a message may get.
const MOST_BYTES: usize = 64 << 10;

/// A channel on which larders tell each other what they change; for the [`Tiered`](crate::Tiered) of
/// servers and proxies without client tracking, and of second tiers other than Redis.
///
/// Only what goes through a `Tiered` with the same channel is heard: not what other programs change, nor
/// what expires in the second tier. Where that can be had, [`tracking`](crate::RedisBuilder::tracking)
/// hears more and costs no message.
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "codec-postcard"))]
/// # fn run() -> larder::Result<()> {
/// use larder::{BackendExt, LayerExt, Memo, PayloadExt, Redis, RedisChannel, Tiered};
///
/// let redis = Redis::new("redis://localhost")?;
/// let tiers = Tiered::new(Memo::<String>::new(), redis.clone().postcard().framed());
/// let users = tiers.coherent(RedisChannel::new(&redis, "users"))?.region();
/// # let _ = users;
/// # Ok(()) }
/// ```
///
/// Copies are made once it is heard, which takes a moment after the first call;
/// [`ping`](Self::ping) waits for that.
///
/// # Failures
///
/// A message that cannot be sent is made up for: the next one, at the latest within a second after the
/// server is back, tells everybody to forget all copies. A connection that was lost forgets all of its own
/// when it is back.
///
/// # Wire format
///
/// `1`, the 32 hexadecimal digits of the sender, then each name as its length in four bytes (little
/// endian) and its bytes. No name at all means that anything may have changed, and so does whatever
/// cannot be read.
#[derive(Clone)]
pub struct RedisChannel<W = Direct> {
    /// Whom messages are sent through.
    redis: Redis<W>,
    /// The same server over a connection that is subscribed.
    hearing: Redis<W>,
    channel: Arc<Channel>,
}

/// One channel, as one process speaks and listens.
#[derive(Debug)]
pub struct Channel {
    name: Box<str>,
    me: Token,
    followers: Arc<Followers>,
    /// Whether it was ever heard.
    is_heard: AtomicBool,
    /// Whether a message was not sent.
    owes: AtomicBool,
    warned: Seldom,
}

impl<W: Wire> RedisChannel<W> {
    /// The channel `name` on the server of `redis`. Does not connect yet.
    #[must_use]
    pub fn new(redis: &Redis<W>, name: impl Into<Box<str>>) -> Self {
        let channel = Arc::new(Channel {
            name: name.into(),
            me: Token::unique(),
            followers: Arc::default(),
            is_heard: AtomicBool::new(false),
            owes: AtomicBool::new(false),
            warned: Seldom::default(),
        });
        let hearing = redis.listening(Listener::Channel(Arc::clone(&channel)));
        Self { redis: redis.clone(), hearing, channel }
    }

    /// Subscribes, if that was not done yet, and asks the server whether it is there.
    ///
    /// # Errors
    ///
    /// When it cannot be reached, does not answer in time, or does not let us in.
    ///
    /// # Cancellation
    ///
    /// Harmless.
    pub async fn ping(&self) -> Result<()> {
        self.hearing.ping().await
    }

    async fn look_after(&self) {
        // Over this connection nothing is asked; it must be there all the same.
        if let Err(error) = self.hearing.wire.look_after().await
            && self.channel.warned.is_due(Clock::default().now())
        {
            let error = &error as &(dyn std::error::Error + 'static);
            tracing::warn!(error, channel = %self.channel.name, "larder: the channel is not heard");
        }
        if self.channel.owes.swap(false, Ordering::AcqRel) {
            self.publish(vec![self.channel.message()]).await;
        }
    }

    /// Sends messages, or remembers that it could not.
    async fn publish(&self, messages: Vec<Vec<u8>>) {
        let debt = Debt(&self.channel.owes);
        for message in messages {
            let mut publish = command("PUBLISH", 2, self.channel.name.len() + message.len());
            publish.write_arg(self.channel.name.as_bytes());
            publish.write_arg(&message);
            let error = match self.redis.wire.send(&publish).await {
                Ok(Value::Int(_)) => continue,
                Ok(other) => self.redis.refused(other, failure::refusal),
                Err(error) => error,
            };
            if self.channel.warned.is_due(Clock::default().now()) {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::warn!(
                    error,
                    channel = %self.channel.name,
                    "larder: others were not told of a change; they will be told to forget everything"
                );
            }
            return;
        }
        debt.paid();
    }
}

/// Messages that are not sent yet. Whoever gives up owes them.
struct Debt<'a>(&'a AtomicBool);

impl Debt<'_> {
    fn paid(self) {
        mem::forget(self);
    }
}

impl Drop for Debt<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl<W: Wire> Changes for RedisChannel<W> {
    fn follow(&self, copies: Weak<dyn Copies>) -> Result<()> {
        self.channel.followers.add(copies);
        Ok(())
    }

    fn name(&self, key: Key<'_>, hashes: bool) -> Name {
        Name::Told(match key.space() {
            Some(space) if hashes => space.as_bytes().into(),
            _ => key.flat().into(),
        })
    }

    fn hears(&self) -> bool {
        self.channel.is_heard.load(Ordering::Acquire)
    }

    fn listen(&self) {
        self.channel.followers.keep_up(|| {
            let this = self.clone();
            move || {
                let this = this.clone();
                async move { this.look_after().await }
            }
        });
    }

    async fn announce(&self, names: &[Box<[u8]>], by: &Weak<dyn Copies>) {
        self.channel.followers.changed_by(by, names);
        let owes = self.channel.owes.swap(false, Ordering::AcqRel);
        let messages =
            if owes { vec![self.channel.message()] } else { self.channel.messages(names) };
        self.publish(messages).await;
    }

    fn announce_later(&self, names: &[Box<[u8]>], by: &Weak<dyn Copies>) {
        self.channel.followers.changed_by(by, names);
        self.channel.owes.store(true, Ordering::Release);
    }
}

impl Channel {
    /// What makes the server speak.
    pub(super) fn command(&self) -> Cmd {
        let mut subscribe = redis::cmd("SUBSCRIBE");
        subscribe.arg(&*self.name);
        subscribe
    }

    /// A message without names.
    fn message(&self) -> Vec<u8> {
        let mut message = Vec::with_capacity(256);
        message.push(VERSION);
        message.extend_from_slice(self.me.as_bytes());
        message
    }

    fn messages(&self, names: &[Box<[u8]>]) -> Vec<Vec<u8>> {
        let (mut messages, mut message) = (Vec::new(), self.message());
        for name in names {
            let Ok(len) = u32::try_from(name.len()) else { return vec![self.message()] };
            if message.len() + name.len() > MOST_BYTES && message.len() > 1 + TOKEN {
                messages.push(mem::replace(&mut message, self.message()));
            }
            message.extend_from_slice(&len.to_le_bytes());
            message.extend_from_slice(name);
        }
        messages.push(message);
        messages
    }

    /// Nothing was heard until now.
    pub(super) fn connected(&self) {
        self.is_heard.store(true, Ordering::Release);
        self.followers.all_changed();
    }

    pub(super) fn heard(&self, push: &PushInfo) {
        if push.kind != PushKind::Message {
            return;
        }
        let Some(Value::BulkString(message)) = push.data.get(1) else { return };
        match read(message) {
            Some((sender, _)) if sender == self.me.as_bytes() => {}
            Some((_, names)) if !names.is_empty() => self.followers.changed(names),
            _ => self.followers.all_changed(),
        }
    }
}

/// Who sent a message, and the names in it.
fn read(message: &[u8]) -> Option<(&[u8], Vec<&[u8]>)> {
    let (version, rest) = message.split_first()?;
    let (sender, mut rest) = rest.split_at_checked(TOKEN)?;
    let mut names = Vec::new();
    while !rest.is_empty() {
        let (len, after) = rest.split_first_chunk::<4>()?;
        let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
        let (name, after) = after.split_at_checked(len)?;
        names.push(name);
        rest = after;
    }
    (*version == VERSION).then_some((sender, names))
}

impl<W: Wire> fmt::Debug for RedisChannel<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisChannel")
            .field("name", &self.channel.name)
            .field("followers", &self.channel.followers)
            .field("redis", &self.redis)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> Channel {
        Channel {
            name: "c".into(),
            me: Token::unique(),
            followers: Arc::default(),
            is_heard: AtomicBool::new(false),
            owes: AtomicBool::new(false),
            warned: Seldom::default(),
        }
    }

    #[test]
    fn messages_come_back_and_are_cut_where_they_get_long() {
        let channel = channel();
        let names: Vec<Box<[u8]>> = vec![b"a".as_slice().into(), b"".as_slice().into()];
        let messages = channel.messages(&names);
        assert_eq!(messages.len(), 1);
        let (sender, read_names) = read(&messages[0]).unwrap();
        assert_eq!(sender, channel.me.as_bytes());
        assert_eq!(read_names, [b"a".as_slice(), b""]);

        let long: Vec<Box<[u8]>> = (0..5).map(|n| vec![n; MOST_BYTES / 2].into()).collect();
        let messages = channel.messages(&long);
        assert!(messages.len() >= 3 && messages.iter().all(|one| one.len() < 2 * MOST_BYTES));
        let all: Vec<_> = messages.iter().flat_map(|one| read(one).unwrap().1).collect();
        assert_eq!(all, long.iter().map(|name| &**name).collect::<Vec<_>>());
        assert!(read(&channel.message()).unwrap().1.is_empty());
    }

    #[test]
    fn what_cannot_be_read_names_nothing() {
        let good = channel().messages(&[b"name".as_slice().into()]).remove(0);
        for len in 1..good.len() {
            let whole = len == 1 + TOKEN;
            assert_eq!(read(&good[..len]).is_some(), whole, "{len}");
        }
        let mut other = good.clone();
        other[0] = b'2';
        assert!(read(&other).is_none() && read(b"").is_none());
        other[0] = VERSION;
        other[1 + TOKEN..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(read(&other).is_none());
    }
}
