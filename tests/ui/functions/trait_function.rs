//! Functions of a trait.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

trait Load {
    #[cached(region = USERS)]
    fn load(id: u64) -> String;

    #[cached(region = USERS)]
    fn load_of(&self, id: u64) -> String {
        id.to_string()
    }
}

fn main() {}
