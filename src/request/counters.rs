use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What an application counts in a request, by name: statements sent to a database, calls of another
/// service; from [`RequestScope::counters`](crate::RequestScope::counters). The panel shows them.
///
/// ```
/// use larder::RequestScope;
///
/// let scope = RequestScope::new("GET /");
/// scope.counters().add("sql", 1);
/// scope.counters().add("sql", 2);
/// assert_eq!(scope.counters().get("sql"), 3);
/// ```
#[derive(Default)]
pub struct Counters(Mutex<Vec<(&'static str, u64)>>);

impl Counters {
    /// Adds to what is counted under a name.
    pub fn add(&self, name: &'static str, count: u64) {
        let mut counts = self.counts();
        match counts.iter_mut().find(|(other, _)| *other == name) {
            Some((_, counted)) => *counted = counted.saturating_add(count),
            None => counts.push((name, count)),
        }
    }

    /// What was counted under a name; 0 if nothing was.
    #[must_use]
    pub fn get(&self, name: &str) -> u64 {
        self.counts().iter().find(|(other, _)| *other == name).map_or(0, |(_, count)| *count)
    }

    /// Everything, in the order in which it was first counted.
    #[must_use]
    pub fn all(&self) -> Vec<(&'static str, u64)> {
        self.counts().clone()
    }

    fn counts(&self) -> MutexGuard<'_, Vec<(&'static str, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.all()).finish()
    }
}
