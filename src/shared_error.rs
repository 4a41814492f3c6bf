use std::{error::Error as StdError, fmt, ops::Deref, sync::Arc};

/// Any error, in a form that can be handed to every caller that waited for it.
///
/// A creation that fails fails for all who waited for it, so the error of a cached function has to be
/// `Clone`. Many are not. This one is, and `?` makes it of every [`std::error::Error`]:
///
/// ```
/// use larder::SharedError;
///
/// async fn population(of: &str) -> Result<u32, SharedError> {
///     let text = tokio::fs::read_to_string(of).await?;
///     Ok(text.trim().parse()?)
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let error = population("/no/such/town").await.unwrap_err();
/// let same = error.clone();
/// assert!(same.downcast_ref::<std::io::Error>().is_some());
/// # });
/// ```
///
/// Errors that are boxed already, such as those of anyhow, and bare texts go through [`new`](Self::new):
/// `.map_err(SharedError::new)?`.
///
/// It dereferences to the error it holds. It is no [`std::error::Error`] itself, else it could not be
/// made of all of them; `?` turns it into a `Box<dyn Error>`.
#[derive(Clone)]
pub struct SharedError(Arc<dyn StdError + Send + Sync>);

impl SharedError {
    /// The same of an error in a box, an `anyhow::Error`, or a text.
    #[must_use]
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Arc::from(error.into()))
    }

    /// The error as an `E`, if it is one.
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for SharedError {
    fn from(error: E) -> Self {
        Self(Arc::new(error))
    }
}

impl Deref for SharedError {
    type Target = dyn StdError + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

/// The same error with a name of its own, since `SharedError` is no error itself.
struct Held(SharedError);

impl From<SharedError> for Box<dyn StdError + Send + Sync> {
    fn from(error: SharedError) -> Self {
        Box::new(Held(error))
    }
}

impl From<SharedError> for Box<dyn StdError> {
    fn from(error: SharedError) -> Self {
        Box::new(Held(error))
    }
}

impl StdError for Held {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ErrorKind};

    #[test]
    fn is_what_it_was_made_of() {
        let cause = "x".parse::<u8>().unwrap_err();
        let made = Error::new(ErrorKind::Backend, "shelf").with_source(cause);
        let fail = || -> Result<(), SharedError> { Err(made.clone())? };
        let shared = fail().unwrap_err();
        let copy = shared.clone();
        assert_eq!(copy.to_string(), made.to_string());
        assert_eq!(format!("{copy:?}"), format!("{made:?}"));
        assert_eq!(copy.downcast_ref::<Error>().map(Error::kind), Some(ErrorKind::Backend));
        assert!(copy.downcast_ref::<fmt::Error>().is_none());

        let boxed: Box<dyn StdError + Send + Sync> = Box::new(made.clone());
        assert!(SharedError::new(boxed).downcast_ref::<Error>().is_some());
        assert_eq!(SharedError::new("out of ink").to_string(), "out of ink");

        let pass = || -> Result<(), Box<dyn StdError>> { Err(shared)? };
        let boxed = pass().unwrap_err();
        assert_eq!(boxed.to_string(), made.to_string());
        let source = boxed.source().and_then(|source| source.downcast_ref());
        assert_eq!(source, Some(&"x".parse::<u8>().unwrap_err()));
    }
}
