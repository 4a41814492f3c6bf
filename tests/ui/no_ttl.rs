//! Only some stacks keep a lifetime for each entry.
use larder::*;

async fn set(region: &Region<Logging<IntTime<Msgpack<Memory>>>>) -> Result<()> {
    region.with_ttl(std::time::Duration::from_secs(1)).set("k", 1_u8).await
}

fn main() {}
