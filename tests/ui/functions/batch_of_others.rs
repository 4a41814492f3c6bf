//! A batch of other items than its single form takes.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

#[cached(region = USERS)]
async fn load_user(id: u64) -> String {
    id.to_string()
}

#[cached_multi(of = load_user)]
async fn load_users(names: &[String]) -> Vec<(String, String)> {
    names.iter().map(|name| (name.clone(), name.clone())).collect()
}

fn main() {}
