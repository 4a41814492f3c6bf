//! One of the processes: many tasks that ask for one key.

use std::{
    error::Error,
    process,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use larder::{
    BackendExt, Event, FullDict, Msgpack, Observe, Observed, Op, PayloadExt, Redis, RedisLock,
    Region,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines, Stdin, stdin},
    sync::watch,
    task::JoinSet,
    time::sleep,
};

use crate::talk::{Findings, Job, Micros, Said, Span, now, say, until};

/// Where the value lives. `FullDict`, because it knows ages to the microsecond.
pub(crate) type Values = Region<FullDict<Msgpack<Observed<Notes, Redis>>>, RedisLock>;

/// For a machine with more to do than it can: nothing here is to end in a timeout.
const PATIENCE: Duration = Duration::from_secs(600);

/// The pause of a task between two calls, where they go on.
const PAUSE: Duration = Duration::from_millis(20);

/// What this process saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Arc<Mutex<Findings>>);

impl Notes {
    fn write(&self) -> MutexGuard<'_, Findings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes the writes to the store.
impl Observe for Notes {
    fn observe(&self, event: &Event<'_>) {
        if event.op == Op::Set && event.error.is_none() {
            let ended = now();
            let took = Micros::try_from(event.took.as_micros()).unwrap_or(0);
            self.write().stored.push(Span { began: ended - took, ended });
        }
    }
}

/// The region that all processes share.
pub(crate) fn region(job: &Job, notes: Notes) -> larder::Result<Values> {
    let redis = Redis::builder(&job.url).connect_timeout(PATIENCE).response_timeout(PATIENCE);
    let redis = redis.build()?;
    let lock = RedisLock::builder(&redis).lease(Duration::from_millis(job.lease_ms.into()));
    let stack = Observed::with(notes, redis).msgpack().full_dict();
    let mut region = Region::builder(stack).lock(lock.build()?).wait_timeout(PATIENCE);
    if let Some(expire_ms) = job.expire_ms {
        region = region.expire_after(Duration::from_millis(expire_ms.into()));
    }
    region.build()
}

/// Does the job, and says what it saw.
pub(crate) async fn work(job: Job) -> Result<(), Box<dyn Error>> {
    let notes = Notes::default();
    let region = region(&job, notes.clone())?;
    // Connects.
    region.get::<u64>("nobody asks for this").await?;
    let asker = Asker { region, notes, job: Arc::new(job) };
    let (go, gone) = watch::channel(0);
    let mut tasks = JoinSet::new();
    for _ in 0..asker.job.tasks {
        tasks.spawn(asker.clone().run(gone.clone()));
    }
    say(&Said::Ready)?;
    let mut lines = BufReader::new(stdin()).lines();
    let start = lines.next_line().await?.ok_or("nobody said when to start")?.parse()?;
    tokio::spawn(end_with(lines));
    sleep(until(start)).await;
    go.send_replace(start);
    tasks.join_all().await;
    let stale = asker.region.stats().stale;
    let findings = Findings { stale, ..std::mem::take(&mut *asker.notes.write()) };
    say(&Said::Done(findings))?;
    Ok(())
}

/// Ends this process with its parent, whatever ended that.
async fn end_with(mut parent: Lines<BufReader<Stdin>>) {
    while let Ok(Some(_)) = parent.next_line().await {}
    process::exit(1);
}

#[derive(Clone)]
struct Asker {
    region: Values,
    notes: Notes,
    job: Arc<Job>,
}

impl Asker {
    /// One task.
    async fn run(self, mut signal: watch::Receiver<Micros>) {
        let Ok(start) = signal.wait_for(|start| *start > 0).await.map(|start| *start) else {
            return;
        };
        match self.job.go_on_ms {
            None => {
                let (_, got) = self.ask().await;
                self.notes.write().got.push(got);
            }
            Some(go_on_ms) => {
                let end = start + 1000 * Micros::from(go_on_ms);
                let mut begun = now();
                while begun < end {
                    let (created, got) = self.ask().await;
                    if !created {
                        self.notes.write().took.push(got - begun);
                    }
                    sleep(PAUSE).await;
                    begun = now();
                }
            }
        }
    }

    /// One call: whether it was this one that created, and when it returned.
    async fn ask(&self) -> (bool, Micros) {
        let created = AtomicBool::new(false);
        let create = || {
            created.store(true, Relaxed);
            self.create()
        };
        let answer = self.region.get_or_create(&self.job.key, create).await;
        let got = now();
        match answer {
            Ok(value) => drop(self.notes.write().values.insert(value)),
            Err(error) => self.notes.write().errors.push(error.to_string()),
        }
        (created.into_inner(), got)
    }

    /// The slow work: a value that nobody else makes.
    async fn create(&self) -> u64 {
        let began = now();
        if let Err(error) = say(&Said::Creating) {
            self.notes.write().errors.push(format!("the parent does not listen: {error}"));
        }
        sleep(Duration::from_millis(self.job.creator_ms.into())).await;
        let ended = now();
        self.notes.write().created.push(Span { began, ended });
        (u64::from(process::id()) << 32) | u64::from_le_bytes(began.to_le_bytes()) & 0xffff_ffff
    }
}
