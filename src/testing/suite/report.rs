//! What a suite found out.

use std::{
    any::Any,
    fmt::{Debug, Display},
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use tokio::task::JoinSet;

use crate::{Error, Key};

/// How much is shown of a value or key; some are a megabyte long.
const SHOWN: usize = 100;

/// How a check ended.
pub(super) type Outcome = Result<(), Broken>;

/// How a promise was broken.
#[derive(Debug)]
pub(super) struct Broken(String);

impl Broken {
    pub(super) fn new(how: impl Into<String>) -> Self {
        Self(how.into())
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self(format!("a call failed: {error:?}"))
    }
}

pub(super) fn ensure(kept: bool, how: impl FnOnce() -> String) -> Outcome {
    if kept { Ok(()) } else { Err(Broken(how())) }
}

/// Whether `got` is `wanted`; if not, that is said of `what`.
pub(super) fn same<V: PartialEq + Debug>(what: impl Display, got: &V, wanted: &V) -> Outcome {
    ensure(got == wanted, || {
        format!("{}: got {} instead of {}", cut(what.to_string()), shown(got), shown(wanted))
    })
}

/// The same, said of a key.
pub(super) fn holds<V: PartialEq + Debug>(key: Key<'_>, got: &V, wanted: &V) -> Outcome {
    same(format_args!("key {key:?}"), got, wanted)
}

/// The beginning of what `Debug` shows.
pub(super) fn shown(value: impl Debug) -> String {
    cut(format!("{value:?}"))
}

fn cut(text: String) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}.. ({} bytes of text)", &text[..at], text.len()),
        None => text,
    }
}

/// Waits for all tasks. A panic in one goes on in the caller.
pub(super) async fn all(mut tasks: JoinSet<Outcome>) -> Outcome {
    while let Some(done) = tasks.join_next().await {
        match done.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(outcome) => outcome?,
            Err(Ok(panic)) => resume_unwind(panic),
            Err(Err(error)) => return Err(Broken(format!("a task did not end: {error}"))),
        }
    }
    Ok(())
}

/// Gathers the broken promises of one subject.
pub(super) struct Report {
    subject: &'static str,
    checked: usize,
    broken: Vec<String>,
}

impl Report {
    pub(super) const fn new(subject: &'static str) -> Self {
        Self { subject, checked: 0, broken: Vec::new() }
    }

    /// Runs the check of one promise. A panic breaks the promise, too.
    pub(super) async fn check(
        &mut self,
        promise: impl Display,
        check: impl Future<Output = Outcome>,
    ) {
        self.checked += 1;
        if let Err(Broken(how)) = caught(check).await {
            self.broken.push(format!("\n  - {promise}: {how}"));
        }
    }

    /// Panics, if a promise was broken.
    pub(super) fn finish(self) {
        let Self { subject, checked, broken } = self;
        let (count, all) = (broken.len(), broken.concat());
        assert!(broken.is_empty(), "{subject} breaks {count} of {checked} promises:{all}");
    }
}

async fn caught(check: impl Future<Output = Outcome>) -> Outcome {
    let mut check = Box::pin(check);
    let polled = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| check.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => std::task::Poll::Ready(Err(panic)),
    });
    polled.await.unwrap_or_else(|panic| Err(Broken(format!("it panicked: {}", words(&*panic)))))
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref().copied()).unwrap_or("without words")
}
