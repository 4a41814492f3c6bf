//! Counts what each thread allocates. Three additions to memory of the thread itself, for every row alike.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

struct Counting;

thread_local! {
    static LIVE: Cell<i64> = const { Cell::new(0) };
    static COUNTED: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

fn count(bytes: usize) {
    // A thread that ends allocates, too, when its cells are gone.
    let _ = COUNTED.try_with(|counted| {
        let (times, sum) = counted.get();
        counted.set((times + 1, sum + bytes as u64));
    });
    grown(bytes.cast_signed() as i64);
}

fn grown(bytes: i64) {
    let _ = LIVE.try_with(|live| live.set(live.get() + bytes));
}

/// Allocations of this thread so far, and their bytes.
pub(crate) fn so_far() -> (u64, u64) {
    COUNTED.with(Cell::get)
}

/// Bytes that this thread has allocated and not freed. What another thread frees stays in it.
pub fn live_bytes() -> i64 {
    LIVE.with(Cell::get)
}

// SAFETY: everything is left to `System`; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        grown(-(layout.size().cast_signed() as i64));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        grown(-(layout.size().cast_signed() as i64));
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
