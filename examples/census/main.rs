//! Counts the lines and words of all files of a tree and takes their digests, through a cache: many
//! tasks ask for each file at once, one of them reads it, and the next run reads none.
//!
//! `cargo run --release --example census -- [DIR]`, and `--help` for the rest.

mod files;
mod options;
mod report;

use std::{
    error::Error,
    fs,
    future::Future,
    io::{self, Write},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
#[cfg(feature = "backend-redis")]
use larder::Redis;
use larder::{
    Backend, BackendExt, Event, Failure, File, Memo, Memory, Observe, Observed, PayloadExt, Region,
    Stats, Store,
};
use tokio::task::JoinSet;

use self::{
    files::{Facts, Spot},
    options::{Options, Stack},
    report::{Report, Tally},
};

/// What nobody asked for so long may go: the keys of files that changed or went away.
const KEEP_FOR: Duration = Duration::from_secs(90 * 24 * 3600);

/// The longest that one file may take, for those who wait for another's reading of it.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The largest that the file of the embedded stack gets: some twenty million files.
const FILE_BYTES: u64 = 4 << 30;

#[tokio::main]
async fn main() -> ExitCode {
    match census().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("census: {error}");
            ExitCode::from(2)
        }
    }
}

async fn census() -> Result<(), Box<dyn Error>> {
    let Some(options) = Options::parse()? else { return Ok(()) };
    let job = Job::new(options)?;
    let report = match job.options.stack {
        Stack::Embedded => {
            let file = job.file()?;
            let report = job.run(job.counted(file.clone()).postcard().framed()).await?;
            report.in_file(&file.stats()?)
        }
        Stack::InProcess => job.run(Memo::new()).await?,
        Stack::InProcessBytes => job.run(job.counted(Memory::new()).postcard().framed()).await?,
        #[cfg(feature = "backend-redis")]
        Stack::RedisSmallest => job.run(job.redis().await?.hstore().postcard().framed()).await?,
        #[cfg(feature = "backend-redis")]
        Stack::RedisShared => job.run(job.redis().await?.hstore().msgpack().int_time()).await?,
        #[cfg(feature = "backend-redis")]
        Stack::RedisPortable => job.run(job.redis().await?.json().full_dict()).await?,
        #[cfg(not(feature = "backend-redis"))]
        _ => return Err(options::NO_REDIS.into()),
    };
    let json = job.options.json;
    let out = if json { serde_json::to_string(&report)? + "\n" } else { report.to_string() };
    io::stdout().write_all(out.as_bytes())?;
    Ok(())
}

/// The same for every stack.
struct Job {
    options: Options,
    files: Arc<[Arc<Spot>]>,
    /// What could not even be looked at.
    lost: Vec<String>,
    passed: Passed,
}

impl Job {
    fn new(options: Options) -> io::Result<Self> {
        let dir = fs::canonicalize(&options.dir).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", options.dir.display()))
        })?;
        let own = fs::canonicalize(&options.file).unwrap_or_else(|_| options.file.clone());
        let (files, lost) = files::walk(&dir, own.file_name().unwrap_or_default());
        let options = Options { dir, ..options };
        Ok(Self { options, files: files.into(), lost, passed: Passed::default() })
    }

    /// The backend, with all bytes counted that pass it.
    fn counted<B: Backend>(&self, backend: B) -> Observed<Passed, B> {
        Observed::with(self.passed.clone(), backend)
    }

    fn file(&self) -> larder::Result<File> {
        let Options { file, fresh, .. } = &self.options;
        File::builder(file).max_bytes(FILE_BYTES).recreate_if_damaged(*fresh).build()
    }

    #[cfg(feature = "backend-redis")]
    async fn redis(&self) -> larder::Result<Observed<Passed, Redis>> {
        let redis = Redis::new(self.options.redis.as_deref().unwrap_or_default())?;
        if let Err(error) = redis.ping().await {
            // A cache that is down makes a program slower, and nothing else.
            eprintln!("census: going on without Redis: {error}");
        }
        Ok(self.counted(redis))
    }

    /// The census, on whatever stack.
    async fn run<S: Store<Facts> + 'static>(&self, stack: S) -> larder::Result<Report> {
        let region = Region::builder(stack).keep_for(KEEP_FOR).wait_timeout(PATIENCE).build()?;
        if self.options.fresh
            && let Err(error) = region.delete_multi(self.files.iter().map(|spot| spot.key())).await
        {
            eprintln!("census: what was known stays: {error}");
        }
        let plain = if self.options.plain { Some(self.plain().await) } else { None };

        let read = Arc::new(AtomicU64::new(0));
        let (reader, asked) = (Arc::clone(&read), region.clone());
        let ask = move |spot: Arc<Spot>| {
            let (region, read) = (asked.clone(), Arc::clone(&reader));
            async move {
                let examine = async || {
                    let facts = Arc::clone(&spot).examine().await?;
                    read.fetch_add(facts.bytes, Relaxed);
                    Ok(facts)
                };
                region.try_get_or_create(spot.key(), examine).await
            }
        };
        let (tally, took) = self.visit("census", self.options.callers, ask).await;

        let (stats, bytes_read) = (region.stats(), read.load(Relaxed));
        Ok(Report::new(self, Run { tally, stats, bytes_read, took, plain }))
    }

    /// The same without a cache: each file once. A first round, which does not count, brings the
    /// files into the page cache, for both.
    async fn plain(&self) -> Duration {
        let ask = async |spot: Arc<Spot>| spot.examine().await.map_err(Failure::from_creator);
        self.visit("warming up", 1, ask).await;
        self.visit("without a cache", 1, ask).await.1
    }

    /// Has `ask` called for each file by `callers` tasks at about the same time, and for as many
    /// files side by side as there are workers.
    async fn visit<F, Fut>(&self, what: &'static str, callers: usize, ask: F) -> (Tally, Duration)
    where
        F: Fn(Arc<Spot>) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Result<Facts, Failure<io::Error>>> + Send + 'static,
    {
        let bar = bar(what, self.files.len());
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for worker in 0..self.options.workers {
            for caller in 0..callers {
                // Callers of a file go the same way. They meet at every file that has to be read,
                // because they wait for each other there.
                let (files, step) = (Arc::clone(&self.files), self.options.workers);
                let (ask, bar) = (ask.clone(), bar.clone());
                tasks.spawn(async move {
                    let mut tally = Tally::default();
                    for spot in files.iter().skip(worker).step_by(step) {
                        let answer = ask(Arc::clone(spot)).await;
                        // All callers get the same answer. One of them counts it.
                        if caller == 0 {
                            tally.add(spot, answer);
                            bar.inc(1);
                        }
                    }
                    tally
                });
            }
        }
        let tallies = tasks.join_all().await;
        let took = start.elapsed();
        bar.finish_and_clear();
        (tallies.into_iter().fold(Tally::default(), Tally::merge), took)
    }
}

fn bar(what: &'static str, files: usize) -> ProgressBar {
    let template = "{msg:<16} {wide_bar} {pos}/{len} files";
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
    ProgressBar::new(files as u64).with_style(style).with_message(what)
}

/// What one run brought.
struct Run {
    tally: Tally,
    stats: Stats,
    bytes_read: u64,
    took: Duration,
    plain: Option<Duration>,
}

/// Counts the entries that pass a backend, and their bytes.
#[derive(Clone, Debug, Default)]
struct Passed(Arc<(AtomicU64, AtomicU64)>);

impl Passed {
    fn mean(&self) -> Option<f64> {
        report::mean(self.0.1.load(Relaxed), self.0.0.load(Relaxed))
    }
}

impl Observe for Passed {
    fn observe(&self, event: &Event<'_>) {
        if let (Some(bytes), None) = (event.bytes, event.error) {
            self.0.0.fetch_add(1, Relaxed);
            self.0.1.fetch_add(bytes as u64, Relaxed);
        }
    }
}
