//! A method of a trait.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

trait Load {
    fn load(&self, id: u64) -> String;
}

struct Repo;

#[cached(region = USERS)]
impl Load for Repo {
    #[cached(key = "{id}")]
    fn load(&self, id: u64) -> String {
        id.to_string()
    }
}

fn main() {}
