//! Only some stacks keep a lifetime for each entry.
use larder::*;

async fn set(region: &Region<Logging<IntTime<Msgpack<Memory>>>>) -> Result<()> {
    region.set_with_ttl("k", 1_u8, std::time::Duration::from_secs(1)).await
}

fn main() {}
