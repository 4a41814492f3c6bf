//! One call of a cached function.

use std::{future::Future, sync::Arc, time::Duration};

use super::{CachedError, CachedValue, Carrier, FunctionKey, Returned};
use crate::{
    Created, EntryTtl, Error, ErrorKind, Failure, Invalidator, Level, Lock, Region, Result, Store,
    region::Wishes,
};

type Answer<W> = Result<Option<<W as Returned>::Value>, Failure<<W as Returned>::Error>>;

fn wishes<W: Returned>(
    expire_after: Option<Duration>,
    anew: bool,
    carrier: Carrier<W::Error>,
) -> Wishes {
    Wishes { expire_after, anew, optional: W::OPTIONAL, tells: carrier.is_some() }
}

/// A call of a cached function: what the region has, or what the function returns; `anew`, whatever is
/// there.
///
/// Where the cache fails, the function is called without it, unless its error can tell (`carrier`).
///
/// # Panics
///
/// When the region cannot be used, or the function asks for the key that it creates, and its error cannot
/// tell.
#[expect(clippy::too_many_arguments, reason = "called by generated code")]
#[inline]
pub async fn answer<W, S, L, I, A, Fut>(
    _: W,
    region: &Region<S, L, I>,
    key: Result<&FunctionKey>,
    expire_after: Option<Duration>,
    anew: bool,
    arguments: A,
    original: impl Fn(A) -> Fut,
    kept: impl FnOnce(Created<W::Value>) -> Created<W::Value>,
    carrier: Carrier<W::Error>,
) -> W::Return
where
    W: Returned<Value: CachedValue, Error: CachedError>,
    S: Store<W::Value>,
    L: Lock,
    I: Invalidator,
    Fut: Future<Output = W::Return>,
{
    let (mut arguments, original) = (Some(arguments), &original);
    let answer: Answer<W> = match key {
        Ok(key) => {
            let create = || {
                let returned = arguments.take().map(original);
                async { made::<W, _, _, _>(region, kept, some(returned).await) }
            };
            region.call(key.as_key(), wishes::<W>(expire_after, anew, carrier), create).await
        }
        Err(error) => Err(error.into()),
    };
    match finish::<W>(answer, carrier) {
        Ok(returned) => returned,
        Err(error) => original(still(region, &error, arguments)).await,
    }
}

/// [`answer`] for a function that is not asynchronous.
///
/// # Panics
///
/// As there.
#[expect(clippy::too_many_arguments, reason = "called by generated code")]
#[inline]
pub fn answer_blocking<W, S, L, I, A>(
    _: W,
    region: &Region<S, L, I>,
    key: Result<&FunctionKey>,
    expire_after: Option<Duration>,
    anew: bool,
    arguments: A,
    original: impl Fn(A) -> W::Return,
    kept: impl FnOnce(Created<W::Value>) -> Created<W::Value>,
    carrier: Carrier<W::Error>,
) -> W::Return
where
    W: Returned<Value: CachedValue, Error: CachedError>,
    S: Store<W::Value>,
    L: Lock,
    I: Invalidator,
{
    let mut arguments = Some(arguments);
    let answer: Answer<W> = match key {
        Ok(key) => {
            let create = || made::<W, _, _, _>(region, kept, original(once(arguments.take())));
            region.call_blocking(key.as_key(), wishes::<W>(expire_after, anew, carrier), create)
        }
        Err(error) => Err(error.into()),
    };
    finish::<W>(answer, carrier).unwrap_or_else(|error| original(still(region, &error, arguments)))
}

/// A call of a function whose region is not there.
///
/// # Panics
///
/// When the function's error cannot tell.
#[must_use]
#[cold]
pub fn no_region<W: Returned>(_: W, error: Error, carrier: Carrier<W::Error>) -> W::Return {
    match carrier {
        Some(carry) => W::failed(carry(error)),
        None => misused(&error),
    }
}

/// Asks that the stack keeps a lifetime with each entry, as `ttl = ..` needs it.
pub fn keeps_lifetimes<S: EntryTtl, L, I>(_: &Region<S, L, I>) {}

/// What `ttl = ..` does to a value.
pub fn keep_for<T>(created: Created<T>, lifetime: impl FnOnce(&T) -> Duration) -> Created<T> {
    match created.value().map(lifetime) {
        Some(lifetime) => created.ttl(lifetime),
        None => created,
    }
}

/// What `should_cache = ..` does to a value.
pub fn keep_if<T>(created: Created<T>, accepts: impl FnOnce(&T) -> bool) -> Created<T> {
    if created.value().is_none_or(accepts) { created } else { created.not_stored() }
}

/// A lifetime, if there is one.
#[inline]
pub fn duration(lifetime: impl Into<Option<Duration>>) -> Option<Duration> {
    lifetime.into()
}

/// What the region makes of what the function has returned.
fn made<W: Returned, S, L: Lock, I: Invalidator>(
    region: &Region<S, L, I>,
    kept: impl FnOnce(Created<W::Value>) -> Created<W::Value>,
    returned: W::Return,
) -> Result<Created<W::Value>, W::Error> {
    W::apart(returned).map(|value| kept(region.created(value)))
}

/// What the caller gets; an error if the function has to be asked without the cache.
#[inline]
fn finish<W: Returned<Error: Clone>>(
    answer: Answer<W>,
    carrier: Carrier<W::Error>,
) -> Result<W::Return> {
    match answer {
        Ok(value) => W::whole(value)
            .ok_or_else(|| Error::new(ErrorKind::Backend, "region").with_message("no value came")),
        Err(failure) => failed::<W>(failure, carrier),
    }
}

#[cold]
fn failed<W: Returned<Error: Clone>>(
    failure: Failure<W::Error>,
    carrier: Carrier<W::Error>,
) -> Result<W::Return> {
    match (failure, carrier) {
        (Failure::Creator(error), _) => Ok(W::failed(Arc::unwrap_or_clone(error))),
        (Failure::Cache(error), Some(carry)) => Ok(W::failed(carry(error))),
        (Failure::Cache(error), None) => Err(error),
    }
}

/// Goes on without the cache.
#[cold]
pub(super) fn without<S: Level, L: Lock, I: Invalidator>(region: &Region<S, L, I>, error: &Error) {
    match error.kind() {
        ErrorKind::Config | ErrorKind::Recursion => misused(error),
        _ => region.done_without(error),
    }
}

/// The arguments for a call without the cache.
#[cold]
fn still<S: Level, L: Lock, I: Invalidator, A>(
    region: &Region<S, L, I>,
    error: &Error,
    arguments: Option<A>,
) -> A {
    let Some(arguments) = arguments else { misused(error) };
    without(region, error);
    arguments
}

/// Says loudly what nobody else could be told.
#[cold]
#[expect(clippy::panic, reason = "documented: the function's type has no place for an error")]
fn misused(error: &Error) -> ! {
    panic!("{error}")
}

/// A creator is called once, so its arguments are there.
fn once<A>(arguments: Option<A>) -> A {
    arguments.unwrap_or_else(|| unreachable!("a creator is called once"))
}

/// The future of a call whose arguments are there.
async fn some<Fut: Future>(call: Option<Fut>) -> Fut::Output {
    once(call).await
}
