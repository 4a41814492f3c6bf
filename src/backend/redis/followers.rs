use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{runtime::Handle, task::AbortHandle, time};

use crate::Copies;

/// How often a connection is looked after over which nothing is asked: how long a lost one goes unnoticed
/// while all reads are served by copies.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// Who is told of changes.
#[derive(Default)]
pub(super) struct Followers {
    list: Mutex<Vec<Weak<dyn Copies>>>,
    keeper: Mutex<Option<AbortHandle>>,
    told: AtomicU64,
}

impl Followers {
    pub(super) fn add(&self, copies: Weak<dyn Copies>) {
        let mut list = self.list();
        list.retain(|copies| copies.strong_count() > 0);
        list.push(copies);
    }

    /// Tells all that these names have changed.
    pub(super) fn changed<'n>(&self, names: impl IntoIterator<Item = &'n [u8]>) {
        self.tell(names, |_| true);
    }

    /// Tells all but the one that changed them.
    pub(super) fn changed_by(&self, by: &Weak<dyn Copies>, names: &[Box<[u8]>]) {
        // Tiers of one stack have done it together.
        let region = by.upgrade().and_then(|by| by.region());
        let is_other = |copies: &Weak<dyn Copies>| {
            !Weak::ptr_eq(copies, by)
                && (region.is_none()
                    || copies.upgrade().is_some_and(|other| other.region() != region))
        };
        self.tell(names.iter().map(|name| &**name), is_other);
    }

    pub(super) fn all_changed(&self) {
        for copies in self.of(|_| true) {
            copies.all_changed();
        }
    }

    fn tell<'n>(
        &self,
        names: impl IntoIterator<Item = &'n [u8]>,
        whom: impl Fn(&Weak<dyn Copies>) -> bool,
    ) {
        let them = self.of(whom);
        for name in names {
            self.told.fetch_add(1, Ordering::Relaxed);
            for copies in &them {
                Arc::clone(copies).changed(name);
            }
        }
    }

    fn of(&self, whom: impl Fn(&Weak<dyn Copies>) -> bool) -> Vec<Arc<dyn Copies>> {
        self.list().iter().filter(|copies| whom(copies)).filter_map(Weak::upgrade).collect()
    }

    fn is_empty(&self) -> bool {
        self.list().iter().all(|copies| copies.strong_count() == 0)
    }

    fn list(&self) -> MutexGuard<'_, Vec<Weak<dyn Copies>>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has what `look_after` gives done every second, as long as there is anybody.
    pub(super) fn keep_up<F, G>(self: &Arc<Self>, look_after: impl FnOnce() -> F)
    where
        F: Fn() -> G + Send + 'static,
        G: Future<Output = ()> + Send,
    {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if keeper.as_ref().is_some_and(|keeper| !keeper.is_finished()) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let (them, look_after) = (Arc::clone(self), look_after());
        let task = runtime.spawn(async move {
            // Where the runtime ends, so does the connection, and nobody would notice.
            let unheard = Unheard(them);
            while !unheard.0.is_empty() {
                look_after().await;
                time::sleep(LOOK_AFTER).await;
            }
        });
        *keeper = Some(task.abort_handle());
    }
}

/// Followers who hear nothing any more when this is dropped.
struct Unheard(Arc<Followers>);

impl Drop for Unheard {
    fn drop(&mut self) {
        self.0.all_changed();
    }
}

impl fmt::Debug for Followers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followers")
            .field("count", &self.of(|_| true).len())
            .field("told", &self.told.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}
