//! A lifetime that is a number.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

#[cached(region = USERS, expire_after = 300)]
async fn load_user(id: u64) -> String {
    id.to_string()
}

fn main() {}
