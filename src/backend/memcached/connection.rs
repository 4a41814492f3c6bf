use std::{
    mem,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime::Handle,
    sync::{OwnedMutexGuard, mpsc, oneshot},
    task::{AbortHandle, JoinHandle},
    time::{Instant, timeout},
};

use super::{
    config::Target,
    driver::{Call, Driver},
    failure,
    protocol::Reply,
};
use crate::{Error, Result};

/// The pause after a failed attempt to connect; doubled by each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How long a call waits for a connection to a server that was down a moment ago.
const PATIENCE: Duration = Duration::from_millis(20);
/// How many calls may wait for their turn to be written before callers wait for room.
const QUEUE: usize = 512;

/// A connection to one server that is made when first needed, shared by all, and made anew when lost.
///
/// Of our own, since no crate does this job. `async-memcached` 0.9 has a connection for one caller at a
/// time, which a dropped call closes, and no TLS; `memcache` 0.21 is synchronous, or a pool without
/// a stable interface; `memcache-async` does not see whether a write failed; `mtop-client` has a licence
/// that a library cannot take. None has ketama. And many calls over one connection are several times as
/// fast as over a pool.
pub(super) struct Link {
    target: Target,
    live: RwLock<Option<Arc<Live>>>,
    fault: Mutex<Option<Fault>>,
    /// Held while a connection is being made.
    dialing: Arc<tokio::sync::Mutex<()>>,
}

/// A connection that is up.
pub(super) struct Live {
    calls: mpsc::Sender<Call>,
    driver: AbortHandle,
    since: Instant,
    /// When something arrived last, in milliseconds from `since`.
    heard: AtomicU64,
    /// Why it is up no more.
    end: OnceLock<Error>,
}

impl Live {
    pub(super) fn new<S>(stream: S) -> Arc<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (calls, called) = mpsc::channel(QUEUE);
        Arc::new_cyclic(|live| Self {
            calls,
            driver: tokio::spawn(Driver::new(live.clone(), stream, called)).abort_handle(),
            since: Instant::now(),
            heard: AtomicU64::new(0),
            end: OnceLock::new(),
        })
    }

    pub(super) fn hear(&self) {
        self.heard.store(self.age(), Ordering::Relaxed);
    }

    pub(super) fn end(&self, reason: Error) {
        let _ = self.end.set(reason);
    }

    fn age(&self) -> u64 {
        self.since.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
    }

    /// Whether nothing has arrived for so long.
    fn is_silent(&self, time: Duration) -> bool {
        let silent = self.age().saturating_sub(self.heard.load(Ordering::Relaxed));
        u128::from(silent) >= time.as_millis()
    }

    /// Why replies will not come.
    fn lost(&self) -> Error {
        let unknown = || failure::unavailable("the Tokio runtime of the connection ended");
        self.end.get().cloned().unwrap_or_else(unknown)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Why a server is down, and when the next attempt may be made.
struct Fault {
    error: Error,
    pause: Duration,
    until: Instant,
}

/// Why requests were not served.
pub(super) struct Unserved {
    pub(super) error: Error,
    /// Whether the server is down for all, so that another one may stand in.
    pub(super) is_down: bool,
}

fn down(error: Error) -> Unserved {
    Unserved { error, is_down: true }
}

/// Why an exchange gave no replies.
enum Broken {
    /// The connection is gone, and whether the requests were carried out is unknown.
    Lost,
    /// There are none in time.
    Late,
}

impl Link {
    pub(super) fn new(target: Target) -> Arc<Self> {
        Arc::new(Self {
            target,
            live: RwLock::default(),
            fault: Mutex::default(),
            dialing: Arc::default(),
        })
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Sends requests, and gives their `count` replies. While the server is known to be down, only who
    /// is `patient` waits for an attempt to reach it.
    ///
    /// When the connection is lost they are sent once more over a new one. That is safe, because every
    /// request has the same effect when it runs twice, or a caller that knows what it means.
    pub(super) async fn send(
        self: &Arc<Self>,
        requests: &Bytes,
        count: usize,
        patient: bool,
    ) -> Result<Vec<Reply>, Unserved> {
        let live = match self.live() {
            Some(live) => live,
            // Boxed, so that others do not carry what only a first call needs.
            None => Box::pin(self.connect(patient)).await.map_err(down)?,
        };
        match self.exchange(&live, requests, count).await {
            Ok(replies) => Ok(replies),
            Err(Broken::Late) => Err(self.late(&live)),
            Err(Broken::Lost) => Box::pin(self.send_again(&live, requests, count, patient)).await,
        }
    }

    #[cold]
    async fn send_again(
        self: &Arc<Self>,
        lost: &Arc<Live>,
        requests: &Bytes,
        count: usize,
        patient: bool,
    ) -> Result<Vec<Reply>, Unserved> {
        self.forget(lost);
        let live = self.connect(patient).await.map_err(down)?;
        match self.exchange(&live, requests, count).await {
            Ok(replies) => Ok(replies),
            Err(Broken::Late) => Err(self.late(&live)),
            Err(Broken::Lost) => Err(down(self.failed(&live, live.lost()))),
        }
    }

    async fn exchange(
        &self,
        live: &Live,
        requests: &Bytes,
        count: usize,
    ) -> Result<Vec<Reply>, Broken> {
        let (done, replies) = oneshot::channel();
        let requests = requests.clone();
        let call = Call { requests, count, replies: Vec::with_capacity(count), done };
        let exchange = async {
            live.calls.send(call).await.ok()?;
            replies.await.ok()
        };
        match timeout(self.target.response_timeout, exchange).await {
            Ok(replies) => replies.ok_or(Broken::Lost),
            Err(_) => Err(Broken::Late),
        }
    }

    /// No replies in time. A server that says nothing at all is down; one that is busy with the requests
    /// of others is not.
    #[cold]
    fn late(&self, live: &Arc<Live>) -> Unserved {
        let limit = self.target.response_timeout;
        let error = failure::late(&self.target.address.to_string(), limit);
        if live.is_silent(limit / 2) {
            return down(self.failed(live, error));
        }
        Unserved { error, is_down: false }
    }

    fn live(&self) -> Option<Arc<Live>> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_live(&self, live: Arc<Live>) {
        let mut slot = self.live.write().unwrap_or_else(PoisonError::into_inner);
        // What was there is dropped after the lock.
        let _before = slot.replace(live);
        drop(slot);
    }

    /// Gives up a connection, and says whether it was not replaced already.
    fn forget(&self, lost: &Arc<Live>) -> bool {
        let mut slot = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let is_current = slot.as_ref().is_some_and(|live| Arc::ptr_eq(live, lost));
        if is_current {
            let _lost = mem::take(&mut *slot);
        }
        is_current
    }

    /// Gives up a connection and the server with it.
    fn failed(&self, lost: &Arc<Live>, error: Error) -> Error {
        if self.forget(lost) {
            self.note(&error);
        }
        error
    }

    /// The last failure, and whether its pause is still on.
    fn fault(&self) -> Option<(Error, bool)> {
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.as_ref().map(|fault| (fault.error.clone(), Instant::now() < fault.until))
    }

    /// The server is down.
    fn note(&self, error: &Error) {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = match &*fault {
            None => FIRST_PAUSE,
            Some(before) => (before.pause * 2).min(LONGEST_PAUSE),
        };
        let until = Instant::now() + pause;
        let before = fault.replace(Fault { error: error.clone(), pause, until });
        drop(fault);
        if before.is_none() {
            let server = &self.target.address;
            tracing::warn!(%server, %error, "larder: a memcached server is down");
        }
    }

    /// The server is there.
    fn clear(&self) {
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner).take();
        if fault.is_some() {
            let server = &self.target.address;
            tracing::info!(%server, "larder: a memcached server is back");
        }
    }

    #[cold]
    async fn connect(self: &Arc<Self>, patient: bool) -> Result<Arc<Live>> {
        match self.fault() {
            None => self.connected().await,
            Some((error, true)) => Err(error),
            Some((error, false)) if patient => {
                timeout(PATIENCE, self.connected()).await.unwrap_or(Err(error))
            }
            Some((error, false)) => {
                if let Ok(turn) = Arc::clone(&self.dialing).try_lock_owned() {
                    drop(self.dial(turn)?);
                }
                Err(error)
            }
        }
    }

    /// Waits for the attempt that is being made, or makes one.
    async fn connected(self: &Arc<Self>) -> Result<Arc<Live>> {
        // Whoever waited keeps the turn: given back, it would go around among those who wait, and
        // nobody would make the next attempt.
        let turn = Arc::clone(&self.dialing).lock_owned().await;
        if let Some(live) = self.live() {
            return Ok(live);
        }
        if let Some((error, true)) = self.fault() {
            return Err(error);
        }
        let ended = |_| {
            let message = "the Tokio runtime ended, or has I/O or time disabled";
            Err(failure::unavailable(message))
        };
        self.dial(turn)?.await.unwrap_or_else(ended)
    }

    /// Begins an attempt, in a task of its own: a caller that gives up must not take away what others
    /// wait for.
    fn dial(self: &Arc<Self>, turn: OwnedMutexGuard<()>) -> Result<JoinHandle<Result<Arc<Live>>>> {
        let runtime = Handle::try_current().map_err(|error| {
            failure::config("a call outside of a Tokio runtime").with_source(error)
        })?;
        let link = Arc::clone(self);
        Ok(runtime.spawn(async move {
            let result = link.dial_once().await;
            drop(turn);
            result
        }))
    }

    async fn dial_once(&self) -> Result<Arc<Live>> {
        // Somebody may have been here between the last look and our turn.
        if let Some(live) = self.live() {
            return Ok(live);
        }
        let limit = self.target.connect_timeout;
        let result = timeout(limit, self.target.dial()).await.unwrap_or_else(|_| {
            let message = format!("no connection to {} within {limit:?}", self.target.address);
            Err(failure::unavailable(message))
        });
        match &result {
            Ok(live) => {
                self.set_live(Arc::clone(live));
                self.clear();
            }
            Err(error) => self.note(error),
        }
        result
    }
}
