//! A region needs a format above the codec.
use larder::*;

async fn set(region: &Region<Logging<Msgpack<Memory>>>) -> Result<()> {
    region.set("k", 1_u8).await
}

fn main() {}
