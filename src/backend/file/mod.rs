use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use heed::{MdbError, RoTxn, WithoutTls};

use self::{
    lease::Claim,
    open::{Options, Shared},
    record::StoredKey,
    writer::{Op, Swept, Tidy},
};
use crate::{
    Backend, Batch, Capabilities, Clock, Expires, Immediate, Key, Level, Place, Put, Result,
    Timestamp, WriteOpts,
};

mod check;
mod fault;
mod lease;
mod open;
mod page;
mod record;
mod room;
#[cfg(feature = "config")]
mod settings;
mod writer;

pub(crate) use self::lease::Change;

/// The longest value: LMDB's limit of 4 GiB, less what stands before a value.
const MAX_VALUE: u64 = (u32::MAX - (1 << 20)) as u64;

/// Bytes in one file, shared by processes, kept over restarts: what a dbm file was. LMDB inside.
///
/// Several processes may have the file open at once and read and write it; what one has written,
/// all see. Honours [`WriteOpts::keep_for`], and [`WriteOpts::fence`] for the leases of a
/// [`FileLock`](crate::FileLock). Keys in a space are entries like others.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("pages.larder");
/// use larder::{Backend, Bytes, File, WriteOpts};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let file = File::open(path)?;
/// file.set("front".into(), Bytes::from("<html>"), WriteOpts::default()).await?;
/// assert_eq!(file.get("front".into()).await?, Some(Bytes::from("<html>")));
/// # Ok::<_, larder::Error>(()) }).unwrap();
/// ```
///
/// # Files
///
/// Two: the one at the path given, and one beside it with `-lock` at the end of its name. Both are
/// created if they are missing, folders above included, and only their owner may read them. They
/// belong on a local file system (no NFS), and processes in containers must see each other's
/// process ids. Never copy over, cut or edit a file that is open: it is mapped into memory. Deleting
/// both is safe at any time, and who has them open keeps them; never delete the lock file alone. A process
/// that has the file open must not itself open and close the lock file (to copy it, or to look for
/// text in it): on Unix that gives up the locks it holds there.
///
/// On 64-bit Unix only. Linux frees the locks of a killed process; elsewhere a writer that was
/// killed may leave the others waiting.
///
/// # Concurrency
///
/// `Clone` is cheap. All handles of a process to one file share it, however they were opened. Reads
/// run on the calling thread: they are reads of memory, never wait for a writer, and copy the
/// value. Writes go to one thread for each open file, which writes in one transaction what has come
/// in meanwhile; the caller waits as a task, so the runtime is never blocked, not even while
/// another process writes. A write that has returned is seen by every later read in every process.
///
/// # Cancellation
///
/// Dropping a read changes nothing. A write that is dropped takes place or not, as a whole.
///
/// # Crashes
///
/// A process may be killed at any moment: the file stays whole, and its locks are freed. The
/// *machine* may lose the writes of the last seconds, because no write waits for the disk (a
/// thread syncs a second after the last write, and every five seconds while they go on). A file
/// torn by that is noticed when it is opened, or, where only values are torn, by their checksums:
/// such an entry is unreadable, which a region counts as a miss.
///
/// # Opening
///
/// The first process that opens a file walks through its structure, so that no damaged file can
/// crash it: about a second for each GiB of small entries. Opening blocks meanwhile.
///
/// # Size
///
/// The file grows as needed and never shrinks; freed space is used again. Once
/// [`max_bytes`](FileBuilder::max_bytes) is near, a write makes room for itself: expired entries
/// go, and where that is not enough, a sixteenth of all entries at a time, in the order of their
/// keys, going on next time where it stopped. Nothing expired is removed before that or
/// [`sweep`](Self::sweep). Leases stay while they last.
#[derive(Clone)]
pub struct File {
    shared: Arc<Shared>,
    clock: Clock,
}

/// How to open a [`File`]; made by [`File::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct FileBuilder {
    path: PathBuf,
    options: Options,
}

impl FileBuilder {
    /// The file never gets larger than this (rounded down to 64 KiB; at least 1 MiB). Default:
    /// 64 GiB.
    ///
    /// Give all processes that share a file the same limit: one with a lower limit fails with
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) once the file has outgrown it. Where address space is limited, the
    /// limit is lowered until it fits. A file that is larger already stays as long, and its entries
    /// are cut down by the next writes. Without effect if this process has the file open already.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.options.max_bytes = Some(bytes);
        self
    }

    /// Starts with an empty file if what is there is damaged, or was not written by larder.
    /// **What is there is lost.** Default: `false`, it is an error.
    ///
    /// A process that has the old file open keeps it, and shares nothing with the new one.
    pub fn recreate_if_damaged(mut self, recreate: bool) -> Self {
        self.options.recreate_if_damaged = recreate;
        self
    }

    /// Where this handle and its clones take the time from. Default: the system's clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.options.clock = clock;
        self
    }

    /// Opens the file.
    ///
    /// Blocks: see [`File`] on opening.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Backend`](crate::ErrorKind::Backend) if the file is damaged or not a cache file, or cannot be created,
    /// read, written or locked; the message names it and says what to do. [`ErrorKind::Timeout`](crate::ErrorKind::Timeout)
    /// if another process has been opening it for 30 seconds.
    pub fn build(self) -> Result<File> {
        let shared = open::open(&self.path, &self.options)?;
        Ok(File { shared, clock: self.options.clock })
    }
}

/// What a [`File`] holds and takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileStats {
    /// Entries, expired ones that were not swept included.
    pub entries: u64,
    /// The length of the file, in bytes.
    pub file_bytes: u64,
    /// The part of it that entries take, in bytes; the rest is free for new ones.
    pub used_bytes: u64,
    /// What the file may grow to, in bytes.
    pub max_bytes: u64,
}

impl File {
    /// Opens the file at `path` with the defaults of [`FileBuilder`], creating it if it is missing.
    ///
    /// # Errors
    ///
    /// As [`FileBuilder::build`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder(path).build()
    }

    /// Begins to open the file at `path`.
    pub fn builder(path: impl AsRef<Path>) -> FileBuilder {
        let options =
            Options { max_bytes: None, recreate_if_damaged: false, clock: Clock::default() };
        FileBuilder { path: path.as_ref().to_owned(), options }
    }

    /// Where the file is, links resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// How many entries there are, expired ones that were not swept included.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn len(&self) -> Result<u64> {
        self.entries(&self.reader()?)
    }

    /// Whether there are no entries, expired ones included.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn is_empty(&self) -> Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// The length of the file, in bytes. It never shrinks.
    ///
    /// # Errors
    ///
    /// When the file system cannot tell.
    pub fn file_bytes(&self) -> Result<u64> {
        self.shared.env.real_disk_size().map_err(|error| self.fault(error))
    }

    /// Entries and sizes.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn stats(&self) -> Result<FileStats> {
        let txn = self.reader()?;
        let stat = self.shared.db.stat(&txn).map_err(|error| self.fault(error))?;
        let pages = stat.branch_pages + stat.leaf_pages + stat.overflow_pages;
        Ok(FileStats {
            entries: self.entries(&txn)?,
            file_bytes: self.file_bytes()?,
            used_bytes: pages as u64 * u64::from(stat.page_size),
            max_bytes: self.shared.max_bytes,
        })
    }

    /// Removes expired entries and says how many there were. Ended leases go too, uncounted.
    ///
    /// Reads through the whole file, a few thousand entries at a time, on the thread that writes;
    /// other writes get their turn in between. Worth calling now and then if entries expire and
    /// [`max_bytes`](FileBuilder::max_bytes) is far away.
    ///
    /// # Cancellation
    ///
    /// What is swept stays swept.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written.
    pub async fn sweep(&self) -> Result<u64> {
        let now = self.clock.now();
        let mut removed = 0;
        let mut after = None;
        loop {
            let swept = self.tidy(Tidy::Sweep { after, now }).await?;
            removed += swept.removed;
            after = swept.next;
            if after.is_none() {
                return Ok(removed);
            }
        }
    }

    /// Removes everything, for all processes.
    ///
    /// The leases of a [`FileLock`](crate::FileLock) go too, so that what is being created
    /// meanwhile, from what was known before, is not stored.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub async fn clear(&self) -> Result<()> {
        self.tidy(Tidy::Clear).await.map(drop)
    }

    async fn tidy(&self, work: Tidy) -> Result<Swept> {
        let answer = self.shared.queue.tidy(work).await;
        answer.unwrap_or_else(|| Err(fault::stopped(&self.shared.path)))
    }

    /// Says of each of `ops` whether it took place.
    async fn write(&self, ops: Vec<Op>) -> Result<Vec<bool>> {
        let answer = self.shared.queue.write(ops).await;
        answer.unwrap_or_else(|| Err(fault::stopped(&self.shared.path)))
    }

    fn fault(&self, error: heed::Error) -> crate::Error {
        fault::lmdb(&self.shared.path, error)
    }

    fn reader(&self) -> Result<RoTxn<'_, WithoutTls>> {
        let env = &self.shared.env;
        let txn = match env.read_txn() {
            // Processes that were killed leave their places behind.
            Err(heed::Error::Mdb(MdbError::ReadersFull)) => {
                env.clear_stale_readers().and_then(|_| env.read_txn())
            }
            txn => txn,
        };
        txn.map_err(|error| self.fault(error))
    }

    fn entries(&self, txn: &RoTxn<'_, WithoutTls>) -> Result<u64> {
        let db = self.shared.db;
        let all = db.len(txn).map_err(|error| self.fault(error))?;
        let leases = lease::count(db, txn).map_err(|error| self.fault(error))?;
        // One is the marker.
        Ok(all.saturating_sub(leases + 1))
    }

    /// `Err` outside: the store failed; inside: the entry is damaged.
    fn read(&self, txn: &RoTxn<'_, WithoutTls>, key: Key<'_>) -> Result<Result<Option<Bytes>>> {
        let stored = StoredKey::new(key);
        let record = self.shared.db.get(txn, stored.bytes());
        let Some(record) = record.map_err(|error| self.fault(error))? else { return Ok(Ok(None)) };
        let expires_at = record::expires_at(record);
        Ok(match stored.value(record) {
            Err(record::Damaged) => Err(fault::record(key)),
            Ok(_) if expires_at != Timestamp::MAX && self.clock.now() > expires_at => Ok(None),
            Ok(value) => Ok(value.map(Bytes::copy_from_slice)),
        })
    }

    fn put(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) -> Result<Op> {
        let stored = StoredKey::new(key).into_owned();
        if (stored.head_len() + value.len()) as u64 > MAX_VALUE {
            let what = io::Error::from(io::ErrorKind::FileTooLarge);
            return Err(fault::io(&self.shared.path, "a value of 4 GiB", what).with_key(key));
        }
        let expires_at = opts.keep_for.map_or(Timestamp::MAX, |ttl| self.clock.now().after(ttl));
        Ok(Op::Put { key: stored, value, expires_at, fence: opts.fence.map(Claim::of) })
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("File");
        out.field("path", &self.shared.path);
        if let Ok(stats) = self.stats() {
            out.field("entries", &stats.entries).field("file_bytes", &stats.file_bytes);
        }
        out.field("max_bytes", &self.shared.max_bytes).field("clock", &self.clock).finish()
    }
}

impl Level for File {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        let key = StoredKey::new(key).into_owned();
        self.write(vec![Op::Remove { key }]).await.map(drop)
    }

    async fn remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let remove = |key: &Key<'_>| Op::Remove { key: StoredKey::new(*key).into_owned() };
        self.write(keys.iter().map(remove).collect()).await.map(drop)
    }

    fn capabilities(&self) -> Capabilities {
        let domain = self.shared.domain();
        Capabilities::default()
            .with_expires(Expires::Always)
            .with_fence(domain)
            .with_immediate(Immediate::Reads)
            .with_place(Place::new("file"))
    }
}

impl Backend for File {
    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        self.read(&self.reader()?, key)?
    }

    async fn set(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) -> Result<()> {
        let op = self.put(key, value, opts)?;
        match self.write(vec![op]).await {
            Ok(done) if done.contains(&false) => {
                Err(fault::lease_lost(&self.shared.path).with_key(key))
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error.with_key(key)),
        }
    }

    async fn get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let txn = self.reader()?;
        keys.iter().map(|key| self.read(&txn, *key)).collect()
    }

    async fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> Result<()> {
        if puts.is_empty() {
            return Ok(());
        }
        let ops = puts.iter().map(|put| self.put(put.key, put.value.clone(), put.opts));
        let done = self.write(ops.collect::<Result<Vec<_>>>()?).await?;
        let mut refused = puts.iter().zip(&done).filter(|(_, done)| !**done).map(|(put, _)| put);
        let Some(first) = refused.next() else { return Ok(()) };
        let count = 1 + refused.count();
        Err(fault::leases_lost(&self.shared.path, count, puts.len()).with_key(first.key))
    }
}
