//! An error that cannot be handed to all who waited.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

#[derive(Debug)]
pub struct LoadError;

#[cached(region = USERS)]
async fn load_user(id: u64) -> Result<String, LoadError> {
    let _ = id;
    Err(LoadError)
}

fn main() {}
