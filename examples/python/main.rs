//! One cache, two languages: tasks here and processes of a Python service want the same entries, on a
//! Redis that the example starts itself.
//!
//! `cargo run --release --example python`; with another interpreter than that of `tests/python.sh`, which has
//! dogpile.cache and redis: `-- path/to/python3`.

mod peer;
#[path = "../support/server.rs"]
mod server;

use std::{
    collections::BTreeSet,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use larder::{
    BackendExt, PayloadExt, Redis, RedisLock, Region, SharedError, cached, stacks::DogpileRedis,
};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use self::{
    peer::{Failed, Peer},
    server::Server,
};

/// What `dogpile.cache.redis` with `distributed_lock` is on this side.
type Shared = Region<DogpileRedis, RedisLock>;

static SHARED: OnceLock<Shared> = OnceLock::new();

fn shared() -> &'static Shared {
    SHARED.get().expect("set before anything is asked for")
}

fn region(url: &str) -> larder::Result<Shared> {
    let redis = Redis::new(url)?;
    Region::builder(redis.clone().pickle().dogpile())
        .lock(RedisLock::builder(&redis).dogpile().build()?)
        .expire_after(Duration::from_secs(60))
        .keep_for(Duration::from_secs(120))
        .build()
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Report {
    year: u32,
    total: f64,
    by: String,
    months: [u8; 12],
}

static CREATED: AtomicU32 = AtomicU32::new(0);

/// The same function as `report` in `service.py`, with the same entries.
#[cached(region = shared(), dogpile = "service:report")]
async fn report(year: u32) -> Result<Report, SharedError> {
    CREATED.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(300)).await; // something slow
    let months = std::array::from_fn(|month| u8::try_from(month + 1).unwrap_or(0));
    Ok(Report { year, total: 1234.5, by: "Rust".to_owned(), months })
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct User {
    name: String,
    tags: Vec<String>,
    score: Option<f64>,
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let server = Server::start("redis-server").map_err(|error| error.to_string())?;
    let _ = SHARED.set(region(&server.url())?);
    let interpreter = peer::interpreter();
    let mut peers = Vec::new();
    for _ in 0..4 {
        peers.push(Peer::start(&interpreter, &server.url()).await?);
    }

    println!("8 tasks here and 4 processes of Python want the report of 2026, which nobody has:");
    peers = rush(2026, peers, false).await?;
    println!("and that of 2025, for which Python asks first:");
    peers = rush(2025, peers, true).await?;

    let peer = &mut peers[0];
    peer.ask(r#"put user:1 {"name": "ann", "tags": ["a", "b"], "score": null}"#).await?;
    let entry = shared().entry::<User>("user:1").await?.ok_or("not found")?;
    println!("Python stored, Rust reads:  {:?}", entry.value);

    let bob = User { name: "bob".to_owned(), tags: Vec::new(), score: Some(0.5) };
    shared().set("user:2", bob).await?;
    println!("Rust stored, Python reads:  {}", peer.ask("get user:2").await?);
    Ok(())
}

/// Everybody wants the report of `year` at the same time.
async fn rush(year: u32, peers: Vec<Peer>, python_first: bool) -> Result<Vec<Peer>, Failed> {
    let before = CREATED.load(Ordering::Relaxed);
    let start = Instant::now();
    let mut theirs = JoinSet::new();
    let mut ours = JoinSet::new();
    for mut peer in peers {
        theirs.spawn(async move {
            let answer = peer.ask(&format!("report {year}")).await;
            answer.map(|answer| (peer, answer))
        });
    }
    if python_first {
        let key = report::cache().key(&year)?;
        while !shared().key_is_locked(&key).await? {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    for _ in 0..8 {
        ours.spawn(report(year));
    }

    let (mut peers, mut by, mut created) = (Vec::new(), BTreeSet::new(), 0);
    for answer in theirs.join_all().await {
        let (peer, answer) = answer?;
        by.insert(answer["value"]["by"].as_str().unwrap_or_default().to_owned());
        created += answer["created"].as_u64().unwrap_or_default();
        peers.push(peer);
    }
    for report in ours.join_all().await {
        by.insert(report?.by);
    }
    println!("  creations here: {}, there: {created}", CREATED.load(Ordering::Relaxed) - before);
    let by: Vec<String> = by.into_iter().collect();
    println!("  all 12 have that of {}, after {:.0?}", by.join(" and "), start.elapsed());
    Ok(peers)
}
