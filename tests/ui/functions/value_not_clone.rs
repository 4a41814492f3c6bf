//! A value of which there is only one.
use larder::*;
use serde::{Deserialize, Serialize};

static USERS: std::sync::LazyLock<Region<IntTime<Json<Memory>>>> =
    std::sync::LazyLock::new(|| Memory::new().json().int_time().region());

#[derive(Serialize, Deserialize)]
pub struct User;

#[cached(region = USERS)]
async fn load_user(id: u64) -> User {
    let _ = id;
    User
}

fn main() {}
