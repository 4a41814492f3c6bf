//! A value whose type has no name.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

#[cached(region = USERS)]
fn names(id: u64) -> impl Iterator<Item = String> {
    std::iter::once(id.to_string())
}

fn main() {}
