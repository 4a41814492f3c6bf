//! What a cached function adds to the hit it stands on: the key it writes.

#![expect(clippy::unused_async, reason = "what would be slow work")]

use std::{fmt::Write as _, hint::black_box, sync::LazyLock};

use larder::{LayerExt, Logging, Memo, Region, cached, function::KeyText};

use crate::{
    USER, User,
    harness::{self, Table, now},
};

static USERS: LazyLock<Region<Logging<Memo<User>>>> =
    LazyLock::new(|| Memo::new().logging().region());

#[cached(region = USERS, key = "user:{id}")]
async fn by_template(id: u64) -> User {
    User { id, ..black_box(USER) }
}

#[cached(region = USERS)]
async fn derived(id: u64) -> User {
    User { id, ..black_box(USER) }
}

#[cached(region = USERS, key = "user:{id}")]
fn blocking(id: u64) -> User {
    User { id, ..black_box(USER) }
}

pub fn run() {
    let keys: Vec<String> = (0..1_000).map(|n| format!("user:{n}")).collect();
    for n in 0..1_000 {
        now(by_template(n));
        now(derived(n));
    }
    let mut n = 0;
    let mut next = move || {
        n = (n + 1) % 1_000;
        black_box(n)
    };
    let mut table = Table::new("Cached functions, one thread", "ns", 20_000);
    let mut turn = harness::turns(&keys);
    table.row("Region<Logging<Memo<T>>>: get_or_create", move || {
        now(USERS.get_or_create(turn(), async || black_box(USER))).expect("no error")
    });
    table.row("the same, the key written by `write!` on the stack", {
        let mut next = next;
        move || {
            let mut key = KeyText::new();
            _ = write!(key, "user:{}", next());
            now(USERS.get_or_create(key.as_str(), async || black_box(USER))).expect("no error")
        }
    });
    table.row("the same, the key written by `format!`", {
        let mut next = next;
        move || {
            let key = format!("user:{}", next());
            now(USERS.get_or_create(&key, async || black_box(USER))).expect("no error")
        }
    });
    table.row("#[cached(key = \"user:{id}\")]", {
        let mut next = next;
        move || now(by_template(next()))
    });
    table.row("the same, not asynchronous", {
        let mut next = next;
        move || blocking(next())
    });
    table.row("#[cached], derived key", move || now(derived(next())));
    table.print();
}
