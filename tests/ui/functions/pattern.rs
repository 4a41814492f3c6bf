//! An argument without a name.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

#[cached(region = USERS)]
fn sum((a, b): (u64, u64)) -> String {
    (a + b).to_string()
}

fn main() {}
