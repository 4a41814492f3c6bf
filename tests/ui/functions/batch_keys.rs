//! A batch whose values belong to other items than it is asked for.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

#[cached_multi(region = USERS)]
async fn load_users(ids: &[u64]) -> std::collections::HashMap<String, String> {
    ids.iter().map(|id| (id.to_string(), id.to_string())).collect()
}

fn main() {}
