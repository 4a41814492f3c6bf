//! What lives as long as one request.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;

use super::{notes::Notes, stash::Stash};
use crate::{Clock, Timestamp};

tokio::task_local! {
    /// The request that is in force.
    static CURRENT: RequestScope;
}

/// What lives as long as one request: a store for [`RequestScoped`](crate::RequestScoped), and a [`Stash`]
/// for anything else. Cloning is cheap; clones are the same request. It ends with the last of them.
///
/// [`run`](Self::run) puts it in force for a future and everything that is polled inside it: `join!`,
/// `select!`, `FuturesUnordered`. `tokio::spawn` begins a task that is outside of it, and a thread is
/// outside, too. It is carried there by hand:
///
/// ```
/// use larder::RequestScope;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// RequestScope::new("GET /products/7").run(async {
///     let scope = RequestScope::current().unwrap();
///     let id = scope.id();
///     let current = || RequestScope::current().map(|scope| scope.id());
///
///     assert_eq!(tokio::spawn(async move { current() }).await.unwrap(), None);
///     let task = tokio::spawn(scope.run(async move { current() }));
///     assert_eq!(task.await.unwrap(), Some(id));
///
///     let thread = tokio::task::spawn_blocking(move || scope.run_blocking(current));
///     assert_eq!(thread.await.unwrap(), Some(id));
/// }).await;
/// # });
/// ```
///
/// Scopes nest: the inner one hides the outer, with its store, until it is done.
///
/// Never put a clone of the scope into its own stash: it would keep itself.
#[derive(Clone)]
pub struct RequestScope(Arc<Inner>);

struct Inner {
    id: u64,
    name: Box<str>,
    started_at: Timestamp,
    started: Instant,
    notes: Notes,
    stash: Stash,
}

impl RequestScope {
    /// A new request. The name is for people who read logs, such as `"GET /products/7"`: no secrets.
    #[must_use]
    pub fn new(name: impl Into<Box<str>>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(Arc::new(Inner {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            name: name.into(),
            started_at: Clock::default().now(),
            started: Instant::now(),
            notes: Notes::default(),
            stash: Stash::default(),
        }))
    }

    /// The request that is in force here, if there is one.
    #[must_use]
    pub fn current() -> Option<Self> {
        with_current(Self::clone)
    }

    /// Runs `future` with this request in force.
    ///
    /// # Cancellation
    ///
    /// As `future`, which is dropped with the request in force, too.
    pub fn run<F: Future>(&self, future: F) -> InRequest<F> {
        InRequest { future: CURRENT.scope(self.clone(), future) }
    }

    /// Calls `call` with this request in force: for synchronous code, on threads and in
    /// `spawn_blocking`.
    pub fn run_blocking<R>(&self, call: impl FnOnce() -> R) -> R {
        CURRENT.sync_scope(self.clone(), call)
    }

    /// A number that no other request of this process has.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// When it began, by the system's clock.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.0.started_at
    }

    /// How long ago it began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// Anything else that is to live as long as the request.
    #[must_use]
    pub fn stash(&self) -> &Stash {
        &self.0.stash
    }

    pub(super) fn notes(&self) -> &Notes {
        &self.0.notes
    }
}

/// Calls `call` with the request that is in force, if there is one.
#[inline]
pub(super) fn with_current<R>(call: impl FnOnce(&RequestScope) -> R) -> Option<R> {
    CURRENT.try_with(call).ok()
}

impl fmt::Debug for RequestScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestScope")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("notes", self.notes())
            .field("stash", self.stash())
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// A future inside a request; from [`RequestScope::run`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct InRequest<F> {
        #[pin]
        future: TaskLocalFuture<RequestScope, F>,
    }
}

impl<F: Future> Future for InRequest<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

impl<F> fmt::Debug for InRequest<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InRequest").finish_non_exhaustive()
    }
}
