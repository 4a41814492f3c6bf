use std::time::Duration;

use super::{Domain, Lease, Lock, Seen};
use crate::{Error, ErrorKind, File, Key, Result, backend::Change};

const LASTS: Duration = Duration::from_secs(5);
/// A commit may wait for the writers of other processes, and for a busy machine.
const LEAST: Duration = Duration::from_millis(100);

/// Lets one of all processes that share a [`File`] create a value.
///
/// The leases are in the file itself, so the lock is made from the store whose keys it guards, and
/// [`File`] checks the lease in the same transaction as it writes:
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("pages.larder");
/// use larder::{Backend, Bytes, ErrorKind, File, FileLock, Lock, WriteOpts};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let file = File::open(path)?;
/// let lock = FileLock::new(&file);
///
/// let lease = [lock.lease("front".into())];
/// assert_eq!(lock.acquire(&lease).await?, [true]);
/// let fenced = WriteOpts::default().fenced(&lease[0]);
/// file.set("front".into(), Bytes::from("<html>"), fenced).await?;
/// lock.release(&lease).await?;
///
/// let late = file.set("front".into(), Bytes::from("<old>"), fenced).await;
/// assert_eq!(late.unwrap_err().kind(), ErrorKind::LeaseLost);
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// ```
///
/// # Leases
///
/// A lease is a record in the file: whose it is, and when it ends. Taking, renewing and giving back
/// are one transaction each, whatever the number of leases (more only while the file is full),
/// together with whatever else is to be written just then. Releasing removes the record; what the dead leave behind is taken over by the
/// next who wants it, and goes with [`File::sweep`] or when room is made. Leases are no entries:
/// they are not counted, and not dropped to make room while they last. [`File::clear`] removes them
/// with everything else, and so voids what is being created.
///
/// A lease that has ended but was taken by nobody may still be renewed, and values created under it
/// stored: nobody else can have created one meanwhile. Once it was taken, given back, cleared or
/// swept, neither is possible.
///
/// A process that dies is noticed when its leases end. They end by the wall clock, or the
/// [`clock`](crate::FileBuilder::clock) of the [`File`]; one that is set back makes them last longer
/// by as much.
///
/// # Waiting
///
/// [`released`](Lock::released) needs tokio's timer. It looks at a word of shared memory, after 1 ms
/// at first, every 10 ms at last, and at the lease when somebody has written: some 2 µs a time.
///
/// # Cancellation
///
/// A lease that is still waiting for its turn when its [`acquire`](Lock::acquire) is dropped is not
/// taken. One that just was ends by itself unless it is released. All else takes place or not.
#[derive(Clone, Debug)]
pub struct FileLock {
    file: File,
    lasts: Duration,
}

/// How to make a [`FileLock`]; made by [`FileLock::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct FileLockBuilder {
    file: File,
    lasts: Duration,
}

impl FileLockBuilder {
    /// How long a lease lasts unless it is renewed, so how long a process that died may block the
    /// others. At least 100 ms. Default: 5 s.
    pub fn lasts(mut self, lasts: Duration) -> Self {
        self.lasts = lasts;
        self
    }

    /// Makes the lock.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the leases are too short.
    pub fn build(self) -> Result<FileLock> {
        let Self { file, lasts } = self;
        if lasts < LEAST {
            let what = format!("leases of {lasts:?} are too short; give them {LEAST:?} or more");
            return Err(Error::new(ErrorKind::Config, "file lock").with_message(what));
        }
        Ok(FileLock { file, lasts })
    }
}

impl FileLock {
    /// A lock whose leases are in `file` and last 5 s.
    #[must_use]
    pub fn new(file: &File) -> Self {
        Self { file: file.clone(), lasts: LASTS }
    }

    /// Begins to make a lock whose leases are in `file`.
    pub fn builder(file: &File) -> FileLockBuilder {
        FileLockBuilder { file: file.clone(), lasts: LASTS }
    }

    async fn change(&self, change: Change, leases: &[Lease]) -> Result<Vec<bool>> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        self.file.change_leases(change, leases, self.lasts).await
    }
}

impl Lock for FileLock {
    fn lease(&self, key: Key<'_>) -> Lease {
        File::new_lease(key)
    }

    async fn acquire(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        self.change(Change::Acquire, leases).await
    }

    async fn seize(&self, leases: &[Lease]) -> Result<()> {
        self.change(Change::Seize, leases).await.map(drop)
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        self.change(Change::Renew, leases).await
    }

    async fn release(&self, leases: &[Lease]) -> Result<()> {
        self.change(Change::Release, leases).await.map(drop)
    }

    async fn released(&self, key: Key<'_>, seen: &mut Seen) -> Result<()> {
        self.file.lease_gone(key, seen).await
    }

    async fn is_locked(&self, key: Key<'_>) -> Result<bool> {
        self.file.has_lease(key)
    }

    fn lasts(&self) -> Duration {
        self.lasts
    }

    fn domain(&self) -> Option<Domain> {
        Some(self.file.domain())
    }
}
