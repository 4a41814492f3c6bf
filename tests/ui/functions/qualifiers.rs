//! Functions that more than the compiler knows depends on.
use larder::*;

static USERS: std::sync::LazyLock<Region<Memo<String>>> =
    std::sync::LazyLock::new(|| Memo::new().region());

#[cached(region = USERS)]
unsafe fn load_user(id: u64) -> String {
    id.to_string()
}

#[cached(region = USERS)]
const fn name() -> String {
    String::new()
}

#[cached(region = USERS)]
extern "C" fn called_from_c(id: u64) -> String {
    id.to_string()
}

fn main() {}
