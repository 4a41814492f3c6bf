//! A format needs a codec below it.
use larder::*;

fn main() {
    let _ = IntTime::new(Memory::new());
}
