//! What a flight brings.

use std::{any::Any, sync::Arc};

use super::create::Wants;
use crate::{Failure, Result};

/// What a flight brings to those who wait for it.
#[derive(Clone)]
pub(super) enum Outcome {
    /// The value, in an `Any`: waiters may ask for other types.
    Value(Arc<dyn Any + Send + Sync>),
    /// The creator found out that there is nothing.
    Absent,
    /// The creator's error.
    Failure(Arc<dyn Any + Send + Sync>),
    /// Nothing to hand over: look again.
    Nothing,
}

impl Outcome {
    /// That this value was created, or that there is nothing.
    pub(super) fn of<T: Clone + Send + Sync + 'static>(created: Option<&T>) -> Self {
        created.map_or(Self::Absent, |value| Self::Value(Arc::new(value.clone())))
    }

    /// That the creator failed.
    pub(super) fn failure<E: Send + Sync + 'static>(error: &Arc<E>) -> Self {
        Self::Failure(Arc::<E>::clone(error))
    }
}

/// What a flight brought, if it is what this caller wants.
pub(super) fn shared<T, E>(outcome: &Outcome, wants: Wants) -> Option<Result<Option<T>, Failure<E>>>
where
    T: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    match outcome {
        Outcome::Value(value) => value.downcast_ref::<T>().cloned().map(|value| Ok(Some(value))),
        Outcome::Absent => (wants == Wants::Answer).then_some(Ok(None)),
        Outcome::Failure(error) => {
            Arc::clone(error).downcast().ok().map(|error| Err(Failure::Creator(error)))
        }
        Outcome::Nothing => None,
    }
}
