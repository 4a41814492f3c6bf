//! Counts the lines and words of all files of a tree and takes their digests, through a cache: many
//! tasks ask for each file at once, one of them reads it, and the next run reads none.
//!
//! `cargo run --release --example census -- [DIR]`, and `--help` for the rest.

mod files;
mod options;
mod report;
mod visit;

use std::{
    error::Error,
    fs,
    io::{self, Write},
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use larder::{
    Backend, BackendExt, Event, Failure, File, Memory, Observe, Observed, PayloadExt, Redis,
    Region, Stats, Store, stacks,
};

use self::{
    files::{Facts, Spot},
    options::{Options, Stack},
    report::{Report, Tally},
    visit::visit,
};

/// How long facts are kept. A changed file has another key, so what was known about its older self
/// is never asked for again, and has to go at some time.
const KEEP_FOR: Duration = Duration::from_secs(90 * 24 * 3600);

/// The longest that reading one file may take, for those who wait for it.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The largest that the file of the embedded stack gets: some ten million entries.
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
    // As long as the program: tasks may borrow from it.
    let job: &'static Job = Box::leak(Box::new(Job::new(options)?));
    let report = match job.options.stack {
        Stack::Embedded => {
            let file = job.file()?;
            let report = job
                .run::<stacks::Embedded<_>>(job.metered(file.clone()).postcard().framed())
                .await?;
            report.in_file(&file.stats()?)
        }
        Stack::InProcess => job.run(stacks::InProcess::new()).await?,
        Stack::InProcessBytes => {
            job.run::<stacks::InProcessBytes<_>>(job.metered(Memory::new()).postcard().framed())
                .await?
        }
        Stack::RedisSmallest => {
            job.run::<stacks::RedisSmallest<_>>(job.redis().await?.hstore().postcard().framed())
                .await?
        }
        Stack::RedisShared => {
            job.run::<stacks::RedisShared<_>>(job.redis().await?.hstore().msgpack().int_time())
                .await?
        }
        Stack::RedisPortable => {
            job.run::<stacks::RedisPortable<_>>(job.redis().await?.json().full_dict()).await?
        }
    };
    let json = job.options.json;
    let out = if json { serde_json::to_string(&report)? + "\n" } else { report.to_string() };
    io::stdout().write_all(out.as_bytes())?;
    Ok(())
}

/// What is the same for every stack.
struct Job {
    options: Options,
    files: Vec<Spot>,
    /// What could not even be looked at.
    lost: Vec<String>,
    meter: Meter,
}

impl Job {
    fn new(options: Options) -> io::Result<Self> {
        let dir = fs::canonicalize(&options.dir).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", options.dir.display()))
        })?;
        let own = fs::canonicalize(&options.file).unwrap_or_else(|_| options.file.clone());
        let (files, lost) = files::walk(&dir, own.file_name().unwrap_or_default());
        Ok(Self { options: Options { dir, ..options }, files, lost, meter: Meter::default() })
    }

    fn file(&self) -> larder::Result<File> {
        let Options { file, fresh, .. } = &self.options;
        File::builder(file).max_bytes(FILE_BYTES).recreate_if_damaged(*fresh).build()
    }

    async fn redis(&'static self) -> larder::Result<Observed<&'static Meter, Redis>> {
        let redis = Redis::new(self.options.redis.as_deref().unwrap_or_default())?;
        if let Err(error) = redis.ping().await {
            // A cache that is down makes a program slower, and nothing else.
            eprintln!("census: going on without Redis: {error}");
        }
        Ok(self.metered(redis))
    }

    /// The backend, with all bytes counted that pass it.
    fn metered<B: Backend>(&'static self, backend: B) -> Observed<&'static Meter, B> {
        Observed::with(&self.meter, backend)
    }

    /// The census, on whatever stack.
    async fn run<S: Store<Facts> + 'static>(&'static self, stack: S) -> larder::Result<Report> {
        let region = Region::builder(stack).keep_for(KEEP_FOR).wait_timeout(PATIENCE).build()?;
        if self.options.fresh
            && let Err(error) = region.delete_multi(self.files.iter().map(Spot::key)).await
        {
            eprintln!("census: what was known stays: {error}");
        }
        let plain = if self.options.plain { Some(self.plain().await) } else { None };

        let asked = region.clone();
        let ask = move |spot: &'static Spot| {
            let region = asked.clone();
            async move { region.try_get_or_create(spot.key(), || self.read(spot)).await }
        };
        let Options { workers, callers, .. } = self.options;
        let (tally, took) = visit("census", &self.files, (workers, callers), ask).await;
        Ok(Report::new(self, Run { tally, stats: region.stats(), took, plain }))
    }

    /// What a creator does.
    async fn read(&self, spot: &'static Spot) -> io::Result<Facts> {
        let facts = spot.examine().await?;
        self.meter.read.fetch_add(facts.bytes, Relaxed);
        Ok(facts)
    }

    /// The same without a cache: each file once. A first round, which does not count, brings the
    /// files into the page cache, for both.
    async fn plain(&'static self) -> Duration {
        let ask = async |spot: &'static Spot| spot.examine().await.map_err(Failure::from_creator);
        let crew = (self.options.workers, 1);
        visit("warming up", &self.files, crew, ask).await;
        visit("without a cache", &self.files, crew, ask).await.1
    }
}

/// What one run brought.
struct Run {
    tally: Tally,
    stats: Stats,
    took: Duration,
    plain: Option<Duration>,
}

/// Counts bytes.
#[derive(Debug, Default)]
struct Meter {
    /// Those of files, read by creators.
    read: AtomicU64,
    /// Entries that passed the backend, and their bytes.
    entries: AtomicU64,
    encoded: AtomicU64,
}

impl Observe for Meter {
    fn observe(&self, event: &Event<'_>) {
        if let (Some(bytes), None) = (event.bytes, event.error) {
            self.entries.fetch_add(1, Relaxed);
            self.encoded.fetch_add(bytes as u64, Relaxed);
        }
    }
}
