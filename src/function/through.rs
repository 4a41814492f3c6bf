use std::future::Future;

use crate::{
    Created, Failure, Invalidator, Key, Lock, Options, Region, Result, Store, region::Wishes,
};

/// [`Region::try_get_or_create_with`] under the wishes of a function. That there is nothing is stored
/// only where the stack can keep it.
///
/// # Errors
///
/// As there.
///
/// # Cancellation
///
/// Safe, as there.
pub async fn call<S, L, I, T, E, O, Fut>(
    region: &Region<S, L, I>,
    key: Key<'_>,
    wishes: Wishes<O>,
    create: impl FnOnce() -> Fut,
) -> Result<Option<T>, Failure<E>>
where
    S: Store<T>,
    L: Lock,
    I: Invalidator,
    T: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
    O: FnOnce() -> Options,
    Fut: Future<Output = Result<Created<T>, E>>,
{
    region.call(key, wishes, create).await
}

/// The same for a function that is not asynchronous; as [`Blocking`](crate::Blocking) does it.
///
/// # Errors
///
/// As there.
///
/// # Panics
///
/// When `create` does.
pub fn call_blocking<S, L, I, T, E, O>(
    region: &Region<S, L, I>,
    key: Key<'_>,
    wishes: Wishes<O>,
    create: impl FnOnce() -> Result<Created<T>, E>,
) -> Result<Option<T>, Failure<E>>
where
    S: Store<T>,
    L: Lock,
    I: Invalidator,
    T: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
    O: FnOnce() -> Options,
{
    region.call_blocking(key, wishes, create)
}

/// What a function made that may find nothing: that is kept as a negative entry if the region has a
/// [`negative_ttl`](crate::RegionBuilder::negative_ttl).
pub fn created<S, L, I, T>(region: &Region<S, L, I>, value: Option<T>) -> Created<T>
where
    L: Lock,
    I: Invalidator,
{
    region.created(value)
}
