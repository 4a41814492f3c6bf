//! Where the keys are, and which of them.

use larder::{Key, Level, Redis, Wire};
use larder_benches::Trace;
use tokio::runtime::Runtime;

use crate::support::{proxy::CountingProxy, redis_server::RedisServer};

pub const KEYS: u32 = 1_000;

/// The keys that are asked for.
pub fn keys() -> Vec<String> {
    (0..KEYS).map(Trace::key).collect()
}

/// A way to have all keys' values.
pub struct Way<'a> {
    pub name: String,
    /// Answers how many seconds it took.
    pub call: Box<dyn Fn() -> f64 + 'a>,
    /// The same through the proxy.
    pub counted: Option<Box<dyn Fn() + 'a>>,
}

/// What is there before a call.
#[derive(Clone, Copy)]
pub enum State {
    Warm,
    Half,
    Cold,
}

impl State {
    pub const ALL: [Self; 3] = [Self::Warm, Self::Half, Self::Cold];

    pub fn name(self) -> &'static str {
        match self {
            Self::Warm => "warm",
            Self::Half => "half warm",
            Self::Cold => "cold",
        }
    }

    fn misses(self, n: usize) -> bool {
        match self {
            Self::Warm => false,
            Self::Half => n.is_multiple_of(2),
            Self::Cold => true,
        }
    }
}

/// Removes keys.
type Remove<'a> = dyn Fn(&[Key<'_>]) + 'a;

pub struct Place<'a> {
    servers: Vec<RedisServer>,
    remove: Box<Remove<'a>>,
    pub proxy: Option<CountingProxy>,
}

impl<'a> Place<'a> {
    pub fn new<W: Wire>(
        runtime: &'a Runtime,
        servers: Vec<RedisServer>,
        redis: Redis<W>,
        proxy: Option<CountingProxy>,
    ) -> Self {
        let remove = move |keys: &[Key<'_>]| {
            runtime.block_on(redis.remove_multi(keys)).expect("the servers take it");
        };
        Self { servers, remove: Box::new(remove), proxy }
    }

    /// Removes what is not to be there; what is, every call leaves behind.
    pub fn reset(&self, state: State) {
        let missing = keys().into_iter().enumerate().filter(|(n, _)| state.misses(*n));
        let missing: Vec<String> =
            missing.flat_map(|(_, key)| [format!("python:{key}"), key]).collect();
        let missing: Vec<Key<'_>> = missing.iter().map(Key::from).collect();
        (self.remove)(&missing);
    }

    /// How many commands the servers have run, those inside of scripts included, questions like this one left out.
    pub fn commands(&self) -> u32 {
        let count = |server: &RedisServer| -> u32 {
            let info = server.call(&["INFO", "commandstats"]).text();
            let calls = info.lines().filter(|line| !line.starts_with("cmdstat_info:"));
            let calls = calls.filter_map(|line| line.split_once("calls=")?.1.split(',').next());
            calls.map(|calls| calls.parse::<u32>().expect("a number")).sum()
        };
        self.servers.iter().map(count).sum()
    }
}
