//! The one thread that writes.
//!
//! LMDB has one write lock for all processes, and waiting for it blocks the thread. So one thread
//! per open file does nothing else, and callers wait for its answers as tasks do. What has queued
//! up meanwhile goes into one transaction; the answers go out after its commit.

use std::{
    io::Write as _,
    mem,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use bytes::Bytes;
use heed::{Database, RwTxn};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{
    fault,
    open::Env,
    record::{LAYOUT, MARKER, OVERHEAD, StoredKey},
    room::{Clearing, Room},
};
use crate::{Clock, Error, Result, Timestamp};

pub(super) type Db = Database<'static, heed::types::Bytes, heed::types::Bytes>;

/// Jobs that go into one transaction, at most.
const GROUP: usize = 512;
/// The disk gets what was written when no write came for this long ...
const PAUSE: Duration = Duration::from_secs(1);
/// ... and every so often if they never pause.
const LATEST: Duration = Duration::from_secs(5);

/// One change of one key.
#[derive(Debug)]
pub(super) enum Op {
    Put { key: StoredKey<'static>, value: Bytes, expires_at: Timestamp },
    Remove { key: StoredKey<'static> },
}

impl Op {
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Put { key, value, .. } => {
                (key.bytes().len() + key.head_len() + value.len() + OVERHEAD) as u64
            }
            Self::Remove { key } => key.bytes().len() as u64,
        }
    }

    fn apply(&self, db: Db, txn: &mut RwTxn<'_>) -> heed::Result<()> {
        match self {
            Self::Remove { key } => db.delete(txn, key.bytes()).map(drop),
            Self::Put { key, value, expires_at } => {
                let head = key.head(*expires_at, value);
                db.put_reserved(txn, key.bytes(), head.len() + value.len(), |space| {
                    space.write_all(&head)?;
                    space.write_all(value)
                })
            }
        }
    }
}

/// What a caller wants done.
#[derive(Debug)]
pub(super) enum Work {
    One(Op),
    Many(Vec<Op>),
    Clear,
    /// Remove what had expired at `now`, beginning after a key, a chunk of it.
    Sweep {
        after: Option<Vec<u8>>,
        now: Timestamp,
    },
}

impl Work {
    fn ops(&self) -> &[Op] {
        match self {
            Self::One(op) => std::slice::from_ref(op),
            Self::Many(ops) => ops,
            Self::Clear | Self::Sweep { .. } => &[],
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.ops().iter().map(Op::bytes).sum()
    }
}

/// What sweeping did: how many entries went, and where to go on.
#[derive(Debug, Default)]
pub(super) struct Swept {
    pub(super) removed: u64,
    pub(super) next: Option<Vec<u8>>,
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) work: Work,
    /// Nobody listens there any more if the caller was dropped; that changes nothing here.
    pub(super) answer: oneshot::Sender<Result<Swept>>,
    /// The room it takes in the queue, given back when it is done.
    pub(super) _place: OwnedSemaphorePermit,
}

pub(super) struct Writer {
    room: Room,
    path: PathBuf,
    env: Env,
    disk: Disk,
}

impl Writer {
    pub(super) fn new(path: PathBuf, env: Env, db: Db, map_bytes: u64, clock: Clock) -> Self {
        let room = Room::new(env.clone(), db, map_bytes, clock);
        Self { room, path, env, disk: Disk::default() }
    }

    /// Works until nobody can send jobs any more, then closes the file.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let first = match self.disk.patience() {
                None => jobs.recv().map_err(|_gone| RecvTimeoutError::Disconnected),
                Some(patience) => jobs.recv_timeout(patience),
            };
            match first {
                Ok(first) => self.serve(first, jobs),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.disk.tend(&self.env);
        }
        self.disk.finish(&self.env);
    }

    fn serve(&mut self, first: Job, jobs: &Receiver<Job>) {
        let mut bytes = 0;
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next.take() {
            if matches!(job.work, Work::Clear | Work::Sweep { .. }) {
                self.write(mem::take(&mut group));
                let done = self.tidy(&job.work);
                _ = job.answer.send(done.map_err(|error| fault::lmdb(&self.path, error)));
                return;
            }
            bytes += job.work.bytes();
            group.push(job);
            if group.len() < GROUP && bytes < self.room.group_bytes() {
                next = jobs.try_recv().ok();
            }
        }
        self.write(group);
    }

    /// Writes a group of jobs and answers them.
    fn write(&mut self, group: Vec<Job>) {
        if group.is_empty() {
            return;
        }
        let ops: Vec<&Op> = group.iter().flat_map(|job| job.work.ops()).collect();
        let mut failures = Vec::new();
        self.put_all(&ops, 0, &mut failures);
        self.disk.dirty();
        let mut failures = failures.into_iter().peekable();
        let mut end = 0;
        for job in group {
            end += job.work.ops().len();
            let mut failed = None;
            while let Some((_, error)) = failures.next_if(|(at, _)| *at < end) {
                failed.get_or_insert(error);
            }
            _ = job.answer.send(failed.map_or_else(|| Ok(Swept::default()), Err));
        }
    }

    /// Writes `ops`, in one transaction if that can be, and notes which of them failed; `at` is the
    /// number of the first.
    fn put_all(&mut self, ops: &[&Op], at: usize, failures: &mut Vec<(usize, Error)>) {
        let bytes = ops.iter().map(|op| op.bytes()).sum();
        let result = self.room.with_room(bytes, |env, db| {
            let mut txn = env.write_txn()?;
            for op in ops {
                op.apply(db, &mut txn)?;
            }
            txn.commit()
        });
        match result {
            Ok(()) => {}
            Err(error) if is_full(&error) && ops.len() > 1 => {
                let (left, right) = ops.split_at(ops.len() / 2);
                self.put_all(left, at, failures);
                self.put_all(right, at + left.len(), failures);
            }
            Err(error) => {
                let error = fault::lmdb(&self.path, error);
                failures.extend((at..at + ops.len()).map(|at| (at, error.clone())));
            }
        }
    }

    fn tidy(&mut self, work: &Work) -> heed::Result<Swept> {
        self.disk.dirty();
        match work {
            Work::Sweep { after, now } => {
                self.room.clear_out(after.as_deref(), &Clearing::Expired(*now))
            }
            _ => self
                .room
                .with_room(0, |env, db| {
                    let mut txn = env.write_txn()?;
                    db.clear(&mut txn)?;
                    db.put(&mut txn, MARKER, LAYOUT)?;
                    txn.commit()
                })
                .map(|()| Swept::default()),
        }
    }
}

pub(super) fn is_full(error: &heed::Error) -> bool {
    matches!(error, heed::Error::Mdb(heed::MdbError::MapFull | heed::MdbError::TxnFull))
}

/// Sees to it that what was written gets to the disk within seconds, while nobody waits.
///
/// Commits go to the kernel only: they survive the process, not the machine.
#[derive(Default)]
struct Disk {
    /// The first and the last write that the disk may not have.
    unsynced: Option<(Instant, Instant)>,
    syncing: Option<JoinHandle<()>>,
}

impl Disk {
    fn dirty(&mut self) {
        let now = Instant::now();
        let (first, _) = self.unsynced.unwrap_or((now, now));
        self.unsynced = Some((first, now));
    }

    /// How long to wait for jobs before [`tend`](Self::tend) has something to do.
    fn patience(&self) -> Option<Duration> {
        self.unsynced.map(|(first, last)| {
            let due = (last + PAUSE).min(first + LATEST);
            // A sync that takes longer than that is asked after now and then.
            due.saturating_duration_since(Instant::now()).max(Duration::from_millis(100))
        })
    }

    fn tend(&mut self, env: &Env) {
        let Some((first, last)) = self.unsynced else { return };
        let is_due = last.elapsed() >= PAUSE || first.elapsed() >= LATEST;
        if !is_due || self.syncing.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let env = env.clone();
        let sync = move || drop(env.force_sync());
        // A thread of its own: a slow disk must not hold up the writes. Without one, later.
        let thread = std::thread::Builder::new().name("larder-file-sync".into()).spawn(sync);
        if let Ok(thread) = thread {
            self.syncing = Some(thread);
            self.unsynced = None;
        }
    }

    fn finish(&mut self, env: &Env) {
        if let Some(thread) = self.syncing.take() {
            _ = thread.join();
        }
        if self.unsynced.take().is_some() {
            _ = env.force_sync();
        }
    }
}

/// The room in the queue that a job of `bytes` takes, of [`QUEUE`].
fn places(bytes: u64) -> u32 {
    u32::try_from(1 + bytes / 4096).unwrap_or(u32::MAX).min(QUEUE)
}

/// Places in the queue: jobs, or 4 KiB of what they write (16 MiB).
const QUEUE: u32 = 4096;

/// The queue: an unbounded channel behind a semaphore, because the receiver is a thread that waits
/// with a limit, and the senders are tasks.
#[derive(Debug)]
pub(super) struct Queue {
    jobs: std::sync::mpsc::Sender<Job>,
    places: Arc<tokio::sync::Semaphore>,
}

impl Queue {
    pub(super) fn new() -> (Self, Receiver<Job>) {
        let (jobs, receiver) = std::sync::mpsc::channel();
        let places = Arc::new(tokio::sync::Semaphore::new(QUEUE as usize));
        (Self { jobs, places }, receiver)
    }

    /// Has `work` done; `None` if the writer is gone.
    pub(super) async fn run(&self, work: Work) -> Option<Result<Swept>> {
        let places = places(work.bytes());
        let place = Arc::clone(&self.places).acquire_many_owned(places).await.ok()?;
        let (answer, done) = oneshot::channel();
        self.jobs.send(Job { work, answer, _place: place }).ok()?;
        done.await.ok()
    }
}
