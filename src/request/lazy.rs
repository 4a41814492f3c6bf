use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{loader::Loader, lookup::Lookup};
use crate::{EntryTtl, Failure, Invalidator, Lock, Result, Store};

/// A relation of an object: the id of another one, a `T`, which is loaded when somebody asks for it.
///
/// It holds the id and nothing else, is serialized as the id, and compares by it. What was loaded is in the
/// cache of the request, not in here, so an object that is shared or cached has no copies in it that
/// grow old. `T` is whatever the loader gives: `Lazy<Arc<Maker>>`; `Lazy<Arc<[Review]>>` by the id of the
/// product, for one to many; `Lazy<Country, String>` by a code.
///
/// ```
/// use larder::Lazy;
/// use serde::{Deserialize, Serialize};
///
/// # #[derive(Clone)] struct Maker;
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Product {
///     name: String,
///     maker: Lazy<Maker>,
/// }
///
/// let product = Product { name: "lamp".to_owned(), maker: Lazy::new(7) };
/// assert_eq!(product.maker.id(), &7);
/// assert_eq!(format!("{:?}", product.maker), "Lazy(7)");
/// ```
pub struct Lazy<T, Id = u64> {
    id: Id,
    of: PhantomData<fn() -> T>,
}

impl<T, Id> Lazy<T, Id> {
    /// The relation to the object `id`.
    pub const fn new(id: Id) -> Self {
        Self { id, of: PhantomData }
    }

    /// The id of the object.
    pub const fn id(&self) -> &Id {
        &self.id
    }

    /// The object; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As [`Loader::get`].
    ///
    /// # Cancellation
    ///
    /// Safe.
    pub async fn get<Q, S, L, I>(
        &self,
        loader: &Loader<Q, S, L, I>,
    ) -> Result<Option<T>, Failure<Q::Error>>
    where
        Q: Lookup<Id = Id, Value = T>,
        S: Store<T> + EntryTtl,
        L: Lock,
        I: Invalidator,
    {
        loader.get(&self.id).await
    }
}

impl<T, Id> From<Id> for Lazy<T, Id> {
    fn from(id: Id) -> Self {
        Self::new(id)
    }
}

// Derives would ask for the same of `T`.
impl<T, Id: Clone> Clone for Lazy<T, Id> {
    fn clone(&self) -> Self {
        Self::new(self.id.clone())
    }
}

impl<T, Id: Copy> Copy for Lazy<T, Id> {}

impl<T, Id: PartialEq> PartialEq for Lazy<T, Id> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<T, Id: Eq> Eq for Lazy<T, Id> {}

impl<T, Id: PartialOrd> PartialOrd for Lazy<T, Id> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.id.partial_cmp(&other.id)
    }
}

impl<T, Id: Ord> Ord for Lazy<T, Id> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.id.cmp(&other.id)
    }
}

impl<T, Id: Hash> Hash for Lazy<T, Id> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl<T, Id: fmt::Debug> fmt::Debug for Lazy<T, Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lazy").field(&self.id).finish()
    }
}

impl<T, Id: Serialize> Serialize for Lazy<T, Id> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.id.serialize(serializer)
    }
}

impl<'de, T, Id: Deserialize<'de>> Deserialize<'de> for Lazy<T, Id> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Id::deserialize(deserializer).map(Self::new)
    }
}
