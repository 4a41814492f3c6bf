//! A batch whose values come without their items.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

#[cached_multi(region = USERS)]
async fn load_users(ids: &[u64]) -> Result<Vec<String>, std::fmt::Error> {
    Ok(ids.iter().map(ToString::to_string).collect())
}

fn main() {}
