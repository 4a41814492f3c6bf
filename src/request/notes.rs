//! The store of a request: what it has read and written so far.

use std::{
    any::{Any, TypeId},
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hashbrown::{HashTable, hash_table::Entry as Place};

use super::scope::RequestScope;
use crate::{Entry, Key, KeyBuf, Result};

/// What a store says to a read.
pub(super) type Answer<T> = Result<Option<Entry<Option<T>>>>;

/// What a request knows of the keys of all its stacks.
#[derive(Default)]
pub(super) struct Notes {
    table: Mutex<HashTable<Slot>>,
}

/// A key of one layer, with its hash.
#[derive(Clone, Copy)]
pub(super) struct At<'k> {
    pub(super) layer: u64,
    pub(super) hash: u64,
    pub(super) key: Key<'k>,
}

/// What is known of one key, and who is at it.
struct Slot {
    layer: u64,
    hash: u64,
    key: KeyBuf,
    /// How often what is known was changed on purpose: an answer to a question from before is not noted.
    changes: u64,
    /// How many reads and changes are under way. While there are any, the slot stays.
    users: usize,
    note: Note,
}

enum Note {
    Unknown,
    /// An `Entry<Option<T>>` of some `T`.
    Entry(Arc<dyn Any + Send + Sync>),
    /// The stack had nothing.
    Absent {
        /// The `T` it was asked for.
        of: TypeId,
        /// Whether reads are answered by this. Not any more once somebody is about to create the value,
        /// or waits for one who does.
        kept: bool,
        /// Whether one was, and the stack has not been asked since.
        served: bool,
    },
}

/// What the notes say of a key.
pub(super) enum Noted<T> {
    Found(Entry<Option<T>>),
    /// The stack has said that there is nothing.
    Absent,
    /// The stack has to be asked.
    Ask,
}

impl Notes {
    /// What is noted. Of another type nothing is known.
    pub(super) fn recall<T: Clone + 'static>(&self, at: At<'_>) -> Noted<T> {
        let noted = {
            let mut table = self.table();
            match table.find_mut(at.hash, |slot| slot.is_at(at)).map(|slot| &mut slot.note) {
                Some(Note::Entry(entry)) => Arc::clone(entry),
                Some(Note::Absent { of, kept: true, served }) if *of == TypeId::of::<T>() => {
                    *served = true;
                    return Noted::Absent;
                }
                _ => return Noted::Ask,
            }
        };
        // Cloning is the user's code, and so not done under the lock.
        noted.downcast_ref().cloned().map_or(Noted::Ask, Noted::Found)
    }

    /// The entry that is noted, if there is one.
    pub(super) fn entry<T: Clone + 'static>(&self, at: At<'_>) -> Option<Entry<Option<T>>> {
        let noted = match &self.table().find(at.hash, |slot| slot.is_at(at))?.note {
            Note::Entry(entry) => Arc::clone(entry),
            _ => return None,
        };
        noted.downcast_ref().cloned()
    }

    /// The same for one who is about to create, to whom absence counts only if nobody was told of it from
    /// memory. From here on it is not remembered: others may create the value at any time, and this caller
    /// may wait for it.
    pub(super) fn recheck<T: Clone + 'static>(&self, at: At<'_>) -> Noted<T> {
        let noted = {
            let mut table = self.table();
            let Some(slot) = table.find_mut(at.hash, |slot| slot.is_at(at)) else {
                return Noted::Absent;
            };
            match &mut slot.note {
                Note::Unknown => return Noted::Absent,
                Note::Entry(entry) => Arc::clone(entry),
                Note::Absent { kept, served, .. } => {
                    if mem::take(kept) && *served {
                        // Whoever asks already may get an answer that is as old as the note.
                        slot.changes += 1;
                    }
                    return if *served { Noted::Ask } else { Noted::Absent };
                }
            }
        };
        noted.downcast_ref().cloned().map_or(Noted::Ask, Noted::Found)
    }

    /// Notes what the request was handed past the stack, in place of the absence that it had found.
    pub(super) fn handed<T: Send + Sync + 'static>(
        &self,
        at: At<'_>,
        entry: impl FnOnce() -> Entry<Option<T>>,
    ) {
        let waits = |slot: &Slot| matches!(slot.note, Note::Absent { served: false, .. });
        if !self.table().find(at.hash, |slot| slot.is_at(at)).is_some_and(waits) {
            return;
        }
        // Made outside of the lock: cloning is the user's code.
        let made = Note::of(entry());
        let mut table = self.table();
        let slot = table.find_mut(at.hash, |slot| slot.is_at(at)).filter(|slot| waits(slot));
        let made = match slot {
            Some(slot) => mem::replace(&mut slot.note, made),
            None => made,
        };
        drop(table);
        drop(made);
    }

    /// Takes part in the key: the number of its changes, and whether there is room to note anything. A
    /// read for which there is none takes no part.
    fn enter(&self, at: At<'_>, is_change: bool, room: usize) -> Option<(u64, bool)> {
        let mut gone = Note::Unknown;
        let mut table = self.table();
        let mut has_room = table.len() < room;
        let mut place = match table.entry(at.hash, |slot| slot.is_at(at), |slot| slot.hash) {
            Place::Occupied(place) => {
                has_room = true;
                place
            }
            Place::Vacant(_) if !has_room && !is_change => return None,
            Place::Vacant(place) => place.insert(Slot {
                layer: at.layer,
                hash: at.hash,
                key: at.key.to_buf(),
                changes: 0,
                users: 0,
                note: Note::Unknown,
            }),
        };
        let slot = place.get_mut();
        slot.users += 1;
        if is_change {
            gone = slot.forget();
        }
        let mine = slot.changes;
        drop(table);
        drop(gone);
        Some((mine, has_room))
    }

    /// Takes leave of the key, with what `last` does to it. What that returns is dropped, not under the lock.
    fn leave<R>(&self, at: At<'_>, last: impl FnOnce(&mut Slot) -> R) {
        let mut table = self.table();
        let Ok(mut place) = table.find_entry(at.hash, |slot| slot.is_at(at)) else { return };
        let slot = place.get_mut();
        slot.users -= 1;
        let gone = last(slot);
        let slot =
            (slot.users == 0 && matches!(slot.note, Note::Unknown)).then(|| place.remove().0);
        drop(table);
        drop((gone, slot));
    }

    fn table(&self) -> MutexGuard<'_, HashTable<Slot>> {
        // No code of users runs under this lock.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn is_at(&self, at: At<'_>) -> bool {
        self.layer == at.layer && self.key.as_key() == at.key
    }

    /// Forgets what is known, but not that somebody was answered from memory.
    fn forget(&mut self) -> Note {
        self.changes += 1;
        match &mut self.note {
            Note::Absent { kept, served: true, .. } => {
                *kept = false;
                Note::Unknown
            }
            note => mem::replace(note, Note::Unknown),
        }
    }
}

impl Note {
    fn of<T: Send + Sync + 'static>(entry: Entry<Option<T>>) -> Self {
        Self::Entry(Arc::new(entry))
    }
}

/// A read or a change of one key, under way. One that is dropped has noted nothing; if it was a change,
/// nobody knows what the stack has now.
pub(super) struct Claim<'k> {
    scope: RequestScope,
    at: At<'k>,
    /// The number of changes when it began.
    mine: u64,
    has_room: bool,
    is_change: bool,
    is_open: bool,
}

impl<'k> Claim<'k> {
    /// Begins a read; `None` if the request has `room` for no more.
    pub(super) fn read(scope: &RequestScope, at: At<'k>, room: usize) -> Option<Self> {
        Self::begin(scope, at, false, room)
    }

    /// Begins a change, which forgets what is known.
    pub(super) fn change(scope: &RequestScope, at: At<'k>, room: usize) -> Option<Self> {
        Self::begin(scope, at, true, room)
    }

    fn begin(scope: &RequestScope, at: At<'k>, is_change: bool, room: usize) -> Option<Self> {
        let (mine, has_room) = scope.notes().enter(at, is_change, room)?;
        Some(Self { scope: scope.clone(), at, mine, has_room, is_change, is_open: true })
    }

    /// Notes what a read has found, unless the key was changed since it began. That there is nothing is
    /// noted only if `all` were asked that could have something.
    pub(super) fn found<T: Clone + Send + Sync + 'static>(mut self, found: &Answer<T>, all: bool) {
        let Ok(found) = found else { return };
        let found = found.as_ref().map(|entry| Note::of(entry.clone()));
        let mine = self.mine;
        self.close(|slot| match (found, &mut slot.note) {
            (Some(found), _) if slot.changes != mine => found,
            (Some(found), note) => mem::replace(note, found),
            (None, _) if slot.changes != mine => Note::Unknown,
            (None, Note::Absent { kept: false, served, .. }) => {
                *served = false;
                Note::Unknown
            }
            (None, Note::Absent { .. }) => Note::Unknown,
            (None, note @ Note::Unknown) if all => {
                *note = Note::Absent { of: TypeId::of::<T>(), kept: true, served: false };
                Note::Unknown
            }
            // Of two answers that differ nobody knows which is the newer one.
            (None, note) => mem::replace(note, Note::Unknown),
        });
    }

    /// Notes what was written, unless another one was at it at the same time: then nobody knows whose
    /// value is the last.
    pub(super) fn wrote<T: Clone + Send + Sync + 'static>(mut self, entry: &Entry<Option<T>>) {
        if !self.has_room {
            return self.removed();
        }
        let written = Note::of(entry.clone());
        let mine = self.mine;
        self.close(|slot| {
            if slot.changes != mine {
                return (slot.forget(), Some(written));
            }
            slot.changes += 1;
            (mem::replace(&mut slot.note, written), None)
        });
    }

    /// Notes that nothing is known now: what reads from before have found is void.
    pub(super) fn removed(mut self) {
        self.close(|slot| {
            slot.changes += 1;
            mem::replace(&mut slot.note, Note::Unknown)
        });
    }

    fn close<R>(&mut self, last: impl FnOnce(&mut Slot) -> R) {
        self.is_open = false;
        self.scope.notes().leave(self.at, last);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if self.is_open {
            let is_change = self.is_change;
            self.close(|slot| if is_change { slot.forget() } else { Note::Unknown });
        }
    }
}

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notes").field("keys", &self.table().len()).finish_non_exhaustive()
    }
}
