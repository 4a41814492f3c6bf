//! One operation under watch: from what was asked to the event that tells of it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use pin_project_lite::pin_project;

use super::{
    Event, Observe, Op,
    event::{Answer, Each},
};
use crate::{Batch, Entry, Key, Level, Put, Result};

/// What was asked.
pub(super) struct Asked<'s, 'k> {
    keys: Keys<'s, 'k>,
    sent: Sent<'s, 'k>,
}

enum Keys<'s, 'k> {
    One(Key<'k>),
    Many(&'s [Key<'k>]),
    Owned(Vec<Key<'k>>),
}

/// Bytes to write.
enum Sent<'s, 'k> {
    Nothing,
    One(Bytes),
    Many(&'s [Put<'k, Bytes>]),
}

impl<'s, 'k> Asked<'s, 'k> {
    pub(super) fn one(key: Key<'k>) -> Self {
        Self { keys: Keys::One(key), sent: Sent::Nothing }
    }

    pub(super) fn many(keys: &'s [Key<'k>]) -> Self {
        Self { keys: Keys::Many(keys), sent: Sent::Nothing }
    }

    pub(super) fn puts<V>(puts: &[Put<'k, V>]) -> Self {
        let keys = Keys::Owned(puts.iter().map(|put| put.key).collect());
        Self { keys, sent: Sent::Nothing }
    }

    pub(super) fn bytes(puts: &'s [Put<'k, Bytes>]) -> Self {
        Self { sent: Sent::Many(puts), ..Self::puts(puts) }
    }

    pub(super) fn sending(self, bytes: Bytes) -> Self {
        Self { sent: Sent::One(bytes), ..self }
    }
}

impl Sent<'_, '_> {
    fn size(&self) -> Option<usize> {
        match self {
            Self::Nothing => None,
            Self::One(bytes) => Some(bytes.len()),
            Self::Many(puts) => Some(puts.iter().map(|put| put.value.len()).sum()),
        }
    }
}

impl Each for Sent<'_, '_> {
    fn answer(&self, at: usize) -> Answer<'_> {
        let bytes = match self {
            Self::Nothing => None,
            Self::One(bytes) => Some(bytes),
            Self::Many(puts) => puts.get(at).map(|put| &put.value),
        };
        Answer { hit: None, bytes: bytes.map(|bytes| &**bytes) }
    }
}

pin_project! {
    /// An operation under watch. Not an `async fn`, because a level nobody listens to should hand
    /// the answer through untouched, and because an `async fn` that is given a future stores it
    /// twice.
    pub(super) struct Watched<'o, 's, 'k, O, S, F> {
        #[pin]
        inner: F,
        watch: Option<Watch<'o, 's, 'k, O, S>>,
    }
}

/// Who wants to know of an operation, and since when it runs.
pub(super) struct Watch<'o, 's, 'k, O, S> {
    observer: &'o O,
    level: &'o S,
    op: Op,
    asked: Asked<'s, 'k>,
    started: Option<Instant>,
}

impl<'o, 's, 'k, O, S, F> Watched<'o, 's, 'k, O, S, F> {
    #[inline]
    pub(super) fn new(inner: F, watch: Option<Watch<'o, 's, 'k, O, S>>) -> Self {
        Self { inner, watch }
    }
}

impl<O, S, F, V> Future for Watched<'_, '_, '_, O, S, F>
where
    O: Observe,
    S: Level,
    F: Future<Output = Result<V>>,
    V: Seen,
{
    type Output = Result<V>;

    #[expect(clippy::inline_always, reason = "measured: else the answer is moved once more")]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<V>> {
        let this = self.project();
        match this.watch {
            None => this.inner.poll(cx),
            Some(watch) => watch.poll(this.inner, cx),
        }
    }
}

impl<'o, 's, 'k, O: Observe, S: Level> Watch<'o, 's, 'k, O, S> {
    pub(super) fn start(observer: &'o O, level: &'o S, op: Op, asked: Asked<'s, 'k>) -> Self {
        let started = observer.timed().then(Instant::now);
        Self { observer, level, op, asked, started }
    }

    // Out of line: the way through while nobody listens should stay small enough to be inlined.
    #[inline(never)]
    fn poll<F, V>(&self, inner: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<Result<V>>
    where
        F: Future<Output = Result<V>>,
        V: Seen,
    {
        let answer = inner.poll(cx);
        if let Poll::Ready(answer) = &answer {
            self.tell(answer);
        }
        answer
    }

    fn tell<V: Seen>(&self, answer: &Result<V>) {
        let took = self.started.map(|started| started.elapsed()).unwrap_or_default();
        let Asked { keys, sent } = &self.asked;
        let found = answer.as_ref().ok();
        let each: &dyn Each = match (found, sent) {
            (Some(found), Sent::Nothing) => found,
            (_, sent) => sent,
        };
        self.observer.observe(&Event {
            op: self.op,
            keys: match keys {
                Keys::One(key) => std::slice::from_ref(key),
                Keys::Many(keys) => keys,
                Keys::Owned(keys) => keys,
            },
            hits: found.and_then(Seen::hits),
            bytes: sent.size().or_else(|| found.and_then(Seen::size)),
            error: answer.as_ref().err(),
            took,
            evicted: self.level.evicted(),
            each,
        });
    }
}

/// What an answer tells.
pub(super) trait Seen: Each {
    /// How many keys were found.
    fn hits(&self) -> Option<usize>;

    /// How many bytes came.
    fn size(&self) -> Option<usize> {
        None
    }
}

impl Each for () {
    fn answer(&self, _: usize) -> Answer<'_> {
        Answer::default()
    }
}

impl Seen for () {
    fn hits(&self) -> Option<usize> {
        None
    }
}

impl Each for Option<Bytes> {
    fn answer(&self, _: usize) -> Answer<'_> {
        Answer { hit: Some(self.is_some()), bytes: self.as_deref() }
    }
}

impl Seen for Option<Bytes> {
    fn hits(&self) -> Option<usize> {
        Some(usize::from(self.is_some()))
    }

    fn size(&self) -> Option<usize> {
        self.as_ref().map(Bytes::len)
    }
}

impl<T> Each for Option<Entry<T>> {
    fn answer(&self, _: usize) -> Answer<'_> {
        Answer { hit: Some(self.is_some()), bytes: None }
    }
}

impl<T> Seen for Option<Entry<T>> {
    fn hits(&self) -> Option<usize> {
        Some(usize::from(self.is_some()))
    }
}

impl Each for Batch<Bytes> {
    fn answer(&self, at: usize) -> Answer<'_> {
        match self.get(at) {
            Some(Ok(found)) => found.answer(0),
            _ => Answer::default(),
        }
    }
}

impl Seen for Batch<Bytes> {
    fn hits(&self) -> Option<usize> {
        Some(self.iter().filter(|answer| matches!(answer, Ok(Some(_)))).count())
    }

    fn size(&self) -> Option<usize> {
        let found = self.iter().filter_map(|answer| answer.as_ref().ok()?.as_ref());
        Some(found.map(Bytes::len).sum())
    }
}

impl<T> Each for Batch<Entry<T>> {
    fn answer(&self, at: usize) -> Answer<'_> {
        match self.get(at) {
            Some(Ok(found)) => found.answer(0),
            _ => Answer::default(),
        }
    }
}

impl<T> Seen for Batch<Entry<T>> {
    fn hits(&self) -> Option<usize> {
        Some(self.iter().filter(|answer| matches!(answer, Ok(Some(_)))).count())
    }
}
