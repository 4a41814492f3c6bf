//! A typed store keeps its own type only.
use larder::*;

async fn set(region: &Region<Logging<Memo<u32>>>) -> Result<()> {
    region.set("k", String::new()).await
}

fn main() {}
