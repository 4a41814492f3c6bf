//! A template that names no argument.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

#[cached(region = USERS, key = "user:{user_id}")]
async fn load_user(id: u64, name: &str) -> String {
    format!("{id}{name}")
}

fn main() {}
