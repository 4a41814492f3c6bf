//! Whether a file may be handed to LMDB, found out in safe code.
//!
//! LMDB maps the file and believes every number in it: a wrong one is a read outside the map, so
//! a crash. Hence the whole skeleton is walked first: both meta pages, every branch and leaf page
//! of both trees, the headers of overflow pages, and the lists of free pages. Values are not read;
//! each has a checksum of its own.

use std::{fs, io, os::unix::fs::FileExt};

use super::page::{BRANCH, HEADER, LEAF, OVERFLOW, nodes, u16_at, u32_at, u64_at};

const MAGIC: u32 = 0xBEEF_C0DE;
const DATA_VERSION: u32 = 1;
const META_END: usize = 152;
const MAX_DEPTH: u16 = 32;
const NO_PAGE: u64 = u64::MAX;

const META: u16 = 0x08;
/// Integer keys (those of the free list), and one file without a folder around it.
const FREE_FLAGS: u16 = 0x4008;

/// Unwritten pages at the end of a file that is whole: those its last transactions took and gave
/// back. No transaction takes more.
const MAX_UNWRITTEN: u64 = 1 << 20;

/// Why a file is not handed to LMDB.
#[derive(Debug)]
pub(super) enum Damage {
    /// It cannot be read.
    Io(io::Error),
    /// It is not what LMDB writes for us; in words that follow "the file".
    Wrong(&'static str),
}

impl From<io::Error> for Damage {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Wrong("is cut off"),
            _ => Self::Io(error),
        }
    }
}

pub(super) type Checked<T = ()> = Result<T, Damage>;

pub(super) fn ensure(holds: bool, otherwise: &'static str) -> Checked {
    if holds { Ok(()) } else { Err(Damage::Wrong(otherwise)) }
}

/// A tree as a meta page describes it.
#[derive(Debug)]
struct Tree {
    flags: u16,
    depth: u16,
    branches: u64,
    leaves: u64,
    overflows: u64,
    entries: u64,
    root: u64,
}

#[derive(Debug)]
struct Meta {
    page_size: u32,
    free: Tree,
    main: Tree,
    last_page: u64,
    txn: u64,
}

fn tree_at(page: &[u8], at: usize) -> Tree {
    Tree {
        flags: u16_at(page, at + 4),
        depth: u16_at(page, at + 6),
        branches: u64_at(page, at + 8),
        leaves: u64_at(page, at + 16),
        overflows: u64_at(page, at + 24),
        entries: u64_at(page, at + 32),
        root: u64_at(page, at + 40),
    }
}

fn meta_at(file: &fs::File, number: u64, page_size: u32) -> Checked<Meta> {
    let mut page = [0; META_END];
    file.read_exact_at(&mut page, number * u64::from(page_size))?;
    let known = u32_at(&page, 16) == MAGIC && u16_at(&page, 10) == META;
    ensure(known, "is not a cache file")?;
    ensure(u32_at(&page, 20) == DATA_VERSION, "was written by another version of LMDB")?;
    let meta = Meta {
        page_size: u32_at(&page, 40),
        free: tree_at(&page, 40),
        main: tree_at(&page, 88),
        last_page: u64_at(&page, 136),
        txn: u64_at(&page, 144),
    };
    let size = meta.page_size;
    ensure(size.is_power_of_two() && (4096..=32768).contains(&size), "has a damaged header")?;
    ensure(u64_at(&page, 0) == number, "has a damaged header")?;
    ensure(meta.free.flags == FREE_FLAGS && meta.main.flags == 0, "is not a cache file")?;
    Ok(meta)
}

/// Checks the two meta pages and returns the valid one. Another process may write meanwhile.
fn header(file: &fs::File) -> Checked<Meta> {
    let first = meta_at(file, 0, 0)?;
    let second = meta_at(file, 1, first.page_size)?;
    let fresh = first.txn == 0 && second.txn == 0;
    // Transaction n writes page n % 2.
    let in_turn = first.txn % 2 == 0 && second.txn % 2 == 1 && first.txn.abs_diff(second.txn) == 1;
    let alike = first.page_size == second.page_size;
    ensure((fresh || in_turn) && alike, "has a damaged header")?;
    let meta = if second.txn > first.txn { second } else { first };
    let pages = file.metadata()?.len() / u64::from(meta.page_size);
    ensure(meta.last_page >= 1, "has a damaged header")?;
    ensure(meta.last_page < pages.saturating_add(MAX_UNWRITTEN), "is cut off")?;
    Ok(meta)
}

/// Checks a file that another process has open, and therefore has checked: the header only, and
/// that the lock file belongs to it.
pub(super) fn joined(file: &fs::File, lock: &fs::File) -> Checked {
    let ours = || {
        let txn = header(file)?.txn;
        // The lock file counts transactions too; one more if a process died in between.
        let mut counted = [0; 16];
        lock.read_exact_at(&mut counted, 0)?;
        let behind = txn.wrapping_sub(u64_at(&counted, 8));
        ensure(behind <= 1, "is not the one that other processes have open: it was replaced")
    };
    let mut tries = 0;
    loop {
        match ours() {
            // They were read while a transaction went on.
            Err(Damage::Wrong(_)) if tries < 20 => tries += 1,
            other => return other,
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// Whether the file is one whose creation was cut off by a kill: nothing was ever in it.
pub(super) fn unfinished(file: &fs::File) -> bool {
    match (meta_at(file, 0, 0), file.metadata()) {
        (Ok(meta), Ok(about)) => meta.txn == 0 && about.len() < 2 * u64::from(meta.page_size),
        _ => false,
    }
}

/// Checks a file that nobody has open, wholly.
pub(super) fn whole(file: &fs::File) -> Checked {
    let meta = header(file)?;
    let page_size = meta.page_size as usize;
    let pages = usize::try_from(meta.last_page).map_or(usize::MAX, |last| last / 64 + 1);
    let mut walk = Walk {
        file,
        len: file.metadata()?.len(),
        page_size: meta.page_size.into(),
        last_page: meta.last_page,
        seen: vec![0; pages],
        page: vec![0; page_size],
    };
    walk.claim(0, 2)?;
    let mut lists = Vec::new();
    walk.tree(&meta.free, Some(&mut lists))?;
    walk.tree(&meta.main, None)?;
    for (txn, list) in &lists {
        ensure(*txn <= meta.txn, "has a damaged list of free pages")?;
        walk.free_list(list)?;
    }
    ensure(walk.is_seen(meta.last_page), "has a damaged header")
}

struct Walk<'f> {
    file: &'f fs::File,
    len: u64,
    page_size: u64,
    last_page: u64,
    /// One bit a page: whether something owns it. Nothing may be owned twice.
    seen: Vec<u64>,
    page: Vec<u8>,
}

/// The lists of free pages, by transaction.
type FreeLists = Vec<(u64, Vec<u8>)>;

impl Walk<'_> {
    fn is_seen(&self, page: u64) -> bool {
        let word = usize::try_from(page / 64).ok().and_then(|at| self.seen.get(at));
        word.is_some_and(|word| word & (1 << (page % 64)) != 0)
    }

    fn claim(&mut self, first: u64, count: u64) -> Checked {
        let end = first.checked_add(count).filter(|end| *end <= self.last_page + 1);
        let end = end.ok_or(Damage::Wrong("has a damaged page: a number is too large"))?;
        for page in first..end {
            ensure(!self.is_seen(page), "has a damaged page: two own the same one")?;
            if let Some(word) = usize::try_from(page / 64).ok().and_then(|at| self.seen.get_mut(at))
            {
                *word |= 1 << (page % 64);
            }
        }
        Ok(())
    }

    /// Reads page `number` into `self.page` and gives back its flags.
    fn load(&mut self, number: u64) -> Checked<u16> {
        self.file.read_exact_at(&mut self.page, number * self.page_size)?;
        ensure(u64_at(&self.page, 0) == number, "has a damaged page: it is another one")?;
        Ok(u16_at(&self.page, 10))
    }

    fn tree(&mut self, tree: &Tree, mut lists: Option<&mut FreeLists>) -> Checked {
        let (mut branches, mut leaves, mut entries, mut overflows) = (0, 0, 0, 0);
        let mut level = if tree.root == NO_PAGE { Vec::new() } else { vec![tree.root] };
        ensure(tree.depth <= MAX_DEPTH, "has a damaged header")?;
        ensure((tree.depth == 0) == level.is_empty(), "has a damaged header")?;
        // Level by level, each in the order of the file: the kernel reads ahead.
        for depth in 1..=tree.depth {
            level.sort_unstable();
            let mut below = Vec::new();
            let mut big = Vec::new();
            for number in std::mem::take(&mut level) {
                self.claim(number, 1)?;
                let flags = self.load(number)?;
                if depth < tree.depth {
                    ensure(flags == BRANCH, "has a damaged page: not a branch")?;
                    branches += 1;
                    let least = if lists.is_some() { 1 } else { 2 };
                    let nodes = nodes(&self.page, true)?;
                    ensure(nodes.len() >= least, "has a damaged page: a bare branch")?;
                    below.extend(nodes.iter().map(|node| node.child));
                    continue;
                }
                ensure(flags == LEAF, "has a damaged page: not a leaf")?;
                leaves += 1;
                let nodes = nodes(&self.page, false)?;
                entries += nodes.len() as u64;
                for node in nodes {
                    let key = lists.is_some().then(|| node.key(&self.page));
                    match (node.big, key) {
                        (Some(at), key) => big.push((at, node.size, key)),
                        (None, Some(key)) => {
                            let list = node.data(&self.page).to_vec();
                            push_list(lists.as_deref_mut(), key?, list);
                        }
                        (None, None) => {}
                    }
                }
            }
            big.sort_unstable_by_key(|(at, ..)| *at);
            for (at, size, key) in big {
                overflows += self.overflow(at, size)?;
                if let Some(key) = key {
                    let key = key?;
                    let mut list = vec![0; size];
                    self.file.read_exact_at(&mut list, at * self.page_size + HEADER as u64)?;
                    push_list(lists.as_deref_mut(), key, list);
                }
            }
            level = below;
        }
        let counted = branches == tree.branches && leaves == tree.leaves;
        let counted = counted && entries == tree.entries && overflows == tree.overflows;
        ensure(counted, "has a damaged header: its counts are wrong")
    }

    /// Checks a run of overflow pages that holds `size` bytes, and gives back its length.
    fn overflow(&mut self, at: u64, size: usize) -> Checked<u64> {
        ensure(at <= self.last_page, "has a damaged page: a number is too large")?;
        let mut head = [0; HEADER];
        self.file.read_exact_at(&mut head, at * self.page_size)?;
        let right = u64_at(&head, 0) == at && u16_at(&head, 10) == OVERFLOW;
        ensure(right, "has a damaged page: not a value")?;
        let pages = u64::from(u32_at(&head, 12));
        ensure(pages * self.page_size >= (HEADER + size) as u64, "has a damaged page: too short")?;
        self.claim(at, pages)?;
        ensure((at + pages) * self.page_size <= self.len, "is cut off")?;
        Ok(pages)
    }

    /// A list is its length and that many page numbers, falling.
    fn free_list(&mut self, list: &[u8]) -> Checked {
        const BAD: &str = "has a damaged list of free pages";
        let count = u64_at(list, 0);
        ensure(count.checked_add(1).is_some_and(|n| n <= list.len() as u64 / 8), BAD)?;
        let mut before = NO_PAGE;
        for raw in list.chunks_exact(8).skip(1).zip(0..count).map(|(raw, _)| raw) {
            let page = u64_at(raw, 0);
            ensure(page < before, BAD)?;
            self.claim(page, 1)?;
            before = page;
        }
        Ok(())
    }
}

fn push_list(lists: Option<&mut FreeLists>, txn: u64, list: Vec<u8>) {
    if let Some(lists) = lists {
        lists.push((txn, list));
    }
}
