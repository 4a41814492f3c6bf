//! Two regions, and callers that ask them for one thing and another.

use std::{
    error::Error,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use larder::{
    BackendExt, Failure, File, Framed, Json, Label, LayerExt, Memo, Memory, Metered, PayloadExt,
    Postcard, Region, Tiered,
};
use tokio::time::{Instant, sleep};

/// A region as a whole, and each of its tiers for itself.
type Users = Region<Metered<Tiered<Metered<Memo<String>>, Framed<Postcard<Metered<File>>>>>>;
type Pages = Region<Metered<Framed<Json<Memory>>>>;

type Failed = Failure<io::Error>;

const CALLERS: u64 = 50;
/// What the callers do, by turns.
const PHASES: [Phase; 4] = [
    Phase { name: "calm", keys: 100, fails: false },
    Phase { name: "a rush on few keys", keys: 3, fails: false },
    Phase { name: "the database fails", keys: 100, fails: true },
    Phase { name: "many cold keys", keys: 20_000, fails: false },
];

struct Phase {
    name: &'static str,
    keys: u64,
    fails: bool,
}

#[derive(Clone)]
pub(crate) struct Service {
    users: Users,
    pages: Pages,
    keys: Arc<AtomicU64>,
    fails: Arc<AtomicBool>,
    // Where the far tier of `users` is, until the program ends.
    _folder: Arc<tempfile::TempDir>,
}

impl Service {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let label = |tier| Label::new("users").tier(tier);
        let near = Memo::with_capacity(500).metered(label("near"));
        let far =
            File::open(folder.path().join("users"))?.metered(label("far")).postcard().framed();
        let users = Region::builder(far.behind(near).metered("users"))
            .expire_after(Duration::from_secs(2))
            .keep_for(Duration::from_secs(60))
            .build()?;
        let pages = Region::builder(Memory::with_capacity(200).json().framed().metered("pages"))
            .expire_after(Duration::from_secs(5))
            .build()?;
        let (keys, fails) = (Arc::default(), Arc::default());
        Ok(Self { users, pages, keys, fails, _folder: Arc::new(folder) })
    }

    /// Goes through the phases for ever.
    pub(crate) async fn run(&self) {
        self.begin(&PHASES[0]);
        for caller in 0..CALLERS {
            let service = self.clone();
            tokio::spawn(async move { service.call(caller).await });
        }
        for phase in PHASES.iter().cycle() {
            self.begin(phase);
            println!("{}", phase.name);
            sleep(Duration::from_secs(10)).await;
        }
    }

    fn begin(&self, phase: &Phase) {
        self.keys.store(phase.keys, Relaxed);
        self.fails.store(phase.fails, Relaxed);
    }

    async fn call(&self, caller: u64) {
        let mut number = caller;
        loop {
            // The lower half of such a generator is not random enough to choose by.
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let id = (number >> 33) % self.keys.load(Relaxed);
            // What goes wrong is counted, and the next one tries again.
            let _ = match number >> 40 & 7 {
                0 => self.batch(id).await,
                1 | 2 => self.page(id).await,
                _ => self.user(id).await,
            };
            sleep(Duration::from_millis(number >> 50 & 15)).await;
        }
    }

    async fn user(&self, id: u64) -> Result<(), Failed> {
        self.users.try_get_or_create(&format!("user:{id}"), || self.ask(id)).await.map(drop)
    }

    async fn page(&self, id: u64) -> Result<(), Failed> {
        let (pages, service) = (&self.pages, self.clone());
        let render = move || async move { service.ask(id).await.map(|name| name.repeat(20)) };
        pages.try_get_or_create_in_background(&format!("page:{id}"), render).await.map(drop)
    }

    async fn batch(&self, id: u64) -> Result<(), Failed> {
        let keys = (id..id + 5).map(|id| format!("user:{id}"));
        let ask = async |keys: Vec<String>| {
            let name = self.ask(id).await?;
            Ok::<_, io::Error>(keys.into_iter().map(move |key| (key, name.clone())))
        };
        let answers = self.users.try_get_or_create_multi(keys, ask).await;
        answers.into_iter().collect::<Result<Vec<_>, _>>().map(drop)
    }

    /// The slow database.
    async fn ask(&self, id: u64) -> Result<String, io::Error> {
        let began = Instant::now();
        sleep(Duration::from_millis(5 + id % 60)).await;
        if self.fails.load(Relaxed) {
            return Err(io::Error::other(format!("no answer after {:?}", began.elapsed())));
        }
        Ok(format!("user {id}"))
    }
}
