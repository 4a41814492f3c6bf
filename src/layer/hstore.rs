use std::{fmt, future::Future, marker::PhantomData};

use bytes::Bytes;

use crate::{
    Backend, Batch, Capabilities, Expires, HashBackend, HashExpiry, Key, KeyBuf, Level, Lifetimes,
    Put, RegionEvent, Result, WriteOpts,
};

/// Stores `(space, name)` keys as fields of the hash `space`; plain keys stay plain.
/// [`SplitAt`](crate::SplitAt) and [`Bucketed`](crate::Bucketed) over it make fields of plain keys, too.
///
/// Redis packs a small hash so tightly that an entry costs a few bytes instead of about a hundred.
/// The price: a hash has **one** TTL for all its fields. The policy `E` says when it is set, or asks
/// for one for each field:
///
/// | `E` | TTL of the hash | costs |
/// |---|---|---|
/// | [`OnCreate`] (default) | set with its first field; then it runs down, whatever is written later | entries written late live shorter |
/// | [`Always`] | renewed by each write | a busy hash lives for ever, so do its old fields |
/// | [`Never`] | none | the hash stays until it is removed |
/// | [`PerField`] | none; each field has its own, set with each write | memory; a new server |
///
/// In Redis a space and a plain key share one set of names: do not use the same for both. A field
/// goes with its hash, so under [`OnCreate`] `keep_for` is the longest that an entry lives, not the
/// shortest.
///
/// Whatever the policy, a write is one round trip, and so is a batch that mixes plain keys and any
/// number of hashes.
///
/// # Fields with their own TTL
///
/// [`PerField`] needs Redis 8 or Valkey 9 (`HSETEX`: a field and its TTL are written in one step), or
/// Redis 7.4 (`HPEXPIRE`, in the same round trip). Which it is, is asked once for each connection,
/// before the first write that wants to know, and shown by the `Debug` of [`Redis`](crate::Redis).
///
/// In a small hash of Redis a TTL takes 12 bytes a field. Valkey stores a hash with such fields as a
/// table, which takes 42 more a field and gives up what makes small hashes small.
///
/// An older server (7.0 or later), or one that does not say, gives the hash a TTL that is at least as
/// long as that of each of its fields: entries that are no longer fresh stay with their hash, and the
/// entry's own time decides. So a region refuses to rely on this policy where entries have no time
/// ([`NoMeta`](crate::NoMeta) with an `expire_after`).
///
/// A hash that has a TTL already, from another policy or an older server, keeps it.
///
/// ```
/// # #[cfg(all(feature = "codec-msgpack", feature = "backend-memory"))] {
/// use larder::{BackendExt, Hstore, IntTime, LayerExt, Memory, Msgpack, Never, PayloadExt, Region};
///
/// let region: Region<IntTime<Msgpack<Hstore<Memory>>>> =
///     Memory::new().hstore().msgpack().int_time().region();
/// let never: Region<IntTime<Msgpack<Hstore<Memory, Never>>>> =
///     Hstore::with_policy(Memory::new()).msgpack().int_time().region();
/// # }
/// ```
pub struct Hstore<B, E = OnCreate> {
    inner: B,
    expiry: PhantomData<fn() -> E>,
}

/// When a hash gets its TTL; see [`Hstore`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say when a hash gets its TTL",
    label = "expected `OnCreate`, `Always`, `Never` or `PerField`"
)]
pub trait ExpiryPolicy: Send + Sync {
    /// The policy as a value.
    const EXPIRY: HashExpiry;
}

/// The TTL is set with the first field of a hash; see [`Hstore`].
#[derive(Clone, Copy, Debug, Default)]
pub struct OnCreate;

/// The TTL is renewed by every write; see [`Hstore`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Always;

/// Hashes get no TTL; see [`Hstore`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Never;

/// Each field has a TTL of its own; see [`Hstore`].
#[derive(Clone, Copy, Debug, Default)]
pub struct PerField;

impl ExpiryPolicy for OnCreate {
    const EXPIRY: HashExpiry = HashExpiry::OnCreate;
}

impl ExpiryPolicy for Always {
    const EXPIRY: HashExpiry = HashExpiry::Always;
}

impl ExpiryPolicy for Never {
    const EXPIRY: HashExpiry = HashExpiry::Never;
}

impl ExpiryPolicy for PerField {
    const EXPIRY: HashExpiry = HashExpiry::PerField;
}

impl<B: HashBackend> Hstore<B> {
    /// Puts hash storage over `inner`, with the policy [`OnCreate`].
    pub const fn new(inner: B) -> Self {
        Self::with_policy(inner)
    }
}

impl<B: HashBackend, E: ExpiryPolicy> Hstore<B, E> {
    /// Puts hash storage over `inner`, with the policy that the type names.
    pub const fn with_policy(inner: B) -> Self {
        Self { inner, expiry: PhantomData }
    }
}

impl<B: HashBackend, E: ExpiryPolicy> Level for Hstore<B, E> {
    fn remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send {
        self.inner.hash_remove(key)
    }

    fn remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send {
        self.inner.hash_remove_multi(keys)
    }

    fn capabilities(&self) -> Capabilities {
        let inner = self.inner.capabilities().with_hashes();
        match E::EXPIRY {
            HashExpiry::OnCreate => inner,
            // A field would outlive its `keep_for`; of `PerField`, where the server is too old, which
            // nobody knows before it was met, and which may change.
            HashExpiry::Always | HashExpiry::Never | HashExpiry::PerField => {
                inner.with_expires(inner.expires.min(Expires::PlainKeys))
            }
        }
    }

    fn stored_key(&self, key: Key<'_>) -> Option<KeyBuf> {
        self.inner.stored_key(key)
    }

    fn adopt(&self, lifetimes: &Lifetimes) -> Result<()> {
        self.inner.adopt(lifetimes)
    }

    #[inline]
    fn tell(&self, event: &RegionEvent<'_>) {
        self.inner.tell(event);
    }

    fn evicted(&self) -> u64 {
        self.inner.evicted()
    }
}

impl<B: HashBackend, E: ExpiryPolicy> Backend for Hstore<B, E> {
    fn get(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Bytes>>> + Send {
        self.inner.hash_get(key)
    }

    fn set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
    ) -> impl Future<Output = Result<()>> + Send {
        self.inner.hash_set(key, value, opts, E::EXPIRY)
    }

    fn get_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<Batch<Bytes>>> + Send {
        self.inner.hash_get_multi(keys)
    }

    fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> impl Future<Output = Result<()>> + Send {
        self.inner.hash_set_multi(puts, E::EXPIRY)
    }
}

// Derives would ask the same of `E`.
impl<B: Clone, E> Clone for Hstore<B, E> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), expiry: PhantomData }
    }
}

impl<B: Default, E> Default for Hstore<B, E> {
    fn default() -> Self {
        Self { inner: B::default(), expiry: PhantomData }
    }
}

impl<B: fmt::Debug, E: ExpiryPolicy> fmt::Debug for Hstore<B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hstore").field("expiry", &E::EXPIRY).field("inner", &self.inner).finish()
    }
}
