//! The lock files that dogpile.cache keeps beside a dbm file.

mod flock;
mod rw;
#[cfg(feature = "config")]
mod settings;

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::sync::{Mutex, MutexGuard, Notify};

use self::flock::{Flock, Kind, LockFile, off_thread};
pub use self::rw::{DbmGuard, DbmRwLock};
use super::{Domain, Lease, Lock, Seen, Token};
use crate::{Key, Result};

const SUFFIX: &str = ".dogpile.lock";
/// The owner that is seen of a key while another process has the file.
const ANOTHER_PROCESS: &[u8] = b"another process";

/// One creator among this process and the Python processes that cache in a dbm file.
///
/// It is the lock file of `dogpile.cache.dbm`, so that a region here and a region there never create at
/// the same time, wherever the values are: larder has no store in dbm files, whose format depends on the
/// Python that wrote them. To open such a file, there is [`DbmRwLock`].
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "codec-json"))] {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("pages.dbm");
/// use larder::{BackendExt, DbmLock, IntTime, Json, Memory, PayloadExt, Region};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let lock = DbmLock::new(path)?;
/// let region: Region<IntTime<Json<Memory>>, DbmLock> =
///     Region::builder(Memory::new().json().int_time()).lock(lock).build()?;
/// assert_eq!(region.get_or_create("front", async || 1).await?, 1);
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// # }
/// ```
///
/// # One lock for all keys
///
/// As in Python, whoever creates any key holds the whole file, and other *processes* create nothing
/// meanwhile. (There `key_is_locked` knows of the locks of its own thread only.) Inside this process, clones of one lock share the file: each key has an owner, and different
/// keys are created at the same time. So a creator may ask for other keys. The file is given back when the
/// last of the keys is, and others come late to a process that always has something to create.
///
/// Two locks made from one path exclude each other as two processes do: make one, and clone it.
///
/// # Leases
///
/// These do not end and are not renewed: the kernel holds the file for this process, and takes it back when
/// the process dies, however it dies. A process that hangs holds it. Nobody can take the file from it:
/// [`seize`](Lock::seize) takes keys from owners in this process only. Where it is another's, calls wait
/// as long as [`wait_timeout`](crate::Options::wait_timeout) says, however often other processes hand the file
/// on meanwhile, for which key cannot be seen; then they fail, or create without storing
/// ([`OnTimeout`](crate::OnTimeout)). No store looks at these leases when it writes (there is no *fence*),
/// and as long as nobody removes the lock file none is ever lost. One that is never given back, as when a
/// runtime ends in the middle of a creation, is held until the process ends or another of its calls seizes it.
///
/// # Waiting
///
/// Waits for an owner in this process are woken by it. For other processes, one thread of this process
/// waits in the kernel, in place of all who wait, and wakes them when it has seen the file free: then each looks
/// for its value, and whose value is not there asks for the file. Python waits in the kernel, too, and who
/// comes first is for the kernel to say. The thread cannot be called back: when all waits were dropped, it goes
/// on until then, alone and without harm. To see the file free it has it for an instant, in which
/// a call that does not wait, here or in Python (`acquire(wait=False)`), finds it taken and is content with a
/// stale value, and [`is_locked`](Lock::is_locked) says so.
///
/// The file is opened and locked on tokio's threads for blocking work.
///
/// # Files
///
/// The lock file is made where it is missing, with the rights that the umask leaves, and stays: whoever
/// removed it would let two hold it. All processes need the right to write it; if it cannot be used, calls
/// are errors of kind [`Backend`](crate::ErrorKind::Backend), and a region creates without the lock. Name the
/// dbm file as Python does: a link to it has a lock file of its own. Over NFS it works between machines where
/// the server keeps `flock` (Linux does, from client to client), and a server that does not answer holds up
/// who asks.
///
/// A child that is forked from this process without running another program shares what is held at that
/// moment: it keeps the file locked if this process then dies.
///
/// # Cancellation
///
/// A lease whose [`acquire`](Lock::acquire) is dropped is not held, unless it just was: release it. All else
/// takes place or not.
#[derive(Clone)]
pub struct DbmLock(Arc<Inner>);

struct Inner {
    file: LockFile,
    state: Mutex<State>,
    /// Something changed in this process, or the file was seen free.
    freed: Notify,
    /// Whether a thread waits for another process.
    is_watched: AtomicBool,
}

#[derive(Default)]
struct State {
    /// There while this process has the file.
    held: Option<Flock>,
    /// Who has which key. Empty while this process does not have the file.
    owners: HashMap<Box<[u8]>, Token>,
}

/// Wakes all who wait, when dropped.
struct Wakes(DbmLock);

impl Drop for Wakes {
    fn drop(&mut self) {
        self.0.0.freed.notify_waiters();
    }
}

impl DbmLock {
    /// The lock of the dbm file at `path`: the file `<path>.dogpile.lock` beside it. Touches no file yet.
    ///
    /// # Errors
    ///
    /// [`Config`](crate::ErrorKind::Config) when the path is empty.
    pub fn new(path: impl AsRef<Path>) -> Result<Self> {
        LockFile::beside(path.as_ref(), SUFFIX).map(Self::from_file)
    }

    /// The lock file at `path`, for what Python has as `dogpile_lockfile`. Touches no file yet.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn at(path: impl AsRef<Path>) -> Result<Self> {
        LockFile::at(path.as_ref()).map(Self::from_file)
    }

    /// Where the lock file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.file.path()
    }

    fn from_file(file: LockFile) -> Self {
        let (state, freed, is_watched) = (Mutex::default(), Notify::new(), AtomicBool::new(false));
        Self(Arc::new(Inner { file, state, freed, is_watched }))
    }

    /// The state, with the file if that is free.
    async fn taking(&self) -> Result<MutexGuard<'_, State>> {
        let mut state = self.0.state.lock().await;
        if state.held.is_none() {
            state.held = self.0.file.try_lock(Kind::Exclusive).await?;
            if state.held.is_some() {
                // Keys that wait for other processes can be had now.
                self.0.freed.notify_waiters();
            }
        }
        Ok(state)
    }

    /// Has those who wait woken when another process gives the file back.
    fn watch(&self) -> Result<()> {
        if self.0.is_watched.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let lock = self.clone();
        let watch = move || {
            // Whatever is wrong with the file, who is woken meets it when he asks for it.
            drop(lock.0.file.lock_here(Kind::Exclusive));
            // In this order: who comes between the two has a thread of his own.
            lock.0.is_watched.store(false, Ordering::Release);
            lock.0.freed.notify_waiters();
        };
        // Not one of tokio's: the end of a runtime would wait for it.
        let thread = thread::Builder::new().name("larder-dbm".into()).spawn(watch);
        thread.map(drop).map_err(|error| {
            self.0.is_watched.store(false, Ordering::Release);
            self.0.freed.notify_waiters();
            self.0.file.unwatchable(error)
        })
    }
}

impl fmt::Debug for DbmLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DbmLock").field("path", &self.path()).finish_non_exhaustive()
    }
}

impl Lock for DbmLock {
    fn lease(&self, key: Key<'_>) -> Lease {
        Lease::new(key, key.flat())
    }

    async fn acquire(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let mut state = self.taking().await?;
        if state.held.is_none() {
            return Ok(vec![false; leases.len()]);
        }
        let taken = leases.iter().map(|lease| match state.owners.entry(lease.name().into()) {
            Entry::Occupied(owner) => *owner.get() == lease.token(),
            Entry::Vacant(free) => {
                free.insert(lease.token());
                true
            }
        });
        Ok(taken.collect())
    }

    async fn seize(&self, leases: &[Lease]) -> Result<()> {
        if leases.is_empty() {
            return Ok(());
        }
        let mut state = self.taking().await?;
        if state.held.is_some() {
            let taken = leases.iter().map(|lease| (lease.name().into(), lease.token()));
            state.owners.extend(taken);
            // Who waits has another one to wait for.
            self.0.freed.notify_waiters();
        }
        Ok(())
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        let state = self.0.state.lock().await;
        let is_held = |lease: &Lease| state.owners.get(lease.name()) == Some(&lease.token());
        Ok(leases.iter().map(is_held).collect())
    }

    async fn release(&self, leases: &[Lease]) -> Result<()> {
        let mut state = self.0.state.lock().await;
        for lease in leases {
            if state.owners.get(lease.name()) == Some(&lease.token()) {
                state.owners.remove(lease.name());
            }
        }
        let wakes = Wakes(self.clone());
        if !state.owners.is_empty() {
            return Ok(());
        }
        let Some(held) = state.held.take() else { return Ok(()) };
        // In this order, also where a runtime ends before it comes to it.
        let given_back = (held, wakes);
        // Who asks next finds the file free.
        off_thread(move || drop(given_back)).await
    }

    async fn released(&self, key: Key<'_>, seen: &mut Seen) -> Result<()> {
        let name = key.flat();
        loop {
            // From before the look, so that no change falls between the two.
            let freed = self.0.freed.notified();
            let state = self.0.state.lock().await;
            let (is_ours, owner) = (state.held.is_some(), state.owners.get(&*name).copied());
            drop(state);
            match owner {
                Some(owner) if seen.owner(owner.as_bytes()) => return Ok(()),
                // What wakes it may be another key.
                Some(_) => freed.await,
                // Not a new owner: it is the file that can be had, and who had it had it for any key.
                None if is_ours => return Ok(()),
                None if seen.owner(ANOTHER_PROCESS) => return Ok(()),
                None => {
                    self.watch().map_err(|error| error.with_key(key))?;
                    freed.await;
                    return Ok(());
                }
            }
        }
    }

    /// Of another process it is seen that it has the file, not for which key.
    async fn is_locked(&self, key: Key<'_>) -> Result<bool> {
        let state = self.0.state.lock().await;
        if state.held.is_some() {
            return Ok(state.owners.contains_key(&*key.flat()));
        }
        // The look may take long, and keeps nobody from what is in this process.
        drop(state);
        self.0.file.is_locked().await.map_err(|error| error.with_key(key))
    }

    /// They do not end.
    fn lasts(&self) -> Duration {
        Duration::MAX
    }

    /// None: no store checks these leases.
    fn domain(&self) -> Option<Domain> {
        None
    }
}
