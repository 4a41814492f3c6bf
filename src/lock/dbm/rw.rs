use std::{path::Path, time::Duration};

use super::flock::{Flock, Kind, LockFile};
use crate::Result;

const SUFFIX: &str = ".rw.lock";
/// How soon a wait looks again: at first, and at last.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// The lock around each opening of a dbm file that Python's `dogpile.cache.dbm` reads and writes.
///
/// Those who read share it, who writes has it alone. dbm files are not made for two processes at once:
/// take it before the file is opened, and drop the guard after it was closed.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("pages.dbm");
/// use larder::DbmRwLock;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let lock = DbmRwLock::new(path)?;
/// let reading = lock.read().await?;
/// // Open, read and close the file.
/// drop(reading);
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// ```
///
/// # Concurrency
///
/// Each guard counts for itself, in one thread and in one process, too: whoever asks to write while he
/// holds a guard waits for himself. The kernel keeps no order, so a writer may wait as long as there are
/// always readers. A process that dies gives back what it holds.
#[derive(Clone, Debug)]
pub struct DbmRwLock {
    file: LockFile,
}

/// The right to open the file; given back when dropped. Made by [`DbmRwLock`].
#[derive(Debug)]
#[must_use = "it is given back when dropped"]
pub struct DbmGuard {
    _held: Flock,
}

impl DbmRwLock {
    /// The lock of the dbm file at `path`: the file `<path>.rw.lock` beside it, which is made when it is
    /// first used, and stays.
    ///
    /// # Errors
    ///
    /// [`Config`](crate::ErrorKind::Config) when the path is empty.
    pub fn new(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self { file: LockFile::beside(path.as_ref(), SUFFIX)? })
    }

    /// The lock file at `path`, for what Python has as `rw_lockfile`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn at(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self { file: LockFile::at(path.as_ref())? })
    }

    /// Waits until the file may be read. Needs tokio's timer.
    ///
    /// # Errors
    ///
    /// [`Backend`](crate::ErrorKind::Backend) when the lock file cannot be opened or locked.
    ///
    /// # Cancellation
    ///
    /// Safe: nothing is held by a wait that was dropped, and no thread goes on waiting.
    pub async fn read(&self) -> Result<DbmGuard> {
        self.wait(Kind::Shared).await
    }

    /// Waits until the file may be written. Needs tokio's timer.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    ///
    /// # Cancellation
    ///
    /// As [`read`](Self::read).
    pub async fn write(&self) -> Result<DbmGuard> {
        self.wait(Kind::Exclusive).await
    }

    /// [`read`](Self::read) for synchronous code: the thread waits.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn blocking_read(&self) -> Result<DbmGuard> {
        self.file.lock_here(Kind::Shared).map(DbmGuard::new)
    }

    /// [`write`](Self::write) for synchronous code: the thread waits.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn blocking_write(&self) -> Result<DbmGuard> {
        self.file.lock_here(Kind::Exclusive).map(DbmGuard::new)
    }

    async fn wait(&self, kind: Kind) -> Result<DbmGuard> {
        let mut pause = FIRST_PAUSE;
        loop {
            if let Some(held) = self.file.try_lock(kind).await? {
                return Ok(DbmGuard::new(held));
            }
            // Not a thread that waits in the kernel: nothing could end that when this is dropped.
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }
}

impl DbmGuard {
    const fn new(held: Flock) -> Self {
        Self { _held: held }
    }
}
