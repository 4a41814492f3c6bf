//! A backend that keeps all promises, or all but one.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use larder::{
    Backend, Batch, Bytes, Capabilities, Clock, Error, ErrorKind, Expires, HashBackend, HashExpiry,
    Key, KeyBuf, Level, Put, Result, Timestamp, WriteOpts,
};
use tokio::task::yield_now;

use crate::desk::Desk;

/// What a [`Shelf`] does wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Flaw {
    #[default]
    None,
    ForgetsWhatWasRead,
    KeepsTheFirst,
    CutsShorter,
    GlancesBehind,
    IgnoresRemoval,
    RemovesTheSpace,
    RefusesToRemoveTheMissing,
    Concatenates,
    JoinsByColon,
    IgnoresSpaces,
    TrimsKeys,
    LowersKeys,
    CutsLongKeys,
    BusyForLongKeys,
    EmptySpaceIsNone,
    SortsBatches,
    LeavesOutMisses,
    AnswersDuplicatesOnce,
    WritesAHundred,
    FirstOfABatchWins,
    RemovesTheFirst,
    EmptyBatchFails,
    OverflowsLifetimes,
    WrapsLifetimes,
    RefusesShortLives,
    ChecksAnyLease,
    ClaimsToFence,
    LosesUpdates,
    WritesLater,
    TearsValues,
    StuckWhenDropped,
    TextOnly,
    EmptyIsMissing,
    CutsValues,
    PlainKeysApart,
    // With a clock.
    NeverExpires,
    ClaimsNothing,
    ExpiresEarly,
    FirstLifetimeStays,
    BatchesLiveForEver,
    BatchesShareALifetime,
    BackInTimeIsGone,
    // With leases.
    IgnoresLeases,
    BatchesIgnoreLeases,
    FencesForEver,
    OtherDomain,
}

#[derive(Clone, Debug)]
struct Kept {
    value: Bytes,
    written: Timestamp,
    expires: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub(crate) struct Shelf {
    flaw: Flaw,
    kept: Mutex<HashMap<KeyBuf, Kept>>,
    later: Mutex<Vec<(KeyBuf, Kept)>>,
    clock: Clock,
    desk: Option<Desk>,
    seen: Mutex<HashMap<KeyBuf, Bytes>>,
    stuck: AtomicBool,
}

impl Shelf {
    pub(crate) fn new(flaw: Flaw) -> Self {
        Self { flaw, ..Self::default() }
    }

    pub(crate) fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Checks the leases of `desk`.
    pub(crate) fn with_desk(self, desk: Desk) -> Self {
        Self { desk: Some(desk), ..self }
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<KeyBuf, Kept>> {
        self.kept.lock().unwrap()
    }

    fn stored(&self, key: Key<'_>) -> KeyBuf {
        let (space, name) = (key.space(), key.name());
        let plain = |text: String| Key::from(&text).to_buf();
        match (self.flaw, space) {
            (Flaw::Concatenates, Some(space)) => plain(format!("{space}{name}")),
            (Flaw::JoinsByColon, Some(space)) => plain(format!("{space}:{name}")),
            (Flaw::IgnoresSpaces, Some(_)) | (Flaw::EmptySpaceIsNone, Some("")) => {
                plain(name.to_owned())
            }
            (Flaw::TrimsKeys, None) => plain(name.trim().to_owned()),
            (Flaw::LowersKeys, None) => plain(name.to_lowercase()),
            (Flaw::CutsLongKeys, None) => plain(name.chars().take(250).collect()),
            _ => key.to_buf(),
        }
    }

    async fn passage(&self) -> Result<()> {
        if !self.is(Flaw::StuckWhenDropped) {
            return Ok(());
        }
        if self.stuck.swap(true, SeqCst) {
            return Err(failed(ErrorKind::Backend));
        }
        yield_now().await;
        self.stuck.store(false, SeqCst);
        Ok(())
    }

    fn live(&self, kept: &Kept) -> bool {
        let now = self.clock.now();
        if self.is(Flaw::BackInTimeIsGone) && now < kept.written {
            return false;
        }
        self.is(Flaw::NeverExpires) || kept.expires.is_none_or(|expires| now <= expires)
    }

    fn find(&self, key: Key<'_>) -> Option<Bytes> {
        let stored = self.stored(key);
        let kept = self.kept().get(&stored).cloned().filter(|kept| self.live(kept));
        if self.is(Flaw::ForgetsWhatWasRead) {
            self.kept().remove(&stored);
        }
        kept.map(|kept| kept.value).filter(|v| !(self.is(Flaw::EmptyIsMissing) && v.is_empty()))
    }

    fn to_keep(&self, value: Bytes, opts: WriteOpts<'_>) -> Kept {
        let value = match self.flaw {
            Flaw::TextOnly => String::from_utf8_lossy(&value).into_owned().into(),
            Flaw::CutsValues => value.slice(..value.len().min(100_000)),
            _ => value,
        };
        let written = self.clock.now();
        let lifetime = opts.keep_for.map(|keep_for| match self.flaw {
            Flaw::ExpiresEarly => keep_for / 2,
            _ => keep_for,
        });
        if self.is(Flaw::OverflowsLifetimes)
            && let Some(lifetime) = lifetime
        {
            let _ = std::time::Instant::now() + lifetime;
        }
        let expires = lifetime.map(|lifetime| match self.flaw {
            Flaw::WrapsLifetimes if i64::try_from(lifetime.as_secs()).is_err() => {
                Timestamp::from_secs(0)
            }
            _ => written.after(lifetime),
        });
        Kept { value, written, expires }
    }

    fn insert(&self, key: Key<'_>, mut new: Kept) {
        let stored = self.stored(key);
        let mut kept = self.kept();
        if let Some(old) = kept.get(&stored) {
            match self.flaw {
                Flaw::KeepsTheFirst => return,
                Flaw::FirstLifetimeStays => new.expires = old.expires,
                Flaw::CutsShorter if new.value.len() < old.value.len() => {
                    new.value = [&new.value[..], &old.value[new.value.len()..]].concat().into();
                }
                _ => {}
            }
        }
        kept.insert(stored, new);
    }

    fn check(&self, key: Key<'_>, opts: WriteOpts<'_>) -> Result<()> {
        let lost = || Err(failed(ErrorKind::LeaseLost).with_key(key));
        match (self.flaw, opts.fence, &self.desk) {
            (Flaw::ChecksAnyLease, Some(_), _) => return lost(),
            (Flaw::FencesForEver, None, Some(desk)) if desk.holds_key(key) => return lost(),
            (Flaw::IgnoresLeases, ..) => {}
            (_, Some(lease), Some(desk)) if !desk.holds(lease) => return lost(),
            _ => {}
        }
        match opts.keep_for {
            Some(life) if self.is(Flaw::RefusesShortLives) && life.as_millis() == 0 => {
                Err(failed(ErrorKind::Backend))
            }
            _ if self.is(Flaw::BusyForLongKeys) && key.name().len() > 512 => {
                Err(failed(ErrorKind::Unavailable))
            }
            _ => Ok(()),
        }
    }

    async fn write(&self, key: Key<'_>, new: Kept) {
        match self.flaw {
            Flaw::LosesUpdates => {
                let mut all = self.kept().clone();
                yield_now().await;
                all.insert(self.stored(key), new);
                *self.kept() = all;
            }
            Flaw::TearsValues => {
                let half = new.value.slice(..new.value.len() / 2);
                self.insert(key, Kept { value: half, ..new.clone() });
                yield_now().await;
                self.insert(key, new);
            }
            Flaw::WritesLater => {
                let mut later = self.later.lock().unwrap();
                for (key, new) in later.drain(..) {
                    self.kept().insert(key, new);
                }
                later.push((self.stored(key), new));
            }
            _ => self.insert(key, new),
        }
    }
}

fn failed(kind: ErrorKind) -> Error {
    Error::new(kind, "shelf")
}

impl Level for Shelf {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        self.passage().await?;
        let stored = self.stored(key);
        let there = self.kept().contains_key(&stored);
        match self.flaw {
            Flaw::IgnoresRemoval => {}
            Flaw::RefusesToRemoveTheMissing if !there => return Err(failed(ErrorKind::Backend)),
            Flaw::RemovesTheSpace => {
                self.kept().retain(|other, _| other.as_key().space() != key.space());
            }
            _ => drop(self.kept().remove(&stored)),
        }
        Ok(())
    }

    async fn remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        let some = if self.is(Flaw::RemovesTheFirst) { &keys[..keys.len().min(1)] } else { keys };
        for key in some {
            self.remove(*key).await?;
        }
        Ok(())
    }

    fn capabilities(&self) -> Capabilities {
        let expires = if self.is(Flaw::ClaimsNothing) { Expires::Never } else { Expires::Always };
        let capabilities = Capabilities::default().with_expires(expires);
        match (&self.desk, self.flaw) {
            (_, Flaw::ClaimsToFence) => capabilities.with_fence(larder::Domain::new("shelf")),
            (Some(_), Flaw::OtherDomain) => capabilities.with_fence(larder::Domain::new("other")),
            (Some(desk), _) => capabilities.with_fence(desk.here()),
            (None, _) => capabilities,
        }
    }
}

impl Backend for Shelf {
    fn glance(&self, key: Key<'_>) -> Option<Bytes> {
        if !self.is(Flaw::GlancesBehind) {
            return self.find(key);
        }
        // What is first seen stays.
        let mut seen = self.seen.lock().unwrap();
        let found = self.find(key)?;
        Some(seen.entry(key.to_buf()).or_insert(found).clone())
    }

    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        self.passage().await?;
        Ok(self.find(key))
    }

    async fn set(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) -> Result<()> {
        self.passage().await?;
        self.check(key, opts)?;
        self.write(key, self.to_keep(value, opts)).await;
        Ok(())
    }

    async fn get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        self.passage().await?;
        if self.is(Flaw::EmptyBatchFails) && keys.is_empty() {
            return Err(failed(ErrorKind::Backend));
        }
        let mut asked = keys.to_vec();
        match self.flaw {
            Flaw::SortsBatches => asked.sort(),
            Flaw::LeavesOutMisses => asked.retain(|key| self.find(*key).is_some()),
            _ => {}
        }
        let mut answered: Vec<Key<'_>> = Vec::new();
        let answers = asked.into_iter().map(|key| {
            if self.is(Flaw::AnswersDuplicatesOnce) && answered.contains(&key) {
                return Ok(None);
            }
            answered.push(key);
            Ok(self.find(key))
        });
        Ok(answers.collect())
    }

    async fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> Result<()> {
        self.passage().await?;
        let mut puts = puts.to_vec();
        match self.flaw {
            Flaw::WritesAHundred => puts.truncate(100),
            Flaw::FirstOfABatchWins => puts.reverse(),
            Flaw::BatchesLiveForEver => puts.iter_mut().for_each(|put| put.opts.keep_for = None),
            Flaw::BatchesIgnoreLeases => puts.iter_mut().for_each(|put| put.opts.fence = None),
            Flaw::BatchesShareALifetime => {
                let first = puts.first().and_then(|put| put.opts.keep_for);
                for put in &mut puts {
                    put.opts.keep_for = first;
                }
            }
            _ => {}
        }
        for put in puts {
            self.check(put.key, put.opts)?;
            self.write(put.key, self.to_keep(put.value, put.opts)).await;
        }
        Ok(())
    }
}

/// Its hashes are its spaces.
impl HashBackend for Shelf {
    async fn hash_get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        self.get(self.apart(key).as_key()).await
    }

    async fn hash_set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
        _: HashExpiry,
    ) -> Result<()> {
        self.set(self.apart(key).as_key(), value, opts).await
    }

    async fn hash_remove(&self, key: Key<'_>) -> Result<()> {
        self.remove(self.apart(key).as_key()).await
    }

    async fn hash_get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        let keys: Vec<KeyBuf> = keys.iter().map(|key| self.apart(*key)).collect();
        self.get_multi(&keys.iter().map(KeyBuf::as_key).collect::<Vec<_>>()).await
    }

    async fn hash_set_multi(&self, puts: &[Put<'_, Bytes>], expiry: HashExpiry) -> Result<()> {
        for put in puts {
            self.hash_set(put.key, put.value.clone(), put.opts, expiry).await?;
        }
        Ok(())
    }

    async fn hash_remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        for key in keys {
            self.hash_remove(*key).await?;
        }
        Ok(())
    }
}

impl Shelf {
    fn apart(&self, key: Key<'_>) -> KeyBuf {
        match key.space() {
            None if self.is(Flaw::PlainKeysApart) => Key::from(("not a hash", key.name())).to_buf(),
            _ => key.to_buf(),
        }
    }
}
