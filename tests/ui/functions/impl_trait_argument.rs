//! An argument whose type has no name.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

#[cached(region = USERS)]
async fn load_user(id: impl ToString) -> String {
    id.to_string()
}

fn main() {}
