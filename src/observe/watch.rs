//! One operation under watch: from what was asked to the event that tells of it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use pin_project_lite::pin_project;

use super::{Event, Observe, Op};
use crate::{Batch, Entry, Key, Put, Result};

/// What was asked.
pub(super) struct Asked<'s, 'k> {
    op: Op,
    keys: Keys<'s, 'k>,
    /// Bytes to write.
    sent: Option<usize>,
}

enum Keys<'s, 'k> {
    One(Key<'k>),
    Many(&'s [Key<'k>]),
    Owned(Vec<Key<'k>>),
}

impl<'s, 'k> Asked<'s, 'k> {
    pub(super) fn one(op: Op, key: Key<'k>) -> Self {
        Self { op, keys: Keys::One(key), sent: None }
    }

    pub(super) fn many(op: Op, keys: &'s [Key<'k>]) -> Self {
        Self { op, keys: Keys::Many(keys), sent: None }
    }

    pub(super) fn puts<V>(puts: &[Put<'k, V>]) -> Self {
        let keys = Keys::Owned(puts.iter().map(|put| put.key).collect());
        Self { op: Op::SetMulti, keys, sent: None }
    }

    pub(super) fn sending(self, bytes: usize) -> Self {
        Self { sent: Some(bytes), ..self }
    }
}

pin_project! {
    /// An operation under watch. Not an `async fn`, because a level nobody listens to should hand
    /// the answer through untouched, and because an `async fn` that is given a future stores it
    /// twice.
    pub(super) struct Watched<'o, 's, 'k, O, F> {
        #[pin]
        inner: F,
        watch: Option<Watch<'o, 's, 'k, O>>,
    }
}

/// Who wants to know of an operation, and since when it runs.
pub(super) struct Watch<'o, 's, 'k, O> {
    observer: &'o O,
    asked: Asked<'s, 'k>,
    started: Instant,
}

impl<'o, 's, 'k, O, F> Watched<'o, 's, 'k, O, F> {
    #[inline]
    pub(super) fn new(inner: F, watch: Option<Watch<'o, 's, 'k, O>>) -> Self {
        Self { inner, watch }
    }
}

impl<O: Observe, F: Future<Output = Result<V>>, V: Seen> Future for Watched<'_, '_, '_, O, F> {
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

impl<'o, 's, 'k, O: Observe> Watch<'o, 's, 'k, O> {
    pub(super) fn start(observer: &'o O, asked: Asked<'s, 'k>) -> Self {
        Self { observer, asked, started: Instant::now() }
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
        let (hits, received) = answer.as_ref().map_or((None, None), Seen::seen);
        self.observer.observe(&Event {
            op: self.asked.op,
            keys: match &self.asked.keys {
                Keys::One(key) => std::slice::from_ref(key),
                Keys::Many(keys) => keys,
                Keys::Owned(keys) => keys,
            },
            hits,
            bytes: self.asked.sent.or(received),
            error: answer.as_ref().err(),
            took: self.started.elapsed(),
        });
    }
}

/// What an answer tells: keys found, bytes received.
pub(super) trait Seen {
    fn seen(&self) -> (Option<usize>, Option<usize>);
}

impl Seen for () {
    fn seen(&self) -> (Option<usize>, Option<usize>) {
        (None, None)
    }
}

impl Seen for Option<Bytes> {
    fn seen(&self) -> (Option<usize>, Option<usize>) {
        (Some(usize::from(self.is_some())), self.as_ref().map(Bytes::len))
    }
}

impl<T> Seen for Option<Entry<T>> {
    fn seen(&self) -> (Option<usize>, Option<usize>) {
        (Some(usize::from(self.is_some())), None)
    }
}

impl Seen for Batch<Bytes> {
    fn seen(&self) -> (Option<usize>, Option<usize>) {
        let found = || self.iter().filter_map(|answer| answer.as_ref().ok()?.as_ref());
        (Some(found().count()), Some(found().map(Bytes::len).sum()))
    }
}

impl<T> Seen for Batch<Entry<T>> {
    fn seen(&self) -> (Option<usize>, Option<usize>) {
        (Some(self.iter().filter(|answer| matches!(answer, Ok(Some(_)))).count()), None)
    }
}
