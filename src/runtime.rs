//! How synchronous code runs what is asynchronous: the calling thread polls, and a runtime of
//! larder's own drives the timers and connections.

use std::{
    future::{Future, pending},
    io,
    pin::pin,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use tokio::{
    runtime::{Builder, Handle, RuntimeFlavor},
    task::{block_in_place, unconstrained, yield_now},
};

use crate::{Error, ErrorKind, Result};

/// Polls once, without a runtime.
#[inline]
pub(crate) fn polled<F: Future>(work: F) -> Option<F::Output> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Runs all at the same time, in this task; their outputs in order.
#[cfg(any(feature = "backend-memcached", feature = "backend-redis"))]
pub(crate) async fn all<F: Future>(calls: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut calls: Vec<_> = calls.map(|call| (Box::pin(call), None)).collect();
    std::future::poll_fn(|context| {
        let mut are_ready = true;
        for (call, output) in calls.iter_mut().filter(|(_, output)| output.is_none()) {
            match call.as_mut().poll(context) {
                Poll::Ready(ready) => *output = Some(ready),
                Poll::Pending => are_ready = false,
            }
        }
        if are_ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    calls.into_iter().filter_map(|(_, output)| output).collect()
}

/// Runs `work` to its end on the calling thread, whatever runtime that is in.
///
/// On the one thread of a current-thread runtime it cannot wait. There `work` is refused, or, if
/// `tries`, polled once and dropped when that does not end it.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] where it cannot wait; [`ErrorKind::Unavailable`] when larder's thread
/// does not start.
pub(crate) fn run<F: Future>(tries: bool, work: F) -> Result<F::Output> {
    match Place::here() {
        Place::Driver if tries => {
            let _entered = own()?.enter();
            polled(unconstrained(work)).ok_or_else(refusal)
        }
        Place::Driver => Err(refusal()),
        Place::Worker => block_in_place(|| wait(work)),
        Place::Anywhere => wait(work),
    }
}

/// What waiting means for the calling thread.
enum Place {
    /// It drives no tasks: nobody minds.
    Anywhere,
    /// It is a worker of a multi-thread runtime, with other tasks behind it.
    Worker,
    /// It alone drives a current-thread runtime.
    Driver,
}

impl Place {
    fn here() -> Self {
        match Handle::try_current() {
            Ok(runtime) if schedules() => match runtime.runtime_flavor() {
                RuntimeFlavor::MultiThread => Self::Worker,
                _ => Self::Driver,
            },
            _ => Self::Anywhere,
        }
    }
}

/// Whether this thread schedules tasks, and is not merely inside a runtime like those of
/// `spawn_blocking`. tokio has no question for that, but a difference to be seen: who yields is woken
/// at once, except on a thread with a scheduler, which does it later.
fn schedules() -> bool {
    let alarm = Arc::new(Alarm::new());
    let waker = Waker::from(Arc::clone(&alarm));
    let _pending = pin!(yield_now()).poll(&mut Context::from_waker(&waker));
    !alarm.rung()
}

/// Polls until it is done, and parks in between.
///
/// Not tokio's `block_on`, inside which no other may be called: creators run in this poll, and may
/// want to wait for other regions. Unconstrained, because nobody renews the budget of a loop like this
/// one: without any, tokio's channels and timers would keep it running in circles.
fn wait<F: Future>(work: F) -> Result<F::Output> {
    let _entered = own()?.enter();
    let mut work = pin!(unconstrained(work));
    let alarm = Arc::new(Alarm::new());
    let waker = Waker::from(Arc::clone(&alarm));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = work.as_mut().poll(&mut context) {
            return Ok(output);
        }
        while !alarm.rung() {
            thread::park();
        }
    }
}

/// Wakes a thread. Waits may be nested on one thread: each has an alarm of its own, so that none
/// loses a call that another one woke up to.
struct Alarm {
    thread: Thread,
    ringing: AtomicBool,
}

impl Alarm {
    fn new() -> Self {
        Self { thread: thread::current(), ringing: AtomicBool::new(false) }
    }

    /// Whether it rang since this was last asked.
    fn rung(&self) -> bool {
        self.ringing.swap(false, Ordering::Acquire)
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ringing.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// The runtime of its own, which lasts as long as the process, on a thread that the first need
/// starts.
///
/// Used inside other runtimes too. Those may have no timers, may be ending, or may have nobody who
/// drives them just now; a wait with this one ends all the same.
fn own() -> Result<&'static Handle> {
    static OWN: OnceLock<Handle> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    if let Some(own) = OWN.get() {
        return Ok(own);
    }
    let _turn = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(own) = OWN.get() {
        return Ok(own);
    }
    let own = start().map_err(|error| {
        Error::new(ErrorKind::Unavailable, "region")
            .with_message("larder's own runtime cannot be started; are there too many threads?")
            .with_source(error)
    })?;
    Ok(OWN.get_or_init(|| own))
}

fn start() -> io::Result<Handle> {
    let (started, begun) = mpsc::sync_channel(1);
    let drive = move || {
        // Made over there: where it is wanted, a runtime must not even be dropped.
        match Builder::new_current_thread().enable_all().thread_name("larder").build() {
            Ok(runtime) => {
                _ = started.send(Ok(runtime.handle().clone()));
                runtime.block_on(pending::<()>());
            }
            Err(error) => _ = started.send(Err(error)),
        }
    };
    thread::Builder::new().name("larder".to_owned()).spawn(drive)?;
    begun.recv().map_err(io::Error::other)?
}

/// The runtime that a caller is in, for a creator: what it spawns belongs there.
pub(crate) struct Surroundings(Option<Handle>);

impl Surroundings {
    pub(crate) fn here() -> Self {
        Self(Handle::try_current().ok())
    }

    pub(crate) fn within<R>(&self, call: impl FnOnce() -> R) -> R {
        let _entered = self.0.as_ref().map(Handle::enter);
        call()
    }
}

#[cold]
fn refusal() -> Error {
    Error::new(ErrorKind::Unsupported, "region").with_message(
        "a blocking call would have to wait on the one thread of a current-thread runtime, and stop \
         all its tasks: use the asynchronous methods, `tokio::task::spawn_blocking`, or a thread",
    )
}
