//! The shortest way of a fresh value to its caller.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::{
    Region,
    read::{Answer, Glanced},
};
use crate::{Entry, Invalidator, Key, Level, Lock, Store, entry::NEVER_FRESH};

impl<S, L: Lock, I: Invalidator> Region<S, L, I> {
    /// Reads `key`: what `hit` makes of the value if it is fresh by the
    /// [`age_limit`](crate::entry::age_limit) `limit`, else what `rest` makes of the answer. What was glanced
    /// at already is the answer.
    #[inline]
    pub(super) fn through<'a, T, C, G>(
        &'a self,
        limit: u64,
        key: Key<'a>,
        glanced: Glanced<T>,
        hit: impl Fn(T) -> G::Output,
        rest: C,
    ) -> impl Future<Output = G::Output>
    where
        S: Store<T>,
        C: FnOnce(Answer<T>) -> Next<G>,
        G: Future,
    {
        let rest = match glanced {
            None => Rest::Ahead(rest),
            Some(other) => match rest(Ok(Some(*other))) {
                Next::Done(answer) => Rest::Done(answer),
                Next::Boxed(rest) => Rest::UnderWay(rest),
            },
        };
        Through { read: self.inner.stack.read(key), region: self, limit, hit, rest }
    }
}

pin_project! {
    /// A read whose fresh value goes out by the shortest way; everything else goes on in a box, so that
    /// the future and the code of a hit stay small. Not an `async fn`: with a second point to wait at,
    /// the compiler would move the entry once more, which a hit in memory can feel.
    struct Through<'a, S, L, I, F, H, C, G: Future> {
        #[pin]
        read: F,
        region: &'a Region<S, L, I>,
        limit: u64,
        hit: H,
        rest: Rest<C, G>,
    }
}

/// How a read that brought nothing fresh goes on.
pub(super) enum Next<G: Future> {
    /// Not at all: this is the answer.
    Done(G::Output),
    /// In a box, so that the future of a hit stays small.
    Boxed(Pin<Box<G>>),
}

/// What comes after a read that brought nothing fresh.
enum Rest<C, G: Future> {
    Ahead(C),
    UnderWay(Pin<Box<G>>),
    Done(G::Output),
    Begun,
}

impl<S, T, L, I, F, H, C, G> Future for Through<'_, S, L, I, F, H, C, G>
where
    S: Level,
    L: Lock,
    I: Invalidator,
    F: Future<Output = Answer<T>>,
    H: Fn(T) -> G::Output,
    C: FnOnce(Answer<T>) -> Next<G>,
    G: Future,
{
    type Output = G::Output;

    #[expect(clippy::inline_always, reason = "measured: else the answer is moved once more")]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if !matches!(this.rest, Rest::Ahead(_)) {
            return this.rest.go_on(cx);
        }
        if *this.limit == NEVER_FRESH {
            return this.rest.begin(Ok(None), cx);
        }
        match this.read.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(Some(Entry { value: Some(value), meta })))
                if this.region.is_fresh(meta, *this.limit) =>
            {
                this.region.tell_fresh(1);
                Poll::Ready((this.hit)(value))
            }
            Poll::Ready(answer) => this.rest.begin(answer, cx),
        }
    }
}

impl<C, G: Future> Rest<C, G> {
    #[cold]
    #[inline(never)]
    fn begin<T>(&mut self, answer: Answer<T>, cx: &mut Context<'_>) -> Poll<G::Output>
    where
        C: FnOnce(Answer<T>) -> Next<G>,
    {
        match std::mem::replace(self, Self::Begun) {
            Self::Ahead(rest) => match rest(answer) {
                Next::Done(answer) => Poll::Ready(answer),
                Next::Boxed(mut rest) => {
                    let polled = rest.as_mut().poll(cx);
                    *self = Self::UnderWay(rest);
                    polled
                }
            },
            Self::UnderWay(_) | Self::Done(_) | Self::Begun => Poll::Pending,
        }
    }

    #[cold]
    #[inline(never)]
    fn go_on(&mut self, cx: &mut Context<'_>) -> Poll<G::Output> {
        if let Self::UnderWay(rest) = self {
            return rest.as_mut().poll(cx);
        }
        match std::mem::replace(self, Self::Begun) {
            Self::Done(answer) => Poll::Ready(answer),
            _ => Poll::Pending,
        }
    }
}
