//! A key as it is kept inside the process.

use std::hash::{Hash, Hasher};

use equivalent::Equivalent;

use crate::{Key, key::SEPARATOR};

/// How long a key may be that needs no memory of its own: as much as there is room for in three words.
const SHORT: usize = 22;

/// The flat form of a key. A short one lies beside its entry: looking at it brings no further line into the
/// processor's cache, which is most of what a hit takes where the map does not fit into that.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum HeldKey {
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

impl HeldKey {
    #[inline]
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Short(len, bytes) => &bytes[..usize::from(*len).min(SHORT)],
            Self::Long(bytes) => bytes,
        }
    }

    // Out of line, so that the comparison of plain keys is small enough to be inlined into the
    // search of a map.
    #[inline(never)]
    fn is_pair(&self, space: &[u8], name: &[u8]) -> bool {
        self.bytes().strip_prefix(space).and_then(|rest| rest.strip_prefix(&[SEPARATOR]))
            == Some(name)
    }
}

impl From<Key<'_>> for HeldKey {
    fn from(key: Key<'_>) -> Self {
        let space = key.space().map(str::as_bytes);
        let name = key.name().as_bytes();
        let len = space.map_or(0, |space| space.len() + 1) + name.len();
        let mut bytes = [0; SHORT];
        match (u8::try_from(len), bytes.get_mut(..len)) {
            (Ok(len), Some(room)) => {
                let (before, after) = room.split_at_mut(room.len() - name.len());
                if let (Some(space), Some((separator, before))) = (space, before.split_last_mut()) {
                    before.copy_from_slice(space);
                    *separator = SEPARATOR;
                }
                after.copy_from_slice(name);
                Self::Short(len, bytes)
            }
            _ => Self::Long(key.flat().into()),
        }
    }
}

impl Hash for HeldKey {
    // As `Key` does, in the same pieces.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut name = self.bytes();
        if let Some(at) = name.iter().position(|byte| *byte == SEPARATOR) {
            state.write(&name[..at]);
            state.write_u8(SEPARATOR);
            name = &name[at + 1..];
        }
        state.write(name);
    }
}

// Maps that look up by `Equivalent` take a `Key` without owning it.
impl Equivalent<HeldKey> for Key<'_> {
    #[expect(clippy::inline_always, reason = "measured: part of the search of a map")]
    #[inline(always)]
    fn equivalent(&self, key: &HeldKey) -> bool {
        match self.space() {
            // No plain key has the flat form of a pair.
            None => key.bytes() == self.name().as_bytes(),
            Some(space) => key.is_pair(space.as_bytes(), self.name().as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn is_found_by_its_key_and_by_no_other() {
        let state = std::hash::RandomState::new();
        let long = "x".repeat(SHORT + 1);
        let (full, half) = (&long[1..], &long[..SHORT / 2]);
        let keys: Vec<Key<'_>> = vec![
            "".into(),
            "a".into(),
            ("", "").into(),
            ("", "a").into(),
            ("a", "").into(),
            full.into(),
            (half, &half[1..]).into(),
            (&half[1..], half).into(),
            (half, half).into(),
            long.as_str().into(),
            ("a", long.as_str()).into(),
            (long.as_str(), "a").into(),
        ];
        for key in &keys {
            let held = HeldKey::from(*key);
            assert_eq!(state.hash_one(*key), state.hash_one(&held), "{key:?}");
            assert_eq!(held.bytes(), &*key.flat(), "{key:?}");
            for other in &keys {
                assert_eq!(other.equivalent(&held), key == other, "{key:?} and {other:?}");
            }
        }
        assert!(matches!(HeldKey::from(keys[5]), HeldKey::Short(..)), "as long as can be");
        assert!(
            matches!(HeldKey::from(keys[8]), HeldKey::Long(_)),
            "one longer, with what is between"
        );
        assert_eq!(size_of::<HeldKey>(), 24);
    }
}
