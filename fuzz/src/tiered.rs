//! Two tiers against a model: whatever fails and whatever is dropped, nothing overwritten is read again.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use arbitrary::{Arbitrary, Unstructured};
use larder::{
    BackendExt, Either, Entry, ErrorKind, Framed, Key, Level, ManualClock, Memo, Memory, Meta,
    PayloadExt, Postcard, Put, ReadOpts, Result, Store, Tiered, Tiers, Timestamp, WriteOpts,
    testing::{Calls, Chaos, ChaosHandle, Damage, Fault},
};
use tokio::{task::yield_now, time};

use super::calls::{Call, at_once, in_paused_time};

/// The most steps of an input, and the most calls under way at a time.
const STEPS: usize = 32;
const CALLS: usize = 6;

const KEYS: [&str; 4] = ["a", "b", "c", "d"];
/// What the second tier keeps entries for.
const KEPT: Duration = Duration::from_secs(10);
/// What is not yet over.
const UNDER_WAY: u64 = u64::MAX;

/// How the first tier fails, and the second never does.
const NEAR_FAILED: ErrorKind = ErrorKind::Backend;

type Answer = Result<Option<Entry<Option<u64>>>>;
/// The first tier fails on demand, or is seen at a glance, which chaos is not.
type Near = Either<Chaos<Arc<Memo<u64>>>, Arc<Memo<u64>>>;
type Stack = Tiered<Near, Chaos<Framed<Postcard<Memory>>>>;

#[derive(Debug, Arbitrary)]
struct Input {
    room: u8,
    steps: Vec<Step>,
}

#[derive(Debug, Arbitrary)]
enum Step {
    /// Begins a call, and polls it once.
    Begin {
        what: What,
        keys: u8,
        tiers: u8,
    },
    Poll {
        call: u8,
    },
    Drop {
        call: u8,
    },
    /// One of the tiers fails, a few times.
    Fail {
        far: bool,
        fault: u8,
        calls: u8,
        skip: u8,
        times: u8,
    },
    /// The next call of a tier stops.
    Hold {
        far: bool,
        calls: u8,
        answered: bool,
    },
    Release {
        hold: u8,
    },
    /// Nothing fails any more.
    Calm,
    /// The first tier needs the room.
    Evict {
        key: u8,
    },
    Age {
        by: u8,
    },
    /// A second passes, and what was left to the background goes on.
    Wait,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum What {
    Read,
    ReadAnew,
    ReadMulti,
    ReadMultiAnew,
    Write,
    WriteMulti,
    Remove,
    RemoveMulti,
}

struct Value {
    key: usize,
    /// When its write was over, perhaps because it was dropped.
    ended: u64,
    written: Timestamp,
}

/// A write or a removal that the second tier has taken.
struct Change {
    keys: Vec<usize>,
    begun: u64,
    ended: u64,
}

/// What happened, in the order in which it did.
struct Model {
    clock: ManualClock,
    now: u64,
    values: Vec<Value>,
    changes: Vec<Change>,
    /// Which keys may be in the first tier alone.
    strayed: [bool; KEYS.len()],
    /// Whether nothing was ever made to fail.
    is_calm: bool,
}

impl Model {
    fn next(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    fn time(&self) -> Timestamp {
        self.clock.clock().now()
    }

    fn value(&mut self, key: usize) -> u64 {
        let written = self.time();
        self.values.push(Value { key, ended: UNDER_WAY, written });
        self.values.len() as u64 - 1
    }

    /// A read that `begun` at `time` was answered for `key`: nothing is found that was written before
    /// something else that the second tier took, and that was over when the read began.
    fn found(&self, begun: u64, time: Timestamp, key: usize, found: Answer) {
        let value = match found {
            Ok(Some(Entry { value: Some(value), .. })) => &self.values[place(value)],
            Ok(_) => return,
            Err(error) => {
                assert!(!self.is_calm, "{error:?}");
                return;
            }
        };
        assert_eq!(value.key, key, "the value of another key");
        let is_kept = value.ended == UNDER_WAY || time.since(value.written) <= KEPT;
        assert!(is_kept, "it should be gone");
        for change in self.changes.iter().filter(|change| change.keys.contains(&key)) {
            let is_replaced = value.ended < change.begun && change.ended < begun;
            assert!(!is_replaced, "{}: it was overwritten", KEYS[key]);
        }
    }

    /// A write or a removal is over.
    fn changed(&mut self, begun: u64, keys: &[usize], done: &Result<()>, everywhere: bool) {
        let is_taken = match done {
            Ok(()) => true,
            Err(error) => {
                assert!(!self.is_calm, "{error:?}");
                error.kind() == NEAR_FAILED
            }
        };
        if everywhere && is_taken {
            let ended = self.next();
            self.changes.push(Change { keys: keys.to_vec(), begun, ended });
        } else {
            for key in keys {
                self.strayed[*key] = true;
            }
        }
    }
}

/// A write of values, which is over when this is dropped.
struct Writing(Rc<RefCell<Model>>, Vec<u64>);

impl Drop for Writing {
    fn drop(&mut self) {
        let mut model = self.0.borrow_mut();
        let (now, time) = (model.next(), model.time());
        for value in &self.1 {
            let value = &mut model.values[place(*value)];
            (value.ended, value.written) = (now, time);
        }
    }
}

#[derive(Clone)]
struct World {
    stack: Arc<Stack>,
    near: ChaosHandle,
    far: ChaosHandle,
    model: Rc<RefCell<Model>>,
}

/// Does the steps that `bytes` stand for.
pub fn tiered(bytes: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(bytes)) else { return };
    in_paused_time(run(input));
}

async fn run(input: Input) {
    let world = World::new(&input);
    let (mut calls, mut holds) = (Vec::new(), Vec::new());
    for step in input.steps.into_iter().take(STEPS) {
        match step {
            Step::Begin { what, keys, tiers } if calls.len() < CALLS => {
                calls.push(Call::new(world.clone().call(what, chosen(keys), tiers)));
                poll(&mut calls, usize::MAX);
            }
            Step::Begin { .. } => {}
            Step::Poll { call } => poll(&mut calls, call.into()),
            Step::Drop { call } => {
                if !calls.is_empty() {
                    drop(calls.swap_remove(usize::from(call) % calls.len()));
                }
            }
            Step::Fail { far, fault, calls, skip, times } => {
                world.fail(far, fault, calls, skip, times);
            }
            Step::Hold { far, calls, answered } => {
                let (tier, calls) = (if far { &world.far } else { &world.near }, kind(calls));
                holds.push(if answered { tier.hold_answer(calls) } else { tier.hold(calls) });
            }
            Step::Release { hold } => {
                if !holds.is_empty() {
                    holds.swap_remove(usize::from(hold) % holds.len()).release();
                }
            }
            Step::Calm => world.calm(),
            Step::Evict { key } => world.evict(usize::from(key) % KEYS.len()),
            // What is under way keeps what it writes for as long as it was told to, counted from its end.
            Step::Age { .. } if !calls.is_empty() => {}
            Step::Age { by } => {
                let clock = world.model.borrow().clock.clone();
                clock.advance(Duration::from_secs(u64::from(by % 16)));
            }
            Step::Wait => {
                time::advance(Duration::from_secs(1)).await;
                yield_now().await;
            }
        }
    }
    world.calm();
    drop(holds);
    for mut call in calls {
        while call.poll().is_none() {
            assert!(call.is_woken(), "it waits for nothing");
        }
    }
    world.agree();
}

fn poll(calls: &mut Vec<Call<()>>, at: usize) {
    let Some(last) = calls.len().checked_sub(1) else { return };
    if calls[at.min(last)].poll().is_some() {
        calls.swap_remove(at.min(last));
    }
}

fn kind(calls: u8) -> Calls {
    [Calls::Reads, Calls::Writes, Calls::Removals, Calls::All][usize::from(calls) % 4]
}

/// One key or more, none twice.
fn chosen(keys: u8) -> Vec<usize> {
    let count = 1 + usize::from(keys >> 4) % KEYS.len();
    (0..count).map(|at| (at + usize::from(keys)) % KEYS.len()).collect()
}

impl World {
    fn new(input: &Input) -> Self {
        let clock = ManualClock::new(Timestamp::from_secs(1_000));
        let memo = Memo::with_capacity(1 + usize::from(input.room % 8)).with_clock(clock.clock());
        let memo = Arc::new(memo);
        let near = Chaos::new(Arc::clone(&memo));
        let far = Chaos::new(Memory::new().with_clock(clock.clock()).postcard().framed());
        let (near_chaos, far_chaos) = (near.handle(), far.handle());
        let fails = input.room < 128;
        let near = if fails { Either::First(near) } else { Either::Second(memo) };
        let stack = Tiered::new(near, far).l2_ttl(KEPT).with_clock(clock.clock());
        let (now, values, changes) = (0, Vec::new(), Vec::new());
        let model =
            Model { clock, now, values, changes, strayed: [false; KEYS.len()], is_calm: true };
        let model = Rc::new(RefCell::new(model));
        Self { stack: Arc::new(stack), near: near_chaos, far: far_chaos, model }
    }

    fn fail(&self, far: bool, fault: u8, calls: u8, skip: u8, times: u8) {
        self.model.borrow_mut().is_calm = false;
        let fault = match (fault % 5, far) {
            (0, true) => Fault::Error(ErrorKind::Unavailable),
            (1, true) => Fault::Error(ErrorKind::Unsupported),
            // Which says that it was not the second tier.
            (0 | 1, false) => Fault::Error(NEAR_FAILED),
            (2, _) => Fault::Error(ErrorKind::Timeout),
            (3, _) => Fault::LoseReply,
            (_, _) => Fault::Corrupt(Damage::Truncate),
        };
        let rule = fault.on(kind(calls)).skip(u64::from(skip % 4)).times(u64::from(times % 8));
        if far { self.far.inject(rule) } else { self.near.inject(rule) }
    }

    fn calm(&self) {
        self.near.calm();
        self.far.calm();
    }

    fn evict(&self, key: usize) {
        let memo = match self.stack.l1() {
            Either::First(chaos) => chaos.inner(),
            Either::Second(memo) => memo,
        };
        at_once(memo.remove(KEYS[key].into())).expect("it is in memory");
    }

    async fn call(self, what: What, keys: Vec<usize>, tiers: u8) {
        match what {
            What::Read | What::ReadAnew => self.read(keys[0], what, tiers).await,
            What::ReadMulti | What::ReadMultiAnew => self.read_multi(&keys, what, tiers).await,
            What::Write => self.write(&keys[..1], tiers).await,
            What::WriteMulti => self.write(&keys, tiers).await,
            What::Remove => self.remove(&keys[..1]).await,
            What::RemoveMulti => self.remove(&keys).await,
        }
    }

    async fn read(&self, key: usize, what: What, tiers: u8) {
        let (begun, time) = self.begin();
        let opts = ReadOpts::tiers(chosen_tiers(tiers));
        let name = KEYS[key].into();
        let found = match (what, opts.tiers) {
            (What::ReadAnew, _) => self.stack.read_with(name, opts.anew()).await,
            (_, Tiers::ALL) => match self.stack.glance(name) {
                Some(seen) => Ok(Some(seen)),
                None => self.stack.read(name).await,
            },
            _ => self.stack.read_with(name, opts).await,
        };
        self.model.borrow().found(begun, time, key, found);
    }

    async fn read_multi(&self, keys: &[usize], what: What, tiers: u8) {
        let (begun, time) = self.begin();
        let opts = ReadOpts::tiers(chosen_tiers(tiers));
        let names: Vec<Key<'_>> = keys.iter().map(|key| KEYS[*key].into()).collect();
        let found = match (what, opts.tiers) {
            (What::ReadMultiAnew, _) => self.stack.read_multi_with(&names, opts.anew()).await,
            (_, Tiers::ALL) => self.stack.read_multi(&names).await,
            _ => self.stack.read_multi_with(&names, opts).await,
        };
        let found: Vec<_> = match found {
            Ok(found) => found,
            Err(error) => keys.iter().map(|_| Err(error.clone())).collect(),
        };
        assert_eq!(found.len(), keys.len());
        for (key, found) in keys.iter().zip(found) {
            self.model.borrow().found(begun, time, *key, found);
        }
    }

    fn begin(&self) -> (u64, Timestamp) {
        let mut model = self.model.borrow_mut();
        (model.next(), model.time())
    }

    async fn write(&self, keys: &[usize], tiers: u8) {
        let tiers = chosen_tiers(tiers);
        let (begun, time) = self.begin();
        let values: Vec<u64> = keys.iter().map(|key| self.model.borrow_mut().value(*key)).collect();
        let writing = Writing(Rc::clone(&self.model), values.clone());
        let entries: Vec<_> =
            values.iter().map(|value| Entry::new(Some(*value), Meta::new(time))).collect();
        let opts = WriteOpts::keep_for(Some(KEPT)).tiers(tiers);
        let puts = keys.iter().zip(&entries);
        let puts: Vec<_> =
            puts.map(|(key, entry)| Put::new(KEYS[*key].into(), entry, opts)).collect();
        let written = match &puts[..] {
            [put] => self.stack.write(put.key, put.value, put.opts).await,
            puts => self.stack.write_multi(puts).await,
        };
        drop(writing);
        self.model.borrow_mut().changed(begun, keys, &written, tiers.has(2));
    }

    async fn remove(&self, keys: &[usize]) {
        let (begun, _) = self.begin();
        let names: Vec<Key<'_>> = keys.iter().map(|key| KEYS[*key].into()).collect();
        let removed = match &names[..] {
            [name] => self.stack.remove(*name).await,
            names => self.stack.remove_multi(names).await,
        };
        self.model.borrow_mut().changed(begun, keys, &removed, true);
    }

    /// When all is quiet, a read finds what the second tier has, unless the first was left alone with a value.
    fn agree(&self) {
        for (key, name) in KEYS.into_iter().enumerate() {
            let far: Option<Entry<Option<u64>>> =
                at_once(self.stack.l2().inner().read(name.into())).expect("it is in memory");
            let far = far.and_then(|entry| entry.value);
            for _ in 0..2 {
                let (begun, time) = self.begin();
                let found = at_once(self.stack.read(name.into()));
                let value =
                    found.as_ref().expect("nothing fails").as_ref().and_then(|entry| entry.value);
                self.model.borrow().found(begun, time, key, found);
                if !self.model.borrow().strayed[key] {
                    assert_eq!(value, far, "{name}: a copy of something else");
                }
            }
        }
    }
}

fn chosen_tiers(tiers: u8) -> Tiers {
    match tiers % 8 {
        0 => Tiers::only(1),
        1 => Tiers::ALL.without(1),
        _ => Tiers::ALL,
    }
}

/// Where a value stands.
fn place(value: u64) -> usize {
    usize::try_from(value).expect("few values")
}
