//! What a cached function adds to the hit it stands on: the key it writes.

use std::{fmt::Write as _, hint::black_box, sync::LazyLock};

use larder::{LayerExt, Logging, Memo, Region, cached, function::KeyText};
use larder_benches::{User, Value as _, now};

use crate::case::{Section, Work, create, each, filled, repeated};

static USERS: LazyLock<Region<Logging<Memo<User>>>> =
    LazyLock::new(|| filled(Memo::new().logging().region()));

#[cached(region = USERS, key = "user:{id}")]
async fn by_template(id: u64) -> User {
    User { id, ..create().await }
}

#[cached(region = USERS)]
async fn derived(id: u64) -> User {
    User { id, ..create().await }
}

#[cached(region = USERS, key = "user:{id}")]
fn blocking(id: u64) -> User {
    User { id, ..black_box(User::sample()) }
}

pub fn section() -> Section {
    Section::new("Cached functions")
        .case("Region<Logging<Memo<T>>>: get_or_create", || {
            each(|key| now(USERS.get_or_create(key, create)).expect("no error"))
        })
        .case("the same, the key written by `write!` on the stack", || {
            numbers(|n| {
                let mut key = KeyText::new();
                _ = write!(key, "user:{n}");
                now(USERS.get_or_create(key.as_str(), create)).expect("no error")
            })
        })
        .case("the same, the key written by `format!`", || {
            numbers(|n| now(USERS.get_or_create(&format!("user:{n}"), create)).expect("no error"))
        })
        .case("#[cached(key = \"user:{id}\")]", || numbers(|n| now(by_template(n))))
        .case("the same, not asynchronous", || numbers(blocking))
        .case("#[cached], derived key", || numbers(|n| now(derived(n))))
}

/// Work that makes `call` for one number after the other; each was called before.
fn numbers(call: impl Fn(u64) -> User + 'static) -> Work {
    let mut n = 0;
    for n in 0..1_000 {
        call(n);
    }
    repeated(move || {
        n = (n + 1) % 1_000;
        call(black_box(n))
    })
}
