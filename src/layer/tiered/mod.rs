//! Two tiers that agree: copies near the caller, and where they come from.

mod changes;
mod doubts;
mod near;
mod read;
#[cfg(feature = "config")]
mod settings;
mod told;
mod write;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

pub use self::changes::{Alone, Changes, Copies, Name};
use self::near::{Near, Pass};
use crate::{
    Capabilities, Clock, EntryTtl, Error, ErrorKind, Key, KeyBuf, Level, Lifetimes, Meta, Place,
    Precision, Result, Tiers, WriteOpts,
};

/// Two tiers: `L1` near the caller holds copies of what is in `L2`, which is the truth.
///
/// A hit in `L1` asks nobody else and allocates nothing. What `L1` lacks comes from `L2`, a batch in one
/// go, and is copied with its time of creation and what is left of its life. Writes go to `L2` first, then
/// to `L1`; removals likewise. A tier may be [`Tiered`] itself, so there may be any number of them.
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "backend-redis", feature = "codec-msgpack"))]
/// # async fn run() -> larder::Result<()> {
/// use std::time::Duration;
/// use larder::{BackendExt, IntTime, LayerExt, Memo, Msgpack, PayloadExt, Redis, Region, Tiered};
///
/// // Typed above, bytes below. `tracking` makes Redis tell what other processes change.
/// type Users = Region<Tiered<Memo<String>, IntTime<Msgpack<Redis>>, Redis>>;
///
/// let redis = Redis::builder("redis://localhost").tracking("user:").build()?;
/// let tiers = Tiered::new(Memo::new(), redis.clone().msgpack().int_time()).coherent(redis)?;
/// let users: Users = Region::builder(tiers).expire_after(Duration::from_secs(60)).build()?;
/// let name = users.get_or_create("user:1", async || "ann".to_owned()).await?;
/// # let _ = name;
/// # Ok(()) }
/// ```
///
/// # Coherence
///
/// `C` says how this process hears of what others change:
///
/// | `C` | hears of | how |
/// |---|---|---|
/// | [`Alone`] (default) | nothing: a copy lives as long as its entry, or [`l1_ttl`](Self::l1_ttl) | |
/// | [`Redis`](crate::Redis) with [`tracking`](crate::RedisBuilder::tracking) | every change in the server that others make, over other connections | the server pushes over the same connection |
/// | [`RedisChannel`](crate::RedisChannel) | what other larders change that use the same channel | publish and subscribe, for servers and proxies without tracking, and stores other than Redis |
///
/// While the connection is lost, copies are served (that is what they are good for); as soon as it is
/// back, and before it answers anything, all of them go. So nothing stale outlives the gap.
///
/// # Failures
///
/// One tier's failure never fails the other: a read that fails in `L1` goes to `L2`; a write goes to
/// both, and the error of `L2` is told afterwards. What is written while `L2` is down stays in `L1` until
/// `L2` is back (without coherence as long as it lives). What `L2` refuses is forgotten by `L1`.
///
/// # Concurrency
///
/// A read that begins after a write in this process returned sees that write or a later one. A copy is
/// never made of what was read before something happened to its key.
///
/// # Cancellation
///
/// A write that is dropped midway has taken place in `L2` or not; the key is forgotten by `L1`, and by the
/// copies of others as after any write.
pub struct Tiered<L1, L2, C = Alone> {
    near: Arc<Near<L1>>,
    far: L2,
    changes: C,
    near_tiers: u8,
    far_tiers: u8,
    /// Whether `far` keeps spaces as hashes.
    hashes: bool,
    l1_ttl: Option<Duration>,
    l2_ttl: Option<Duration>,
    lifetimes: Mutex<Option<Lifetimes>>,
    clock: Clock,
}

impl<L1: Level + 'static, L2: Level> Tiered<L1, L2> {
    /// Puts `l1` before `l2`.
    pub fn new(l1: L1, l2: L2) -> Self {
        Self {
            near_tiers: l1.capabilities().further_tiers.saturating_add(1),
            far_tiers: l2.capabilities().further_tiers.saturating_add(1),
            hashes: l2.capabilities().hashes,
            near: Near::new(l1),
            far: l2,
            changes: Alone,
            l1_ttl: None,
            l2_ttl: None,
            lifetimes: Mutex::default(),
            clock: Clock::default(),
        }
    }
}

impl<L1: Level + 'static, L2: Level, C: Changes> Tiered<L1, L2, C> {
    /// The same, dropping copies when `changes` says that others changed them. Copies that `L1` has
    /// already are not known: begin with an empty one.
    ///
    /// # Errors
    ///
    /// [`Config`](ErrorKind::Config), when `changes` was not set up to tell anything, or `L1` is a coherent
    /// [`Tiered`] itself: of several tiers nest those behind, not those before.
    pub fn coherent<D: Changes>(self, changes: D) -> Result<Tiered<L1, L2, D>> {
        if self.near.store.capabilities().coherent {
            return Err(Error::new(ErrorKind::Config, "tiered").with_message(
                "the first tier is told of changes itself: nest tiers to the right, \
                 `Tiered<L1, Tiered<L2, L3>>`, each of them `coherent`",
            ));
        }
        changes.follow(self.copies())?;
        Ok(Tiered {
            near: self.near,
            far: self.far,
            changes,
            near_tiers: self.near_tiers,
            far_tiers: self.far_tiers,
            hashes: self.hashes,
            l1_ttl: self.l1_ttl,
            l2_ttl: self.l2_ttl,
            lifetimes: self.lifetimes,
            clock: self.clock,
        })
    }

    /// The longest that `L1` keeps anything. Default: as long as `L2` does. It bounds how old a copy can
    /// get where nothing is told of changes, and is needed where `L2` keeps no time of creation
    /// ([`NoMeta`](crate::NoMeta)) but drops entries.
    #[must_use]
    pub fn l1_ttl(mut self, ttl: Duration) -> Self {
        self.l1_ttl = Some(ttl);
        self
    }

    /// The longest that `L2` keeps anything. Default: as long as the region says.
    #[must_use]
    pub fn l2_ttl(mut self, ttl: Duration) -> Self {
        self.l2_ttl = Some(ttl);
        self
    }

    /// The same, taking the time from `clock`, by which what is left of a life is told.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The near tier.
    pub fn l1(&self) -> &L1 {
        &self.near.store
    }

    /// The tier behind it.
    pub fn l2(&self) -> &L2 {
        &self.far
    }

    /// The copies of this one, by which others know it.
    fn copies(&self) -> Weak<dyn Copies> {
        Arc::downgrade(&(Arc::clone(&self.near) as Arc<dyn Copies>))
    }

    /// What `key` stands for in both tiers; asked for before `L2` is.
    fn begin<'k>(&self, key: Key<'k>) -> Begun<'k> {
        let name = match self.far.stored_key(key) {
            Some(stored) => self.changes.name(stored.as_key(), self.hashes),
            None => self.changes.name(key, self.hashes),
        };
        let (name, copies) = match name {
            Name::Told(name) => (Some(name), self.changes.hears()),
            Name::Alone => (None, true),
            Name::Unheard => (None, false),
        };
        Begun { key, pass: self.near.pass(key, name.as_deref()), name, copies }
    }

    fn begin_all<'k>(&self, keys: impl IntoIterator<Item = Key<'k>>) -> Vec<Begun<'k>> {
        keys.into_iter().map(|key| self.begin(key)).collect()
    }

    /// How a copy of what `L2` has is to be kept; `None`, if its life is over.
    fn copy_opts(&self, meta: &Meta) -> Option<WriteOpts<'static>> {
        let lifetimes = *self.lifetimes.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = lifetimes.and_then(|lifetimes| lifetimes.keep_for(meta.ttl()));
        let left = match (shorter(kept, self.l2_ttl), meta.created_at()) {
            (Some(kept), Some(created_at)) => {
                let left = kept.saturating_sub(self.clock.now().since(created_at));
                (!left.is_zero()).then_some(Some(left))?
            }
            _ => None,
        };
        Some(WriteOpts::keep_for(shorter(left, self.l1_ttl)))
    }

    /// Of the tiers that a call names, those of `L1` and those of `L2`; `None` where there are none.
    fn split(&self, tiers: Tiers) -> (Option<Tiers>, Option<Tiers>) {
        let far = tiers.below(self.near_tiers);
        (
            (!tiers.none_of(self.near_tiers)).then_some(tiers),
            (!far.none_of(self.far_tiers)).then_some(far),
        )
    }
}

/// A key on its way through both tiers.
struct Begun<'k> {
    key: Key<'k>,
    pass: Pass,
    /// The name under which its changes are told.
    name: Option<Box<[u8]>>,
    /// Whether a copy may be made at all.
    copies: bool,
}

/// The shorter of two lifetimes, where none is for ever.
fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl<L1: Level + 'static, L2: Level, C: Changes> Level for Tiered<L1, L2, C> {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        self.remove_all(&[key]).await
    }

    async fn remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        if keys.is_empty() { Ok(()) } else { self.remove_all(keys).await }
    }

    fn capabilities(&self) -> Capabilities {
        let (near, far) = (self.near.store.capabilities(), self.far.capabilities());
        Capabilities {
            expires: near.expires.min(far.expires),
            created_at: near.created_at.min(far.created_at),
            immediate: near.immediate.min(far.immediate),
            entry_ttl: near.entry_ttl && far.entry_ttl,
            coherent: !C::ALONE || far.coherent,
            place: Place::new("tiers"),
            further_tiers: near.further_tiers.saturating_add(far.further_tiers).saturating_add(1),
            remembers_absence: near.remembers_absence || far.remembers_absence,
            ..far
        }
    }

    fn stored_key(&self, key: Key<'_>) -> Option<KeyBuf> {
        self.far.stored_key(key)
    }

    fn adopt(&self, lifetimes: &Lifetimes) -> Result<()> {
        let ends = lifetimes.keep_for(None).is_some() || self.l2_ttl.is_some();
        let is_timeless = self.far.capabilities().created_at == Precision::None;
        if ends && is_timeless && self.l1_ttl.is_none() {
            return Err(Error::new(ErrorKind::Config, "tiered").with_message(
                "the second tier keeps no time of creation, so nobody knows how long copies of its \
                 entries may live: set `l1_ttl`, or use a format with a time (`IntTime`)",
            ));
        }
        // Of two regions over the same tiers the one with the shorter lives.
        let mut known = self.lifetimes.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = |lifetimes: &Lifetimes| lifetimes.keep_for(None).unwrap_or(Duration::MAX);
        if known.is_none_or(|known| kept(lifetimes) < kept(&known)) {
            *known = Some(*lifetimes);
        }
        drop(known);
        self.near.belong(lifetimes.region());
        self.near.store.adopt(lifetimes)?;
        self.far.adopt(lifetimes)
    }

    // What the region makes of a key is not told to the tiers: neither knows what the other one did.

    fn evicted(&self) -> u64 {
        self.near.store.evicted().saturating_add(self.far.evicted())
    }
}

impl<L1: EntryTtl + 'static, L2: EntryTtl, C: Changes> EntryTtl for Tiered<L1, L2, C> {}

impl<L1: fmt::Debug, L2: fmt::Debug, C: fmt::Debug> fmt::Debug for Tiered<L1, L2, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tiered")
            .field("l1", &self.near.store)
            .field("l2", &self.far)
            .field("changes", &self.changes)
            .field("l1_ttl", &self.l1_ttl)
            .field("l2_ttl", &self.l2_ttl)
            .finish_non_exhaustive()
    }
}
