//! Where the records of a zone are: side by side, and found by a slim map.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound::{Excluded, Unbounded};

use super::record::Record;
use crate::kv::Key;

/// A record, and where it is to be told.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Slot {
    pub(super) record: Record,
    /// Where it stands in the log; 0 if it does not.
    pub(super) version: u64,
}

/// The slots of a zone, by key.
///
/// A map of whole records is large, and a search in it goes from one cache line to the next that is far away. One of
/// places is small, and what it leads to is read once.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Slots {
    /// Invariant: exactly the keys of the slots, each with the place of its slot.
    places: BTreeMap<Key, u32>,
    slots: Vec<Slot>,
}

impl Slots {
    pub(super) fn new() -> Slots {
        Slots {
            places: BTreeMap::new(),
            slots: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn get(&self, key: Key) -> Option<&Slot> {
        let place = self.places.get(&key)?;
        Some(&self.slots[*place as usize])
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Slot> {
        let place = self.places.get(&key)?;
        Some(&mut self.slots[*place as usize])
    }

    /// The slot of a record's key, and whether it was there; if it was not, the record gets one, which stands in no log.
    pub(super) fn get_or_insert(&mut self, record: Record) -> (&mut Slot, bool) {
        let next = self.slots.len();
        let (place, found) = match self.places.entry(record.key) {
            Entry::Occupied(place) => (*place.get() as usize, true),
            Entry::Vacant(place) => {
                // There are no more keys than that.
                place.insert(next as u32);
                self.slots.push(Slot { record, version: 0 });
                (next, false)
            }
        };
        (&mut self.slots[place], found)
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Slot> {
        let place = self.places.remove(&key)?;
        let slot = self.slots.swap_remove(place as usize);
        if let Some(moved) = self.slots.get(place as usize) {
            self.places.insert(moved.record.key, place);
        }
        Some(slot)
    }

    /// All records, in no order that means anything.
    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.slots.iter().map(|slot| &slot.record)
    }

    /// The records behind a key (behind `None`: all) in the order of their keys.
    pub(super) fn records_after(&self, key: Option<Key>) -> impl Iterator<Item = &Record> {
        let start = key.map_or(Unbounded, Excluded);
        let behind = self.places.range((start, Unbounded));
        behind.map(|(_, place)| &self.slots[*place as usize].record)
    }
}
