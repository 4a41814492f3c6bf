//! A method that changes something.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

struct Repo;

#[cached(region = USERS)]
impl Repo {
    #[cached(key = "{id}")]
    async fn load(&mut self, id: u64) -> String {
        id.to_string()
    }
}

fn main() {}
