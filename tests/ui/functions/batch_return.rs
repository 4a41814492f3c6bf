//! A batch whose values belong to nobody.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

#[cached_multi(region = USERS)]
async fn load_users(ids: &[u64]) -> std::collections::HashSet<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn main() {}
