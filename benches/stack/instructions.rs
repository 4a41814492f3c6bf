//! Instructions, counted by valgrind's callgrind.
//!
//! This program runs itself under it, a process for each case, and callgrind collects inside one function
//! only: starting and filling are not counted, nor is the first turn through the keys. What is left to
//! chance are the seeds of hash tables.

use std::{
    env,
    hint::black_box,
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, available_parallelism},
};

use crate::case::Work;

/// Calls that are counted, and calls before them.
const CALLS: u32 = 4_000;

/// Whether there is a valgrind.
pub fn available() -> bool {
    let there =
        Command::new("valgrind").arg("--version").output().is_ok_and(|said| said.status.success());
    if !there {
        eprintln!("no valgrind here: instructions are left out");
    }
    there
}

/// Instructions of a call of each of `cases`, which are arguments of this program.
///
/// # Panics
///
/// If one fails.
pub fn of(cases: &[Vec<String>]) -> Vec<f64> {
    let (next, counted) = (AtomicUsize::new(0), Mutex::new(vec![0.0; cases.len()]));
    let threads = available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, SeqCst);
                    let Some(case) = cases.get(at) else { return };
                    let count = per_call(case);
                    counted.lock().expect("no panic")[at] = count;
                }
            });
        }
    });
    counted.into_inner().expect("no panic")
}

/// Instructions of a call of `case`.
pub fn per_call(case: &[String]) -> f64 {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--toggle-collect=larder_counted",
        ])
        .arg(env::current_exe().expect("this program"))
        .args(case)
        .output()
        .expect("valgrind");
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    match collected.and_then(|(_, count)| count.split_whitespace().next()?.parse::<f64>().ok()) {
        Some(count) if output.status.success() => count / f64::from(CALLS),
        _ => panic!("{case:?} under valgrind: {text}"),
    }
}

/// What a process does that is counted.
pub fn run(mut work: Work) {
    work(CALLS);
    larder_counted(&mut work);
}

/// By this name callgrind knows where to collect.
#[unsafe(no_mangle)]
#[inline(never)]
fn larder_counted(work: &mut Work) {
    work(CALLS);
    // No jump into the work: this function has to be left.
    black_box(());
}
