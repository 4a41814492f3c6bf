//! A thousand tasks at once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use larder_benches::{Contender, User, Value, origin};
use tokio::{runtime::Handle, task::JoinHandle, time::timeout};

use crate::{CREATION, TASKS};

/// When a task is given up.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rush {
    Cold,
    Dropped,
    Panic,
}

pub(crate) struct Outcome {
    /// How often the source was asked, at most in a round.
    pub(crate) creations: u64,
    /// Seconds until the last task has its value, without those that the creations have to take.
    pub(crate) over: f64,
    /// Tasks without a value: an error, a panic, or nothing at all in five seconds. Who was dropped, or whose
    /// own creation panicked, is not counted.
    pub(crate) unserved: u64,
}

pub(crate) fn rush<C: Contender<User>>(kind: Rush, rounds: u32) -> Vec<Outcome> {
    let contender = Arc::new(C::with_room(10_000));
    let runtime = Handle::current();
    (0..rounds).map(|round| runtime.block_on(one(&contender, kind, round))).collect()
}

async fn one<C: Contender<User>>(contender: &Arc<C>, kind: Rush, round: u32) -> Outcome {
    let key: Arc<str> = format!("{kind:?}:{round}").into();
    let call = || -> JoinHandle<bool> {
        let (contender, key) = (Arc::clone(contender), Arc::clone(&key));
        tokio::spawn(async move {
            let value = timeout(PATIENCE, contender.get_or_create(&key)).await;
            matches!(value, Ok(Ok(value)) if value == User::sample())
        })
    };
    origin::asked();
    if kind == Rush::Panic {
        origin::panics_once();
    }
    let start = Instant::now();
    let first = call();
    while kind != Rush::Cold && origin::begun() == 0 {
        tokio::task::yield_now().await;
    }
    let others: Vec<_> = (1..TASKS).map(|_| call()).collect();
    if kind == Rush::Dropped {
        tokio::time::sleep_until((start + CREATION / 2).into()).await;
        first.abort();
    }
    let mut unserved = 0;
    for task in others {
        unserved += u64::from(!task.await.unwrap_or(false));
    }
    let served = first.await;
    if kind == Rush::Cold {
        unserved += u64::from(!served.unwrap_or(false));
    }
    let least = match kind {
        Rush::Cold => CREATION,
        Rush::Dropped => CREATION + CREATION / 2,
        Rush::Panic => 2 * CREATION,
    };
    let over = start.elapsed().as_secs_f64() - least.as_secs_f64();
    Outcome { creations: origin::asked(), over, unserved }
}
