//! Other processes: this very binary, told by its environment where its store is, and by lines on its
//! input what to do.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use larder::{
    BackendExt, File, FileLock, Invalidation, Invalidator, Lock, PayloadExt, Redis, RedisLock,
    Region, SharedMarks, Store,
};
use tokio::sync::{Semaphore, mpsc};

use crate::support::DEADLINE;

pub(crate) const STORE: &str = "LARDER_PROCESSES_STORE";
pub(crate) const LEASE: &str = "LARDER_PROCESSES_LEASE";

const MARKS: &str = "processes";

#[test]
fn role() {
    let Ok(store) = std::env::var(STORE) else { return };
    let lease = Duration::from_millis(std::env::var(LEASE).unwrap().parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        if store.contains("://") {
            let builder = Redis::builder(store).connect_timeout(DEADLINE);
            let redis = builder.response_timeout(DEADLINE).build().unwrap();
            let lock = RedisLock::builder(&redis).lease(lease).build().unwrap();
            let marks = SharedMarks::new(redis.clone(), MARKS).interval(Duration::ZERO);
            serve(redis.json().full_dict(), lock, marks).await;
        } else {
            let file = File::open(store).unwrap();
            let lock = FileLock::builder(&file).lasts(lease).build().unwrap();
            let marks = SharedMarks::new(file.clone(), MARKS).interval(Duration::ZERO);
            serve(file.json().full_dict(), lock, marks).await;
        }
    });
}

fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}

/// What the creators of this process have in common.
struct Creators {
    /// How often each key was created.
    made: Mutex<BTreeMap<String, usize>>,
    go: Semaphore,
}

impl Creators {
    async fn create(&self, key: &str, value: &str) -> String {
        *self.made.lock().unwrap().entry(key.to_owned()).or_default() += 1;
        say(&format!("creating {key}"));
        self.go.acquire().await.unwrap().forget();
        value.to_owned()
    }

    fn report(&self) -> String {
        let made = self.made.lock().unwrap();
        let each: Vec<_> = made.iter().map(|(key, times)| format!("{key}={times}")).collect();
        format!("made {}", each.join(" "))
    }
}

/// Does what the lines say.
async fn serve<S, L, I>(stack: S, lock: L, marks: I)
where
    S: Store<String> + 'static,
    L: Lock,
    I: Invalidator,
{
    let region = Region::builder(stack).lock(lock).invalidator(marks).build().unwrap();
    let creators = Arc::new(Creators { made: Mutex::default(), go: Semaphore::new(0) });
    say("ready");
    let (heard, mut lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let _ = heard.send(line);
        }
    });
    while let Some(line) = lines.recv().await {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let mut rest = words.iter().skip(1).map(String::as_str);
        let mut next = || rest.next().unwrap();
        match words[0].as_str() {
            "go" => creators.go.add_permits(1 << 20),
            // ask KEY VALUE TASKS
            "ask" => ask(&region, &creators, next(), next(), next().parse().unwrap()),
            "batch" => batch(&region, &creators, words[1..].to_vec()),
            "set" => done(region.set(next(), next().to_owned()).await),
            "delete" => done(region.delete(next()).await),
            "invalidate" => done(region.invalidate(Invalidation::Hard).await),
            "get" => {
                let found = region.get::<String>(next()).await.unwrap();
                say(&format!("found {}", found.as_deref().unwrap_or("nothing")));
            }
            "locked" => say(&format!("locked {}", region.key_is_locked(next()).await.unwrap())),
            "made" => say(&creators.report()),
            "voided" => say(&format!("voided {}", region.stats().voided)),
            other => panic!("what is {other}?"),
        }
    }
}

fn done(result: larder::Result<()>) {
    result.unwrap();
    say("done");
}

/// Asks for `key` in so many tasks, and says `asked` when all of them have, and `got KEY VALUE` once
/// all have got the same.
fn ask<S, L, I>(
    region: &Region<S, L, I>,
    creators: &Arc<Creators>,
    key: &str,
    value: &str,
    count: usize,
) where
    S: Store<String> + 'static,
    L: Lock,
    I: Invalidator,
{
    let begun = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            let (region, creators, begun) =
                (region.clone(), Arc::clone(creators), Arc::clone(&begun));
            let (key, value) = (key.to_owned(), value.to_owned());
            tokio::spawn(async move {
                if begun.fetch_add(1, SeqCst) + 1 == count {
                    say(&format!("asked {key}"));
                }
                region.get_or_create(&key, || creators.create(&key, &value)).await.unwrap()
            })
        })
        .collect();
    let key = key.to_owned();
    tokio::spawn(async move {
        let mut all = Vec::new();
        for task in tasks {
            all.push(task.await.unwrap());
        }
        all.dedup();
        say(&format!("got {key} {}", all.join(" ")));
    });
}

/// Asks for all keys at once, and says `got KEY..` when it has them. The value of a key is the key.
fn batch<S, L, I>(region: &Region<S, L, I>, creators: &Arc<Creators>, keys: Vec<String>)
where
    S: Store<String> + 'static,
    L: Lock,
    I: Invalidator,
{
    let (region, creators) = (region.clone(), Arc::clone(creators));
    tokio::spawn(async move {
        let create = |missing: Vec<String>| {
            for key in &missing {
                *creators.made.lock().unwrap().entry(key.clone()).or_default() += 1;
            }
            async {
                // Long enough for the others to meet it.
                tokio::time::sleep(Duration::from_millis(5)).await;
                missing.into_iter().map(|key| (key.clone(), key))
            }
        };
        let values = region.get_or_create_multi(keys, create).await.unwrap();
        let values: Vec<String> = values.into_iter().map(Option::unwrap).collect();
        say(&format!("got {}", values.join(" ")));
    });
}
