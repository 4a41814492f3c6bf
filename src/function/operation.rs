//! What handles of cached functions do with a region.

use std::{future::Future, time::Duration};

use super::FunctionKey;
use crate::{Created, Invalidator, Lock, Region, Result, Store};

/// Something to do with a region of values `T`, whatever its type.
pub trait Operation<T> {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run<S: Store<T>, L: Lock, I: Invalidator>(
        self,
        region: &Region<S, L, I>,
    ) -> impl Future<Output = Result<Self::Output>>;
}

/// The same in synchronous code.
pub trait BlockingOperation<T> {
    /// What comes of it.
    type Output;

    /// Does it.
    ///
    /// # Errors
    ///
    /// When the region's method fails.
    fn run<S: Store<T>, L: Lock, I: Invalidator>(
        self,
        region: &Region<S, L, I>,
    ) -> Result<Self::Output>;
}

/// Looks for a value.
#[derive(Clone, Debug)]
pub struct Get {
    key: FunctionKey,
    expire_after: Option<Duration>,
}

impl Get {
    /// Looks for the value under `key`.
    #[must_use]
    pub fn new(key: FunctionKey, expire_after: Option<Duration>) -> Self {
        Self { key, expire_after }
    }
}

impl<T> Operation<T> for Get {
    type Output = Option<T>;

    async fn run<S: Store<T>, L: Lock, I: Invalidator>(
        self,
        region: &Region<S, L, I>,
    ) -> Result<Option<T>> {
        region.within(self.expire_after).get(self.key.as_key()).await
    }
}

impl<T> BlockingOperation<T> for Get {
    type Output = Option<T>;

    fn run<S: Store<T>, L: Lock, I: Invalidator>(
        self,
        region: &Region<S, L, I>,
    ) -> Result<Option<T>> {
        region.within(self.expire_after).blocking().get(self.key.as_key())
    }
}

/// Stores a value, as the function would have it kept.
#[derive(Clone, Debug)]
pub struct Set<T> {
    key: FunctionKey,
    created: Created<T>,
    expire_after: Option<Duration>,
}

impl<T> Set<T> {
    /// Stores `created` under `key`.
    #[must_use]
    pub fn new(key: FunctionKey, created: Created<T>, expire_after: Option<Duration>) -> Self {
        Self { key, created, expire_after }
    }
}

impl<T> Operation<T> for Set<T> {
    type Output = ();

    async fn run<S: Store<T>, L: Lock, I: Invalidator>(
        self,
        region: &Region<S, L, I>,
    ) -> Result<()> {
        let (Some(value), ttl) = self.created.into_parts() else { return Ok(()) };
        region.within(self.expire_after).put(self.key.as_key(), value, ttl).await
    }
}

impl<T> BlockingOperation<T> for Set<T> {
    type Output = ();

    fn run<S: Store<T>, L: Lock, I: Invalidator>(self, region: &Region<S, L, I>) -> Result<()> {
        let (Some(value), ttl) = self.created.into_parts() else { return Ok(()) };
        region.within(self.expire_after).blocking().put(self.key.as_key(), value, ttl)
    }
}

/// Forgets a value.
#[derive(Clone, Debug)]
pub struct Invalidate {
    key: FunctionKey,
}

impl Invalidate {
    /// Forgets the value under `key`.
    #[must_use]
    pub fn new(key: FunctionKey) -> Self {
        Self { key }
    }
}

impl<T> Operation<T> for Invalidate {
    type Output = ();

    async fn run<S: Store<T>, L: Lock, I: Invalidator>(
        self,
        region: &Region<S, L, I>,
    ) -> Result<()> {
        region.delete(self.key.as_key()).await
    }
}

impl<T> BlockingOperation<T> for Invalidate {
    type Output = ();

    fn run<S: Store<T>, L: Lock, I: Invalidator>(self, region: &Region<S, L, I>) -> Result<()> {
        region.blocking().delete(self.key.as_key())
    }
}
