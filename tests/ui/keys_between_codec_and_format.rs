//! Layers that change keys go around a backend or a format, not between codec and format.
use larder::*;

fn main() {
    let _ = Memory::new().json().prefixed("app:").int_time();
}
