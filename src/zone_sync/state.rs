//! What survives a crash: the state file.

use std::collections::BTreeMap;
use std::fmt;

use super::record::Record;
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
