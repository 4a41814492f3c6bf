//! Pages as LMDB lays them out, read with suspicion.
//!
//! Data version 1, 64 bit: pages of one size. Pages 0 and 1 are meta pages, written in turn. A page
//! header has 16 bytes: its number (8), padding (2), flags (2), then either the two bounds of its
//! free space (2 + 2) or a count of overflow pages (4). Numbers are the machine's.

use super::check::{Checked, ensure};

pub(super) const HEADER: usize = 16;
const NODE_HEADER: usize = 8;
const MAX_KEY: usize = 511;

pub(super) const BRANCH: u16 = 0x01;
pub(super) const LEAF: u16 = 0x02;
pub(super) const OVERFLOW: u16 = 0x04;
/// A node whose data is the number of an overflow page.
const BIG_DATA: u16 = 0x01;

#[expect(clippy::host_endian_bytes, reason = "LMDB writes in the machine's own order")]
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |raw| u16::from_ne_bytes(*raw))
}

#[expect(clippy::host_endian_bytes, reason = "LMDB writes in the machine's own order")]
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |raw| u32::from_ne_bytes(*raw))
}

#[expect(clippy::host_endian_bytes, reason = "LMDB writes in the machine's own order")]
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |raw| u64::from_ne_bytes(*raw))
}

/// One entry of a branch or leaf page.
pub(super) struct Node {
    at: usize,
    key_len: usize,
    /// Of the data, wherever it is.
    pub(super) size: usize,
    pub(super) child: u64,
    /// The overflow page that holds the data.
    pub(super) big: Option<u64>,
}

impl Node {
    /// The key of a list of free pages: a transaction.
    pub(super) fn key(&self, page: &[u8]) -> Checked<u64> {
        ensure(self.key_len == 8, "has a damaged list of free pages")?;
        Ok(u64_at(page, self.at + NODE_HEADER))
    }

    pub(super) fn data<'p>(&self, page: &'p [u8]) -> &'p [u8] {
        let start = self.at + NODE_HEADER + self.key_len;
        page.get(start..start + self.size).unwrap_or_default()
    }
}

/// The nodes of a page. They must fill the space above its upper bound without a gap, because
/// LMDB moves them by these sizes.
pub(super) fn nodes(page: &[u8], branch: bool) -> Checked<Vec<Node>> {
    const BAD: &str = "has a damaged page";
    let (lower, upper) = (usize::from(u16_at(page, 12)), usize::from(u16_at(page, 14)));
    ensure(lower > HEADER && lower % 2 == 0 && lower <= upper && upper <= page.len(), BAD)?;
    let mut nodes = Vec::with_capacity((lower - HEADER) / 2);
    let mut extents = Vec::with_capacity(nodes.capacity());
    for slot in (HEADER..lower).step_by(2) {
        let at = usize::from(u16_at(page, slot));
        ensure(at >= upper && at + NODE_HEADER <= page.len(), BAD)?;
        let (low, high) = (u16_at(page, at), u16_at(page, at + 2));
        let flags = u16_at(page, at + 4);
        let key_len = usize::from(u16_at(page, at + 6));
        ensure(key_len <= MAX_KEY && (branch || key_len > 0), BAD)?;
        let size = u32::from(low) | u32::from(high) << 16;
        let child = u64::from(size) | u64::from(flags) << 32;
        let is_big = !branch && flags == BIG_DATA;
        ensure(branch || is_big || flags == 0, BAD)?;
        let size = if branch { 0 } else { size as usize };
        let inline = if is_big { 8 } else { size };
        let end = at + NODE_HEADER + key_len + inline;
        ensure(end <= page.len(), BAD)?;
        let big = is_big.then(|| u64_at(page, at + NODE_HEADER + key_len));
        extents.push((at, end.next_multiple_of(2)));
        nodes.push(Node { at, key_len, size, child, big });
    }
    extents.sort_unstable();
    let mut expected = upper;
    for (at, end) in extents {
        ensure(at == expected, BAD)?;
        expected = end;
    }
    ensure(expected == page.len(), BAD)?;
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leaf page with these keys and values.
    fn leaf(entries: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut page = vec![0; 4096];
        let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
        let short = |n: usize| raw(u16::try_from(n).unwrap());
        let mut upper = 4096;
        for (i, (key, value)) in entries.iter().enumerate() {
            upper -= (NODE_HEADER + key.len() + value.len()).next_multiple_of(2);
            put(HEADER + 2 * i, &short(upper));
            put(upper, &short(value.len()));
            put(upper + 6, &short(key.len()));
            put(upper + NODE_HEADER, key);
            put(upper + NODE_HEADER + key.len(), value);
        }
        put(10, &raw(LEAF));
        put(12, &short(HEADER + 2 * entries.len()));
        put(14, &short(upper));
        page
    }

    #[expect(clippy::host_endian_bytes, reason = "as LMDB writes")]
    fn raw(n: u16) -> [u8; 2] {
        n.to_ne_bytes()
    }

    #[test]
    fn reads_the_nodes_of_a_page() {
        let page = leaf(&[(b"a", b"1"), (b"key", b"value"), (b"z", b"")]);
        let found = nodes(&page, false).unwrap();
        let sizes: Vec<_> = found.iter().map(|node| (node.key_len, node.size)).collect();
        assert_eq!(sizes, [(1, 1), (3, 5), (1, 0)]);
        assert_eq!(found[1].data(&page), b"value");
    }

    #[test]
    fn refuses_nodes_that_leave_the_page_or_overlap() {
        let page = leaf(&[(b"a", b"1"), (b"key", b"value"), (b"z", b"")]);
        for at in [12, 14, 16, 18, 20] {
            for wrong in [0_u16, 2, 17, 4094, 4095, 4096, u16::MAX] {
                let mut bad = page.clone();
                bad[at..at + 2].copy_from_slice(&raw(wrong));
                assert!(nodes(&bad, false).is_err(), "{wrong} at {at}");
            }
        }
        assert!(nodes(&vec![0; 4096], false).is_err());
        assert!(nodes(&vec![0xff; 4096], false).is_err());
        assert!(nodes(&[], false).is_err());
    }
}
