//! Lock files: `flock(2)` on files that hold nothing.

use std::{
    ffi::OsString,
    io,
    os::fd::OwnedFd,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use rustix::{
    fs::{FlockOperation, Mode, OFlags, flock},
    io::{Errno, retry_on_intr},
};
use tokio::runtime::Handle;

use crate::{Error, ErrorKind, Result};

const LAYER: &str = "dbm";

/// Who may hold it at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// All who ask for no more than that.
    Shared,
    /// Nobody else.
    Exclusive,
}

impl Kind {
    /// As Python opens the file: over NFS the kind of lock asks for that kind of access.
    const fn access(self) -> OFlags {
        match self {
            Self::Shared => OFlags::RDONLY,
            Self::Exclusive => OFlags::WRONLY,
        }
    }
}

/// A file that is there to be locked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LockFile(Arc<Path>);

impl LockFile {
    /// The one beside the dbm file at `path`, with `suffix`.
    pub(super) fn beside(path: &Path, suffix: &str) -> Result<Self> {
        let mut name = whole(path)?.into_os_string();
        name.push(OsString::from(suffix));
        Ok(Self(PathBuf::from(name).into()))
    }

    /// The one at `path`.
    pub(super) fn at(path: &Path) -> Result<Self> {
        Ok(Self(whole(path)?.into()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Locks it if that is possible at once.
    pub(super) async fn try_lock(&self, kind: Kind) -> Result<Option<Flock>> {
        let file = self.clone();
        off_thread(move || file.try_lock_here(kind)).await?
    }

    /// Whether somebody has locked it for himself alone.
    pub(super) async fn is_locked(&self) -> Result<bool> {
        let file = self.clone();
        off_thread(move || file.is_locked_here()).await?
    }

    /// Locks it. The calling thread waits as long as that takes.
    pub(super) fn lock_here(&self, kind: Kind) -> Result<Flock> {
        let file = self.open(kind.access() | OFlags::CREATE)?;
        let how = match kind {
            Kind::Shared => FlockOperation::LockShared,
            Kind::Exclusive => FlockOperation::LockExclusive,
        };
        retry_on_intr(|| flock(&file, how)).map_err(|errno| self.unlockable(errno))?;
        Ok(Flock(file))
    }

    fn try_lock_here(&self, kind: Kind) -> Result<Option<Flock>> {
        // Opened anew each time: a lock belongs to what was opened, and the file may be a new one.
        let file = self.open(kind.access() | OFlags::CREATE)?;
        let how = match kind {
            Kind::Shared => FlockOperation::NonBlockingLockShared,
            Kind::Exclusive => FlockOperation::NonBlockingLockExclusive,
        };
        match retry_on_intr(|| flock(&file, how)) {
            Ok(()) => Ok(Some(Flock(file))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(errno) => Err(self.unlockable(errno)),
        }
    }

    fn is_locked_here(&self) -> Result<bool> {
        let file = match rustix::fs::open(&*self.0, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(false),
            Err(errno) => return Err(self.unopenable(errno)),
        };
        match retry_on_intr(|| flock(&file, FlockOperation::NonBlockingLockShared)) {
            Ok(()) => drop(Flock(file)),
            Err(Errno::WOULDBLOCK) => return Ok(true),
            Err(errno) => return Err(self.unlockable(errno)),
        }
        Ok(false)
    }

    fn open(&self, how: OFlags) -> Result<OwnedFd> {
        // The umask says who may use it, as it does in Python.
        let everyone = Mode::from_raw_mode(0o666);
        rustix::fs::open(&*self.0, how | OFlags::CLOEXEC, everyone)
            .map_err(|errno| self.unopenable(errno))
    }

    #[cold]
    fn unopenable(&self, errno: Errno) -> Error {
        let what = match errno {
            Errno::NOENT => "its folder is not there",
            Errno::ACCESS | Errno::PERM | Errno::ROFS => {
                "it cannot be opened: give this user the right to read and write it, and to its folder"
            }
            _ => "it cannot be opened",
        };
        self.failed(what, errno)
    }

    #[cold]
    fn unlockable(&self, errno: Errno) -> Error {
        self.failed("it cannot be locked; not every file system has locks", errno)
    }

    fn failed(&self, what: &str, errno: Errno) -> Error {
        let (path, error) = (self.0.display(), io::Error::from(errno));
        Error::new(ErrorKind::Backend, LAYER)
            .with_message(format!("lock file {path}: {what}: {error}"))
            .with_source(error)
    }

    /// There is no thread to wait for it.
    #[cold]
    pub(super) fn unwatchable(&self, error: io::Error) -> Error {
        let path = self.0.display();
        Error::new(ErrorKind::Unavailable, LAYER)
            .with_message(format!("lock file {path}: there is no thread to wait for it: {error}"))
            .with_source(error)
    }
}

/// The path as Python makes it whole: links stay, `..` takes away what is before it.
fn whole(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path).map_err(|error| {
        let what = format!("`{}` is not the path of a dbm file: {error}", path.display());
        Error::new(ErrorKind::Config, LAYER).with_message(what).with_source(error)
    })?;
    let mut whole = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            part => whole.push(part),
        }
    }
    Ok(whole)
}

/// A file that is locked; unlocked when dropped.
#[derive(Debug)]
pub(super) struct Flock(OwnedFd);

impl Drop for Flock {
    fn drop(&mut self) {
        // Closing is not enough: a child that was just forked may have it open, too.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// Runs `work` where it may block: files may be far away. Outside of a runtime nobody is held up.
///
/// Dropped, it still runs, and what it returns is dropped.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let Ok(runtime) = Handle::try_current() else { return Ok(work()) };
    runtime.spawn_blocking(work).await.map_err(|error| {
        Error::new(ErrorKind::Unavailable, LAYER)
            .with_message("the runtime ended before a lock file was looked at")
            .with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_as_python_names_them() {
        let here = std::env::current_dir().unwrap();
        for (path, whole) in [
            ("/a/b.dbm", "/a/b.dbm.rw.lock"),
            ("/a//./c/../b.dbm/", "/a/b.dbm.rw.lock"),
            ("/../b", "/b.rw.lock"),
        ] {
            assert_eq!(
                LockFile::beside(path.as_ref(), ".rw.lock").unwrap().path(),
                Path::new(whole)
            );
        }
        let relative = LockFile::beside("b.dbm".as_ref(), ".rw.lock").unwrap();
        assert_eq!(relative.path(), here.join("b.dbm.rw.lock"));
        assert_eq!(LockFile::at("x.lock".as_ref()).unwrap().path(), here.join("x.lock"));
        let error = LockFile::at("".as_ref()).unwrap_err();
        assert_eq!((error.kind(), error.layer()), (ErrorKind::Config, "dbm"));
    }
}
