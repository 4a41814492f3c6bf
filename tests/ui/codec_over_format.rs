//! A codec goes below a format.
use larder::*;

fn main() {
    let _ = Json::new(IntTime::new(Json::new(Memory::new())));
}
