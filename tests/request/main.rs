//! A cache that lives as long as one request, before any stack.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

mod absence;
mod changes;
mod defects;
mod lazy;
mod loader;
mod redis;
mod scope;
mod scoped;
mod service;
mod suite;

#[path = "../support/mod.rs"]
mod support;

use std::{
    future::Future,
    sync::{Arc, Mutex},
};

use larder::{
    AsKey, Event, LayerExt, Loader, Lookup, Memo, Observe, Observed, Region, RequestScope,
    RequestScoped,
    testing::{Calls, Chaos, ChaosHandle},
};

/// What all requests, and all others, share.
type Truth = Arc<Memo<String>>;
type Stack = RequestScoped<Observed<Arc<Asked>, Chaos<Truth>>>;

/// Which keys were read, call by call.
#[derive(Debug, Default)]
struct Asked(Mutex<Vec<Vec<String>>>);

impl Observe for Asked {
    fn observe(&self, event: &Event<'_>) {
        if event.hits.is_some() {
            let keys = event.keys.iter().map(|key| key.name().to_owned()).collect();
            self.0.lock().unwrap().push(keys);
        }
    }
}

impl Asked {
    /// What was asked since this was last called.
    fn take(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A stack with a request's store before it, and everything that can be seen of it.
struct World {
    region: Region<Stack>,
    /// The same entries for somebody else.
    others: Region<Truth>,
    asked: Arc<Asked>,
    chaos: ChaosHandle,
}

impl World {
    fn new() -> Self {
        Self::with(|stack| stack)
    }

    fn with(settings: impl FnOnce(Stack) -> Stack) -> Self {
        let (stack, others, asked, chaos) = parts();
        Self { region: settings(stack).region(), others, asked, chaos }
    }

    fn reads(&self) -> u64 {
        self.chaos.asked(Calls::Reads)
    }

    fn writes(&self) -> u64 {
        self.chaos.asked(Calls::Writes)
    }
}

fn parts() -> (Stack, Region<Truth>, Arc<Asked>, ChaosHandle) {
    let (truth, asked) = (Truth::default(), Arc::new(Asked::default()));
    let chaos = Chaos::new(Arc::clone(&truth));
    let handle = chaos.handle();
    let stack = Observed::with(Arc::clone(&asked), chaos).request_scoped();
    (stack, truth.region(), asked, handle)
}

/// Runs a future as a request.
async fn request<F: Future>(work: F) -> F::Output {
    RequestScope::new("GET /").run(work).await
}

/// What a read of it gives.
#[expect(clippy::unnecessary_wraps, reason = "reads give that")]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A table that counts the statements it is sent.
#[derive(Debug, Default)]
struct Database {
    statements: Mutex<Vec<Vec<u64>>>,
    fails: std::sync::atomic::AtomicBool,
}

impl Database {
    /// The ids of each statement since this was last called, sorted.
    fn take(&self) -> Vec<Vec<u64>> {
        std::mem::take(&mut self.statements.lock().unwrap())
    }

    /// `SELECT * FROM names WHERE id IN (..)`: there are rows for 1 to 99.
    async fn select(&self, ids: Vec<u64>) -> Result<Vec<(u64, String)>, Down> {
        self.statements.lock().unwrap().push(ids.clone());
        support::yielding::give_way().await;
        if self.fails.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(Down);
        }
        let rows = ids.into_iter().filter(|id| (1..100).contains(id));
        // In another order than asked.
        Ok(rows.rev().map(|id| (id, format!("name {id}"))).collect())
    }
}

#[derive(Debug, PartialEq)]
struct Down;

struct Names(Arc<Database>);

impl Lookup for Names {
    type Id = u64;
    type Value = String;
    type Error = Down;

    fn key(&self, id: &u64) -> impl AsKey + Send {
        format!("name:{id}")
    }

    async fn many(&self, ids: Vec<u64>) -> Result<Vec<(u64, String)>, Down> {
        self.0.select(ids).await
    }
}

/// A loader of names, its database, and what is under it.
fn names() -> (Loader<Names, Stack>, Arc<Database>, World) {
    let (world, database) = (World::new(), Arc::new(Database::default()));
    let loader = Loader::new(world.region.clone(), Names(Arc::clone(&database)));
    (loader, database, world)
}
