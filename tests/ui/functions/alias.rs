//! A result by another name, whose errors would be cached.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<Loaded>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

type Loaded = Result<String, std::fmt::Error>;

#[cached(region = USERS)]
fn load_user(id: u64) -> Loaded {
    Ok(id.to_string())
}

fn main() {}
