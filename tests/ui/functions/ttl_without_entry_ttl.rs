//! A lifetime for each entry, in a stack that keeps none.
use std::time::Duration;

use larder::*;

static USERS: std::sync::LazyLock<Region<IntTime<Json<Memory>>>> =
    std::sync::LazyLock::new(|| Memory::new().json().int_time().region());

#[cached(region = USERS, ttl = |name: &String| Duration::from_secs(name.len() as u64))]
async fn load_user(id: u64) -> String {
    id.to_string()
}

fn main() {}
