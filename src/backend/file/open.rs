//! Opening: one environment for each file and process, checked before LMDB sees it.
//!
//! Processes open a file one after the other: each holds a lock on the data file meanwhile (the
//! *gate*), so that one can check, create or replace the file undisturbed. Whether another process
//! has it open already is read off LMDB's own lock file.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use heed::{CommitOrAbort, EnvFlags, EnvOpenOptions, MdbError, WithoutTls};
use rustix::fs::{FlockOperation, fcntl_lock, flock};

use super::{
    check, fault,
    record::{LAYOUT, LAYOUT_WITHOUT_LEASES, MARKER},
    writer::{Db, Queue, Writer},
};
use crate::{Clock, Domain, Error, ErrorKind, Result};

/// Opening waits this long for another process that is opening the same file, or for this process
/// to finish closing it.
const PATIENCE: Duration = Duration::from_secs(30);
/// Reads going on at once, in all processes.
const MAX_READERS: u32 = 1024;
/// What the lock file needs for them, and more: 64 bytes each behind a header.
const LOCK_BYTES: usize = MAX_READERS as usize * 64 + 4096;
/// The address space reserved if no limit is given. Address space only: the file grows as needed.
const RESERVED: u64 = 64 << 30;
const LEAST: u64 = 1 << 20;
/// A multiple of every page size.
const GRAIN: u64 = 64 << 10;

/// An open file, shared by all handles of this process.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) env: Env,
    pub(super) db: Db,
    pub(super) queue: Queue,
    pub(super) path: PathBuf,
    pub(super) max_bytes: u64,
    id: FileId,
}

impl Shared {
    /// The file itself, whatever comes to its path later.
    pub(super) fn domain(&self) -> Domain {
        Domain::new((&self.path, self.id))
    }
}

/// How to open.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) max_bytes: Option<u64>,
    pub(super) recreate_if_damaged: bool,
    pub(super) clock: Clock,
}

/// Readers take a place in the lock file for each read, not one for each thread: LMDB would give
/// the latter back when the thread ends, and crash if that happens while the file is closed. It
/// costs 15 ns a read.
pub(super) type Env = heed::Env<WithoutTls>;

type FileId = (u64, u64);

static OPEN: Mutex<BTreeMap<PathBuf, Weak<Shared>>> = Mutex::new(BTreeMap::new());

/// Opens the file, or joins those of this process that have it open.
pub(super) fn open(path: &Path, options: &Options) -> Result<Arc<Shared>> {
    let path = &whole_path(path)?;
    let mut all = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(shared) = all.get(path).and_then(Weak::upgrade) {
        return match fs::metadata(path) {
            Ok(about) if id(&about) == shared.id => Ok(shared),
            _ => Err(fault::new(
                ErrorKind::Backend,
                path,
                "the file was removed or replaced while this process had it open; \
                 drop all handles to the old one first",
            )),
        };
    }
    // Its last handle was dropped, but its writer may still have something to write.
    let closed = heed::env_closing_event(path).is_none_or(|closing| closing.wait_timeout(PATIENCE));
    if !closed {
        return Err(fault::new(ErrorKind::Timeout, path, "the file is still being closed"));
    }
    let shared = Arc::new(start(path, options)?);
    all.retain(|_, shared| shared.strong_count() > 0);
    all.insert(path.clone(), Arc::downgrade(&shared));
    Ok(shared)
}

/// Resolves links, so that one file has one name; creates the file and the folders above it if
/// they are missing.
fn whole_path(path: &Path) -> Result<PathBuf> {
    let wrong = |error| fault::io(path, "no file can be here", error);
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found.map_err(wrong),
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| fault::io(path, "no folder for it", error))?;
    }
    opening().open(path).map_err(wrong)?;
    path.canonicalize().map_err(wrong)
}

/// Opens for reading and writing, creates what is missing for its owner alone.
fn opening() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options
}

fn start(path: &Path, options: &Options) -> Result<Shared> {
    let (opened, id) = checked(path, options)?;
    let Opened { env, db, map_bytes } = opened;
    let (queue, jobs) = Queue::new();
    let writer = Writer::new(path.to_owned(), env.clone(), db, map_bytes, options.clock.clone());
    std::thread::Builder::new()
        .name("larder-file".into())
        .spawn(move || writer.run(&jobs))
        .map_err(|error| fault::io(path, "no thread to write it", error))?;
    Ok(Shared { env, db, queue, path: path.to_owned(), max_bytes: map_bytes, id })
}

struct Opened {
    env: Env,
    db: Db,
    map_bytes: u64,
}

/// Checks the file, makes it anew if that is wanted and needed, and hands it to LMDB.
fn checked(path: &Path, options: &Options) -> Result<(Opened, FileId)> {
    let mut may_recreate = options.recreate_if_damaged;
    loop {
        let (gate, id) = gate(path)?;
        let used = used(path)?;
        let in_use = used.is_some();
        let is_empty = length(&gate, path)? == 0;
        let found = match &used {
            _ if is_empty => Ok(()),
            Some(lock) => check::joined(&gate, lock),
            None => check::whole(&gate),
        };
        // Before LMDB opens it: see there.
        drop(used);
        if is_empty && in_use {
            // Left over: the data file was deleted and the lock file was not. Whoever still has
            // the old ones keeps them, and must not share a lock with the new one.
            unlink(&lock_path(path))?;
        }
        let problem = found.err().map(|damage| fault::damage(path, damage));
        let problem = match problem {
            None => match hand_over(path, options, length(&gate, path)?) {
                Ok(opened) => return Ok((opened, id)),
                Err(Refused::Other(error)) => return Err(error),
                Err(Refused::Foreign(error)) => error,
            },
            Some(_) if !in_use && check::unfinished(&gate) => {
                empty(&gate, path)?;
                continue;
            }
            Some(problem) => problem,
        };
        if !may_recreate {
            return Err(problem);
        }
        may_recreate = false;
        tracing::warn!(error = %problem, "larder: the cache file is made anew");
        if in_use {
            // Cutting it would crash those who have it mapped: let them keep it, without a name.
            unlink(path)?;
            unlink(&lock_path(path))?;
        } else {
            empty(&gate, path)?;
        }
    }
}

enum Refused {
    /// Not a file of ours.
    Foreign(Error),
    Other(Error),
}

fn hand_over(path: &Path, options: &Options, len: u64) -> Result<Opened, Refused> {
    let other = |error| Refused::Other(fault::lmdb(path, error));
    let (env, map_bytes) = map(path, options.max_bytes, len).map_err(|error| match error {
        heed::Error::Mdb(MdbError::Invalid | MdbError::VersionMismatch) => {
            Refused::Foreign(fault::lmdb(path, error))
        }
        error => other(error),
    })?;
    _ = env.clear_stale_readers();
    let (db, marker, entries) = read_marker(&env).map_err(other)?;
    let mark = || -> heed::Result<()> {
        let mut txn = env.write_txn()?;
        db.put(&mut txn, MARKER, LAYOUT)?;
        txn.commit()
    };
    match marker {
        Some(marker) if marker == LAYOUT => {}
        Some(marker) if marker == LAYOUT_WITHOUT_LEASES => mark().map_err(other)?,
        Some(_) => {
            let damage = check::Damage::Wrong("was written by another version of larder");
            return Err(Refused::Foreign(fault::damage(path, damage)));
        }
        None if entries == 0 => mark().map_err(other)?,
        None => {
            let damage = check::Damage::Wrong("is an LMDB file of another program");
            return Err(Refused::Foreign(fault::damage(path, damage)));
        }
    }
    Ok(Opened { env, db, map_bytes })
}

/// The database, what it says it is, and how many entries it has.
fn read_marker(env: &Env) -> heed::Result<(Db, Option<Vec<u8>>, u64)> {
    let txn = env.read_txn()?;
    let db = env.open_databases_and_commit(txn, |opener, txn| {
        opener.open_database(txn, None).map(CommitOrAbort::<_, ()>::Commit)
    })?;
    let CommitOrAbort::Commit(Some(db)) = db else { return Err(MdbError::NotFound.into()) };
    let db: Db = db;
    let txn = env.read_txn()?;
    let marker = db.get(&txn, MARKER)?.map(<[u8]>::to_vec);
    Ok((db, marker, db.len(&txn)?))
}

/// Opens the environment with as much address space as wanted, or as there is, and says what that
/// lets the file hold. A file that is larger already, `len` bytes, needs more: room to shrink in.
fn map(path: &Path, max_bytes: Option<u64>, len: u64) -> heed::Result<(Env, u64)> {
    let mut bytes = max_bytes.unwrap_or(RESERVED).max(LEAST) / GRAIN * GRAIN;
    loop {
        let larger = len > bytes;
        let reserved = if larger { len.next_multiple_of(GRAIN) + LEAST } else { bytes };
        match environment(path, reserved) {
            // The address space is limited (`ulimit -v`, containers).
            Err(heed::Error::Io(error))
                if error.kind() == io::ErrorKind::OutOfMemory && bytes > LEAST =>
            {
                bytes = (bytes / 2).max(LEAST) / GRAIN * GRAIN;
            }
            done => return done.map(|env| (env, bytes)),
        }
    }
}

#[expect(unsafe_code, reason = "heed marks opening as unsafe; the one exception in this crate")]
fn environment(path: &Path, bytes: u64) -> heed::Result<Env> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(usize::try_from(bytes).unwrap_or(usize::MAX)).max_readers(MAX_READERS);
    // No WRITE_MAP: pages are written with `pwrite`, so the file is as large as what is in it, a
    // full disk is an error and not a SIGBUS, and no stray pointer can damage the file. No fsync
    // in a commit: it outlives the process anyway, and a cache may lose its last seconds with the
    // machine.
    let flags = EnvFlags::NO_SUB_DIR | EnvFlags::NO_SYNC;
    // SAFETY: the flags keep LMDB's locks and its checks on. A mapped file must not change but
    // through LMDB, and LMDB trusts its structure: `check` has walked it under the gate, or
    // another process has it open and did. Each process opens it once (`OPEN`, and heed's own
    // list). That no stranger cuts or overwrites a file in use is what every memory map asks of
    // its surroundings; `File` documents it.
    unsafe { options.flags(flags).open(path) }
}

/// Opens (or creates) the data file and locks out other processes that open it.
fn gate(path: &Path) -> Result<(fs::File, FileId)> {
    let cannot = |error| fault::io(path, "cannot be opened for reading and writing", error);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let file = opening().open(path).map_err(cannot)?;
        let about = file.metadata().map_err(cannot)?;
        if !about.is_file() {
            return Err(fault::new(ErrorKind::Backend, path, "is not a regular file"));
        }
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            // Whoever had it before may have put another file there.
            Ok(()) if fs::metadata(path).is_ok_and(|now| id(&now) == id(&about)) => {
                return Ok((file, id(&about)));
            }
            Ok(()) => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(fault::io(path, "cannot be locked", error.into())),
        }
        if Instant::now() > deadline {
            let what = "another process has been opening the file for too long";
            return Err(fault::new(ErrorKind::Timeout, path, what));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The lock file, if another process has the file open; otherwise makes it ready.
///
/// Asked only while this process does not have the file open: closing any handle of the lock file
/// gives up the locks that LMDB holds on it for this process.
fn used(path: &Path) -> Result<Option<fs::File>> {
    let lock = lock_path(path);
    let cannot = |error| fault::io(&lock, "cannot be opened and locked", error);
    let file = opening().open(&lock).map_err(cannot)?;
    match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        // LMDB writes to it through a map: on a full disk that would be a SIGBUS, had the file
        // holes. So it has none.
        Ok(()) if length(&file, &lock)? < LOCK_BYTES as u64 => {
            file.write_all_at(&vec![0; LOCK_BYTES], 0).map_err(cannot)?;
            Ok(None)
        }
        Ok(()) => Ok(None),
        Err(error) => match io::Error::from(error) {
            error if error.kind() == io::ErrorKind::WouldBlock => Ok(Some(file)),
            error if error.kind() == io::ErrorKind::PermissionDenied => Ok(Some(file)),
            error => Err(cannot(error)),
        },
    }
}

/// Where LMDB keeps its locks for the file at `path`.
fn lock_path(path: &Path) -> PathBuf {
    let mut lock = path.as_os_str().to_owned();
    lock.push("-lock");
    lock.into()
}

fn id(about: &fs::Metadata) -> FileId {
    (about.dev(), about.ino())
}

fn length(file: &fs::File, path: &Path) -> Result<u64> {
    file.metadata().map(|about| about.len()).map_err(|error| fault::io(path, "no length", error))
}

fn empty(file: &fs::File, path: &Path) -> Result<()> {
    file.set_len(0).map_err(|error| fault::io(path, "cannot be emptied", error))
}

fn unlink(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(fault::io(path, "cannot be removed", error))
        }
        _ => Ok(()),
    }
}
