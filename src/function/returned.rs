//! What functions return, taken apart and put together again.

use std::{convert::Infallible, fmt, marker::PhantomData};

use crate::Error;

/// How the return type of a function is read: as [`Plain`], [`Fails`], [`Maybe`] or [`FailsMaybe`].
#[diagnostic::on_unimplemented(
    message = "the return type of this cached function is named `Result` or `Option`, and is neither",
    label = "expected `Result<..>` or `Option<..>` of the standard library, or an alias of one"
)]
pub trait Returned {
    /// The return type.
    type Return;
    /// What is kept of it.
    type Value;
    /// The error in it.
    type Error;

    /// Whether that there is nothing is an answer.
    const OPTIONAL: bool;

    /// What a function has returned.
    ///
    /// # Errors
    ///
    /// When it says so.
    fn apart(returned: Self::Return) -> Result<Option<Self::Value>, Self::Error>;

    /// What is to be returned; `None` if that cannot be said.
    fn whole(value: Option<Self::Value>) -> Option<Self::Return>;

    /// What is to be returned when the function has failed.
    fn failed(error: Self::Error) -> Self::Return;
}

macro_rules! markers {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        pub struct $name<R>(PhantomData<fn() -> R>);

        impl<R> $name<R> {
            /// The marker.
            pub const NEW: Self = Self(PhantomData);
        }

        impl<R> fmt::Debug for $name<R> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

markers! {
    /// A function that returns a value.
    Plain
    /// A function that returns a `Result`.
    Fails
    /// A function that returns an `Option`.
    Maybe
    /// A function that returns an `Option` in a `Result`.
    FailsMaybe
    /// An error type, of which is asked whether it can be made of the cache's error.
    Carries
    /// A return type, of which is asked whether it is a `Result` or an `Option` by another name.
    Spelling
}

impl<R> Returned for Plain<R> {
    type Return = R;
    type Value = R;
    type Error = Infallible;

    const OPTIONAL: bool = false;

    fn apart(returned: R) -> Result<Option<R>, Infallible> {
        Ok(Some(returned))
    }

    fn whole(value: Option<R>) -> Option<R> {
        value
    }

    fn failed(error: Infallible) -> R {
        match error {}
    }
}

impl<T, E> Returned for Fails<Result<T, E>> {
    type Return = Result<T, E>;
    type Value = T;
    type Error = E;

    const OPTIONAL: bool = false;

    fn apart(returned: Self::Return) -> Result<Option<T>, E> {
        returned.map(Some)
    }

    fn whole(value: Option<T>) -> Option<Self::Return> {
        value.map(Ok)
    }

    fn failed(error: E) -> Self::Return {
        Err(error)
    }
}

impl<T> Returned for Maybe<Option<T>> {
    type Return = Option<T>;
    type Value = T;
    type Error = Infallible;

    const OPTIONAL: bool = true;

    fn apart(returned: Self::Return) -> Result<Option<T>, Infallible> {
        Ok(returned)
    }

    fn whole(value: Option<T>) -> Option<Self::Return> {
        Some(value)
    }

    fn failed(error: Infallible) -> Self::Return {
        match error {}
    }
}

impl<T, E> Returned for FailsMaybe<Result<Option<T>, E>> {
    type Return = Result<Option<T>, E>;
    type Value = T;
    type Error = E;

    const OPTIONAL: bool = true;

    fn apart(returned: Self::Return) -> Result<Option<T>, E> {
        returned
    }

    fn whole(value: Option<T>) -> Option<Self::Return> {
        Some(Ok(value))
    }

    fn failed(error: E) -> Self::Return {
        Err(error)
    }
}

/// A value that can be handed to everyone who waits for it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a cached function",
    label = "every caller gets a value of its own, so this has to be `Clone`, `Send`, `Sync` and `'static`",
    note = "derive `Clone` for it, or return an `Arc<{Self}>`"
)]
pub trait CachedValue: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> CachedValue for T {}

/// An error that can be handed to everyone who waited.
#[diagnostic::on_unimplemented(
    message = "the error `{Self}` cannot be returned by a cached function",
    label = "everyone who waited gets the same error, so this has to be `Clone`, `Send`, `Sync` and `'static`",
    note = "derive `Clone` for it, return an `Arc<{Self}>`, or return a `larder::SharedError`, which `?` makes of every error"
)]
pub trait CachedError: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<E: Clone + Send + Sync + 'static> CachedError for E {}

/// Asks that what a function returns can be cached.
#[inline]
pub fn returns<W: Returned<Value: CachedValue, Error: CachedError>>() {}

/// Asks that how a function fails can be told to everyone who waited.
#[inline]
pub fn fails<W: Returned<Error: CachedError>>() {}

/// How a function tells its callers that the cache failed, if it can.
pub type Carrier<E> = Option<fn(Error) -> E>;

impl<E: From<Error>> Carries<E> {
    /// It can.
    #[must_use]
    pub fn carrier(self) -> Carrier<E> {
        Some(E::from)
    }
}

/// Error types that cannot be made of the cache's error; where they can, the method of [`Carries`]
/// itself goes before this one.
pub trait CarriesNot<E> {
    /// It cannot.
    fn carrier(self) -> Carrier<E>;
}

impl<E> CarriesNot<E> for Carries<E> {
    fn carrier(self) -> Carrier<E> {
        None
    }
}

/// A type is neither `Result` nor `Option`.
#[derive(Debug)]
pub struct Neither;
/// A type is a `Result` or an `Option`.
#[derive(Debug)]
pub struct Alias;

impl<T, E> Spelling<Result<T, E>> {
    /// It is a `Result`.
    #[must_use]
    pub fn kind(self) -> Alias {
        Alias
    }
}

impl<T> Spelling<Option<T>> {
    /// It is an `Option`.
    #[must_use]
    pub fn kind(self) -> Alias {
        Alias
    }
}

/// Types that are neither; for `Result` and `Option`, the methods of [`Spelling`] itself go before this
/// one.
pub trait NeitherResultNorOption {
    /// It is neither.
    fn kind(self) -> Neither;
}

impl<R> NeitherResultNorOption for Spelling<R> {
    fn kind(self) -> Neither {
        Neither
    }
}

/// A return type that says by its name what it is.
#[diagnostic::on_unimplemented(
    message = "this cached function returns a `Result` or an `Option` by another name",
    label = "its errors would be cached like values",
    note = "write `Result<..>` or `Option<..>` in the signature; an alias has to have that name, too"
)]
pub trait SpelledOut {}

impl SpelledOut for Neither {}

/// Refuses aliases.
pub fn spelled_out(_: impl SpelledOut) {}
