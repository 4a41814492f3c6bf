use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    mem,
};

use crate::{Key, KeyBuf};

/// The fewest keys among which it is worth looking for those without a copy.
const FEW: usize = 64;

/// The keys of copies, by the digest of the name under which their changes are told. Two names of one
/// digest go together, which costs a copy and no more.
///
/// The store drops copies by itself and does not say so. So whenever the keys have doubled, those are looked
/// for that have no copy any more.
#[derive(Default)]
pub(super) struct Told {
    names: HashMap<u64, Keys>,
    count: usize,
    /// How many keys were left when they were looked through.
    left: usize,
}

/// The keys that share a name: one, or fields of a hash.
enum Keys {
    One(KeyBuf),
    Many(HashSet<KeyBuf>),
}

impl Told {
    pub(super) fn add(&mut self, name: u64, key: Key<'_>, may_be_there: impl Fn(Key<'_>) -> bool) {
        let is_new = match self.names.entry(name) {
            Entry::Occupied(mut keys) => keys.get_mut().add(key),
            Entry::Vacant(new) => {
                new.insert(Keys::One(key.to_buf()));
                true
            }
        };
        self.count += usize::from(is_new);
        if self.count > FEW.max(2 * self.left) {
            // The new one is not there yet.
            let stays = |other: Key<'_>| other == key || may_be_there(other);
            self.names.retain(|_, keys| keys.retain(stays));
            self.count = self.names.values().map(Keys::len).sum();
            self.left = self.count;
        }
    }

    pub(super) fn has(&self, name: u64, key: Key<'_>) -> bool {
        self.names.get(&name).is_some_and(|keys| match keys {
            Keys::One(one) => one.as_key() == key,
            Keys::Many(many) => many.contains(&key.to_buf()),
        })
    }

    pub(super) fn take(&mut self, name: u64) -> Vec<KeyBuf> {
        let taken = self.names.remove(&name).map_or_else(Vec::new, Keys::into_all);
        self.count -= taken.len();
        taken
    }

    pub(super) fn take_all(&mut self) -> Vec<KeyBuf> {
        (self.count, self.left) = (0, 0);
        mem::take(&mut self.names).into_values().flat_map(Keys::into_all).collect()
    }
}

impl Keys {
    /// Whether it was not among them.
    fn add(&mut self, key: Key<'_>) -> bool {
        match self {
            Self::One(one) if one.as_key() == key => false,
            Self::One(one) => {
                let one = mem::replace(one, KeyBuf::from(key));
                *self = Self::Many(HashSet::from([one, key.to_buf()]));
                true
            }
            Self::Many(many) => many.insert(key.to_buf()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many(many) => many.len(),
        }
    }

    fn retain(&mut self, keep: impl Fn(Key<'_>) -> bool) -> bool {
        match self {
            Self::One(one) => keep(one.as_key()),
            Self::Many(many) => {
                many.retain(|key| keep(key.as_key()));
                !many.is_empty()
            }
        }
    }

    fn into_all(self) -> Vec<KeyBuf> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_one_hash_go_together() {
        let mut told = Told::default();
        for key in [Key::from(("h", "1")), Key::from(("h", "2")), Key::from(("h", "1"))] {
            told.add(7, key, |_| true);
        }
        told.add(8, "k".into(), |_| true);
        let mut taken = told.take(7);
        taken.sort_by(|one, other| one.as_key().cmp(&other.as_key()));
        assert_eq!(taken, [Key::from(("h", "1")).to_buf(), Key::from(("h", "2")).to_buf()]);
        assert!(told.take(7).is_empty());
        assert_eq!(told.take_all().len(), 1);
    }

    #[test]
    fn what_is_not_there_any_more_is_not_kept_for_ever() {
        let mut told = Told::default();
        for n in 0..10_000 {
            told.add(n, n.to_string().as_str().into(), |key| key.name().ends_with("77"));
        }
        assert!(told.names.len() <= 4 * FEW, "{}", told.names.len());
        assert_eq!(told.take(9977), [KeyBuf::from(Key::from("9977"))]);
        // Nor fields of one hash.
        let mut told = Told::default();
        for n in 0..10_000 {
            let field = n.to_string();
            told.add(7, ("hash", field.as_str()).into(), |key| key.name().ends_with("77"));
        }
        assert!(told.count <= 4 * FEW, "{}", told.count);
        let fields = told.take(7);
        assert!(fields.iter().any(|key| key.as_key().name() == "9977") && told.count == 0);
    }
}
