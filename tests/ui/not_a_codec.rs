//! The codec alone, not the codec over a backend.
use larder::*;

fn main() {
    let _ = Coded::with(Json::new(Memory::new()), Memory::new());
}
