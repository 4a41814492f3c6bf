use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

type Item = Box<dyn Any + Send + Sync>;

/// Anything that is to live as long as a request, by its type and a name; from
/// [`RequestScope::stash`](crate::RequestScope::stash).
///
/// Values of different types may have one name: they do not meet.
///
/// ```
/// use larder::RequestScope;
///
/// let scope = RequestScope::new("GET /");
/// scope.stash().put("locale", "de".to_owned());
/// assert_eq!(scope.stash().get::<String>("locale").as_deref(), Some("de"));
/// assert_eq!(scope.stash().get::<u32>("locale"), None);
///
/// let seen = scope.stash().get_or_insert_with("seen", || vec![1_u64]);
/// assert_eq!((seen, scope.stash().take::<Vec<u64>>("seen")), (vec![1], Some(vec![1])));
/// ```
///
/// # Concurrency
///
/// Values are cloned under a lock: wrap big ones, and those that several tasks change, in an `Arc`.
/// `Clone` of what is stashed must not ask the same stash.
#[derive(Default)]
pub struct Stash {
    items: Mutex<HashMap<TypeId, HashMap<Box<str>, Item>>>,
}

impl Stash {
    /// Puts `value` there; returns what was there under this type and name.
    pub fn put<T: Send + Sync + 'static>(&self, name: &str, value: T) -> Option<T> {
        let before =
            self.items().entry(TypeId::of::<T>()).or_default().insert(name.into(), Box::new(value));
        before.and_then(own)
    }

    /// A clone of what is there.
    #[must_use]
    pub fn get<T: Clone + Send + Sync + 'static>(&self, name: &str) -> Option<T> {
        self.items().get(&TypeId::of::<T>())?.get(name)?.downcast_ref().cloned()
    }

    /// A clone of what is there, which is what `init` returns if there was nothing. `init` may ask the
    /// stash; of two that run at the same time, the first to finish stays.
    pub fn get_or_insert_with<T: Clone + Send + Sync + 'static>(
        &self,
        name: &str,
        init: impl FnOnce() -> T,
    ) -> T {
        if let Some(value) = self.get(name) {
            return value;
        }
        let made = init();
        let mut items = self.items();
        let named = items.entry(TypeId::of::<T>()).or_default();
        if let Some(value) = named.get(name).and_then(|item| item.downcast_ref::<T>()) {
            return value.clone();
        }
        named.insert(name.into(), Box::new(made.clone()));
        made
    }

    /// Takes away what is there.
    pub fn take<T: Send + Sync + 'static>(&self, name: &str) -> Option<T> {
        let taken = self.items().get_mut(&TypeId::of::<T>())?.remove(name);
        taken.and_then(own)
    }

    fn items(&self) -> MutexGuard<'_, HashMap<TypeId, HashMap<Box<str>, Item>>> {
        // A `Clone` that panics leaves nothing half done.
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn own<T: 'static>(item: Item) -> Option<T> {
    item.downcast().ok().map(|value| *value)
}

impl fmt::Debug for Stash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is in there may be secret.
        let count: usize = self.items().values().map(HashMap::len).sum();
        f.debug_struct("Stash").field("items", &count).finish_non_exhaustive()
    }
}
