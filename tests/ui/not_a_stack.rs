//! A region is built over a stack.
use larder::*;

fn main() {
    let _ = Region::new(String::new());
}
