//! `Hstore` needs a backend with hashes.
use larder::*;

fn main() {
    let _ = Hstore::new(Hstore::new(Memory::new()));
}
