//! A region that is none.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

static TEXT: &str = "users";

#[cached(region = TEXT)]
async fn load_user(id: u64) -> String {
    id.to_string()
}

fn main() {}
