//! Random calls, polled and dropped in a random order, against what the history allows: nobody sees
//! what was over when it asked, creations do not overlap, nothing stays behind.
#![cfg(feature = "backend-memory")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

mod history;
#[path = "../support/mod.rs"]
mod support;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use larder::{Failure, Invalidation, ManualClock, Memo, Region, Timestamp};
use proptest::{collection::vec, prelude::*};

use history::{Call, History, KEYS};
use support::yielding::{Yielding, give_way};

/// How long values are fresh, in seconds.
const LIFETIME: i64 = 10;

#[derive(Clone, Debug)]
enum Op {
    Get(usize),
    GetOrCreate {
        key: usize,
        fails: bool,
    },
    GetOrCreateMulti(Vec<usize>),
    Refresh(usize),
    Set(usize),
    SetMulti(Vec<usize>),
    Delete(usize),
    DeleteMulti(Vec<usize>),
    Invalidate(Invalidation),
    /// The clock moves on by so many seconds.
    Advance(u64),
    /// One of the running calls is polled so many times.
    Poll(usize, usize),
    /// One of the running calls is dropped.
    Drop(usize),
}

impl From<[u8; 3]> for Op {
    /// Three numbers make an operation: cheaper to invent than the operation itself.
    fn from([kind, which, how]: [u8; 3]) -> Self {
        // Mostly the same key, where calls meet.
        let key = usize::from(which % 5 == 0);
        let keys = || {
            let mut keys: Vec<_> = (0..KEYS.len()).filter(|key| which >> key & 1 == 1).collect();
            if how % 2 == 0 {
                keys.reverse();
            }
            if keys.is_empty() { vec![2, 0] } else { keys }
        };
        let call = usize::from(which % 8);
        match kind % 28 {
            0 => Self::Get(key),
            1..4 => Self::GetOrCreate { key, fails: how % 5 == 0 },
            4 | 5 => Self::GetOrCreateMulti(keys()),
            6 => Self::Refresh(key),
            7 => Self::Set(key),
            8 => Self::SetMulti(keys()),
            9 => Self::Delete(key),
            10 => Self::DeleteMulti(keys()),
            11 if how % 2 == 0 => Self::Invalidate(Invalidation::Hard),
            11 => Self::Invalidate(Invalidation::Soft),
            12 => Self::Advance(u64::from(how % 13)),
            13 => Self::Drop(call),
            _ => Self::Poll(call, 1 + usize::from(how % 7)),
        }
    }
}

/// A region whose every step is told to the history.
struct World {
    region: Region<Arc<Yielding<Memo<u64>>>>,
    time: ManualClock,
    history: History,
}

impl Default for World {
    fn default() -> Self {
        let time = ManualClock::new(Timestamp::from_secs(1_000));
        let region =
            Region::builder(Arc::new(Yielding(Memo::with_capacity(8).with_clock(time.clock()))))
                .expire_after(Duration::from_secs(LIFETIME.unsigned_abs()))
                .keep_for(Duration::from_secs(1_000))
                .clock(time.clock())
                .build()
                .unwrap();
        Self { region, time, history: History::default() }
    }
}

type Running<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

fn names(keys: &[usize]) -> Vec<&'static str> {
    keys.iter().map(|key| KEYS[*key]).collect()
}

fn number(name: &str) -> usize {
    KEYS.iter().position(|key| *key == name).unwrap()
}

impl World {
    fn second(&self) -> i64 {
        self.time.clock().now().as_secs()
    }

    fn call(&self) -> Call {
        self.history.call(self.second())
    }

    /// Whether a fresh value of `key` is there, found out in no time.
    fn is_there(&self, key: usize) -> bool {
        let mut found = false;
        let mut get: Running<'_> = Box::pin(async {
            found = self.region.get::<u64>(KEYS[key]).await.unwrap().is_some();
        });
        assert!(polls(&mut get, 3), "a read gives way twice");
        drop(get);
        found
    }

    /// Creates values of `keys`. Without `anew` there must be a reason to.
    async fn create(&self, call: &Call, keys: &[usize], anew: bool) -> Vec<u64> {
        for key in keys {
            let undisturbed =
                !self.history.ended_since(*key, call.start) && self.second() == call.second;
            let needless = !anew && undisturbed && self.is_there(*key);
            assert!(!needless, "{}: created although it was there", KEYS[*key]);
        }
        let run = |key: &usize| self.history.creation(*key, call, self.second());
        let running: Vec<_> = keys.iter().map(run).collect();
        give_way().await;
        give_way().await;
        running.iter().map(|creation| creation.value).collect()
    }

    async fn get(&self, key: usize) {
        let call = self.call();
        if let Some(value) = self.region.get(KEYS[key]).await.unwrap() {
            let fresh = self.history.is_fresh(&call, key, value, LIFETIME);
            assert!(fresh, "{}: {value} was not fresh when the call began", KEYS[key]);
        }
    }

    async fn get_or_create(&self, key: usize, fails: bool) {
        let call = self.call();
        let create = async || {
            let value = self.create(&call, &[key], false).await[0];
            if fails { Err("on purpose") } else { Ok(value) }
        };
        match self.region.try_get_or_create(KEYS[key], create).await {
            Ok(value) => self.history.seen(&call, key, value),
            Err(Failure::Creator(_)) => {}
            Err(Failure::Cache(error)) => panic!("{error}"),
        }
    }

    async fn get_or_create_multi(&self, keys: Vec<usize>) {
        let call = self.call();
        let create = async |missing: Vec<&'static str>| {
            let missing: Vec<usize> = missing.into_iter().map(number).collect();
            let values = self.create(&call, &missing, false).await;
            names(&missing).into_iter().zip(values).collect::<Vec<_>>()
        };
        let answers = self.region.try_get_or_create_multi(names(&keys), async |missing| {
            Ok::<_, &str>(create(missing).await)
        });
        for (key, answer) in keys.iter().zip(answers.await) {
            match answer {
                Ok(value) => self.history.seen(&call, *key, value.unwrap()),
                Err(Failure::Creator(_)) => {}
                Err(Failure::Cache(error)) => panic!("{error}"),
            }
        }
    }

    async fn refresh(&self, key: usize) {
        let call = self.call();
        let create = async || Ok::<_, &str>(self.create(&call, &[key], true).await[0]);
        match self.region.try_refresh(KEYS[key], create).await {
            Ok(value) => self.history.seen(&call, key, value),
            Err(Failure::Creator(_)) => {}
            Err(Failure::Cache(error)) => panic!("{error}"),
        }
    }

    async fn set(&self, keys: Vec<usize>, multi: bool) {
        let mut ending = self.history.ending(keys.clone(), false);
        if multi {
            let values = names(&keys).into_iter().map(|key| (key, ending.value()));
            let values: Vec<_> = values.collect();
            self.region.set_multi(values).await.unwrap();
        } else {
            self.region.set(KEYS[keys[0]], ending.value()).await.unwrap();
        }
        ending.returned(self.second());
    }

    async fn delete(&self, keys: Vec<usize>, multi: bool) {
        let ending = self.history.ending(keys.clone(), false);
        if multi {
            self.region.delete_multi(names(&keys)).await.unwrap();
        } else {
            self.region.delete(KEYS[keys[0]]).await.unwrap();
        }
        ending.returned(self.second());
    }

    async fn invalidate(&self, how: Invalidation) {
        let ending = self.history.ending(vec![0, 1, 2], how == Invalidation::Soft);
        self.region.invalidate(how).await.unwrap();
        ending.returned(self.second());
    }

    fn start(&self, op: Op) -> Option<Running<'_>> {
        Some(match op {
            Op::Get(key) => Box::pin(self.get(key)),
            Op::GetOrCreate { key, fails } => Box::pin(self.get_or_create(key, fails)),
            Op::GetOrCreateMulti(keys) => Box::pin(self.get_or_create_multi(keys)),
            Op::Refresh(key) => Box::pin(self.refresh(key)),
            Op::Set(key) => Box::pin(self.set(vec![key], false)),
            Op::SetMulti(keys) => Box::pin(self.set(keys, true)),
            Op::Delete(key) => Box::pin(self.delete(vec![key], false)),
            Op::DeleteMulti(keys) => Box::pin(self.delete(keys, true)),
            Op::Invalidate(how) => Box::pin(self.invalidate(how)),
            Op::Advance(_) | Op::Poll(..) | Op::Drop(_) => return None,
        })
    }
}

/// Polls `call` so many times, and says whether it has ended by then. Nobody wakes it: it is polled in
/// its turn.
fn polls(call: &mut Running<'_>, times: usize) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    (0..times).any(|_| call.as_mut().poll(&mut cx).is_ready())
}

fn run(ops: impl Iterator<Item = Op>) {
    let world = World::default();
    let mut running: Vec<Running<'_>> = Vec::new();
    for op in ops {
        match op {
            Op::Advance(seconds) => world.time.advance(Duration::from_secs(seconds)),
            Op::Poll(which, times) if which < running.len() => {
                if polls(&mut running[which], times) {
                    drop(running.remove(which));
                }
            }
            Op::Drop(which) if which < running.len() => drop(running.remove(which)),
            op => running.extend(world.start(op)),
        }
    }
    // Each in its turn: none of them waits for ever.
    for _ in 0..200 {
        running.retain_mut(|call| !polls(call, 1));
    }
    assert_eq!(running.len(), 0, "calls that never end");
    assert_eq!(world.region.in_flight(), 0);
    assert!(world.history.is_calm());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_sees_what_was_over_when_it_asked(ops in vec(any::<[u8; 3]>(), 1..80)) {
        run(ops.into_iter().map(Op::from));
    }
}
