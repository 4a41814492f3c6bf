use std::{
    collections::{HashMap, HashSet, hash_map},
    fmt,
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use super::{
    notes::{Answer, At, Claim, Noted},
    scope::with_current,
};
use crate::{
    Batch, Capabilities, Entry, EntryTtl, Error, Key, KeyBuf, Level, Lifetimes, Put, ReadOpts,
    RegionEvent, Result, Store, Tiers, WriteOpts,
};

/// How many entries a request keeps, unless set otherwise.
const MAX_ENTRIES: usize = 10_000;

/// Puts a store that lives as long as one request before the stack `S`: what a request has read or
/// written, it does not ask for again, be it one key or a batch, be it there or not. Outside of a
/// [request](crate::RequestScope) it passes everything through.
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "codec-postcard"))] {
/// use larder::{BackendExt, Framed, LayerExt, Logging, Memory, PayloadExt, Postcard};
/// use larder::{Region, RequestScope, RequestScoped};
///
/// type Users = Region<RequestScoped<Logging<Framed<Postcard<Memory>>>>>;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let users: Users = Memory::new().postcard().framed().logging().request_scoped().region();
/// RequestScope::new("GET /").run(async {
///     users.get_or_create("1", async || "ann".to_owned()).await?;
///     let again = users.get_multi::<String>(["1", "2"]).await?; // asks the stack for "2"
///     assert_eq!(again, [Some("ann".to_owned()), None]);
///     assert_eq!(users.get::<String>("2").await?, None);        // asks nobody
///     Ok::<_, larder::Error>(())
/// }).await?;
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// # }
/// ```
///
/// It is a tier, the first one (see [`Tiers`]). Entries are kept as they came, so the region judges them
/// as ever: one that grows stale in a request is refreshed. Each value of this type keeps its entries apart
/// from those of others; a key that is read as another type than it was noted with is asked for.
///
/// # Absence
///
/// That there is nothing is noted, too, and a second `get` asks nobody. It is no reason to create,
/// though: `get_or_create` and its kin ask the stack first if they were told so from memory, and from then on the
/// absence of that key is not remembered.
///
/// # Failures
///
/// A read that fails is not noted. What is written while the stack is down
/// ([`is_transient`](Error::is_transient)) is noted all the same, so that the request goes on with it, and
/// the error is told. What the stack refuses is forgotten.
///
/// # Concurrency
///
/// A read that begins after a write in the same request returned sees that write or a later one. What
/// others write, other requests and tasks that run outside of this one included, the request does not see
/// until it asks for it anew: it keeps what it has. Reads of a key at the same time do not wait for each
/// other: each asks the stack.
///
/// What it waited for and another request created, the request keeps as if it had read it.
///
/// A refresh in the background is outside of the request, which keeps its stale value.
/// Who refreshes a stale value, or finds one with `get`, asks the stack once more, as before any first tier.
///
/// # Cancellation
///
/// A read that is dropped has noted nothing. The key of a write or a removal that is dropped midway is
/// forgotten by the request.
pub struct RequestScoped<S> {
    inner: S,
    /// Keeps the keys of different stacks apart.
    id: u64,
    max_entries: usize,
    /// How many tiers `inner` has.
    tiers: u8,
    /// Whether `inner` itself remembers absence.
    remembers: bool,
    hasher: RandomState,
}

impl<S: Level> RequestScoped<S> {
    /// Puts the store of each request before `inner`.
    pub fn new(inner: S) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let Capabilities { further_tiers, remembers_absence, .. } = inner.capabilities();
        Self {
            inner,
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            max_entries: MAX_ENTRIES,
            tiers: further_tiers.saturating_add(1),
            remembers: remembers_absence,
            hasher: RandomState::new(),
        }
    }

    /// How many entries a request may have, those of other stacks included, before this one adds no
    /// more: what is beyond is passed through. They are counted, not weighed. Default: 10,000.
    #[must_use]
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// What it is put before.
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    fn at<'k>(&self, key: Key<'k>) -> At<'k> {
        At { layer: self.id, hash: self.hasher.hash_one(key), key }
    }

    /// Of the tiers that a call names, whether the request's store is one, and those of the stack.
    fn split(&self, tiers: Tiers) -> (bool, Option<Tiers>) {
        let far = tiers.below(1);
        (tiers.has(1), (!far.none_of(self.tiers)).then_some(far))
    }

    /// What the request knows, and if that is nothing, the right to note the stack's answer.
    fn look<'k, T: Clone + 'static>(&self, key: Key<'k>, how: How) -> Look<'k, T> {
        let looked = with_current(|scope| {
            let at = self.at(key);
            let noted = match how {
                How::Plain => scope.notes().recall(at),
                How::Recheck => scope.notes().recheck(at),
                How::Anew => Noted::Ask,
            };
            match noted {
                Noted::Found(entry) => return Look::Known(Some(entry)),
                // Who makes sure does so of all that remember.
                Noted::Absent if how == How::Recheck && self.remembers => {}
                Noted::Absent => return Look::Known(None),
                Noted::Ask => {}
            }
            Look::Ask(Claim::read(scope, at, self.max_entries))
        });
        looked.unwrap_or_else(|| match how {
            // Nobody was answered from memory.
            How::Recheck if !self.remembers => Look::Known(None),
            _ => Look::Ask(None),
        })
    }

    /// The entry that the request has, for want of a better one.
    fn noted<T: Clone + 'static>(&self, key: Key<'_>) -> Option<Entry<Option<T>>> {
        with_current(|scope| scope.notes().entry(self.at(key))).flatten()
    }

    /// Begins to change a key.
    fn change<'k>(&self, key: Key<'k>) -> Option<Claim<'k>> {
        with_current(|scope| Claim::change(scope, self.at(key), self.max_entries)).flatten()
    }

    /// Reads many keys: what the request has, and all the rest in one go.
    async fn read_all<T>(
        &self,
        keys: &[Key<'_>],
        how: How,
        opts: ReadOpts,
    ) -> Result<Batch<Entry<Option<T>>>>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
    {
        // The same key is asked for once.
        let mut places = HashMap::with_capacity(keys.len());
        let (mut answers, mut of) = (Vec::new(), Vec::with_capacity(keys.len()));
        let (mut asked, mut claims) = (Vec::new(), Vec::new());
        for key in keys {
            let place = match places.entry(*key) {
                hash_map::Entry::Occupied(place) => *place.get(),
                hash_map::Entry::Vacant(place) => {
                    let at = *place.insert(answers.len());
                    match self.look(*key, how) {
                        Look::Known(known) => answers.push(Ok(known)),
                        Look::Ask(claim) => {
                            answers.push(Ok(None));
                            asked.push(*key);
                            claims.push((at, claim));
                        }
                    }
                    at
                }
            };
            of.push(place);
        }
        if !asked.is_empty() {
            let found = match (how, opts.tiers) {
                (How::Plain, Tiers::ALL) => self.inner.read_multi(&asked).await,
                _ => self.inner.read_multi_with(&asked, opts).await,
            };
            let found = match found {
                Ok(found) => found,
                Err(error) if asked.len() == answers.len() && how != How::Anew => {
                    return Err(error);
                }
                Err(error) => asked.iter().map(|key| Err(error.clone().with_key(*key))).collect(),
            };
            for (((at, claim), key), found) in claims.into_iter().zip(asked).zip(found) {
                answers[at] = self.heard(key, claim, found, how, opts);
            }
        }
        if answers.len() == keys.len() {
            return Ok(answers);
        }
        Ok(of.into_iter().map(|at| answers[at].clone()).collect())
    }

    /// Notes what the stack has answered.
    fn heard<T>(
        &self,
        key: Key<'_>,
        claim: Option<Claim<'_>>,
        found: Answer<T>,
        how: How,
        opts: ReadOpts,
    ) -> Answer<T>
    where
        T: Clone + Send + Sync + 'static,
    {
        if let Some(claim) = claim {
            claim.found(&found, how != How::Anew && opts.tiers == Tiers::ALL);
        }
        match found {
            // What the request has is better than nothing.
            Err(error) if how == How::Anew => self.noted(key).map(Some).ok_or(error),
            found => found,
        }
    }

    /// Writes many entries in one go.
    async fn write_all<T>(&self, puts: &[Put<'_, &Entry<Option<T>>>]) -> Result<()>
    where
        S: Store<T>,
        T: Clone + Send + Sync + 'static,
    {
        let mut known = HashSet::with_capacity(puts.len());
        // Of two for the same key the later one stays.
        let last = puts.iter().rev().filter(|put| known.insert(put.key));
        let claims: Vec<_> = last.filter_map(|put| Some((self.change(put.key)?, put))).collect();
        let far = puts.iter().filter_map(|put| {
            let tiers = self.split(put.opts.tiers).1?;
            Some(Put { opts: WriteOpts { tiers, ..put.opts }, ..*put })
        });
        let far: Vec<_> = far.collect();
        let written = if far.is_empty() { Ok(()) } else { self.inner.write_multi(&far).await };
        for (claim, put) in claims {
            if put.opts.tiers.has(1) && is_worth_noting(&written) {
                claim.wrote(put.value);
            } else {
                drop(claim);
            }
        }
        written
    }
}

/// Whether the request keeps what was written. While the stack is away it is better than nothing; one that
/// refuses goes on to say something else, and a lost lease says that somebody has a newer value.
fn is_worth_noting(written: &Result<()>) -> bool {
    written.as_ref().err().is_none_or(Error::is_transient)
}

/// How a key is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Plain,
    /// Past remembered absence.
    Recheck,
    /// Past everything that is noted.
    Anew,
}

impl How {
    fn of(opts: ReadOpts) -> Self {
        match opts {
            ReadOpts { anew: true, .. } => Self::Anew,
            ReadOpts { recheck: true, .. } => Self::Recheck,
            _ => Self::Plain,
        }
    }
}

/// What a look at the notes brings.
enum Look<'k, T> {
    Known(Option<Entry<Option<T>>>),
    Ask(Option<Claim<'k>>),
}

impl<S: Level> Level for RequestScoped<S> {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        let claim = self.change(key);
        let removed = self.inner.remove(key).await;
        if let (Some(claim), Ok(())) = (claim, &removed) {
            claim.removed();
        }
        removed
    }

    async fn remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        let claims: Vec<_> = keys.iter().filter_map(|key| self.change(*key)).collect();
        let removed = self.inner.remove_multi(keys).await;
        if removed.is_ok() {
            claims.into_iter().for_each(Claim::removed);
        }
        removed
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities().with_further_tiers(self.tiers).with_remembered_absence()
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

impl<T, S> Store<T> for RequestScoped<S>
where
    T: Clone + Send + Sync + 'static,
    S: Store<T>,
{
    async fn read(&self, key: Key<'_>) -> Answer<T> {
        match self.look(key, How::Plain) {
            Look::Known(known) => Ok(known),
            Look::Ask(claim) => {
                let found = self.inner.read(key).await;
                self.heard(key, claim, found, How::Plain, ReadOpts::default())
            }
        }
    }

    async fn read_with(&self, key: Key<'_>, opts: ReadOpts) -> Answer<T> {
        let how = How::of(opts);
        let (here, far) = self.split(opts.tiers);
        let Some(tiers) = far else { return Ok(self.noted(key).filter(|_| here)) };
        let opts = ReadOpts { tiers, ..opts };
        if !here {
            return match how {
                How::Recheck if !self.remembers => Ok(None),
                _ => self.inner.read_with(key, opts).await,
            };
        }
        match self.look(key, how) {
            Look::Known(known) => Ok(known),
            Look::Ask(claim) => {
                let found = self.inner.read_with(key, opts).await;
                self.heard(key, claim, found, how, opts)
            }
        }
    }

    async fn read_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Entry<Option<T>>>> {
        if with_current(|_| ()).is_none() {
            return self.inner.read_multi(keys).await;
        }
        self.read_all(keys, How::Plain, ReadOpts::default()).await
    }

    async fn read_multi_with(
        &self,
        keys: &[Key<'_>],
        opts: ReadOpts,
    ) -> Result<Batch<Entry<Option<T>>>> {
        let (here, far) = self.split(opts.tiers);
        let Some(tiers) = far else {
            return Ok(keys.iter().map(|key| Ok(self.noted(*key).filter(|_| here))).collect());
        };
        let opts = ReadOpts { tiers, ..opts };
        match How::of(opts) {
            how if here => self.read_all(keys, how, opts).await,
            How::Recheck if !self.remembers => Ok(keys.iter().map(|_| Ok(None)).collect()),
            _ => self.inner.read_multi_with(keys, opts).await,
        }
    }

    async fn write(
        &self,
        key: Key<'_>,
        entry: &Entry<Option<T>>,
        opts: WriteOpts<'_>,
    ) -> Result<()> {
        let claim = self.change(key);
        let (here, far) = self.split(opts.tiers);
        let written = match far {
            Some(tiers) => self.inner.write(key, entry, WriteOpts { tiers, ..opts }).await,
            None => Ok(()),
        };
        if let (Some(claim), true) = (claim, here && is_worth_noting(&written)) {
            claim.wrote(entry);
        }
        written
    }

    fn handed(&self, key: Key<'_>, entry: impl FnOnce() -> Entry<Option<T>>) {
        // Only what it has asked for in vain, and nothing else has happened to since.
        with_current(|scope| scope.notes().handed(self.at(key), entry));
    }

    async fn write_multi(&self, puts: &[Put<'_, &Entry<Option<T>>>]) -> Result<()> {
        if puts.is_empty() { Ok(()) } else { self.write_all(puts).await }
    }
}

impl<S: EntryTtl> EntryTtl for RequestScoped<S> {}

impl<S: Level + Default> Default for RequestScoped<S> {
    fn default() -> Self {
        Self::new(S::default())
    }
}

impl<S: fmt::Debug> fmt::Debug for RequestScoped<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestScoped")
            .field("inner", &self.inner)
            .field("max_entries", &self.max_entries)
            .finish_non_exhaustive()
    }
}
