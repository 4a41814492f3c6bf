//! A serialized stack needs values that can be serialized.
use larder::*;

#[derive(Clone)]
struct User;

async fn create(region: &Region<Logging<IntTime<Msgpack<Hstore<Memory>>>>>) -> Result<User> {
    region.get_or_create("k", async || User).await
}

fn main() {}
