//! What each level of a stack costs: time, instructions, allocations, side by side in one process.
//!
//! `cargo bench --bench stack` starts its own `redis-server`; with valgrind it counts instructions, too.
//! `-- --check` compares the instructions of hits inside the process with those of `instructions.json` and fails
//! when one grew by more than 5 % (25 % with another compiler than the one that wrote them); `-- --bless` writes them down.

#![allow(clippy::panic, missing_docs, reason = "a program, not a library")]

mod case;
mod functions;
mod guard;
mod instructions;
mod levels;
mod observed;
mod other_keys;
mod redis_by_hand;
mod redis_calls;
mod redis_throughput;
mod sizes;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;

use case::Section;
use larder_benches::{Report, Table, timed};
use support::redis_server::RedisServer;

/// Calls of a round.
const CALLS: u32 = 20_000;

fn sections() -> Vec<Section> {
    vec![
        levels::typed(),
        levels::bytes(),
        functions::section(),
        observed::metered(),
        observed::recorded(),
        other_keys::section(),
    ]
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--check"] => return guard::check(&sections()),
        ["--bless"] => return guard::bless(&sections()),
        ["--run", section, case] => run(section, case),
        ["--redis", url, row] => instructions::run(redis_calls::start(row, url)),
        _ => measure(),
    }
    ExitCode::SUCCESS
}

/// One case, for who counts.
fn run(section: &str, case: &str) {
    let sections = sections();
    let section = sections.iter().find(|one| one.title == section).expect("a section");
    let case = section.cases.iter().find(|one| one.name == case).expect("a case");
    instructions::run((case.start)());
}

fn measure() {
    let mut report = Report::new("stack");
    let counting = instructions::available();
    let sections = sections();
    let mut counts = if counting { guard::counted(&sections) } else { Vec::new() }.into_iter();
    for section in sections {
        let mut table = Table::new(section.title, "ns", CALLS);
        let mut counts = counts.next().unwrap_or_default().into_iter();
        for case in section.cases {
            let mut work = (case.start)();
            table.batch(case.name, move || timed(CALLS, || work(CALLS)));
            if let Some(count) = counts.next() {
                table.figure("instructions", count);
            }
        }
        report.table(table);
    }
    let server = RedisServer::start();
    redis_calls::measure(&mut report, &server, counting);
    redis_throughput::measure(&mut report, &server);
    sizes::measure(&mut report);
    report.save();
}
