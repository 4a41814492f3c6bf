//! What the flights synchronise with: the standard library, or a model checker that tries their
//! interleavings (`RUSTFLAGS="--cfg shuttle"`).

#[cfg(not(shuttle))]
pub(crate) use tokio::sync::Notify;

#[cfg(not(shuttle))]
pub(crate) use std::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicI64, AtomicU64, AtomicUsize},
    },
    thread_local,
};

#[cfg(shuttle)]
pub(crate) use shuttle::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicI64, AtomicU64, AtomicUsize},
    },
    thread_local,
};

/// The checker lets others run only where it is asked something, which tokio does not.
#[cfg(shuttle)]
pub(crate) struct Notify {
    inner: tokio::sync::Notify,
    asked: AtomicUsize,
}

#[cfg(shuttle)]
impl Notify {
    pub(crate) fn new() -> Self {
        Self { inner: tokio::sync::Notify::new(), asked: AtomicUsize::new(0) }
    }

    pub(crate) fn notified(&self) -> tokio::sync::futures::Notified<'_> {
        self.others_may_run();
        self.inner.notified()
    }

    pub(crate) fn notify_waiters(&self) {
        self.others_may_run();
        self.inner.notify_waiters();
    }

    fn others_may_run(&self) {
        self.asked.load(std::sync::atomic::Ordering::Relaxed);
    }
}
