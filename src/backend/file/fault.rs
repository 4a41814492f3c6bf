//! What goes wrong, in words that name the file and say what to do.

use std::path::Path;

use heed::MdbError;

use super::check::Damage;
use crate::{Error, ErrorKind};

const LAYER: &str = "file";

const WAY_OUT: &str = "delete it, or open it with recreate_if_damaged(true)";

pub(super) fn new(kind: ErrorKind, path: &Path, what: &str) -> Error {
    Error::new(kind, LAYER).with_message(format!("{}: {what}", path.display()))
}

pub(super) fn io(path: &Path, what: &str, error: std::io::Error) -> Error {
    new(ErrorKind::Backend, path, &format!("{what}: {error}")).with_source(error)
}

pub(super) fn damage(path: &Path, damage: Damage) -> Error {
    match damage {
        Damage::Io(error) => io(path, "cannot be read", error),
        Damage::Wrong(what) => {
            new(ErrorKind::Backend, path, &format!("the file {what}; {WAY_OUT}"))
        }
    }
}

/// An error of LMDB that the caller could not turn into anything better.
pub(super) fn lmdb(path: &Path, error: heed::Error) -> Error {
    use ErrorKind::{Backend, Config, Unavailable};

    let (kind, what) = match &error {
        heed::Error::Mdb(MdbError::ReadersFull) => {
            (Unavailable, "too many threads and processes read it at once".to_owned())
        }
        heed::Error::Mdb(MdbError::MapFull) => (Backend, "the file is full".to_owned()),
        heed::Error::Mdb(MdbError::MapResized) => (
            Config,
            "another process let the file grow beyond the max_bytes given here; \
             give all processes the same"
                .to_owned(),
        ),
        heed::Error::Mdb(
            MdbError::Corrupted
            | MdbError::PageNotFound
            | MdbError::Invalid
            | MdbError::VersionMismatch,
        ) => (Backend, format!("the file is damaged ({error}); {WAY_OUT}")),
        heed::Error::Mdb(MdbError::Panic) => {
            (Backend, "a write failed half-way; close the file and open it again".to_owned())
        }
        other => (Backend, other.to_string()),
    };
    new(kind, path, &what).with_source(error)
}

/// The bytes of one entry are not what was written: the entry is lost, the file is not.
pub(super) fn record(key: crate::Key<'_>) -> Error {
    Error::new(ErrorKind::Decode, LAYER)
        .with_message("the stored bytes are damaged (checksum)")
        .with_key(key)
}

pub(super) fn stopped(path: &Path) -> Error {
    new(ErrorKind::Backend, path, "its writer has stopped")
}

/// A value that was created under a lease which somebody else may have had since.
pub(super) fn lease_lost(path: &Path) -> Error {
    let what = "the value was not stored, because the lease it was created under was taken over, \
                given back or swept; read the key again";
    new(ErrorKind::LeaseLost, path, what)
}

/// The same for some of a batch; the key is that of the first.
pub(super) fn leases_lost(path: &Path, refused: usize, all: usize) -> Error {
    let what = format!(
        "{refused} of {all} values were not stored, because the leases they were created under \
         were taken over, given back or swept; read their keys again, of which this is the first"
    );
    new(ErrorKind::LeaseLost, path, &what)
}

pub(super) fn foreign_lease(path: &Path) -> Error {
    let what =
        "this is the lease of another kind of lock; make it with the FileLock that is to keep it";
    new(ErrorKind::Config, path, what)
}
