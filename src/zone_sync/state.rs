//! What survives a crash, the state file; and the small things that a node remembers.

use std::collections::BTreeMap;
use std::fmt;

use super::record::Record;
use crate::Ticket;
use crate::kv::Key;
use crate::process::{Damage, Size};

/// One change of the state file.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Saved {
    /// A key holds this record, with its stamp: its life goes on where it was, and older news stay older.
    Is(Record),
    /// A key holds nothing.
    Gone(Key),
}

/// What the state file holds and is still alive. A record that cannot be read is missing, and the others have it: nobody
/// was promised that this node would keep it.
pub fn recover(disk: &[Result<Saved, Damage>], now: u64) -> Vec<Record> {
    let mut records = BTreeMap::new();
    for saved in disk.iter().flatten() {
        match saved {
            Saved::Is(record) => {
                records.insert(record.key, *record);
            }
            Saved::Gone(key) => {
                records.remove(key);
            }
        }
    }
    records
        .into_values()
        .filter(|record| record.deadline() > now)
        .collect()
}

impl Size for Saved {
    fn size(&self) -> usize {
        match self {
            Saved::Is(record) => record.size_on_wire(),
            Saved::Gone(_) => 8,
        }
    }
}

impl fmt::Display for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Saved::Is(record) => write!(f, "{record}"),
            Saved::Gone(key) => write!(f, "nothing at {key}"),
        }
    }
}

/// How long the state file is: changes are appended, and when most of them are history it is written anew.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct StateFile {
    changes: usize,
    /// Whether something was written that no flush was asked for yet.
    unsaved: bool,
}

impl StateFile {
    /// A file of so many changes.
    pub fn new(changes: usize) -> StateFile {
        StateFile {
            changes,
            unsaved: false,
        }
    }

    /// A change was appended.
    pub fn grew(&mut self) {
        self.changes += 1;
        self.unsaved = true;
    }

    /// Whether there is anything to be made durable, which the caller does now.
    pub fn take_unsaved(&mut self) -> bool {
        std::mem::take(&mut self.unsaved)
    }

    /// Whether more than half of it is history, given that so many records are alive.
    pub fn is_long(&self, records: usize) -> bool {
        self.changes > 2 * records + 1000
    }
}

/// How far a node is with quitting.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Quitting {
    /// It tells what it has not told.
    Telling,
    /// It has closed its streams, and waits for what it saved to be durable.
    Saving(Ticket),
}

/// What the real system's API shows of a node (`/api/9/stream/zone_sync`), since it started.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Counters {
    /// Frames that arrived.
    pub msgs_in: u64,
    /// Frames that were pushed.
    pub msgs_out: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Their bytes.
    pub bytes_out: u64,
}

impl Counters {
    /// A frame of so many bytes arrived.
    pub fn came(&mut self, bytes: usize) {
        self.msgs_in += 1;
        self.bytes_in += bytes as u64;
    }

    /// A frame of so many bytes was pushed.
    pub fn went(&mut self, bytes: usize) {
        self.msgs_out += 1;
        self.bytes_out += bytes as u64;
    }
}
