use std::{
    ops::Deref,
    sync::{Arc, LazyLock},
};

use super::Region;
use crate::Result;

/// Where a region is found: a region itself, one behind a reference, an `Arc` or a `LazyLock`, or (feature
/// `config`) one that was declared first and configured later.
///
/// Cached functions reach their region by it, so whatever implements it can stand in their `region = ..`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a region",
    label = "expected a `Region`, or a static that holds one",
    note = "a `LazyLock<Region<..>>`, a `Declared<Region<..>>`, an `Arc<Region<..>>` and references to them will do"
)]
pub trait RegionSource {
    /// The stack of the region.
    type Stack;
    /// Its lock between processes.
    type Lock;
    /// Its strategy of invalidation.
    type Invalidator;

    /// The region.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](crate::ErrorKind::Config), when it is not there yet.
    fn region(
        &self,
    ) -> Result<impl Deref<Target = Region<Self::Stack, Self::Lock, Self::Invalidator>> + Send>;
}

impl<S, L, I> RegionSource for Region<S, L, I>
where
    S: Send + Sync,
    L: Send + Sync,
    I: Send + Sync,
{
    type Stack = S;
    type Lock = L;
    type Invalidator = I;

    fn region(&self) -> Result<impl Deref<Target = Self> + Send> {
        Ok(self)
    }
}

/// Forwards to what a pointer points to.
macro_rules! through {
    ($($pointer:ty $(, $sized:tt)?;)*) => {$(
        impl<R: RegionSource $(+ $sized Sized)?> RegionSource for $pointer {
            type Stack = R::Stack;
            type Lock = R::Lock;
            type Invalidator = R::Invalidator;

            fn region(
                &self,
            ) -> Result<impl Deref<Target = Region<R::Stack, R::Lock, R::Invalidator>> + Send> {
                (**self).region()
            }
        }
    )*};
}

through!(&R, ?; Arc<R>, ?; LazyLock<R>;);
