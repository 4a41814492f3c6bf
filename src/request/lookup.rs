use std::future::Future;

use crate::AsKey;

/// One lookup of an application, in its single and its batched form: what `WHERE id = ?` and `WHERE id IN
/// (..)` are to a table. A [`Loader`](crate::Loader) puts it behind a cache.
///
/// ```
/// use larder::{AsKey, Lookup, SharedError};
///
/// # #[derive(Clone)] struct Pool;
/// # impl Pool { async fn names(&self, _: &str, _: &[u64]) -> Result<Vec<(u64, String)>, std::io::Error> { Ok(vec![]) } }
/// struct Names(Pool);
///
/// impl Lookup for Names {
///     type Id = u64;
///     type Value = String;
///     type Error = SharedError;
///
///     fn key(&self, id: &u64) -> impl AsKey + Send {
///         format!("name:{id}")
///     }
///
///     async fn many(&self, ids: Vec<u64>) -> Result<Vec<(u64, String)>, SharedError> {
///         Ok(self.0.names("SELECT id, name FROM users WHERE id = ANY($1)", &ids).await?)
///     }
/// }
/// # let _ = Names(Pool);
/// ```
///
/// An id is whatever says which object is meant: a number, a text, a tuple of several arguments.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a lookup",
    label = "expected a type that implements `Lookup`: its key, and `many` for a batch of ids"
)]
pub trait Lookup: Send + Sync {
    /// Which object is meant.
    type Id: Clone + Send + Sync;
    /// The object; every hit clones it, so wrap big ones in an [`Arc`](std::sync::Arc) (over a codec that takes
    /// the feature `rc` of serde).
    type Value: Clone + Send + Sync + 'static;
    /// Why it cannot be asked for.
    type Error: Send + Sync + 'static;

    /// The key under which the object is kept: owned or borrowed, the same for the same object, and another
    /// one for every other in the region.
    fn key(&self, id: &Self::Id) -> impl AsKey + Send;

    /// Asks for many objects at once. No id comes twice. What is left out is not there; what was not asked
    /// for is ignored; of two for one id the later one counts.
    ///
    /// # Errors
    ///
    /// When nothing can be said about any of them.
    #[expect(clippy::type_complexity, reason = "a name for it would say less")]
    fn many(
        &self,
        ids: Vec<Self::Id>,
    ) -> impl Future<Output = Result<Vec<(Self::Id, Self::Value)>, Self::Error>> + Send;

    /// Asks for one object; `None` if there is none. The default asks [`many`](Self::many).
    ///
    /// # Errors
    ///
    /// As [`many`](Self::many).
    fn one(
        &self,
        id: Self::Id,
    ) -> impl Future<Output = Result<Option<Self::Value>, Self::Error>> + Send {
        async move {
            let key = self.key(&id).as_key().to_buf();
            let mut found = self.many(vec![id]).await?.into_iter().rev();
            Ok(found.find(|(id, _)| self.key(id).as_key() == key.as_key()).map(|(_, value)| value))
        }
    }

    /// What is to be stored of an object that was looked up or set: shapes it, drops what nobody needs.
    /// `None` says that there is no such object, which is stored; what is [`set`](crate::Loader::set) to it
    /// is forgotten. Default: the object.
    fn before_store(&self, value: Self::Value) -> Option<Self::Value> {
        Some(value)
    }

    /// What callers get of an object, be it new or from the cache. `None` says that there is none for
    /// them; what is stored stays. Default: the object.
    fn after_read(&self, value: Self::Value) -> Option<Self::Value> {
        Some(value)
    }
}
