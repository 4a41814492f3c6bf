use std::{borrow::Borrow, collections::HashMap, fmt, sync::Arc};

use super::lookup::Lookup;
use crate::{
    AsKey, Created, EntryTtl, Failure, Invalidator, KeyBuf, Local, Lock, Marks, Region, Result,
    Store, region::Wishes,
};

/// A [`Lookup`] behind a region: single and batched reads of the same objects, under one key each.
///
/// What the request and the cache have is read in one go; for all the rest the lookup is asked **once**. Every
/// answer is kept under its own key, for this request and for everyone, also "there is no such object": for the
/// region's [`negative_ttl`](crate::RegionBuilder::negative_ttl), or else as long as values.
///
/// Cloning is cheap. The module [`request`](crate::request) begins with a whole example.
///
/// Ids are given as they are or by reference: `get(7)`, `get(&id)`,
/// `get_multi(posts.iter().map(|post| post.author))`.
///
/// # Errors
///
/// Reading fails with [`Failure::Creator`], the error of the lookup, or with [`Failure::Cache`], as
/// [`Region::try_get_or_create`]. A batch fails as a whole if it fails for one of its ids; what was found of
/// the others is kept.
///
/// # Concurrency
///
/// Single and batched reads share their lookups: of an object that many ask for at the same time, one asks the
/// lookup, and the others wait for its answer. One that is dropped or panics harms nobody else.
///
/// # Cancellation
///
/// Safe: dropping a future drops the lookup it asks. A [`set`](Self::set), [`delete`](Self::delete) or
/// [`refresh`](Self::refresh) that is dropped has taken place or not.
pub struct Loader<Q, S, L = Local, I = Marks> {
    region: Region<S, L, I>,
    lookup: Arc<Q>,
}

/// An object that is asked for.
struct Asked<Id> {
    id: Id,
    key: KeyBuf,
}

impl<Id> AsKey for Asked<Id> {
    fn as_key(&self) -> crate::Key<'_> {
        self.key.as_key()
    }
}

impl<Q, S, L, I> Loader<Q, S, L, I>
where
    Q: Lookup,
    S: Store<Q::Value> + EntryTtl,
    L: Lock,
    I: Invalidator,
{
    /// Puts `lookup` behind `region`.
    pub fn new(region: Region<S, L, I>, lookup: Q) -> Self {
        Self { region, lookup: Arc::new(lookup) }
    }

    /// The region.
    #[must_use]
    pub const fn region(&self) -> &Region<S, L, I> {
        &self.region
    }

    /// The lookup.
    #[must_use]
    pub fn lookup(&self) -> &Q {
        &self.lookup
    }

    /// The object `id`; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As [told above](Self#errors).
    pub async fn get(&self, id: impl Borrow<Q::Id>) -> Result<Option<Q::Value>, Failure<Q::Error>> {
        let id = id.borrow();
        let key = self.lookup.key(id);
        let find = || self.find(id.clone());
        let found = self.region.try_get_or_create_with(key.as_key(), find).await?;
        Ok(self.read(found))
    }

    /// The objects `ids`, in their order, duplicates included: one read of the stack, and one question to
    /// the lookup for all that is missing.
    ///
    /// # Errors
    ///
    /// As [told above](Self#errors).
    pub async fn get_multi(
        &self,
        ids: impl IntoIterator<Item = impl Borrow<Q::Id>>,
    ) -> Result<Vec<Option<Q::Value>>, Failure<Q::Error>> {
        let asked = self.asked(ids);
        let find = |missing| self.find_multi(missing);
        let found = self.region.try_get_or_create_multi_with(asked.iter(), find).await;
        found.into_iter().map(|found| found.map(|value| self.read(value))).collect()
    }

    /// Loads the objects `ids` as [`get_multi`](Self::get_multi) does, so that those who ask for them later
    /// in this request ask nobody: `prefetch(products.iter().map(|product| product.maker.id()))`.
    ///
    /// # Errors
    ///
    /// As [told above](Self#errors).
    pub async fn prefetch(
        &self,
        ids: impl IntoIterator<Item = impl Borrow<Q::Id>>,
    ) -> Result<(), Failure<Q::Error>> {
        let asked = self.asked(ids);
        let find = |missing| self.find_multi(missing);
        let found = self.region.try_get_or_create_multi_with(asked.iter(), find).await;
        found.into_iter().try_for_each(|found| found.map(drop))
    }

    /// Asks the lookup for the object `id`, whatever is there, and keeps the answer.
    ///
    /// # Errors
    ///
    /// As [told above](Self#errors).
    pub async fn refresh(
        &self,
        id: impl Borrow<Q::Id>,
    ) -> Result<Option<Q::Value>, Failure<Q::Error>> {
        let id = id.borrow();
        let key = self.lookup.key(id);
        let wishes = Wishes { expire_after: None, anew: true, optional: true, tells: true };
        let found = self.region.call(key.as_key(), wishes, || self.find(id.clone())).await?;
        Ok(self.read(found))
    }

    /// Keeps `value` as the object `id`, after [`before_store`](Lookup::before_store) has seen it; the lookup
    /// is not told. If that says that there is no such object, it is forgotten.
    ///
    /// # Errors
    ///
    /// As [`Region::set`].
    pub async fn set(&self, id: impl Borrow<Q::Id>, value: Q::Value) -> Result<()> {
        let key = self.lookup.key(id.borrow());
        match self.lookup.before_store(value) {
            Some(value) => self.region.set(key.as_key(), value).await,
            None => self.region.delete(key.as_key()).await,
        }
    }

    /// Forgets the object `id`, or that there is none.
    ///
    /// # Errors
    ///
    /// As [`Region::delete`].
    pub async fn delete(&self, id: impl Borrow<Q::Id>) -> Result<()> {
        let key = self.lookup.key(id.borrow());
        self.region.delete(key.as_key()).await
    }

    /// Forgets the objects `ids`.
    ///
    /// # Errors
    ///
    /// As [`Region::delete_multi`].
    pub async fn delete_multi(
        &self,
        ids: impl IntoIterator<Item = impl Borrow<Q::Id>>,
    ) -> Result<()> {
        let asked = self.asked(ids);
        self.region.delete_multi(asked.iter().map(AsKey::as_key)).await
    }

    fn asked(&self, ids: impl IntoIterator<Item = impl Borrow<Q::Id>>) -> Vec<Asked<Q::Id>> {
        let asked = ids.into_iter().map(|id| {
            let id = id.borrow().clone();
            let key = self.lookup.key(&id).as_key().to_buf();
            Asked { id, key }
        });
        asked.collect()
    }

    async fn find(&self, id: Q::Id) -> Result<Created<Q::Value>, Q::Error> {
        Ok(self.created(self.lookup.one(id).await?))
    }

    async fn find_multi(
        &self,
        missing: Vec<&Asked<Q::Id>>,
    ) -> Result<Vec<(KeyBuf, Created<Q::Value>)>, Q::Error> {
        let ids = missing.iter().map(|asked| asked.id.clone()).collect();
        let found = self.lookup.many(ids).await?;
        // Absence is an answer, too; what nobody asked for is none.
        let mut answers: HashMap<KeyBuf, Option<Q::Value>> =
            missing.into_iter().map(|asked| (asked.key.clone(), None)).collect();
        for (id, value) in found {
            if let Some(answer) = answers.get_mut(&self.lookup.key(&id).as_key().to_buf()) {
                *answer = Some(value);
            }
        }
        Ok(answers.into_iter().map(|(key, found)| (key, self.created(found))).collect())
    }

    fn created(&self, found: Option<Q::Value>) -> Created<Q::Value> {
        let stored = found.and_then(|value| self.lookup.before_store(value));
        stored.map_or_else(Created::nothing, Created::new)
    }

    fn read(&self, found: Option<Q::Value>) -> Option<Q::Value> {
        found.and_then(|value| self.lookup.after_read(value))
    }
}

// A derive would ask for `Q: Clone` and `S: Clone`.
impl<Q, S, L, I> Clone for Loader<Q, S, L, I> {
    fn clone(&self) -> Self {
        Self { region: self.region.clone(), lookup: Arc::clone(&self.lookup) }
    }
}

impl<Q, S, L, I> fmt::Debug for Loader<Q, S, L, I>
where
    Region<S, L, I>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A lookup holds connections, whose URLs hold passwords.
        f.debug_struct("Loader").field("region", &self.region).finish_non_exhaustive()
    }
}
