//! What a hit costs through a whole stack, beside the same work written by hand, in one run.
//!
//! `cargo bench --bench hit`. The Redis part starts its own `redis-server`.

#![allow(clippy::panic, missing_docs, unreachable_pub, reason = "a program, not a library")]

#[cfg(feature = "macros")]
mod functions;
mod harness;
#[cfg(feature = "observe-metered")]
mod metered;
mod other_keys;
#[cfg(feature = "observe-recorded")]
mod recorded;
mod redis_hit;

use std::{hint::black_box, time::Duration};

use harness::{Table, now};
use larder::{
    BackendExt, Created, IntTime, LayerExt, Logging, Memo, Memory, PayloadExt, Postcard, Region,
    Store, Tiered,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub id: u64,
    pub age: u32,
    pub score: f64,
}

pub const USER: User = User { id: 15, age: 31, score: 0.5 };

fn main() {
    in_process();
    #[cfg(feature = "macros")]
    functions::run();
    #[cfg(feature = "observe-metered")]
    metered::run(&keys());
    other_keys::run(&keys());
    #[cfg(feature = "observe-recorded")]
    recorded::run(&keys());
    redis_hit::run();
}

/// A thousand keys, asked for in turn.
fn keys() -> Vec<String> {
    (0..1_000).map(|n| format!("user:{n}")).collect()
}

fn filled<S: Store<User>>(keys: &[String], region: Region<S>) -> Region<S> {
    for key in keys {
        now(region.set(key, USER)).expect("memory takes everything");
    }
    region
}

fn in_process() {
    let keys = keys();
    let bare = quick_cache::sync::Cache::<String, User>::new(100_000);
    for key in &keys {
        bare.insert(key.clone(), USER);
    }
    let memo: Region<Memo<User>> = filled(&keys, Memo::new().region());
    let logging: Region<Logging<Memo<User>>> = filled(&keys, Memo::new().logging().region());
    let expiring: Region<Logging<Memo<User>>> = {
        let builder = Region::builder(Memo::new().logging());
        filled(&keys, builder.expire_after(Duration::from_secs(3600)).build().expect("sound"))
    };
    let bytes: Region<Logging<IntTime<Postcard<Memory>>>> =
        filled(&keys, Memory::new().postcard().int_time().logging().region());

    let tiers: Region<Tiered<Memo<User>, IntTime<Postcard<Memory>>>> =
        filled(&keys, Memory::new().postcard().int_time().behind(Memo::new()).region());

    let (blocking, rich) = (logging.blocking(), logging.clone());
    let mut table = Table::new("Inside the process, one thread", "ns", 20_000);
    let mut turn = harness::turns(&keys);
    table.row("quick_cache: get", move || bare.get(turn()).expect("a hit"));
    let mut turn = harness::turns(&keys);
    table.row("Region<Memo<T>>: get", move || {
        now(memo.get::<User>(turn())).expect("no error").expect("a hit")
    });
    let (mut turn, region) = (harness::turns(&keys), logging.clone());
    table.row("Region<Logging<Memo<T>>>: get", move || {
        now(region.get::<User>(turn())).expect("no error").expect("a hit")
    });
    let mut turn = harness::turns(&keys);
    table.row("Region<Logging<Memo<T>>>: get_or_create", move || {
        now(logging.get_or_create(turn(), async || black_box(USER))).expect("no error")
    });
    let (mut turn, region) = (harness::turns(&keys), rich);
    table.row("the same, get_or_create_with", move || {
        let create = async || Created::new(black_box(USER));
        now(region.get_or_create_with(turn(), create)).expect("no error").expect("a hit")
    });
    let (mut turn, region) = (harness::turns(&keys), blocking);
    table.row("the same, blocking()", move || {
        region.get_or_create(turn(), || black_box(USER)).expect("no error")
    });
    let mut turn = harness::turns(&keys);
    table.row("the same with an expiry (reads the clock twice)", move || {
        now(expiring.get_or_create(turn(), async || black_box(USER))).expect("no error")
    });
    let mut turn = harness::turns(&keys);
    table.row("Region<Tiered<Memo<T>, ..>>: get_or_create", move || {
        now(tiers.get_or_create(turn(), async || black_box(USER))).expect("no error")
    });
    let mut turn = harness::turns(&keys);
    table.row("Region<Logging<IntTime<Postcard<Memory>>>>: get_or_create", move || {
        now(bytes.get_or_create(turn(), async || black_box(USER))).expect("no error")
    });
    table.print();
}
