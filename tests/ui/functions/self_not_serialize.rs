//! A self that cannot be part of a key.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

struct Repo;

#[cached(region = USERS)]
impl Repo {
    #[cached]
    async fn load(&self, id: u64) -> String {
        id.to_string()
    }
}

fn main() {}
