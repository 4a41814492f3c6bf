//! One fault after the other, and how soon each is overcome.

use std::{
    error::Error,
    panic,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use larder::{Options as Call, Stats, Tiers};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    creations::Creations,
    faults::{self, Fault},
    options::Options,
    proxy::Proxy,
    report::{Report, Row},
    server::Server,
    stack,
    tally::Tally,
    truth::{LAG, Micros, SETTLE, Truth},
    workload::{Dice, Process, World},
};

const PROCESSES: u8 = 2;

/// How long everything runs before the first fault.
const WARM: Duration = Duration::from_millis(500);
/// Faults that last as long are followed by time in which what is not told is judged.
const LONG: Duration = Duration::from_secs(3);
/// How long no call fails before a fault counts as overcome.
const CALM: Duration = Duration::from_millis(500);
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(15);

static PANICS: AtomicU64 = AtomicU64::new(0);

/// Runs all phases.
pub(crate) async fn run(options: &Options) -> Result<Report, Box<dyn Error>> {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, SeqCst);
        tell(panic);
    }));
    let mut dice = Dice::new(options.seed);
    let mut server = Server::start("redis-server")?;
    let proxy = Proxy::start(server.socket(), dice.roll()).await?;
    let process = |number| -> larder::Result<Process> {
        let region = stack::process(&proxy.url())?;
        Ok(Process { number, region, creations: Creations::new(options.keys) })
    };
    let world = Arc::new(World {
        truth: Truth::new(options.keys, PROCESSES),
        processes: (0..PROCESSES).map(process).collect::<Result<_, _>>()?,
        tallies: (0..options.faults.len()).map(|_| Tally::default()).collect(),
        phase: AtomicUsize::new(0),
        struck: AtomicBool::new(false),
        over: AtomicBool::new(false),
    });
    let mut tasks = JoinSet::new();
    for task in 0..options.tasks {
        let dice = Dice::new(dice.roll());
        tasks.spawn(Arc::clone(&world).ask(task % usize::from(PROCESSES), dice));
    }
    let mut saboteur = JoinSet::new();
    if let Some(how) = options.sabotage {
        let (socket, dice) = (server.socket(), Dice::new(dice.roll()));
        saboteur.spawn(async move { faults::sabotage(how, &socket, dice).await });
    }
    // It counts for the first fault.
    sleep(WARM).await;
    let mut rows: Vec<Row> = Vec::new();
    let mut panics = 0;
    for (at, fault) in options.faults.iter().enumerate() {
        world.phase.store(at, SeqCst);
        let phase = Phase { world: &world, fault: *fault, options };
        let mut row = phase.run(&mut server, &proxy, &mut dice).await?;
        row.panics = PANICS.load(SeqCst) - panics;
        panics += row.panics;
        rows.push(row);
    }
    world.over.store(true, SeqCst);
    while tasks.join_next().await.is_some() {}
    // What ended only now counts, too.
    for (row, tally) in rows.iter_mut().zip(&world.tallies) {
        row.count(tally);
    }
    if let Some(last) = rows.last_mut() {
        last.panics += PANICS.load(SeqCst) - panics;
    }
    Ok(Report::new(options, rows))
}

struct Phase<'a> {
    world: &'a World,
    fault: Fault,
    options: &'a Options,
}

impl Phase<'_> {
    async fn run(
        &self,
        server: &mut Server,
        proxy: &Proxy,
        dice: &mut Dice,
    ) -> Result<Row, Box<dyn Error>> {
        let Self { world, fault, options } = self;
        let before = self.stats();
        if fault.unsettles() {
            world.truth.breaks();
        }
        world.struck.store(true, SeqCst);
        let times = fault.strike(options.seconds, server, proxy, dice, options.keys).await?;
        let ended = world.truth.now();
        world.struck.store(false, SeqCst);
        world.truth.mended();
        let back = self.back(ended).await;
        let calm = self.calm(ended).await;
        if fault.unsettles() && options.seconds >= LONG {
            // Until nothing is excused any more, and a while of that.
            sleep(SETTLE + LAG + LONG / 3).await;
        }
        let after = self.stats();
        Ok(Row {
            fault: *fault,
            times,
            bypassed: after.bypassed - before.bypassed,
            unreadable: after.unreadable - before.unreadable,
            voided: after.voided - before.voided,
            back_ms: back,
            calm_ms: calm,
            ..Row::default()
        })
    }

    /// The sum of what the regions of all processes counted.
    fn stats(&self) -> Stats {
        let mut sum = Stats::default();
        for process in &self.world.processes {
            let stats = process.region.stats();
            sum.bypassed += stats.bypassed;
            sum.unreadable += stats.unreadable;
            sum.voided += stats.voided;
        }
        sum
    }

    /// How long after `ended` each process has written to Redis and read that there, past its copies.
    async fn back(&self, ended: Micros) -> Option<f64> {
        let start = Instant::now();
        let mut probes = JoinSet::new();
        for (number, process) in self.world.processes.iter().enumerate() {
            let there = process.region.with(Call::new().tiers(Tiers::ALL.without(1)));
            let item = self.world.truth.look(0, 0);
            probes.spawn(async move {
                let probe = format!("{}probe:{number}", stack::PREFIX);
                while start.elapsed() < PATIENCE {
                    let wrote = there.set(&probe, Arc::clone(&item)).await;
                    if wrote.is_ok()
                        && there.get(&probe).await.ok() == Some(Some(Arc::clone(&item)))
                    {
                        return true;
                    }
                    sleep(Duration::from_millis(2)).await;
                }
                false
            });
        }
        let mut all = true;
        while let Some(is_back) = probes.join_next().await {
            all &= is_back.unwrap_or(false);
        }
        all.then(|| millis(self.world.truth.now() - ended))
    }

    /// How long after `ended` a call failed for the last time.
    async fn calm(&self, ended: Micros) -> Option<f64> {
        let start = Instant::now();
        let tally = &self.world.tallies[self.world.phase.load(SeqCst)];
        loop {
            let last = tally.last_error.load(SeqCst).max(ended);
            let quiet = Duration::from_micros(self.world.truth.now().saturating_sub(last));
            if quiet >= CALM {
                return Some(millis(last - ended));
            }
            if start.elapsed() > PATIENCE {
                return None;
            }
            sleep(CALM.saturating_sub(quiet)).await;
        }
    }
}

/// Milliseconds.
#[expect(clippy::cast_precision_loss, reason = "for people to read")]
pub(crate) fn millis(micros: Micros) -> f64 {
    micros as f64 / 1000.0
}
