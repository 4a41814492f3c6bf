use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::Inner;
use crate::{Entry, Key, Result, Store};

/// What a stack answers to a read.
pub(super) type Answer<T> = Result<Option<Entry<Option<T>>>>;

impl<S> Inner<S> {
    /// Reads `key`: `Ok` with the value if it is fresh, else `Err` with whatever the stack said.
    #[inline]
    pub(super) fn fresh<'a, T>(
        &'a self,
        key: Key<'a>,
    ) -> impl Future<Output = Result<T, Answer<T>>> + Send
    where
        S: Store<T>,
    {
        Fresh { read: self.stack.read(key), inner: self }
    }
}

pin_project! {
    /// A read that lets only the fresh value through. Not an `async fn`: that would move the whole
    /// entry once more before looking at it, which a hit in memory can feel.
    struct Fresh<'a, S, F> {
        #[pin]
        read: F,
        inner: &'a Inner<S>,
    }
}

impl<S, T, F: Future<Output = Answer<T>>> Future for Fresh<'_, S, F> {
    type Output = Result<T, Answer<T>>;

    #[expect(clippy::inline_always, reason = "measured: else the answer is moved once more")]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.read.poll(cx).map(|answer| match answer {
            Ok(Some(Entry { value: Some(value), meta })) if this.inner.is_fresh(&meta) => Ok(value),
            answer => Err(answer),
        })
    }
}
