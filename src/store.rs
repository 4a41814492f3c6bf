//! The structural traits that every level shares: [`Level`] and [`Store`].
//! `Backend` lives with the backends, `Payload` with the codecs.

use std::{future::Future, sync::Arc};

use crate::{
    Capabilities, Entry, Key, KeyBuf, Lifetimes, Put, ReadOpts, RegionEvent, Result, WriteOpts,
};

/// The answers to a batched read, in the order of its keys: `Ok(None)` is a miss, `Err` an entry
/// that cannot be read although the store answered.
pub type Batch<V> = Vec<Result<Option<V>>>;

/// A level of a stack: it can forget a key, and says what it can keep.
///
/// Apart from [`Store`] and `Backend`, so that removing needs no value type. Layers **must forward
/// every method**: a forgotten [`remove_multi`](Self::remove_multi) turns one round trip into many, and
/// without [`stored_key`](Self::stored_key) processes lock other keys than they write.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a level of a cache stack",
    label = "expected a backend, or a layer around one",
    note = "a stack reads from the outside in: Region<Logging<IntTime<Msgpack<Hstore<Redis>>>>>"
)]
pub trait Level: Send + Sync {
    /// Forgets `key`. Forgetting a missing key is not an error.
    fn remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send;

    /// Forgets many keys. Override it where one round trip can do; with no keys it does nothing.
    fn remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send {
        async move {
            for key in keys {
                self.remove(*key).await?;
            }
            Ok(())
        }
    }

    /// What this level and the ones below it can keep. The default is the most modest answer:
    /// bytes without any lifetime.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// The key under which the levels below keep `key`; `None` if they keep it as it is. Locks between
    /// processes go by it: who shares an entry shares its lock.
    fn stored_key(&self, key: Key<'_>) -> Option<KeyBuf> {
        let _ = key;
        None
    }

    /// Learns how long entries live, from the region that is built over this level.
    ///
    /// # Errors
    ///
    /// [`Config`](crate::ErrorKind::Config), where a layer cannot work with that.
    fn adopt(&self, lifetimes: &Lifetimes) -> Result<()> {
        let _ = lifetimes;
        Ok(())
    }

    /// Hears what the region makes of its keys, for the observers in the stack
    /// ([`Observe::observe_region`](crate::Observe::observe_region)). Called for each fresh hit, too:
    /// where nobody observes, it has to vanish.
    #[inline]
    fn tell(&self, event: &RegionEvent<'_>) {
        let _ = event;
    }

    /// How many entries this level and those below it have dropped for want of room, since they were
    /// made, as far as they know.
    fn evicted(&self) -> u64 {
        0
    }
}

/// Level 3: keeps entries (a value and its metadata) of type `T`.
///
/// What moves is an `Entry<Option<T>>`. `None` is a *negative entry*: it is known that under this key
/// there is nothing. Stacks that are [`EntryTtl`] keep those too; the others refuse them.
///
/// `T` is a parameter of the *trait*: a serialized stack is a `Store<T>` of every serde type, a
/// typed in-process store ([`Memo<T>`](crate::Memo)) of one. Most extensions never implement this:
/// a [`Format`](crate::Format) over a codec over a backend does.
///
/// # Consistency
///
/// A read that begins after a write of the same key returned sees that write or a later one.
#[diagnostic::on_unimplemented(
    message = "this cache stack cannot store values of type `{T}`",
    label = "`{Self}` is not a `Store<{T}>`",
    note = "a serialized stack is a format over a codec over a backend, and needs \
            `{T}: Serialize + DeserializeOwned + Send + Sync`: IntTime<Msgpack<Redis>>",
    note = "a typed store (`Memo<U>`) stores its own type only"
)]
pub trait Store<T>: Level {
    /// What [`read`](Self::read) would bring, if that can be told without waiting: the short cut of hits
    /// inside the process, which the region takes first. No future is made, and nothing moves through one.
    ///
    /// `None` says nothing: [`read`](Self::read) is asked then. That is what a level answers unless it knows
    /// better, so a layer of your own is right without this function, and its hits are faster with it. A
    /// layer that wants to see every read leaves it as it is.
    ///
    /// So a miss is looked up twice, and bytes that cannot be decoded are decoded twice: an answer that says
    /// no tells nobody why, and that of `read` does.
    #[inline]
    fn glance(&self, key: Key<'_>) -> Option<Entry<Option<T>>> {
        let _ = key;
        None
    }

    /// Reads the entry under `key`, fresh or stale.
    ///
    /// # Errors
    ///
    /// When the store fails, or the bytes are unreadable
    /// ([`is_unreadable`](crate::Error::is_unreadable)).
    fn read(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Entry<Option<T>>>>> + Send;

    /// Writes `entry` under `key`.
    ///
    /// # Errors
    ///
    /// When the store fails, or cannot keep what the entry holds.
    fn write(
        &self,
        key: Key<'_>,
        entry: &Entry<Option<T>>,
        opts: WriteOpts<'_>,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Reads many keys; the answers are in the order of `keys`, duplicates included.
    ///
    /// # Errors
    ///
    /// When the store fails as a whole. One unreadable entry is an `Err` inside the [`Batch`].
    fn read_multi(
        &self,
        keys: &[Key<'_>],
    ) -> impl Future<Output = Result<Batch<Entry<Option<T>>>>> + Send
    where
        T: Send;

    /// [`read`](Self::read) with options. Override it in layers around a store, and where there is more
    /// than one tier.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    fn read_with(
        &self,
        key: Key<'_>,
        opts: ReadOpts,
    ) -> impl Future<Output = Result<Option<Entry<Option<T>>>>> + Send {
        let _ = opts;
        self.read(key)
    }

    /// [`read_multi`](Self::read_multi) with options; override it with
    /// [`read_with`](Self::read_with).
    ///
    /// # Errors
    ///
    /// As [`read_multi`](Self::read_multi).
    fn read_multi_with(
        &self,
        keys: &[Key<'_>],
        opts: ReadOpts,
    ) -> impl Future<Output = Result<Batch<Entry<Option<T>>>>> + Send
    where
        T: Send,
    {
        let _ = opts;
        self.read_multi(keys)
    }

    /// Learns of an entry that a caller was handed past the store: another one created it while it waited.
    /// For layers that keep what their callers have seen; layers around a store forward it. Default:
    /// nothing, and `entry` is not made.
    fn handed(&self, key: Key<'_>, entry: impl FnOnce() -> Entry<Option<T>>) {
        let _ = (key, entry);
    }

    /// Writes many entries; of two for the same key the later one stays. On an error some of them
    /// may have been written.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    fn write_multi(
        &self,
        puts: &[Put<'_, &Entry<Option<T>>>],
    ) -> impl Future<Output = Result<()>> + Send
    where
        T: Sync;
}

/// A stack that keeps a lifetime of its own for each entry, and negative entries.
///
/// A marker, checked by the compiler wherever such a lifetime is given.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot keep a lifetime for each entry",
    label = "this stack has one lifetime for all its entries",
    note = "use a format that carries it (`Framed`), or the typed store `Memo`"
)]
pub trait EntryTtl: Level {}

impl<S: Level + ?Sized> Level for Arc<S> {
    fn remove(&self, key: Key<'_>) -> impl Future<Output = Result<()>> + Send {
        (**self).remove(key)
    }

    fn remove_multi(&self, keys: &[Key<'_>]) -> impl Future<Output = Result<()>> + Send {
        (**self).remove_multi(keys)
    }

    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn stored_key(&self, key: Key<'_>) -> Option<KeyBuf> {
        (**self).stored_key(key)
    }

    fn adopt(&self, lifetimes: &Lifetimes) -> Result<()> {
        (**self).adopt(lifetimes)
    }

    #[inline]
    fn tell(&self, event: &RegionEvent<'_>) {
        (**self).tell(event);
    }

    fn evicted(&self) -> u64 {
        (**self).evicted()
    }
}

impl<T, S: Store<T>> Store<T> for Arc<S> {
    #[inline]
    fn glance(&self, key: Key<'_>) -> Option<Entry<Option<T>>> {
        (**self).glance(key)
    }

    fn read(&self, key: Key<'_>) -> impl Future<Output = Result<Option<Entry<Option<T>>>>> + Send {
        (**self).read(key)
    }

    fn write(
        &self,
        key: Key<'_>,
        entry: &Entry<Option<T>>,
        opts: WriteOpts<'_>,
    ) -> impl Future<Output = Result<()>> + Send {
        (**self).write(key, entry, opts)
    }

    fn read_multi(
        &self,
        keys: &[Key<'_>],
    ) -> impl Future<Output = Result<Batch<Entry<Option<T>>>>> + Send
    where
        T: Send,
    {
        (**self).read_multi(keys)
    }

    fn read_with(
        &self,
        key: Key<'_>,
        opts: ReadOpts,
    ) -> impl Future<Output = Result<Option<Entry<Option<T>>>>> + Send {
        (**self).read_with(key, opts)
    }

    fn read_multi_with(
        &self,
        keys: &[Key<'_>],
        opts: ReadOpts,
    ) -> impl Future<Output = Result<Batch<Entry<Option<T>>>>> + Send
    where
        T: Send,
    {
        (**self).read_multi_with(keys, opts)
    }

    fn handed(&self, key: Key<'_>, entry: impl FnOnce() -> Entry<Option<T>>) {
        (**self).handed(key, entry);
    }

    fn write_multi(
        &self,
        puts: &[Put<'_, &Entry<Option<T>>>],
    ) -> impl Future<Output = Result<()>> + Send
    where
        T: Sync,
    {
        (**self).write_multi(puts)
    }
}

impl<S: EntryTtl> EntryTtl for Arc<S> {}
