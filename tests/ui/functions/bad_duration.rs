//! A lifetime that is none.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

#[cached(region = USERS, expire_after = "5 parsecs")]
async fn load_user(id: u64) -> String {
    id.to_string()
}

fn main() {}
