//! How long a copy in one process outlives a write in another.
//!
//! Two processes, each with `Tiered<Memo<u64>, ..Redis..>` over one server. The other one writes and says
//! when its write returned; this one reads all the time, and notes when it first saw the new value. Until
//! then it served the old one.
#![expect(clippy::panic, reason = "a benchmark without a server panics")]

#[path = "../../tests/support/mod.rs"]
mod support;

use std::{
    env,
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use larder::{
    BackendExt, Changes, Framed, LayerExt, Memo, PayloadExt, Postcard, Redis, RedisChannel, Region,
    Tiered,
};
use larder_benches::Report;
use support::redis_server::RedisServer;
use tokio::runtime::{Builder, Runtime};

const URL: &str = "LARDER_COHERENCE_URL";
const HOW: &str = "LARDER_COHERENCE_HOW";
const ROUNDS: u64 = 2_000;

type Copies<C> = Region<Tiered<Memo<u64>, Framed<Postcard<Redis>>, C>>;

fn main() {
    match (env::var(URL), env::var(HOW).as_deref()) {
        (Ok(url), Ok("tracking")) => write(&runtime(), &tracked(&url)),
        (Ok(url), _) => {
            let runtime = runtime();
            let region = runtime.block_on(told(&url));
            write(&runtime, &region);
        }
        _ => measure(),
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970")
}

fn tracked(url: &str) -> Copies<Redis> {
    let redis = Redis::builder(url).tracking("").build().expect("a URL of ours");
    let far = redis.clone().postcard().framed();
    far.behind(Memo::new()).coherent(redis).expect("it tracks").region()
}

async fn told(url: &str) -> Copies<RedisChannel> {
    let redis = Redis::new(url).expect("a URL of ours");
    let channel = RedisChannel::new(&redis, "changes");
    channel.ping().await.expect("the server answers");
    let far = redis.postcard().framed();
    far.behind(Memo::new()).coherent(channel).expect("it tells").region()
}

/// The other process: writes what it is told, and says when that was done.
fn write<C: Changes + 'static>(runtime: &Runtime, region: &Copies<C>) {
    for line in std::io::stdin().lines() {
        let value: u64 = line.expect("a line").parse().expect("a number");
        runtime.block_on(region.set("k", value)).expect("a write");
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", now().as_nanos()).expect("a reader");
        out.flush().expect("a reader");
    }
}

/// The writer, from here.
struct Other {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Other {
    fn start(url: &str, how: &str) -> Self {
        let mut child = Command::new(env::current_exe().expect("this program"))
            .env(URL, url)
            .env(HOW, how)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program");
        let input = child.stdin.take().expect("its input");
        let output = BufReader::new(child.stdout.take().expect("its output")).lines();
        Self { child, input, output }
    }

    fn order(&mut self, value: u64) {
        writeln!(self.input, "{value}").expect("the other process");
    }

    fn returned(&mut self) -> Duration {
        let line = self.output.next().expect("an answer").expect("a line");
        Duration::from_nanos(line.parse().expect("a time"))
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn measure() {
    let server = RedisServer::start();
    println!("How long a copy outlives a write in another process ({ROUNDS} writes)");
    println!(
        "{:<44}{:>10}{:>8}{:>10}{:>10}{:>12}",
        "", "median", "ratio", "99 %", "longest", "gone before"
    );
    let (mut report, mut first) = (Report::new("coherence"), None);
    for (path, url) in [("a UNIX socket", server.unix_url()), ("TCP", server.tcp_url())] {
        let runtime = runtime();
        let region = tracked(&url);
        let windows = windows(&runtime, &region, Other::start(&url, "tracking"));
        row(&mut report, &format!("client tracking, {path}"), &windows, &mut first);
        let region = runtime.block_on(told(&url));
        let windows = self::windows(&runtime, &region, Other::start(&url, ""));
        row(&mut report, &format!("publish and subscribe, {path}"), &windows, &mut first);
    }
    report.save();
}

/// How long each copy outlived its write, the shortest first.
fn windows<C: Changes + 'static>(
    runtime: &Runtime,
    region: &Copies<C>,
    mut other: Other,
) -> Vec<Duration> {
    let mut windows: Vec<Duration> = (0..ROUNDS)
        .map(|round| {
            let read = || runtime.block_on(region.get::<u64>("k")).expect("a read");
            // A copy of the old value.
            read();
            read();
            other.order(round);
            while read() != Some(round) {}
            let seen = now();
            seen.saturating_sub(other.returned())
        })
        .collect();
    windows.sort_unstable();
    windows
}

/// Prints a row, its median as a ratio to that of the `first`.
fn row(report: &mut Report, name: &str, windows: &[Duration], first: &mut Option<Duration>) {
    let of = |share: usize| windows[(windows.len() - 1) * share / 1000];
    let at_once = windows.iter().filter(|window| window.is_zero()).count() * 100 / windows.len();
    let ratio = of(500).as_secs_f64() / first.get_or_insert(of(500)).as_secs_f64();
    let [median, most, longest] = [500, 990, 1000].map(|share| of(share).as_micros());
    println!("{name:<44}{median:>7} us{ratio:>8.2}{most:>7} us{longest:>7} us{at_once:>10} %",);
    let micros = |time: u128| u64::try_from(time).expect("no age of the world");
    let row = serde_json::json!({
        "median, us": micros(median), "ratio": ratio, "99 %, us": micros(most), "longest, us": micros(longest),
        "gone before the write returned, %": at_once,
    });
    report.row("How long a copy outlives a write in another process", name, &row);
    assert!(of(500) < Duration::from_millis(5), "half of the copies go within 5 ms");
}
