//! A thousand tasks ask for one missing key, whose creation takes 50 ms: how many creations there are, and
//! how much longer than one of them the last task waits.
//!
//! Then the same where the first task is dropped in the middle of its creation, and where the first creation
//! panics. `cargo bench --bench stampede`. The part with Redis starts its own `redis-server`.

#![allow(clippy::panic, missing_docs, reason = "a program, not a library")]

mod contenders;
mod rush;

use std::{panic, time::Duration};

use larder_benches::{Contender, Python, Report, User, origin};
use serde_json::{Value, json};

use contenders::{LarderMemo, LarderRedis, NoProtection, QuickCache, server};
use rush::{Outcome, Rush, rush};

/// What one creation takes.
const CREATION: Duration = Duration::from_millis(50);
const TASKS: u32 = 1_000;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let _context = runtime.enter();
    // Panics are part of it.
    panic::set_hook(Box::new(|_| {}));
    origin::takes(CREATION);
    server();
    let mut report = Report::new("stampede");
    for (title, rush, rounds) in [
        ("A missing key", Rush::Cold, 21),
        ("A missing key, and the first task is dropped at 25 ms", Rush::Dropped, 5),
        ("A missing key, and the first creation panics", Rush::Panic, 5),
    ] {
        println!(
            "\n{title}: {TASKS} tasks, a creation takes {} ms ({rounds} rounds)",
            CREATION.as_millis()
        );
        println!("{:<48} {:>9} {:>16} {:>10}", "", "creations", "over a creation", "not served");
        let mut rows = vec![
            row::<NoProtection>("quick_cache: get, else insert", rush, rounds),
            row::<QuickCache>("quick_cache: get_or_insert_async", rush, rounds),
            row::<LarderMemo>("larder: Region<Logging<Memo<T>>>", rush, rounds),
            row::<LarderRedis>("larder: over Redis, with RedisLock", rush, rounds),
        ];
        #[cfg(feature = "peers")]
        {
            use larder_benches::peers::{Cached, Cachet, Foyer, Hitbox, Moka};
            rows.extend([
                row::<Moka<User, false>>("moka: get_with_by_ref", rush, rounds),
                row::<Foyer<User>>("foyer: get_or_fetch", rush, rounds),
                row::<Cached>("cached: #[cached], async, by key", rush, rounds),
                row::<Cachet<User>>("cachet: get_or_insert", rush, rounds),
                row::<Hitbox<User>>("hitbox: #[cached] over moka", rush, rounds),
            ]);
        }
        if rush == Rush::Cold {
            rows.extend(python());
        }
        for (contender, row) in rows {
            report.row(title, &contender, &row);
        }
    }
    report.save();
}

/// Rounds of one contender, each with a key of its own.
fn row<C: Contender<User>>(name: &str, kind: Rush, rounds: u32) -> (String, Value) {
    let outcomes: Vec<Outcome> = rush::<C>(kind, rounds);
    let creations = outcomes.iter().map(|outcome| outcome.creations).max();
    let unserved = outcomes.iter().map(|outcome| outcome.unserved).max();
    let mut over: Vec<f64> = outcomes.iter().map(|outcome| outcome.over).collect();
    over.sort_by(f64::total_cmp);
    said(name, creations.unwrap_or(0), over[over.len() / 2], unserved.unwrap_or(0))
}

fn said(name: &str, creations: u64, over: f64, unserved: u64) -> (String, Value) {
    let millis = over * 1e3;
    println!("{name:<48} {creations:>9} {millis:>13.1} ms {unserved:>10}");
    let row =
        json!({ "creations": creations, "over a creation, ms": millis, "not served": unserved });
    (name.to_owned(), row)
}

/// The Python original, with threads for tasks.
fn python() -> Option<(String, Value)> {
    let mut python = Python::start("stampede.py", &[])?;
    let answer: Value = serde_json::from_str(&python.ask(&TASKS.to_string())).expect("JSON");
    let number = |name: &str| answer[name].as_f64().expect("a number");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
    Some(said(
        "dogpile.cache, memory (Python threads)",
        number("creations") as u64,
        number("seconds") - CREATION.as_secs_f64(),
        number("unserved") as u64,
    ))
}
