//! An attribute that is nearly one.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

#[cached(region = USERS, expires_after = "5m")]
async fn load_user(id: u64) -> String {
    id.to_string()
}

fn main() {}
