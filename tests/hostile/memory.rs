#![expect(unsafe_code, reason = "an allocator that counts")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    any::type_name,
    cell::Cell,
    fmt::Debug,
};

use larder::{Bytes, Codec, Format};
use serde::de::DeserializeOwned;

/// Counts what this thread has allocated. A reallocation counts as both blocks at once.
struct Counting;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

fn grow(by: usize) {
    NOW.set(NOW.get() + by);
    PEAK.set(PEAK.get().max(NOW.get()));
}

fn shrink(by: usize) {
    // What another thread allocated may be freed here.
    NOW.set(NOW.get().saturating_sub(by));
}

// SAFETY: hands everything to `System` as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        shrink(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        grow(size);
        shrink(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How much memory there may be: so many bytes for each byte of input, and so many more.
#[derive(Clone, Copy)]
pub(crate) struct Bound(usize, usize);

/// An element that takes one byte, in a table twice rounded up to a power of two, and once more
/// while it grows. And the text of an error.
pub(crate) const ORDINARY: Bound = Bound(100, 8 << 10);
/// Maps of maps: an entry is 73 bytes of a table, or one of eleven in a node.
pub(crate) const NODES: Bound = Bound(320, 8 << 10);
/// serde buffers the content of an untagged enum, 32 bytes an element, once more for each level of
/// a recursive one: 127 times.
pub(crate) const UNTAGGED: Bound = Bound(127 * 36, 8 << 10);
/// 4096 elements of 8 bytes that take no byte of input, in a vector that doubles.
pub(crate) const FROM_NOTHING: Bound = Bound(100, 112 << 10);

impl Bound {
    /// Of a pickle: its own parts before there is a value, and then four for each byte and 16 Ki besides, by using them
    /// again; 1 MiB of text, and 32 bytes of it for each byte.
    pub(crate) const fn pickled(self) -> Self {
        let Self(factor, constant) = self;
        Self(200 + 32 + 5 * factor, constant + (1 << 20) + (1 << 14) * factor)
    }
}

/// Decodes `bytes` within the bound.
#[track_caller]
pub(crate) fn decode<T: DeserializeOwned>(
    format: &(impl Format + Debug),
    codec: &(impl Codec + Debug),
    bytes: &Bytes,
    Bound(factor, constant): Bound,
) {
    let before = NOW.get();
    PEAK.set(before);
    let result = format.decode::<_, T>(codec, bytes);
    let peak = PEAK.get() - before;
    drop(result);
    let most = factor * bytes.len() + constant;
    assert!(
        peak <= most,
        "{peak} > {most} bytes for {} of {format:?} over {codec:?} from {} bytes: {:?}",
        type_name::<T>(),
        bytes.len(),
        bytes.slice(..bytes.len().min(60)),
    );
}
