//! Reading: copies where there are any, else the truth, and a copy of it.

use std::{
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::{Tiered, changes::Changes, near::By};
use crate::{Batch, Entry, Key, Level, Put, ReadOpts, Result, Store, Tiers, WriteOpts};

type Answer<T> = Result<Option<Entry<Option<T>>>>;

impl<L1: Level + 'static, L2: Level, C: Changes> Tiered<L1, L2, C> {
    /// Asks `L2`, and copies what it has.
    async fn fetch<T>(&self, key: Key<'_>, opts: ReadOpts, copy: bool) -> Answer<T>
    where
        L1: Store<T>,
        L2: Store<T>,
        T: Sync,
    {
        self.changes.listen();
        let begun = self.begin(key);
        let found = match opts {
            ReadOpts { tiers: Tiers::ALL, anew: false, recheck: false } => self.far.read(key).await,
            opts => self.far.read_with(key, opts).await,
        };
        if let Ok(Some(entry)) = &found
            && copy
            && begun.copies
            && let Some(opts) = self.copy_opts(&entry.meta)
        {
            let each = [(Put::new(key, entry, opts), begun.pass)];
            self.near.note(self.near.keep(&each, By::Read).await);
        }
        found
    }

    /// Asks `L2` for what copies cannot tell.
    async fn fetch_anew<T>(&self, key: Key<'_>, tiers: Tiers, near: Option<Tiers>) -> Answer<T>
    where
        L1: Store<T>,
        L2: Store<T>,
        T: Sync,
    {
        let opts = ReadOpts::tiers(tiers).anew();
        let found = self.fetch(key, opts, near.is_some()).await;
        match (&found, near) {
            // A copy is better than nothing.
            (Err(_), Some(tiers)) => {
                match self.near.look(key, ReadOpts::tiers(tiers), || self.begin(key).pass).await {
                    Some(copy) => Ok(Some(copy)),
                    None => found,
                }
            }
            (Ok(None), _) => {
                let gone = [(key, self.begin(key).pass)];
                self.near.note(self.near.forget(&gone).await);
                found
            }
            _ => found,
        }
    }

    /// What copies are still good for after `L2` was asked for a batch: they stand in where it failed, and
    /// go where it has nothing.
    async fn beside_copies<T>(
        &self,
        keys: &[Key<'_>],
        found: Result<Batch<Entry<Option<T>>>>,
        near: Option<Tiers>,
    ) -> Result<Batch<Entry<Option<T>>>>
    where
        L1: Store<T>,
        T: Send + Sync,
    {
        let mut found = match (found, near) {
            (Ok(found), _) => found,
            (Err(error), None) => return Err(error),
            (Err(error), Some(_)) => keys.iter().map(|_| Err(error.clone())).collect(),
        };
        let at_which = |is: fn(&Answer<T>) -> bool, found: &[Answer<T>]| -> Vec<usize> {
            (0..keys.len()).filter(|at| is(&found[*at])).collect()
        };
        let gone = at_which(|answer| matches!(answer, Ok(None)), &found);
        if !gone.is_empty() {
            let each = gone.iter().map(|at| (keys[*at], self.begin(keys[*at]).pass));
            self.near.note(self.near.forget(&each.collect::<Vec<_>>()).await);
        }
        let failed = at_which(Result::is_err, &found);
        if let (false, Some(tiers)) = (failed.is_empty(), near) {
            let asked: Vec<Key<'_>> = failed.iter().map(|at| keys[*at]).collect();
            let copies = self
                .near
                .look_all(&asked, ReadOpts::tiers(tiers), |key| self.begin(key).pass)
                .await;
            for (at, copy) in failed.into_iter().zip(copies) {
                if let Ok(Some(copy)) = copy {
                    found[at] = Ok(Some(copy));
                }
            }
        }
        // Entries that make no sense are no failure of the store.
        let failed = |answer: &Answer<T>| matches!(answer, Err(error) if !error.is_unreadable());
        match found.first() {
            Some(Err(error)) if found.iter().all(failed) => Err(error.clone()),
            _ => Ok(found),
        }
    }

    /// What `L1` lacks of a batch, from `L2` in one go.
    async fn complete<T>(
        &self,
        keys: &[Key<'_>],
        mut found: Batch<Entry<Option<T>>>,
        opts: ReadOpts,
        copy: bool,
    ) -> Result<Batch<Entry<Option<T>>>>
    where
        L1: Store<T>,
        L2: Store<T>,
        T: Send + Sync,
    {
        let missing: Vec<usize> =
            (0..keys.len()).filter(|at| !matches!(found[*at], Ok(Some(_)))).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        self.changes.listen();
        let asked: Vec<Key<'_>> = missing.iter().map(|at| keys[*at]).collect();
        let begun = self.begin_all(asked.iter().copied());
        let answers = match opts {
            ReadOpts { tiers: Tiers::ALL, anew: false, recheck: false } => {
                self.far.read_multi(&asked).await
            }
            opts => self.far.read_multi_with(&asked, opts).await,
        };
        let answers = match answers {
            Ok(answers) => answers,
            Err(error) if missing.len() == keys.len() => return Err(error),
            Err(error) => asked.iter().map(|key| Err(error.clone().with_key(*key))).collect(),
        };
        if copy {
            let copies = answers.iter().zip(&begun).filter_map(|(answer, begun)| {
                let entry = answer.as_ref().ok()?.as_ref().filter(|_| begun.copies)?;
                let opts: WriteOpts<'_> = self.copy_opts(&entry.meta)?;
                Some((Put::new(begun.key, entry, opts), begun.pass))
            });
            let copies: Vec<_> = copies.collect();
            if !copies.is_empty() {
                self.near.note(self.near.keep(&copies, By::Read).await);
            }
        }
        for (at, answer) in missing.into_iter().zip(answers) {
            found[at] = answer;
        }
        Ok(found)
    }
}

impl<T, L1, L2, C> Store<T> for Tiered<L1, L2, C>
where
    T: Send + Sync,
    L1: Store<T> + 'static,
    L2: Store<T>,
    C: Changes,
{
    // Copies that may be in doubt are read.
    #[inline]
    fn glance(&self, key: Key<'_>) -> Option<Entry<Option<T>>> {
        if self.near.is_at_once() { self.near.store.glance(key) } else { None }
    }

    fn read(&self, key: Key<'_>) -> impl Future<Output = Answer<T>> + Send {
        let rest = move || Box::pin(self.fetch(key, ReadOpts::default(), true));
        let mark = self.near.mark(&[key]);
        let near = self.near.store.read(key);
        Read { near, tiers: self, key, mark, rest: Rest::Ahead(rest) }
    }

    async fn read_with(&self, key: Key<'_>, opts: ReadOpts) -> Answer<T> {
        let (near, far) = self.split(opts.tiers);
        if let (true, Some(far)) = (opts.anew, far) {
            return self.fetch_anew(key, far, near).await;
        }
        if let Some(tiers) = near
            && let Some(copy) =
                self.near.look(key, ReadOpts { tiers, ..opts }, || self.begin(key).pass).await
        {
            return Ok(Some(copy));
        }
        match far {
            Some(tiers) => self.fetch(key, ReadOpts { tiers, ..opts }, near.is_some()).await,
            None => Ok(None),
        }
    }

    async fn read_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Entry<Option<T>>>> {
        let found = self.near.look_all(keys, ReadOpts::default(), |key| self.begin(key).pass).await;
        self.complete(keys, found, ReadOpts::default(), true).await
    }

    async fn read_multi_with(
        &self,
        keys: &[Key<'_>],
        opts: ReadOpts,
    ) -> Result<Batch<Entry<Option<T>>>> {
        let (near, far) = self.split(opts.tiers);
        let nothing = || keys.iter().map(|_| Ok(None)).collect();
        if let (true, Some(far)) = (opts.anew, far) {
            let opts = ReadOpts { tiers: far, ..opts };
            let found = self.complete(keys, nothing(), opts, near.is_some()).await;
            return self.beside_copies(keys, found, near).await;
        }
        let found = match near {
            Some(tiers) => {
                self.near
                    .look_all(keys, ReadOpts { tiers, ..opts }, |key| self.begin(key).pass)
                    .await
            }
            None => nothing(),
        };
        match far {
            Some(tiers) => {
                self.complete(keys, found, ReadOpts { tiers, ..opts }, near.is_some()).await
            }
            None => Ok(found),
        }
    }

    async fn write(
        &self,
        key: Key<'_>,
        entry: &Entry<Option<T>>,
        opts: WriteOpts<'_>,
    ) -> Result<()> {
        self.write_all(&[Put::new(key, entry, opts)]).await
    }

    async fn write_multi(&self, puts: &[Put<'_, &Entry<Option<T>>>]) -> Result<()> {
        if puts.is_empty() { Ok(()) } else { self.write_all(puts).await }
    }
}

pin_project! {
    /// A read of `L1`, which goes on in a box where that has nothing: so that the future and the code of
    /// a hit stay small.
    struct Read<'a, 'k, L1, L2, C, F, R, G> {
        #[pin]
        near: F,
        tiers: &'a Tiered<L1, L2, C>,
        key: Key<'k>,
        mark: u64,
        rest: Rest<R, G>,
    }
}

enum Rest<R, G> {
    Ahead(R),
    UnderWay(Pin<Box<G>>),
    Begun,
}

impl<T, L1, L2, C, F, R, G> Future for Read<'_, '_, L1, L2, C, F, R, G>
where
    L1: Level + 'static,
    L2: Level,
    C: Changes,
    F: Future<Output = Answer<T>>,
    R: FnOnce() -> Pin<Box<G>>,
    G: Future<Output = Answer<T>>,
{
    type Output = Answer<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer<T>> {
        let this = self.project();
        if let Rest::UnderWay(rest) = this.rest {
            return rest.as_mut().poll(cx);
        }
        match this.near.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(Some(entry)))
                if !this
                    .tiers
                    .near
                    .doubts(*this.key, *this.mark, || this.tiers.begin(*this.key).pass) =>
            {
                Poll::Ready(Ok(Some(entry)))
            }
            Poll::Ready(answer) => {
                this.tiers.near.note(answer.map(drop));
                this.rest.begin(cx)
            }
        }
    }
}

impl<R, G: Future> Rest<R, G> {
    #[cold]
    #[inline(never)]
    fn begin(&mut self, cx: &mut Context<'_>) -> Poll<G::Output>
    where
        R: FnOnce() -> Pin<Box<G>>,
    {
        match mem::replace(self, Self::Begun) {
            Self::Ahead(rest) => {
                let mut rest = rest();
                let polled = rest.as_mut().poll(cx);
                *self = Self::UnderWay(rest);
                polled
            }
            Self::UnderWay(_) | Self::Begun => Poll::Pending,
        }
    }
}
