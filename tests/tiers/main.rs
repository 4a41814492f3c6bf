//! Two tiers that agree: copies near the caller, and the truth behind them.
#![cfg(all(feature = "backend-memory", feature = "codec-postcard", feature = "testing"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

mod agree;
#[cfg(feature = "backend-redis")]
mod channel;
mod copies;
mod failing;
mod region;
mod slow;
#[cfg(all(feature = "backend-redis", feature = "codec-msgpack"))]
mod tracking;

#[path = "../support/mod.rs"]
mod support;

use std::{
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use larder::{
    BackendExt, Changes, Clock, Copies, Entry, Framed, Key, Level, ManualClock, Memo, Memory, Meta,
    Name, PayloadExt, Postcard, Result, Store, Tiered, Timestamp, WriteOpts,
    testing::{Chaos, ChaosHandle},
};

const MINUTE: Duration = Duration::from_secs(60);

/// What all processes share.
type Truth = Arc<Memory>;
type Far = Framed<Postcard<Chaos<Truth>>>;
type Tiers = Tiered<Memo<String>, Far>;
type Told = Tiered<Memo<String>, Far, Bell>;

fn truth() -> Truth {
    Arc::new(Memory::new())
}

fn far(truth: &Truth) -> (Far, ChaosHandle) {
    let chaos = Chaos::new(Arc::clone(truth));
    let handle = chaos.handle();
    (chaos.postcard().framed(), handle)
}

/// Two tiers over `truth`, and what happens to the second.
fn tiers(truth: &Truth) -> (Tiers, ChaosHandle) {
    let (far, chaos) = far(truth);
    (Tiered::new(Memo::new(), far), chaos)
}

/// The same, which hear `bell`.
fn told(truth: &Truth, bell: &Bell) -> (Told, ChaosHandle) {
    let (tiers, chaos) = tiers(truth);
    (tiers.coherent(bell.clone()).unwrap(), chaos)
}

fn entry(value: &str) -> Entry<Option<String>> {
    Entry::new(Some(value.to_owned()), Meta::new(Clock::default().now()))
}

async fn put<S: Store<String>>(store: &S, key: impl Into<Key<'_>>, value: &str) {
    store.write(key.into(), &entry(value), WriteOpts::default()).await.unwrap();
}

async fn get<S: Store<String>>(store: &S, key: impl Into<Key<'_>>) -> Option<String> {
    store.read(key.into()).await.unwrap().and_then(|entry| entry.value)
}

/// Rings when somebody changed something, as a server would push.
#[derive(Clone, Default)]
struct Bell(Arc<Mutex<Vec<Weak<dyn Copies>>>>);

impl Bell {
    fn ring(&self, name: impl Into<Key<'static>>) {
        let name = name.into().flat();
        for copies in self.0.lock().unwrap().iter().filter_map(Weak::upgrade) {
            copies.changed(&name);
        }
    }

    /// The line was cut and is back.
    fn was_cut(&self) {
        for copies in self.0.lock().unwrap().iter().filter_map(Weak::upgrade) {
            copies.all_changed();
        }
    }
}

impl Changes for Bell {
    fn follow(&self, copies: Weak<dyn Copies>) -> Result<()> {
        self.0.lock().unwrap().push(copies);
        Ok(())
    }

    fn name(&self, key: Key<'_>, hashes: bool) -> Name {
        Name::Told(match key.space() {
            Some(space) if hashes => space.as_bytes().into(),
            _ => key.flat().into(),
        })
    }
}
