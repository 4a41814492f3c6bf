//! A batch without a list.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

#[cached_multi(region = USERS)]
async fn load_users(id: u64) -> Vec<(u64, String)> {
    vec![(id, id.to_string())]
}

fn main() {}
