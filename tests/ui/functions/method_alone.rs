//! A method whose impl is not cached.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

struct Repo;

impl Repo {
    #[cached(region = USERS, skip(self))]
    async fn load(&self, id: u64) -> String {
        id.to_string()
    }
}

fn main() {}
