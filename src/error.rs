use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc};

use crate::{Key, KeyBuf};

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = dyn StdError + Send + Sync;

/// What went wrong, in terms a caller can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The store cannot be reached, or the connection was lost. Passing: try again later.
    Unavailable,
    /// Something took longer than it may. Passing: try again later.
    Timeout,
    /// The store was reached and refused, or its file is damaged.
    Backend,
    /// A value cannot be written in this codec or format.
    Encode,
    /// Stored bytes are not what this stack writes. The region counts such an entry as a miss.
    Decode,
    /// A well-formed entry of another value version. The region counts it as a miss.
    Version,
    /// A byte transform (compression, encryption, checksum) failed on a write.
    Transform,
    /// The configuration makes no sense for this stack.
    Config,
    /// The stack cannot keep what it was asked to keep, or a [blocking](crate::Blocking) call cannot wait
    /// where it was made.
    Unsupported,
    /// A creator asked for the very key it creates.
    Recursion,
    /// Another process took the lease over while the value was created: it was not stored.
    LeaseLost,
}

impl ErrorKind {
    const fn describe(self) -> &'static str {
        match self {
            Self::Unavailable => "the store cannot be reached",
            Self::Timeout => "it took too long",
            Self::Backend => "the store refused",
            Self::Encode => "the value cannot be encoded",
            Self::Decode => "the stored bytes cannot be decoded",
            Self::Version => "the entry has another value version",
            Self::Transform => "the bytes cannot be transformed",
            Self::Config => "wrong configuration",
            Self::Unsupported => "this stack cannot do that",
            Self::Recursion => "a creator asked for the key it creates",
            Self::LeaseLost => "the lease was lost, so the value was not stored",
        }
    }
}

/// The one error type of every layer.
///
/// One word wide and cheap to clone, because one failure may be handed to many waiters. It says
/// what happened ([`kind`](Self::kind)), where ([`layer`](Self::layer)), to which key, and carries
/// its cause as [`source`](StdError::source). Secrets (passwords in URLs) never get in.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    layer: &'static str,
    message: Option<Cow<'static, str>>,
    key: Option<KeyBuf>,
    source: Option<Arc<Source>>,
}

impl Error {
    /// An error of `kind`, raised by `layer` (a short lower-case name such as `"redis"`).
    #[must_use]
    pub fn new(kind: ErrorKind, layer: &'static str) -> Self {
        Self(Arc::new(Inner { kind, layer, message: None, key: None, source: None }))
    }

    /// Says in words what happened and what to do about it.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        Arc::make_mut(&mut self.0).message = Some(message.into());
        self
    }

    /// Names the key, unless an inner layer already did.
    #[must_use]
    pub fn with_key(mut self, key: Key<'_>) -> Self {
        if self.0.key.is_none() {
            Arc::make_mut(&mut self.0).key = Some(key.to_buf());
        }
        self
    }

    /// Names the key as it is called outside of a layer that changes keys.
    pub(crate) fn renamed(mut self, key: Key<'_>) -> Self {
        Arc::make_mut(&mut self.0).key = Some(key.to_buf());
        self
    }

    /// Attaches the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<Source>>) -> Self {
        Arc::make_mut(&mut self.0).source = Some(Arc::from(source.into()));
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The layer that raised it.
    #[must_use]
    pub fn layer(&self) -> &'static str {
        self.0.layer
    }

    /// The key it happened to, where one is known.
    #[must_use]
    pub fn key(&self) -> Option<Key<'_>> {
        self.0.key.as_ref().map(KeyBuf::as_key)
    }

    /// Whether the same call may succeed later without any change.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.kind(), ErrorKind::Unavailable | ErrorKind::Timeout)
    }

    /// Whether it speaks of the entry and not of the store: bytes of another shape or version.
    /// A region treats such an entry as missing.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        matches!(self.kind(), ErrorKind::Decode | ErrorKind::Version)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, layer, message, key, source } = &*self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", kind).field("layer", layer);
        if let Some(message) = message {
            out.field("message", message);
        }
        if let Some(key) = key {
            out.field("key", key);
        }
        if let Some(source) = source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, layer, message, key, .. } = &*self.0;
        write!(f, "{layer}: {}", message.as_deref().unwrap_or(kind.describe()))?;
        match key {
            Some(key) => write!(f, " (key {})", key.as_key()),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// Why a fallible creator's value is not there.
///
/// The creator's own error comes in an [`Arc`], because every caller that waited for this creation
/// gets the same one: a hundred callers of a failing creator cost one call, not a hundred.
///
/// ```
/// use larder::{Error, Failure};
///
/// #[derive(Clone, Debug, thiserror::Error)]
/// enum AppError {
///     #[error("no such user")]
///     NotFound,
///     #[error(transparent)]
///     Cache(#[from] Error),
/// }
///
/// fn status(failure: &Failure<AppError>) -> u16 {
///     match failure.creator() {
///         Some(AppError::NotFound) => 404,
///         _ => 500,
///     }
/// }
///
/// let failure = Failure::from_creator(AppError::NotFound);
/// assert_eq!(status(&failure), 404);
/// // An error type that can be cloned and made from a cache error comes out bare:
/// assert!(matches!(failure.into_inner(), AppError::NotFound));
/// ```
#[derive(Debug)]
pub enum Failure<E> {
    /// The creator failed; shared by all who waited for it.
    Creator(Arc<E>),
    /// The cache failed: a wait timed out, a creator asked for its own key, or the region is
    /// strict and the store is down.
    Cache(Error),
}

impl<E> Failure<E> {
    /// Wraps a creator's error.
    pub fn from_creator(error: E) -> Self {
        Self::Creator(Arc::new(error))
    }

    /// The creator's error, if it was the creator that failed.
    #[must_use]
    pub fn creator(&self) -> Option<&E> {
        match self {
            Self::Creator(error) => Some(error),
            Self::Cache(_) => None,
        }
    }

    /// The bare error, for error types that a cache error converts into.
    #[must_use]
    pub fn into_inner(self) -> E
    where
        E: Clone + From<Error>,
    {
        match self {
            Self::Creator(error) => Arc::unwrap_or_clone(error),
            Self::Cache(error) => error.into(),
        }
    }
}

impl<E> Clone for Failure<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Creator(error) => Self::Creator(Arc::clone(error)),
            Self::Cache(error) => Self::Cache(error.clone()),
        }
    }
}

impl<E> From<Error> for Failure<E> {
    fn from(error: Error) -> Self {
        Self::Cache(error)
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Creator(error) => error.fmt(f),
            Self::Cache(error) => error.fmt(f),
        }
    }
}

impl<E: StdError + 'static> StdError for Failure<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Creator(error) => error.source(),
            Self::Cache(error) => error.source(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_layer_message_and_key() {
        let error = Error::new(ErrorKind::Timeout, "redis").with_key("user:1".into());
        assert_eq!(error.to_string(), "redis: it took too long (key user:1)");
        assert!(error.is_transient());
        let error = error.with_message("no answer in 250 ms").with_key("other".into());
        assert_eq!(error.to_string(), "redis: no answer in 250 ms (key user:1)");
    }

    #[test]
    fn keeps_its_cause_when_cloned() {
        let error = Error::new(ErrorKind::Decode, "json").with_source("bad");
        let clone = error.clone().with_message("changed");
        assert_eq!(clone.source().map(ToString::to_string).as_deref(), Some("bad"));
        assert_eq!(error.to_string(), "json: the stored bytes cannot be decoded");
    }
}
