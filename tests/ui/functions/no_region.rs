//! A function does not say where its values are kept.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

#[cached(key = "user:{id}")]
async fn load_user(id: u64) -> String {
    id.to_string()
}

fn main() {}
