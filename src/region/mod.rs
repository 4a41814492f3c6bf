//! The region.

use std::sync::Arc;

use crate::{Key, Level, Result, Store};

/// A region.
#[derive(Debug)]
pub struct Region<S> {
    stack: Arc<S>,
}

impl<S: Level> Region<S> {
    /// A region over `stack`.
    pub fn new(stack: S) -> Self {
        Self { stack: Arc::new(stack) }
    }

    /// The stack.
    pub fn stack(&self) -> &S {
        &self.stack
    }

    /// Get.
    pub async fn get<'k, T>(&self, key: impl Into<Key<'k>>) -> Result<Option<T>>
    where
        S: Store<T>,
    {
        Ok(self.stack.read(key.into()).await?.map(|e| e.value))
    }
}
