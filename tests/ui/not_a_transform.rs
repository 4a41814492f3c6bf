//! A transform changes bytes; a codec over a backend is none.
use larder::*;

fn main() {
    let _ = Memory::new().transform(Json::new(Memory::new()));
}
