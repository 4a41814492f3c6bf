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
    lease::{Claim, LeaseOp},
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
    Put { key: StoredKey<'static>, value: Bytes, expires_at: Timestamp, fence: Option<Claim> },
    Remove { key: StoredKey<'static> },
    Lease(LeaseOp),
}

impl Op {
    fn bytes(&self) -> u64 {
        let bytes = match self {
            Self::Put { key, value, .. } => {
                key.bytes().len() + key.head_len() + value.len() + OVERHEAD
            }
            Self::Remove { key } => key.bytes().len(),
            Self::Lease(op) => op.bytes(),
        };
        bytes as u64
    }

    fn is_acquisition(&self) -> bool {
        matches!(self, Self::Lease(op) if op.is_acquisition())
    }

    fn may_add(&self) -> bool {
        match self {
            Self::Put { .. } => true,
            Self::Remove { .. } => false,
            Self::Lease(op) => op.may_add(),
        }
    }

    /// Says whether it took place: a lease may be in the way, or gone.
    fn apply(&self, db: Db, txn: &mut RwTxn<'_>) -> heed::Result<bool> {
        match self {
            Self::Remove { key } => db.delete(txn, key.bytes()).map(|_| true),
            Self::Lease(op) => op.apply(db, txn),
            Self::Put { key, value, expires_at, fence } => {
                if let Some(claim) = fence
                    && !claim.is_on_record(db, txn)?
                {
                    return Ok(false);
                }
                let head = key.head(*expires_at, value);
                db.put_reserved(txn, key.bytes(), head.len() + value.len(), |space| {
                    space.write_all(&head)?;
                    space.write_all(value)
                })?;
                Ok(true)
            }
        }
    }
}

/// Work that is not the change of a key.
#[derive(Debug)]
pub(super) enum Tidy {
    Clear,
    /// Remove what had expired at `now`, beginning after a key, a chunk of it.
    Sweep {
        after: Option<Vec<u8>>,
        now: Timestamp,
    },
}

/// What sweeping did: how many entries went, and where to go on.
#[derive(Debug, Default)]
pub(super) struct Swept {
    pub(super) removed: u64,
    pub(super) next: Option<Vec<u8>>,
}

/// What a caller wants done.
#[derive(Debug)]
pub(super) enum Job {
    /// The answer says of each whether it took place.
    Write(Vec<Op>, Asker<Vec<bool>>),
    Tidy(Tidy, Asker<Swept>),
}

/// Who wants to know.
#[derive(Debug)]
pub(super) struct Asker<T> {
    /// Nobody listens there any more if the caller was dropped.
    answer: oneshot::Sender<Result<T>>,
    /// The room the job takes in the queue, given back when it is done.
    _place: OwnedSemaphorePermit,
}

impl<T> Asker<T> {
    fn is_gone(&self) -> bool {
        self.answer.is_closed()
    }

    fn answer(self, done: Result<T>) {
        _ = self.answer.send(done);
    }
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
            match job {
                Job::Tidy(tidy, asker) => {
                    self.write(mem::take(&mut group));
                    let done = self.tidy(&tidy);
                    asker.answer(done.map_err(|error| fault::lmdb(&self.path, error)));
                    return;
                }
                Job::Write(ops, asker) => {
                    bytes += bytes_of(&ops);
                    group.push((ops, asker));
                }
            }
            if group.len() < GROUP && bytes < self.room.group_bytes() {
                next = jobs.try_recv().ok();
            }
        }
        self.write(group);
    }

    /// Writes a group of jobs and answers them.
    fn write(&mut self, group: Vec<(Vec<Op>, Asker<Vec<bool>>)>) {
        if group.is_empty() {
            return;
        }
        let ops = group.iter().flat_map(|(ops, asker)| ops.iter().map(move |op| (op, asker)));
        let ops: Vec<_> = ops.collect();
        let mut outcomes = Vec::with_capacity(ops.len());
        self.write_all(&ops, &mut outcomes);
        self.disk.dirty();
        let mut outcomes = outcomes.into_iter();
        for (ops, asker) in group {
            let mine: Vec<_> = outcomes.by_ref().take(ops.len()).collect();
            asker.answer(mine.into_iter().collect());
        }
    }

    /// Writes `ops`, in one transaction if that can be, and notes what became of each.
    fn write_all(&mut self, ops: &[Asked<'_>], outcomes: &mut Vec<Result<bool>>) {
        let bytes = ops.iter().map(|(op, _)| op.bytes()).sum();
        let may_add = ops.iter().any(|(op, _)| op.may_add());
        let result = self.room.with_room(bytes, may_add, |env, db| {
            let mut txn = env.write_txn()?;
            // What a caller who is gone wanted written is written. But a lease would be in
            // everyone's way; and waiting for other writers may have taken long.
            let is_void = |(op, asker): &Asked<'_>| op.is_acquisition() && asker.is_gone();
            let done = ops.iter().map(|asked| match asked {
                asked if is_void(asked) => Ok(false),
                (op, _) => op.apply(db, &mut txn),
            });
            let done = done.collect::<heed::Result<Vec<_>>>()?;
            txn.commit()?;
            Ok(done)
        });
        match result {
            Ok(done) => outcomes.extend(done.into_iter().map(Ok)),
            Err(error) if is_full(&error) && ops.len() > 1 => {
                let (left, right) = ops.split_at(ops.len() / 2);
                self.write_all(left, outcomes);
                self.write_all(right, outcomes);
            }
            Err(error) => {
                let error: Error = fault::lmdb(&self.path, error);
                outcomes.extend(ops.iter().map(|_| Err(error.clone())));
            }
        }
    }

    fn tidy(&mut self, work: &Tidy) -> heed::Result<Swept> {
        self.disk.dirty();
        match work {
            Tidy::Sweep { after, now } => {
                self.room.clear_out(after.as_deref(), &Clearing::Expired(*now))
            }
            Tidy::Clear => self
                .room
                .with_room(0, false, |env, db| {
                    let mut txn = env.write_txn()?;
                    db.clear(&mut txn)?;
                    db.put(&mut txn, MARKER, LAYOUT)?;
                    txn.commit()
                })
                .map(|()| Swept::default()),
        }
    }
}

/// A change, and who wants it.
type Asked<'a> = (&'a Op, &'a Asker<Vec<bool>>);

fn bytes_of(ops: &[Op]) -> u64 {
    ops.iter().map(Op::bytes).sum()
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

    /// Has `ops` written, and says of each whether it took place; `None` if the writer is gone.
    pub(super) async fn write(&self, ops: Vec<Op>) -> Option<Result<Vec<bool>>> {
        self.run(bytes_of(&ops), |asker| Job::Write(ops, asker)).await
    }

    /// Has the file tidied; `None` if the writer is gone.
    pub(super) async fn tidy(&self, work: Tidy) -> Option<Result<Swept>> {
        self.run(0, |asker| Job::Tidy(work, asker)).await
    }

    async fn run<T>(&self, bytes: u64, job: impl FnOnce(Asker<T>) -> Job) -> Option<Result<T>> {
        let places = Arc::clone(&self.places).acquire_many_owned(places(bytes)).await.ok()?;
        let (answer, done) = oneshot::channel();
        self.jobs.send(job(Asker { answer, _place: places })).ok()?;
        done.await.ok()
    }
}
