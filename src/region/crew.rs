//! Who creates on this thread: how a creator that asks for its own key is noticed.

use std::{cell::RefCell, future::poll_fn, pin::pin, sync::atomic::Ordering};

use crate::sync::thread_local;

/// Names the flights that one call leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crew(u64);

impl Crew {
    /// A name for what one call is about to lead; no two calls share one, in whatever regions.
    pub(super) fn new() -> Self {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Runs the creator of this crew's flights, so that a call for one of their keys from inside it
    /// is noticed.
    pub(super) async fn create<F: Future>(self, creator: F) -> F::Output {
        let mut creator = pin!(creator);
        poll_fn(|cx| {
            let _scope = Scope::enter(self);
            creator.as_mut().poll(cx)
        })
        .await
    }

    /// Whether the task that asks is inside the creator of this crew.
    pub(super) fn is_creating_here(self) -> bool {
        CREATING.with(|crews| crews.borrow().contains(&self))
    }
}

thread_local! {
    /// The crews whose creators are being polled on this thread, outermost first.
    static CREATING: RefCell<Vec<Crew>> = const { RefCell::new(Vec::new()) };
}

struct Scope;

impl Scope {
    fn enter(crew: Crew) -> Self {
        CREATING.with(|crews| crews.borrow_mut().push(crew));
        Self
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        CREATING.with(|crews| crews.borrow_mut().pop());
    }
}
