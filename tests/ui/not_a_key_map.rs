//! A level is no map of keys.
use larder::*;

fn main() {
    let _ = Memory::new().keyed(Prefixed::new("app:", Memory::new()));
}
