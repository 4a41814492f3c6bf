//! Who asks for what.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    thread,
    time::{Duration, Instant},
};

use larder::{Error, Invalidation};
use tokio::{
    task::spawn_blocking,
    time::{sleep, timeout},
};

use crate::{
    creations::Creations,
    stack::{PREFIX, RESPONSE, Values, WAIT},
    tally::Tally,
    truth::{Age, Asked, Item, Truth, Wrong},
};

/// After this a call counts as one that never ends: it waits for others, creates, asks Redis four times,
/// on a machine with more to do.
const HANGS: Duration =
    WAIT.saturating_add(RESPONSE.saturating_mul(4)).saturating_add(Duration::from_secs(8));

/// The keys of a batch.
const BATCH: usize = 8;

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.roll().to_le_bytes()[0]
    }

    /// A number below `limit`, which is not 0.
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below a `usize`")]
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.roll() % limit as u64) as usize
    }

    /// A key: the second is asked for half as often as the first, the third a third as often, and so on.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the number of keys"
    )]
    pub(crate) fn popular(&mut self, keys: u32) -> u32 {
        let part = (self.roll() >> 11) as f64 / (1_u64 << 53) as f64;
        ((f64::from(keys).powf(part) - 1.0) as u32).min(keys - 1)
    }
}

/// What stands for a process: caches that share nothing with others but Redis.
pub(crate) struct Process {
    pub(crate) number: u8,
    pub(crate) region: Values,
    pub(crate) creations: Creations,
}

/// Everything that tasks know.
pub(crate) struct World {
    pub(crate) truth: Truth,
    pub(crate) processes: Vec<Process>,
    /// One for each phase, and which one it is.
    pub(crate) tallies: Vec<Tally>,
    pub(crate) phase: AtomicUsize,
    /// Whether the fault of the phase goes on.
    pub(crate) struck: AtomicBool,
    pub(crate) over: AtomicBool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Get,
    GetOrCreate,
    GetOrCreateMulti,
    Refresh,
    Set,
    Delete,
    Invalidate,
    BlockingGet,
    BlockingGetOrCreate,
}

impl Call {
    fn any(dice: &mut Dice) -> Self {
        match dice.below(10_000) {
            0 => Self::Invalidate,
            1..3500 => Self::Get,
            3500..7500 => Self::GetOrCreate,
            7500..8000 => Self::GetOrCreateMulti,
            8000..8300 => Self::Refresh,
            8300..8800 => Self::Set,
            8800..9100 => Self::Delete,
            9100..9500 => Self::BlockingGet,
            _ => Self::BlockingGetOrCreate,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::GetOrCreate => "get_or_create",
            Self::GetOrCreateMulti => "get_or_create_multi",
            Self::Refresh => "refresh",
            Self::Set => "set",
            Self::Delete => "delete",
            Self::Invalidate => "invalidate",
            Self::BlockingGet => "blocking get",
            Self::BlockingGetOrCreate => "blocking get_or_create",
        }
    }

    /// Whether it creates where nothing can be read, and so has no reason to fail. So has a mark in time.
    const fn creates(self) -> bool {
        !matches!(self, Self::Get | Self::BlockingGet | Self::Set | Self::Delete)
    }

    const fn age(self) -> Age {
        match self {
            Self::Get | Self::BlockingGet => Age::Fresh,
            _ => Age::MayBeStale,
        }
    }

    /// Whether it can be dropped in the middle.
    const fn waits(self) -> bool {
        !matches!(self, Self::BlockingGet | Self::BlockingGetOrCreate)
    }
}

pub(crate) fn name(key: u32) -> String {
    format!("{PREFIX}{key}")
}

/// How long it takes to create a value: some are slow.
fn cost(key: u32) -> Duration {
    Duration::from_millis([0, 3, 30][key as usize % 3])
}

type Answers = Result<Vec<(Asked, Arc<Item>)>, Error>;

impl World {
    fn tally(&self) -> &Tally {
        &self.tallies[self.phase.load(SeqCst)]
    }

    /// One task: asks and asks until it is over.
    pub(crate) async fn ask(self: Arc<Self>, process: usize, mut dice: Dice) {
        while !self.over.load(SeqCst) {
            let (call, key) = (Call::any(&mut dice), dice.popular(self.truth.keys()));
            let struck = self.struck.load(SeqCst);
            let begun = Instant::now();
            let drops = call.waits() && dice.below(50) == 0;
            let patience = if drops { Duration::from_millis(dice.below(20) as u64) } else { HANGS };
            let world = Arc::clone(&self);
            let answer = timeout(patience, Box::pin(world.call(process, call, key, &mut dice)));
            let answer = answer.await;
            // What a fault does to a call shows at its end.
            let (tally, struck) = (self.tally(), struck || self.struck.load(SeqCst));
            tally.calls.fetch_add(1, Relaxed);
            match answer {
                Ok(Ok(answers)) => {
                    tally.answered.fetch_add(1, Relaxed);
                    for (asked, item) in answers {
                        if let Some(wrong) = self.truth.judge(asked, &item, call.age()) {
                            let now = self.truth.now();
                            tally.wrong(wrong, || {
                                format!("at {now} {}: {asked:?} got {item}", call.name())
                            });
                        }
                    }
                }
                Ok(Err(error)) => {
                    tally.failed(call.name(), call.creates(), &error, self.truth.now());
                }
                Err(_) if drops => {
                    tally.dropped.fetch_add(1, Relaxed);
                }
                Err(_) => {
                    tally.hangs.fetch_add(1, Relaxed);
                    eprintln!("chaos: {} of {key} takes more than {HANGS:?}", call.name());
                }
            }
            if struck && !drops {
                tally.took(begun.elapsed());
            }
            sleep(Duration::from_millis(2 + dice.below(9) as u64)).await;
        }
    }

    async fn call(self: Arc<Self>, at: usize, call: Call, key: u32, dice: &mut Dice) -> Answers {
        let Process { number, region, creations } = &self.processes[at];
        let (asked, writes) = (self.truth.asks(*number, key), creations.asks(key));
        let one = |item: Arc<Item>| vec![(asked, item)];
        let name = name(key);
        match call {
            Call::Get => Ok(region.get(&name).await?.map_or_else(Vec::new, one)),
            Call::GetOrCreate => {
                region.get_or_create(&name, || self.create(at, key, writes)).await.map(one)
            }
            Call::Refresh => region.refresh(&name, || self.create(at, key, writes)).await.map(one),
            Call::GetOrCreateMulti => self.batch(at, dice).await,
            Call::Set | Call::Delete => {
                // Where another one is at it, this is a change less.
                let Some(mut change) = self.truth.turn(key) else { return Ok(Vec::new()) };
                let _writing = creations.write(key..=key);
                let item = change.make(*number);
                match call {
                    Call::Set => region.set(&name, item).await?,
                    _ => region.delete(&name).await?,
                }
                change.succeeded(*number);
                Ok(Vec::new())
            }
            Call::Invalidate => {
                let _writing = creations.write(0..self.truth.keys());
                let versions = self.truth.all();
                region.invalidate(Invalidation::Hard).await?;
                self.truth.forgotten(*number, &versions);
                Ok(Vec::new())
            }
            Call::BlockingGet | Call::BlockingGetOrCreate => {
                let world = Arc::clone(&self);
                let answer = spawn_blocking(move || {
                    let region = world.processes[at].region.blocking();
                    match call {
                        Call::BlockingGet => region.get(&name),
                        _ => region
                            .get_or_create(&name, || world.create_blocking(at, key, writes))
                            .map(Some),
                    }
                });
                // A panic was counted already.
                Ok(answer.await.unwrap_or(Ok(None))?.map_or_else(Vec::new, one))
            }
        }
    }

    async fn batch(&self, at: usize, dice: &mut Dice) -> Answers {
        let Process { number, region, creations } = &self.processes[at];
        let keys: Vec<u32> = (0..BATCH).map(|_| dice.popular(self.truth.keys())).collect();
        let asked: Vec<Asked> = keys.iter().map(|key| self.truth.asks(*number, *key)).collect();
        let writes: Vec<u64> = keys.iter().map(|key| creations.asks(*key)).collect();
        let names: Vec<String> = keys.iter().map(|key| name(*key)).collect();
        let create = async |missing: Vec<&String>| {
            let mut made = HashMap::new();
            for name in missing {
                let Some(place) = names.iter().position(|other| other == name) else { continue };
                made.insert(name.clone(), self.look(at, keys[place], writes[place]));
            }
            sleep(cost(keys[0])).await;
            let items = made.iter().map(|(name, (item, _))| (name.clone(), Arc::clone(item)));
            items.collect::<Vec<_>>()
        };
        let found = region.get_or_create_multi(&names, create).await?;
        if found.len() != keys.len() || found.iter().any(Option::is_none) {
            let left_out = || format!("a batch of {} brought {found:?}", keys.len());
            self.tally().wrong(Wrong::LeftOut, left_out);
        }
        Ok(asked.into_iter().zip(found).filter_map(|(asked, item)| Some((asked, item?))).collect())
    }

    /// Looks at the truth, for a creation that runs as long as the second is kept.
    fn look(&self, at: usize, key: u32, writes: u64) -> (Arc<Item>, impl Sized) {
        let Process { number, creations, .. } = &self.processes[at];
        let (running, twice) = creations.begin(key, writes);
        let tally = self.tally();
        tally.creations.fetch_add(1, Relaxed);
        if twice {
            tally.twice.fetch_add(1, Relaxed);
        }
        (self.truth.look(*number, key), running)
    }

    /// The slow work.
    async fn create(&self, at: usize, key: u32, writes: u64) -> Arc<Item> {
        let (item, _running) = self.look(at, key, writes);
        sleep(cost(key)).await;
        item
    }

    fn create_blocking(&self, at: usize, key: u32, writes: u64) -> Arc<Item> {
        let (item, _running) = self.look(at, key, writes);
        thread::sleep(cost(key));
        item
    }
}
