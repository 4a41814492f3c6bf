//! Many tasks, each asking for many files.

use std::{
    future::Future,
    io,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use larder::Failure;
use tokio::task::JoinSet;

use crate::{
    files::{Facts, Spot},
    report::Tally,
};

/// Has `callers` tasks ask for each file at about the same time, and for as many files side by side
/// as there are `workers`.
pub(crate) async fn visit<Asked>(
    what: &'static str,
    files: &'static [Spot],
    (workers, callers): (usize, usize),
    ask: impl Fn(&'static Spot) -> Asked + Clone + Send + 'static,
) -> (Tally, Duration)
where
    Asked: Future<Output = Result<Facts, Failure<io::Error>>> + Send + 'static,
{
    let bar = bar(what, files.len());
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for worker in 0..workers {
        for caller in 0..callers {
            // Callers of a file go the same way. They meet at every file that has to be read,
            // because they wait for each other there.
            let (ask, bar) = (ask.clone(), bar.clone());
            tasks.spawn(async move {
                let mut tally = Tally::default();
                for spot in files.iter().skip(worker).step_by(workers) {
                    let answer = ask(spot).await;
                    // All callers get the same answer. One of them counts it.
                    if caller == 0 {
                        tally.add(spot, answer);
                        bar.inc(1);
                    }
                }
                tally
            });
        }
    }
    let tallies = tasks.join_all().await;
    let took = start.elapsed();
    bar.finish_and_clear();
    (tallies.into_iter().fold(Tally::default(), Tally::merge), took)
}

// Drawn on stderr, and only if that is a terminal.
fn bar(what: &'static str, files: usize) -> ProgressBar {
    let template = "{msg:<16} {wide_bar} {pos}/{len} files";
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
    ProgressBar::new(files as u64).with_style(style).with_message(what)
}
