//! A batch whose error cannot be handed to all who waited.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

#[derive(Debug)]
pub struct LoadError;

#[cached_multi(region = USERS)]
async fn load_users(ids: &[u64]) -> Result<Vec<(u64, String)>, LoadError> {
    let _ = ids;
    Err(LoadError)
}

fn main() {}
