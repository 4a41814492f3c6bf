//! A proxy goes around a format or a backend, not between format and codec.
use larder::*;

fn main() {
    let _ = IntTime::new(Logging::new(Msgpack::new(Memory::new())));
}
