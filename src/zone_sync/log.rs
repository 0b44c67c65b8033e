//! What the other nodes have yet to be told of a zone, in the order in which it changed.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use super::slots::Slot;
use crate::NodeId;
use crate::kv::Key;

/// How a change came into the log, by which it is known who is to be told of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Origin {
    /// It was made here.
    Here,
    /// This node told it.
    Told(NodeId),
    /// The same, and it took the place of one that was to be told itself: whoever would have been told that has to be
    /// told this.
    ToldInstead(NodeId),
}

impl Origin {
    /// Who told it, if it was not made here.
    pub fn from(self) -> Option<NodeId> {
        match self {
            Origin::Here => None,
            Origin::Told(from) | Origin::ToldInstead(from) => Some(from),
        }
    }
}

/// A key, and how it came into the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Change {
    pub(super) key: Key,
    pub(super) origin: Origin,
}

/// The changes of a zone by version, each key at most once. Versions never come again.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Log {
    changes: BTreeMap<u64, Change>,
    newest: u64,
}

impl Log {
    /// Puts a slot's key at the end, wherever it stood before.
    pub(super) fn enter(&mut self, slot: &mut Slot, origin: Origin) {
        self.leave(slot);
        self.newest += 1;
        slot.version = self.newest;
        let key = slot.record.key;
        self.changes.insert(self.newest, Change { key, origin });
    }

    /// Takes a slot's key out; whether it was in.
    pub(super) fn leave(&mut self, slot: &mut Slot) -> bool {
        let version = std::mem::take(&mut slot.version);
        version > 0 && self.changes.remove(&version).is_some()
    }

    /// Takes the first out, unless it is behind a version. Its slot does not know yet.
    pub(super) fn pop_first(&mut self, upto: u64) -> Option<Key> {
        let first = self.changes.first_entry()?;
        (*first.key() <= upto).then(|| first.remove().key)
    }

    /// Takes the last out. Its slot does not know yet.
    pub(super) fn pop_last(&mut self) -> Option<Key> {
        self.changes.pop_last().map(|(_, change)| change.key)
    }

    /// What changed behind a version, in order.
    pub(super) fn behind(&self, version: u64) -> impl Iterator<Item = (u64, &Change)> {
        let behind = self.changes.range((Excluded(version), Unbounded));
        behind.map(|(version, change)| (*version, change))
    }

    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    /// The version of the last change there was, whether or not it is still in.
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }
}
