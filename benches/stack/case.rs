//! What is measured, for the clock and for the count of instructions alike.

use std::{hint::black_box, sync::LazyLock};

use larder::{Region, Store};
use larder_benches::{User, Value as _, now};

/// Makes so many calls.
pub type Work = Box<dyn FnMut(u32)>;

/// Sets something up, and gives what calls it.
pub struct Case {
    pub name: &'static str,
    pub start: fn() -> Work,
}

/// Cases beside each other, the first as the measure of the others.
pub struct Section {
    pub title: &'static str,
    pub cases: Vec<Case>,
}

impl Section {
    pub fn new(title: &'static str) -> Self {
        Self { title, cases: Vec::new() }
    }

    #[must_use]
    pub fn case(mut self, name: &'static str, start: fn() -> Work) -> Self {
        self.cases.push(Case { name, start });
        self
    }
}

static KEYS: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..1_000).map(|n| format!("user:{n}")).collect());

/// A thousand keys.
pub fn keys() -> &'static [String] {
    &KEYS
}

/// Work that makes `call` for one key after the other, round and round.
pub fn each<R>(mut call: impl FnMut(&'static str) -> R + 'static) -> Work {
    let (keys, mut n) = (keys(), 0);
    repeated(move || {
        n = (n + 1) % keys.len();
        call(black_box(keys[n].as_str()))
    })
}

/// Work that makes the same call again and again.
pub fn repeated<R>(mut call: impl FnMut() -> R + 'static) -> Work {
    Box::new(move |times| {
        for _ in 0..times {
            black_box(call());
        }
    })
}

/// Work that reads through `region`, where everything is.
pub fn hits<S: Store<User> + 'static>(region: Region<S>) -> Work {
    let region = filled(region);
    each(move |key| now(region.get_or_create(key, create)).expect("no error"))
}

/// A creation, which never takes place.
pub async fn create() -> User {
    black_box(User::sample())
}

/// `region` with a value under each of the keys.
pub fn filled<S: Store<User>>(region: Region<S>) -> Region<S> {
    for key in keys() {
        now(region.set(key, User::sample())).expect("memory takes everything");
    }
    region
}
