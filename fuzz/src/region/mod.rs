//! The flights and locks of a region against a model: many calls at the same time, polled in any order,
//! dropped, and finished in all ways.

mod call;
mod lock;
mod model;

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use arbitrary::{Arbitrary, Unstructured};
use larder::{Either, ManualClock, Memo, OnTimeout, Region, Timestamp};
use tokio::{task::yield_now, time};

use self::{
    lock::Shared,
    model::{End, Model},
};
use super::{
    calls::{Call, in_paused_time},
    yielding::Yielding,
};

/// The most steps of an input, and the most calls under way at a time.
const STEPS: usize = 32;
const CALLS: usize = 8;

const KEYS: [&str; 3] = ["a", "b", "c"];
const EXPIRE_AFTER: Duration = Duration::from_secs(10);
const OWN_TTL: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(30);

/// In how many rounds everything is done that can be done.
const ROUNDS: usize = 1_000;

type Cached = Region<Arc<Either<Memo<u64>, Yielding<Memo<u64>>>>, Shared>;

#[expect(clippy::struct_excessive_bools, reason = "each says something else")]
#[derive(Debug, Arbitrary)]
struct Input {
    has_lock: bool,
    has_two_processes: bool,
    is_slow: bool,
    on_timeout: u8,
    stale_on_error: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Arbitrary)]
enum Step {
    /// Begins a call, and polls it so many times.
    Begin {
        what: What,
        keys: u8,
        process: u8,
        own_ttl: bool,
        polls: u8,
    },
    Poll {
        call: u8,
        times: u8,
    },
    Drop {
        call: u8,
    },
    End {
        creation: u8,
        end: End,
    },
    /// By the clock of the region, in seconds.
    Age {
        by: u8,
    },
    /// By the clock of those who wait, in seconds.
    Wait {
        by: u8,
    },
    /// The lease of a key is lost.
    Lose {
        key: u8,
    },
    /// A stranger takes the lock of a key.
    Lend {
        key: u8,
    },
    /// All strangers are done.
    Free,
    /// What was given to others to do is done.
    Background,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum What {
    Get,
    GetMulti,
    GetOrCreate,
    TryGetOrCreate,
    GetOrCreateWith,
    GetOrCreateMulti,
    TryGetOrCreateMulti,
    Refresh,
    Set,
    SetMulti,
    Delete,
    DeleteMulti,
    InvalidateHard,
    InvalidateSoft,
}

/// What calls share.
#[derive(Clone)]
struct World {
    regions: Vec<Cached>,
    model: Rc<RefCell<Model>>,
    lock: Shared,
}

/// Does the steps that `bytes` stand for.
pub fn region(bytes: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(bytes)) else { return };
    in_paused_time(run(input));
}

async fn run(input: Input) {
    let world = World::new(&input);
    let mut calls: Vec<Call<()>> = Vec::new();
    for step in input.steps.into_iter().take(STEPS) {
        match step {
            Step::Begin { what, keys, process, own_ttl, polls } if calls.len() < CALLS => {
                calls.push(world.call(what, keys, process, own_ttl));
                poll(&mut calls, usize::MAX, polls);
            }
            Step::Begin { .. } => {}
            Step::Poll { call, times } => poll(&mut calls, call.into(), times),
            Step::Drop { call } if calls.is_empty() => _ = call,
            Step::Drop { call } => drop(calls.swap_remove(usize::from(call) % calls.len())),
            Step::End { creation, end } => world.model.borrow_mut().tell(creation, end),
            Step::Age { by } => {
                let clock = world.model.borrow().clock.clone();
                clock.advance(Duration::from_secs(u64::from(by % 16)));
            }
            Step::Wait { by } => time::advance(Duration::from_secs(u64::from(by % 32))).await,
            Step::Lose { key } => {
                let key = usize::from(key) % KEYS.len();
                world.model.borrow_mut().lose(key);
                world.lock.lose(KEYS[key]);
            }
            Step::Lend { key } => world.lock.lend(KEYS[usize::from(key) % KEYS.len()]),
            Step::Free => world.lock.free(),
            Step::Background => yield_now().await,
        }
    }
    world.close(calls).await;
}

/// Polls the call at `at`, the last if there are not that many, a few times; takes it away when it is done.
fn poll(calls: &mut Vec<Call<()>>, at: usize, times: u8) {
    let Some(last) = calls.len().checked_sub(1) else { return };
    let at = if at > last { last } else { at };
    for _ in 0..times % 8 {
        if calls[at].poll().is_some() {
            calls.swap_remove(at);
            return;
        }
    }
}

impl World {
    fn new(input: &Input) -> Self {
        let clock = ManualClock::new(Timestamp::from_secs(1_000));
        let memo = Memo::with_capacity(64).with_clock(clock.clock());
        let store =
            if input.is_slow { Either::Second(Yielding(memo)) } else { Either::First(memo) };
        let store = Arc::new(store);
        let lock = Shared::new(input.has_lock || input.has_two_processes);
        let on_timeout = match input.on_timeout % 4 {
            0 | 1 => OnTimeout::Create,
            2 => OnTimeout::Fail,
            _ => OnTimeout::Stale,
        };
        let processes = 1 + usize::from(input.has_two_processes);
        let region = || {
            let region = Region::builder(Arc::clone(&store)).lock(lock.clone());
            let region = region.expire_after(EXPIRE_AFTER).wait_timeout(PATIENCE);
            let region = region.on_timeout(on_timeout).stale_on_error(input.stale_on_error);
            region.clock(clock.clock()).build().expect("a region")
        };
        let regions = (0..processes).map(|_| region()).collect();
        let model = Rc::new(RefCell::new(Model::new(clock, processes, on_timeout)));
        Self { regions, model, lock }
    }

    /// Nothing holds anybody up any more: all calls end without waiting, and leave nothing.
    async fn close(&self, mut calls: Vec<Call<()>>) {
        self.model.borrow_mut().close();
        self.lock.free();
        let mut idle = 0;
        for _ in 0..ROUNDS {
            let mut at = 0;
            while let Some(call) = calls.get_mut(at) {
                let woken = call.is_woken();
                idle = if woken { 0 } else { idle };
                if woken && call.poll().is_some() {
                    calls.swap_remove(at);
                } else {
                    at += 1;
                }
            }
            // What is left to the background takes a few rounds, too.
            yield_now().await;
            idle += 1;
            if idle > 16 {
                break;
            }
        }
        assert!(calls.is_empty(), "{} calls wait for nothing", calls.len());
        assert!(self.model.borrow().is_quiet());
        assert!(self.lock.is_free(), "a lease is left");
        for region in &self.regions {
            assert_eq!(region.in_flight(), 0);
        }
        drop(calls);
        self.quiet().await;
    }
}
