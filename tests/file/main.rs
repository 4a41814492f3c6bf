//! The `File` backend: alone, full, shared by processes, killed, damaged.
#![cfg(all(feature = "backend-file", unix, target_pointer_width = "64"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod child;
mod damage;
mod limits;
mod lock;
mod lock_processes;
mod processes;
mod single;

use std::{future::Future, time::Duration};

use larder::{Backend, Bytes, File, Key, WriteOpts};

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub(crate) async fn put(file: &File, key: impl Into<Key<'_>>, value: impl Into<Bytes>) {
    file.set(key.into(), value.into(), WriteOpts::default()).await.unwrap();
}

pub(crate) async fn get(file: &File, key: impl Into<Key<'_>>) -> Option<Bytes> {
    file.get(key.into()).await.unwrap()
}

/// Polls until `holds`.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..10_000 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("never: {what}");
}

/// Numbers that look random and are the same every time.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// A value that says by itself whether it is whole, and whose it is.
pub(crate) fn value(key: &str, seed: u64, len: usize) -> Bytes {
    let mut dice = Dice::new(seed ^ key.len() as u64);
    let mut out = Vec::with_capacity(len + 16 + key.len());
    out.extend_from_slice(&seed.to_le_bytes());
    out.extend_from_slice(&(len as u64).to_le_bytes());
    out.extend_from_slice(key.as_bytes());
    out.extend((0..len).map(|_| u8::try_from(dice.roll(256)).unwrap()));
    out.into()
}

pub(crate) fn assert_whole(key: &str, found: &[u8]) {
    let seed = u64::from_le_bytes(found[..8].try_into().unwrap());
    let len = u64::from_le_bytes(found[8..16].try_into().unwrap());
    assert_eq!(found, value(key, seed, usize::try_from(len).unwrap()), "{key} is torn");
}
