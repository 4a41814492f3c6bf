//! An argument that cannot be part of a key.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

struct Db;

#[cached(region = USERS)]
async fn load_user(db: &Db, id: u64) -> String {
    let _ = db;
    id.to_string()
}

fn main() {}
